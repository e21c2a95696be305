package hf

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"curvestream/accel"
)

func TestZeroSettingsAreTheLiterature(t *testing.T) {
	if err := (Settings{}).Validate(); err != nil {
		t.Fatal(err)
	}
	s := Settings{}.WithDefaults()
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"lambda", s.Lambda, 1.0},
		{"LM", s.LM, LM{Low: 0.25, High: 0.75, Raise: 1.5, Drop: 2.0 / 3, Min: 1e-12, Max: 1e12}},
		{"CG limit", s.CG.Max, 250},
		{"zeta", s.CG.Zeta, 0.95},
		{"xi", s.Precondition.Xi, 0.75},
		{"kappa of mean", s.Precondition.KappaOfMean, 0.0},
		{"line search", s.LineSearch.LineSearch, LineSearch{Factor: 0.8, C: 1e-2, Max: 60}},
		{"rejections", s.MaxRejections, 10},
		{"subspace", s.KSD, KSD{Size: 20, Iterations: 30, Floor: 1e-4}},
		{"draws", s.Precondition.Draws, 1},
		{"damping matrix", s.DampingShape, Interpolation{Xi: 1, KappaOfMean: 1e-2}},
		{"share", s.Rho.Share, 1.0},
		{"again", s, s.WithDefaults()},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s = %v, want %v", c.name, c.got, c.want)
		}
	}
	trust := Settings{Damping: DampTrustRegion}.WithDefaults()
	if trust.Lambda != 0 || trust.Radius != 1 || trust.Precondition.KappaOfMean != 1e-2 {
		t.Errorf("trust region: λ = %g, r = %g, κ of the mean %g", trust.Lambda, trust.Radius, trust.Precondition.KappaOfMean)
	}
}

func TestValidateNamesEachProblem(t *testing.T) {
	bad := map[string]Settings{
		"Lambda":                   {Lambda: -1},
		"Lambda = 1e+13":           {Lambda: 1e13},
		"Structural.Mu = 1e-15":    {Structural: Structural{Mu: 1e-15, Rule: MuOwn}},
		"Radius":                   {Radius: math.NaN()},
		"Damping":                  {Damping: 9},
		"LM.Low":                   {LM: LM{Low: 0.9}},
		"LM.Raise":                 {LM: LM{Raise: 0.5}},
		"LM.Drop":                  {LM: LM{Drop: 1.1}},
		"LM.Min":                   {LM: LM{Min: 2, Max: 1}},
		"Structural.Mu":            {Structural: Structural{Mu: math.Inf(1)}},
		"Structural.Rule":          {Structural: Structural{Mu: 1}, Damping: DampTrustRegion},
		"Structural.LM.Raise":      {Structural: Structural{LM: LM{Raise: -1}}},
		"Rho.Role":                 {Rho: Rho{Role: 3}},
		"CG.Max":                   {CG: CGSettings{Max: -1}},
		"CG.Progress.Form":         {CG: CGSettings{Progress: RelativeProgress{Form: 2}}},
		"CG.Progress.Tolerance":    {CG: CGSettings{Progress: RelativeProgress{Tolerance: -1}}},
		"CG.Refresh":               {CG: CGSettings{Refresh: -1}},
		"CG.ResidualTolerance":     {CG: CGSettings{ResidualTolerance: 1}},
		"CG.Start":                 {CG: CGSettings{Start: 7}},
		"CG.Start = highest":       {CG: CGSettings{Start: StartHighest}},
		"CG.Zeta":                  {CG: CGSettings{Zeta: 1.01}},
		"CG.ZetaSchedule[1]":       {CG: CGSettings{ZetaSchedule: Schedule{{5, 0.9}, {5, 0.95}}}},
		"CG.ZetaSchedule[0]":       {CG: CGSettings{ZetaSchedule: Schedule{{5, 1.9}}}},
		"CG.Watch.Every":           {CG: CGSettings{Watch: Watch{Every: -5}}},
		"CG.Watch.Tolerance":       {CG: CGSettings{Watch: Watch{Tolerance: -5}}},
		"Precondition.Kind":        {Precondition: PreconditionSettings{Kind: 5}},
		"Precondition.Xi":          {Precondition: PreconditionSettings{Xi: 1.5}},
		"Precondition.Kappa":       {Damping: DampNone, Precondition: PreconditionSettings{KappaOfMean: -1}},
		"Select.Rule":              {Select: SelectSettings{Rule: 4}},
		"Select.Role":              {Select: SelectSettings{Role: -1}},
		"Select.Grid.Start":        {Select: SelectSettings{Grid: Grid{Start: 0.5}}},
		"Select.Grid.Ratio":        {Select: SelectSettings{Grid: Grid{Ratio: 1}}},
		"Select.Grid.Every":        {Select: SelectSettings{Grid: Grid{Every: -1}}},
		"LineSearch.Kind":          {LineSearch: LineSearchSettings{LineSearch: LineSearch{Kind: 2}}},
		"LineSearch.Rate[0]":       {LineSearch: LineSearchSettings{LineSearch: LineSearch{Rate: Schedule{{1, -1}}}}},
		"LineSearch.Factor":        {LineSearch: LineSearchSettings{LineSearch: LineSearch{Factor: 1}}},
		"LineSearch.C":             {LineSearch: LineSearchSettings{LineSearch: LineSearch{C: -1}}},
		"LineSearch.Max":           {LineSearch: LineSearchSettings{LineSearch: LineSearch{Max: -1}}},
		"LineSearch.Role":          {LineSearch: LineSearchSettings{Role: 8}},
		"MaxRejections":            {MaxRejections: -1},
		"Method":                   {Method: 7},
		"Curvature":                {Curvature: 7},
		"Growth.Theta":             {Growth: Growth{Theta: -1}},
		"Growth.Factor":            {Growth: Growth{Factor: 1}},
		"KSD.Size":                 {KSD: KSD{Size: -1}},
		"KSD.Iterations":           {KSD: KSD{Iterations: -1}},
		"KSD.Floor":                {KSD: KSD{Floor: 1}},
		"KSD.Role":                 {KSD: KSD{Role: 5}},
		"Damping = tikhonov":       {Method: MethodKSD},
		"Structural.Mu = 1":        {Curvature: CurvatureHessian, Structural: Structural{Mu: 1}},
		"Precondition.Kind = exac": {Curvature: CurvatureFisher, Precondition: PreconditionSettings{Kind: PreconditionExact}},
		"Precondition.Draws":       {Precondition: PreconditionSettings{Draws: -1}},
		"TrustSolver":              {TrustSolver: 5},
		"TrustSolver = gltr":       {TrustSolver: TrustGLTR},
		"CG.Watch.Every = 2":       {Damping: DampTrustRegion, TrustSolver: TrustGLTR, CG: CGSettings{Watch: Watch{Every: 2}}},
		"CG.Refresh = 2":           {Damping: DampTrustRegion, TrustSolver: TrustGLTR, CG: CGSettings{Refresh: 2}},
		"DampingShape.Xi":          {DampingShape: Interpolation{Xi: 2}},
		"DampingShape.Kappa":       {DampingShape: Interpolation{Kappa: -2}},
		"Scale[1]":                 {Scale: []float64{1, 0}},
		"Rho.Share":                {Rho: Rho{Share: 2}},
		"CG.MaxSchedule[0]":        {CG: CGSettings{MaxSchedule: Schedule{{1, -1}}}},
		"LambdaFloor[0]":           {LambdaFloor: Schedule{{1, -1}}},
		"Precondition.KappaOfMean": {Precondition: PreconditionSettings{KappaOfMean: math.NaN()}},
	}
	for field, s := range bad {
		err := s.Validate()
		if err == nil || !strings.Contains(err.Error(), "setting "+field) {
			t.Errorf("%s: %v", field, err)
		}
		if _, err := New(new(leastSquares[float64]), accel.Slice[float64]{1}, s); err == nil {
			t.Errorf("%s: New takes it", field)
		}
	}
	all := Settings{Lambda: 1e13, Radius: -1, MaxRejections: -1}.Validate()
	if all == nil || len(strings.Split(all.Error(), "\n")) != 3 {
		t.Errorf("three problems give %v", all)
	}
}

func TestNamesOfValuesGoBothWays(t *testing.T) {
	for _, c := range []struct {
		value interface {
			encoding.TextMarshaler
			fmt.Stringer
		}
		into encoding.TextUnmarshaler
	}{
		{DampTrustRegion, new(DampingKind)},
		{DampCurvature, new(DampingKind)},
		{MethodKSD, new(Method)},
		{CurvatureFisher, new(CurvatureKind)},
		{TrustGLTR, new(TrustSolver)},
		{PreconditionExact, new(Preconditioning)},
		{PreconditionNone, new(Preconditioning)},
		{SelectWalkBack, new(Selection)},
		{LineSearchFixed, new(LineSearchKind)},
		{StartChosen, new(StartRule)},
		{MuOwn, new(MuRule)},
		{HeldOut, new(Role)},
		{ProgressTotal, new(ProgressForm)},
	} {
		text, err := c.value.MarshalText()
		if err != nil || string(text) != c.value.String() {
			t.Errorf("%T: text %q, %v", c.value, text, err)
		}
		if err := c.into.UnmarshalText(text); err != nil || reflect.ValueOf(c.into).Elem().Interface() != c.value {
			t.Errorf("%T: %q becomes %v, %v", c.value, text, c.into, err)
		}
		if err := c.into.UnmarshalText([]byte("bogus")); err == nil || !strings.Contains(err.Error(), c.value.String()) {
			t.Errorf("%T: bogus gives %v, want the list of names", c.value, err)
		}
	}
}

func TestNewRefusesAnEmptyTheta(t *testing.T) {
	if _, err := New(new(leastSquares[float64]), accel.Slice[float64]{}, Settings{}); err == nil {
		t.Error("no error")
	}
}

func TestSetStateRefusesWhatDoesNotFit(t *testing.T) {
	l := classics()[0]
	o, err := New(l, append(vec(nil), l.start...), Settings{})
	if err != nil {
		t.Fatal(err)
	}
	before := o.State()
	good := o.State()
	for name, spoil := range map[string]func(s *State[float64]){
		"theta has 1 elements": func(s *State[float64]) { s.Theta = s.Theta[:1] },
		"delta has 3 elements": func(s *State[float64]) { s.Delta = append(s.Delta, 1) },
		"theta[1] = NaN":       func(s *State[float64]) { s.Theta = []float64{1, math.NaN()} },
		"delta[0] = +Inf":      func(s *State[float64]) { s.Delta = []float64{math.Inf(1), 1} },
		"lambda = -1":          func(s *State[float64]) { s.Lambda = -1 },
		"radius = NaN":         func(s *State[float64]) { s.Radius = math.NaN() },
		"iteration = -3":       func(s *State[float64]) { s.Iteration = -3 },
	} {
		s := good
		spoil(&s)
		if err := o.SetState(s); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(o.State(), before) {
			t.Errorf("%s: a refused state has changed the optimizer", name)
		}
	}
}

func TestGiveUpErrorNamesItsKind(t *testing.T) {
	err := error(&GiveUpError{Err: ErrDiverged, Iteration: 7, Rejections: 10, Last: NonFinite, Lambda: 5})
	if !errors.Is(err, ErrDiverged) || errors.Is(err, ErrStalled) || !strings.Contains(err.Error(), "iteration 7") {
		t.Errorf("%v", err)
	}
}
