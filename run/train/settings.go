package train

import (
	"curvestream/hf"
	"curvestream/pipeline"
	"curvestream/run/config"
)

// optimizerSettings turns settings into what package hf asks.
func optimizerSettings(c *config.Config) (hf.Settings, error) {
	s := hf.Settings{
		Growth:       hf.Growth{Theta: c.Batch.GrowthTheta, Factor: c.Batch.GrowthFactor},
		KSD:          hf.KSD{Size: c.KSD.Size, Iterations: c.KSD.Iterations, Role: role(c.KSD.Batch), Floor: c.KSD.Floor},
		LambdaFloor:  hf.Schedule(c.Damping.Floor),
		DampingShape: hf.Interpolation{Xi: c.Damping.Exponent, Kappa: c.Damping.Kappa, KappaOfMean: c.Damping.KappaOfMean},
		Radius:       c.Damping.Radius,
		LM:           hf.LM{Off: !c.LM.Adapt, Low: c.LM.Low, High: c.LM.High, Raise: c.LM.Raise, Drop: c.LM.Drop, Min: c.LM.Min, Max: c.LM.Max},
		Rho:          hf.Rho{Damped: c.LM.Model == "damped", Role: role(c.LM.Batch)},
		CG: hf.CGSettings{
			Max: c.CG.Max, MaxSchedule: hf.Schedule(c.CG.MaxSchedule), Truncation: hf.Truncation{Most: c.CG.MaxGrown}, NoProgressStop: c.CG.Stop == "max", Sampling: c.CG.Stop == "byrd", ResidualTolerance: c.CG.Residual, KeepStart: c.CG.KeepStart, Refresh: c.CG.Refresh, Zeta: c.CG.Decay,
			Progress: hf.RelativeProgress{Tolerance: c.CG.Tol},
			Watch:    hf.Watch{Every: c.CG.Watch, Tolerance: c.CG.WatchTolerance},
		},
		Precondition:  hf.PreconditionSettings{Xi: c.Precond.Exponent, Kappa: c.Precond.Kappa, KappaOfMean: c.Precond.KappaOfMean, Draws: c.Precond.Draws, Seed: c.Seed.Value},
		Select:        hf.SelectSettings{Role: role(c.CG.BacktrackBatch), Model: c.CG.BacktrackBy == "model", Grid: hf.Grid{Every: c.CG.BacktrackEvery, Ratio: c.CG.BacktrackRatio}},
		MaxRejections: c.Run.MaxRejection,
		Trace:         c.Trace.CG > 0,
	}
	s.Structural = hf.Structural{Mu: c.Damping.StructuralMu, LM: s.LM}
	s.LineSearch = hf.LineSearchSettings{Role: role(c.LineSearch.Batch), LineSearch: hf.LineSearch{
		Rate: hf.Schedule{{Iteration: 1, Value: c.LineSearch.Rate}}, Factor: c.LineSearch.Factor, C: c.LineSearch.Decrease, Max: c.LineSearch.Max}}
	if len(c.LineSearch.RateSchedule) > 0 {
		s.LineSearch.Rate = hf.Schedule(c.LineSearch.RateSchedule)
	}
	if c.Method.Kind == "ksd" {
		s.Method = hf.MethodKSD
	}
	if s.DampingShape.KappaOfMean == 0 {
		s.DampingShape.KappaOfMean = -1 // none
	}
	if c.CG.Stop == "report" {
		s.CG.Progress.Form = hf.ProgressTotal
	}
	if !c.LineSearch.Enabled {
		s.LineSearch.Kind = hf.LineSearchFixed
	}
	if c.CG.Decay == 0 && c.CG.DecayIterations == 0 {
		s.CG.Start = hf.StartZero
	}
	if c.CG.DecayIterations > 0 {
		s.CG.ZetaSchedule = hf.Schedule{{Iteration: 1, Value: c.CG.Decay}, {Iteration: 1 + c.CG.DecayIterations, Value: c.CG.DecayFinal}}
	}
	for _, w := range []struct {
		to   interface{ UnmarshalText([]byte) error }
		word string
	}{{&s.Curvature, c.Curvature.Kind}, {&s.Damping, c.Damping.Kind}, {&s.TrustSolver, c.Damping.TrustSolver}, {&s.Structural.Rule, c.Damping.StructuralRule}, {&s.Precondition.Kind, c.Precond.Kind},
		{&s.Select.Rule, c.CG.Backtrack}, {&s.CG.Negative, c.CG.Negative}} {
		if err := w.to.UnmarshalText([]byte(w.word)); err != nil {
			return s, err
		}
	}
	if s.CG.Start != hf.StartZero {
		if err := s.CG.Start.UnmarshalText([]byte(c.CG.Start)); err != nil {
			return s, err
		}
	}
	return s, s.Validate()
}

func role(word string) hf.Role {
	switch word {
	case "curvature":
		return hf.Curvature
	case "held_out":
		return hf.HeldOut
	}
	return hf.Gradient
}

// planOptions turns settings into what package pipeline asks.
func planOptions(c *config.Config) pipeline.PlanOptions {
	from := c.Batch.CurvatureFrom
	if from == "auto" {
		from = ""
	}
	return pipeline.PlanOptions{
		Seed: c.Seed.Value, GradientSize: int(c.Batch.Gradient), CurvatureSize: int(c.Batch.Curvature),
		CurvatureFrom: pipeline.CurvatureFrom(from), HeldOutSize: c.Batch.HeldOut, Shuffle: pipeline.Shuffle(c.Batch.Shuffle),
		BlockSize: c.Batch.Block, ChunkSequences: c.Batch.ChunkSequences, ChunkSteps: c.Batch.ChunkSteps,
	}
}
