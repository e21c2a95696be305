package main

// damping are the techniques of section 8: how the step is kept where the model can be trusted.
var damping = []technique{
	{"Tikhonov damping", "8.1", "`damping.kind: tikhonov`, `damping.init`", "hf/damping.go", []change{
		{from: "dst.Add(t.Lambda, v)", to: "dst.Add(-t.Lambda, v)", test: "TestIterationsAllocateNoVectors"},
		{from: "return t.Lambda / 2 * delta.Dot(delta)", to: "return t.Lambda * delta.Dot(delta)", test: "TestReportAgreesWithTheObjective"},
		{from: "d.Shift(t.Lambda)", to: "d.Shift(0)", test: "TestExactPreconditionerOfADiagonalMatrix"},
	}},
	{"a scale s for each parameter", "11.2", "`damping.scale`", "hf/scale.go", []change{
		{from: "case s.Damping == DampTikhonov && o.scale != nil:", to: "case false:", test: "TestExponentialReparameterisation"},
		{from: "s.Work.Mul(s.Scale)\n\tdst.Add", to: "dst.Add", test: "TestExponentialReparameterisation"},
	}},
	{"scale-sensitive damping, D = diag(B) moved towards I", "8.3", "`damping.kind: diagonal`", "hf/scale.go", []change{
		{from: "o.penalty.Copy(o.d)", to: "o.penalty.Zero()\n\t\to.penalty.Shift(1)", test: "TestInvariancesOfDamping"},
		{from: "d.Add(s.Lambda, s.Scale)", to: "d.Shift(s.Lambda)", test: "TestDampersAgreeWithThemselves"},
		{from: "return s.Lambda / 2 * s.Work.Dot(delta)", to: "return s.Lambda * s.Work.Dot(delta)", test: "TestDampersAgreeWithThemselves"},
	}},
	{"… its exponent and κ, absolute and of the mean", "8.3, 11.2, 13", "`damping.exponent`, `damping.kappa`, `damping.kappa_of_mean`", "hf/scale.go", []change{
		{from: "i.Kappa, i.KappaOfMean, i.Xi)", to: "i.Kappa, i.KappaOfMean, 1)", test: "TestShapeOfDampingByTheDiagonal"},
		{from: "i.Kappa, i.KappaOfMean, i.Xi)", to: "0, i.KappaOfMean, i.Xi)", test: "TestShapeOfDampingByTheDiagonal"},
		{from: "i.Kappa, i.KappaOfMean, i.Xi)", to: "i.Kappa, 0, i.Xi)", test: "TestInvariancesOfDamping"},
		{from: "orDefault(i.KappaOfMean, 1e-2)", to: "orDefault(i.KappaOfMean, 1e-1)", test: "TestZeroSettingsAreTheLiterature"},
	}},
	{"damping by D = B", "8.3", "`damping.kind: curvature`", "hf/scale.go", []change{
		{from: "dst.Scale(1 + p.Lambda)", to: "dst.Scale(1 - p.Lambda)", test: "TestDampersAgreeWithThemselves"},
		{from: "d.Scale(1 + p.Lambda)", to: "d.Scale(1)", test: "TestDampersAgreeWithThemselves"},
		{from: "return energy * p.Lambda / (1 + p.Lambda)", to: "return energy * p.Lambda", test: "TestDampersAgreeWithThemselves"},
	}},
	{"structural damping, squared distance", "8.4", "`model.structural_distance: squared_error`, `damping.structural_mu`", "rnn/backward.go", []change{
		{from: "s.s.AddMat(dh, damp.mu, s.shown(b, damp.r))", to: "s.s.AddMat(dh, -damp.mu, s.shown(b, damp.r))", test: "TestStructuralDampingIsTheCurvatureOfTheHiddenUnits"},
		{from: "s.s.AddMat(s.ofNode(b, d.d, i), damp.mu, s.inside(b, damp.r, i))", to: "s.s.AddMat(s.ofNode(b, d.d, i), 0, s.inside(b, damp.r, i))", test: "TestStructuralDampingOfStacks"},
		{file: "fnn/backward.go", from: "s.s.MulPrepared(dx[l+1], s.w[l+1].w, mu, dx[l])", to: "s.s.MulPrepared(dx[l+1], s.w[l+1].w, 0, dx[l])", test: "TestStructuralDampingIsTheCurvatureOfTheHiddenLayers"},
	}},
	{"structural damping, matching distance (cross-entropy)", "8.4", "`model.structural_distance: cross_entropy`", "rnn/backward.go", []change{
		{from: "s.s.AddMat(da, damp.mu, s.value(b, damp.r, i, t, n))", to: "s.s.AddMat(da, damp.mu/2, s.value(b, damp.r, i, t, n))", test: "TestDiagonalsOfStacks"},
		{file: "fnn/backward.go", from: "s.s.AddMat(dy, mu, dx[l])", to: "s.s.AddMat(dy, mu*mu, dx[l])", test: "TestStructuralDampingIsTheCurvatureOfTheHiddenLayers"},
		{file: "rnn/gv.go", from: "l.weigh(b, damp.r)", to: "", test: "TestDiagonalsOfStacks"},
		{file: "fnn/linearization.go", from: "s.weigh(l.ry[1:s.layers()])", to: "", test: "TestStructuralDampingIsTheCurvatureOfTheHiddenLayers"},
		{file: "run/model/spec.go", from: "if arch == \"lstm\" || arch == \"gru\" {", to: "if arch == \"mlp\" {", test: "TestDistanceMatchesTheActivations"},
	}},
	{"μ tied to λ, fixed, or by its own rule", "8.4", "`damping.structural_rule`", "hf/commit.go", []change{
		{file: "hf/optimizer.go", from: "r.Mu *= r.Lambda", to: "r.Mu *= 1", test: "TestMuFollowsItsRule"},
		{from: "s.Structural.Rule == MuOwn {", to: "s.Structural.Rule != MuFixed {", test: "TestMuFollowsItsRule"},
		{from: "p.Mu = rule(s.Structural.LM, p.Mu)", to: "p.Mu = rule(s.LM, p.Mu)", test: "TestMuFollowsItsRule"},
	}},
	{"λ by Levenberg and Marquardt's rule", "8.5", "`lm.low`, `lm.high`, `lm.raise`, `lm.drop`, `lm.adapt`", "hf/lm.go", []change{
		{from: "v != ModelAgrees || rho < lm.Low:", to: "v != ModelAgrees || rho > lm.Low:", test: "TestModestReduction"},
		{from: "return lm.bounded(strength * lm.Drop)", to: "return lm.bounded(strength / lm.Drop)", test: "TestModestReduction"},
		{from: "lm.Low = orDefault(lm.Low, 1.0/4)", to: "lm.Low = orDefault(lm.Low, 1.0/5)", test: "TestZeroSettingsAreTheLiterature"},
		{from: "case lm.Off || v == ModelBehind", to: "case v == ModelBehind", test: "TestReductionRatioAndLM"},
		{from: "math.Min(math.Max(strength, lm.Min), lm.Max)", to: "strength", test: "TestValidateNamesEachProblem"},
		{file: "hf/commit.go", from: "p.Lambda = rule(s.LM, p.Lambda)", to: "p.Lambda = 1 / rule(s.LM, 1/p.Lambda)", test: "TestNonFiniteFarAwayShortensTheStep"},
	}},
	{"ρ by the undamped or the damped model", "8.5", "`lm.model`", "hf/direction.go", []change{
		{from: "case o.settings.Rho.Damped:\n", to: "case true:\n", test: "TestReportAgreesWithTheObjective"},
		{from: "r.ModelDecrease -= A.damper.Penalty(", to: "r.ModelDecrease += A.damper.Penalty(", test: "TestReportAgreesWithTheObjective"},
		{from: "if err := A.lin.Product(ctx, Bd, delta, 0); err != nil {", to: "if err := A.lin.Product(ctx, Bd, delta, r.Mu); err != nil {", test: "TestReportAgreesWithTheObjective"},
	}},
	{"the two cases of ρ < 0 told apart", "8.5", "(always)", "hf/lm.go", []change{
		{from: "case change < 0:\n\t\treturn rho, ModelBehind", to: "case change < 0:\n\t\treturn rho, ModelWrong", test: "TestStartAfterARunThatStayedBehind"},
		{from: "case model < 0:\n\t\treturn rho, ModelWrong", to: "case model < 0:\n\t\treturn rho, ModelAgrees", test: "TestNonFiniteFarAwayShortensTheStep"},
		{from: "case lm.Off || v == ModelBehind || v == VerdictNone:", to: "case lm.Off || v == VerdictNone:", test: "TestStartAfterARunThatStayedBehind"},
		{file: "hf/commit.go", from: "case last.q >= 0 && !o.settings.CG.KeepStart || r.metNothingElse():", to: "case r.metNothingElse():", test: "TestStartAfterARunThatStayedBehind"},
	}},
	{"rejected steps raise λ, more and more", "8.5", "`run.max_rejection`", "hf/commit.go", []change{
		{from: "lm.Reject(strength, p.Rejections)", to: "strength", test: "TestRejectedIterations"},
		{from: "lm.Reject(strength, p.Rejections)", to: "lm.Reject(strength, 1)", test: "TestRejectedIterations"},
		{file: "hf/lm.go", from: "math.Pow(lm.Raise, float64(inARow))", to: "math.Pow(lm.Raise, 1)", test: "TestReductionRatioAndLM"},
		{from: "p.Rejections, p.NonFinite = 0, 0", to: "", test: "TestAcceptedIterationEndsTheRow"},
	}},
	{"trust region in the P-norm, Steihaug and Toint", "8.6", "`damping.kind: trust_region`", "hf/trust.go", []change{
		{from: "g.xx += alpha * (2*g.xp + alpha*g.pp)", to: "g.xx += alpha * (alpha * g.pp)", test: "TestGLTRIsOptimal"},
		{from: "g.pp = ry + beta*beta*g.pp", to: "g.pp = ry + beta*g.pp", test: "TestGLTRIsOptimal"},
		{from: "g.xp *= beta", to: "", test: "TestGLTRIsOptimal"},
		{from: "alpha = inside / (g.xp + math.Sqrt(g.xp*g.xp+g.pp*inside))", to: "alpha = inside / math.Sqrt(g.pp*inside)", test: "TestGLTRIsOptimal"},
		{from: "if pAp > 0 && g.xx", to: "if g.xx", test: "TestTrustRegion"},
	}},
	{"… the radius by the same rule, CG from zero", "8.6", "`damping.radius`, `lm.*`", "hf/commit.go", []change{
		{from: "p.Radius = 1 / rule(s.LM, 1/p.Radius)", to: "p.Radius = rule(s.LM, p.Radius)", test: "TestClassicFunctionsReachTheirMinimum"},
		{from: "if inside && r.Verdict == ModelAgrees && r.Rho > o.settings.Rho.Share*o.settings.LM.High {", to: "if inside && r.Rho < 0 {", test: "TestRadiusFollowsTheRule"},
		{file: "hf/optimizer.go", from: "if s.CG.Start != StartZero && s.Damping != DampTrustRegion && s.Method == MethodCG {", to: "if s.CG.Start != StartZero && s.Method == MethodCG {", test: "TestRadiusFollowsTheRule"},
		{from: "case o.settings.CG.Start == StartZero || o.settings.Damping == DampTrustRegion:", to: "case o.settings.CG.Start == StartZero:", test: "TestRadiusFollowsTheRule"},
	}},
	{"trust region by Lanczos (GLTR)", "8.6", "`damping.trust_solver: gltr`", "hf/gltr.go", []change{
		{from: "res.Q = -gamma*y[0]/2 - lambda/2*norm(y)*norm(y)", to: "res.Q = -gamma*y[0]/2 + lambda/2*norm(y)*norm(y)", test: "TestGLTRIsOptimal"},
		{from: "for range 2 { // once is not enough for orthogonality to rounding", to: "for range 0 {", test: "TestGLTRSaysWhyItEnds"},
		{from: "rest*math.Abs(y[len(y)-1])", to: "rest", test: "TestGLTRStopsOnTheResidual"},
		{file: "hf/tridiagonal.go", from: "math.Max(0, -t.bound())", to: "0", test: "TestTridiagonalTrustRegionAgainstEigenvalues"},
		{file: "hf/tridiagonal.go", from: "t.y[j] = -t.l[j] * t.y[j-1]", to: "t.y[j] = t.l[j] * t.y[j-1]", test: "TestTridiagonalTrustRegionAgainstEigenvalues"},
		{file: "hf/direction.go", from: "if s.Damping == DampTrustRegion && s.TrustSolver == TrustGLTR {", to: "if false {", test: "TestTrustSolverIsTheOneThatIsSet"},
	}},
	{"choice of the iterate: lowest f, from the end while f falls, the last", "8.7", "`cg.backtrack`", "hf/selection.go", []change{
		{from: "case s == SelectWalkBack && finite(lowest):", to: "case false:", test: "TestSelection"},
		{from: "case value < lowest:", to: "case value <= lowest:", test: "TestSelection"},
		{from: "err != nil || s == SelectLast {", to: "err != nil {", test: "TestSelection"},
		{file: "hf/direction.go", from: "return kept[j], nil", to: "return kept[len(kept)-1], nil", test: "TestStartOfTheNextRun"},
	}},
	{"… among all iterates, a geometric grid, every c-th", "8.7", "`cg.backtrack_every`, `cg.backtrack_ratio`", "hf/grid.go", []change{
		{from: "return (i/g.Every + 1) * g.Every", to: "return i + 1", test: "TestGrid"},
		{from: "int(math.Ceil(x)); point > i", to: "int(x); point > i", test: "TestGrid"},
	}},
	{"line search: backtracking with sufficient decrease", "8.8", "`line_search.*`", "hf/linesearch.go", []change{
		{from: "value <= f0+l.C*alpha*math.Min(slope, 0)", to: "true", test: "TestLineSearch"},
		{from: "alpha *= l.Factor", to: "alpha *= l.Factor * l.Factor", test: "TestLineSearch"},
		{from: "value < f0 && ", to: "", test: "TestLineSearch"},
		{file: "hf/optimizer.go", from: "slope := -o.b.Dot(delta)", to: "slope := o.b.Dot(delta)", test: "TestAscendingStepIsToldApart"},
	}},
	{"a fixed or annealed learning rate", "8.8, 12.2", "`line_search.enabled: false`, `line_search.rate`, `line_search.rate_schedule`", "hf/linesearch.go", []change{
		{from: "if l.Kind == LineSearchFixed {", to: "if false {", test: "TestFixedStepMayClimb"},
		{from: "alpha = l.Rate.At(k, 1)", to: "alpha = l.Rate.At(1, 1)", test: "TestLineSearch"},
	}},
	{"Krylov subspace descent: basis", "8.1", "`method.kind: ksd`, `ksd.size`", "hf/subspace.go", []change{
		{from: "next = s.bv[len(s.bv)-1]", to: "next = s.v[len(s.v)-1]", test: "TestSubspace"},
		{from: "P.Solve(v, next)", to: "v.Copy(next)", test: "TestSubspace"},
		{from: "v.Copy(previous)", to: "v.Copy(b)", test: "TestSubspace"},
		{from: "for range 2 { // once is not enough for orthogonality to rounding", to: "for range 0 {", test: "TestSubspace"},
	}},
	{"… BFGS in K dimensions, on its own minibatch", "8.1", "`ksd.iterations`, `ksd.batch`, `ksd.floor`", "hf/ksd.go", []change{
		{from: "x / math.Sqrt(math.Max(values[j], floor*largest))", to: "x", test: "TestScalesMakeTheMatrixTheIdentity"},
		{from: "math.Max(values[j], floor*largest)", to: "values[j]", test: "TestScalesMakeTheMatrixTheIdentity"},
		{from: "w.grad.MulVec(w.transform.T(), g)", to: "w.grad.MulVec(w.transform, g)", test: "TestKSDOnAQuadratic"},
		{from: "w.o.extended.GradientOn(w.ctx, w.role, l.trial, w.o.held)", to: "w.o.extended.GradientOn(w.ctx, Gradient, l.trial, w.o.held)", test: "TestKSDRoles"},
		{from: "MajorIterations: k.Iterations", to: "MajorIterations: 1", test: "TestKSDFailures"},
		{from: "r.ModelDecrease = mat.Inner(a, curvature, a)/2 - o.b.Dot(o.x)", to: "r.ModelDecrease = mat.Inner(a, curvature, a)/2 + o.b.Dot(o.x)", test: "TestKSDOnAQuadratic"},
	}},
}
