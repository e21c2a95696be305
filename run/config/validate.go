package config

import (
	"fmt"
	"strings"

	"curvestream/run/fault"
)

// Validate checks the values that are each of the right type for sense, and reports everything wrong at once.
func (r *Resolved) Validate() error {
	var wrong []string
	check := func(ok bool, key, want string) {
		if !ok {
			wrong = append(wrong, fmt.Sprintf("%s is %s (%s), want %s", key, r.Value(key), r.Origin(key), want))
		}
	}
	r.checkModel(check)
	r.checkMethod(check)
	check(r.Data.ValidFraction >= 0 && r.Data.ValidFraction < 1, "data.valid_fraction", "0 or more, less than 1")
	check(r.Data.ValidFraction == 0 || len(r.Data.Valid) == 0 && r.Data.SplitCol == "", "data.valid_fraction", "0 where data.valid or data.split_col says what is for validation")
	check(r.Data.SplitCol == "" || len(r.Data.Valid) == 0, "data.split_col", "none where data.valid is given")
	check(r.Run.Iterations >= 0, "run.iterations", "0 or more")
	check(r.Run.Products >= 0, "run.products", "0 or more")
	check(r.Run.Patience >= 0, "run.patience", "0 or more")
	check(r.Run.MaxRejection >= 1, "run.max_rejection", "1 or more")
	check(!r.Run.TargetError.Given || r.Data.Validates(), "run.target_error", "none without validation data (data.valid, data.valid_fraction or data.split_col)")
	check(!r.Run.TargetError.Given || r.Run.TargetError.Value >= 0 && r.Run.TargetError.Value <= 1, "run.target_error", "0 to 1")
	check(r.Run.Patience == 0 || r.Data.Validates(), "run.patience", "0 without validation data (data.valid, data.valid_fraction or data.split_col)")
	check(r.Eval.Every >= 1, "eval.every", "1 or more")
	check(r.Checkpoint.Keep >= 1, "checkpoint.keep", "1 or more")
	check(r.Trace.CG >= 0, "trace.cg", "0 or more")
	check(r.Threads >= 0, "threads", "0 or more")
	check(r.Data.RemoteCache >= 1<<20, "data.remote_cache", "at least 1MiB")
	check(r.Data.Workers <= 1024, "data.workers", "auto, or 1 to 1024")
	check(r.Data.Prefetch <= 1024, "data.prefetch", "auto, or 1 to 1024")
	check(r.Store.Device >= 0, "store.device", "0 or more")
	check(r.Store.Spill >= 0, "store.spill", "0 or more")
	check(r.States == "optimal" || r.States == "store" || r.Store.Spill == 0 && r.Store.Device == 0, "states", "optimal or store where store.spill or store.device is not 0: the other ones store nothing")
	check(r.Memory >= 16<<20, "memory", "at least 16MiB")
	if wrong == nil {
		return nil
	}
	e := fault.New(fault.Config, "config.invalid", "%d settings are out of range", len(wrong))
	if len(wrong) == 1 {
		e.Message = wrong[0]
	} else {
		e.Detail = wrong
	}
	return e
}

func (r *Resolved) checkModel(check func(ok bool, key, want string)) {
	check(len(r.Model.Hidden) > 0 || r.Model.Arch == "mlp", "model.hidden", "at least one layer")
	for _, h := range r.Model.Hidden {
		check(h >= 1, "model.hidden", "1 or more units")
	}
	recurrent := r.Model.Arch != "mlp" && r.Model.Arch != auto
	r.checkLayers(check, recurrent)
	check(r.Model.Factors >= 0, "model.factors", "0 or more")
	check(r.Model.Factors == 0 || r.Model.Arch == "mrnn", "model.factors", "0 where model.arch is not mrnn")
	gated := r.Model.Arch == "lstm" || r.Model.Arch == "gru"
	for _, a := range r.Model.Activation {
		check(!gated && r.Model.Arch != "mrnn" || a == "tanh", "model.activation", "tanh, which "+r.Model.Arch+" has")
	}
	check(!gated || r.Model.StructuralDistance != "cross_entropy", "model.structural_distance", "squared_error for "+r.Model.Arch)
	check(len(r.Model.Activation) == 1 || len(r.Model.Activation) == len(r.Model.Hidden), "model.activation", "one word, or one a hidden layer")
	check(!recurrent || len(r.Model.Activation) == 1, "model.activation", "one word for a recurrent net")
	convex := !strings.HasSuffix(r.Model.Loss, "_squared_error")
	check(convex || r.Model.OutputActivation == "linear", "model.output_activation", "linear where model.loss has a nonlinearity of its own")
	check(convex || r.Curvature.Kind != "fisher", "curvature.kind", "ggn or hessian where model.loss is not convex")
	check(convex || r.Precond.Kind == "fisher" || r.Precond.Kind == "none", "precond.kind", "fisher or none where model.loss is not convex")
	check(r.Model.WeightDecay >= 0, "model.weight_decay", "0 or more")
	check(r.Model.InitFanIn >= 1, "model.init_fan_in", "1 or more")
	check(r.Model.InitScale > 0, "model.init_scale", "more than 0")
	check(r.Model.InitOutputBias == "zero" || r.Model.Biases && r.Model.InitFrom == "" && r.Model.OutputActivation == "linear", "model.init_output_bias",
		"zero where model.biases is false, model.init_from gives the biases, or model.output_activation is not linear")
	check(r.Model.SpectralRadius >= 0, "model.spectral_radius", "0 or more")
	check(r.Data.MaxLength >= 0, "data.max_length", "0 or more")
	check(r.Data.MaxCategories >= 1, "data.max_categories", "1 or more")
}

// checkLayers checks what only recurrent nets have.
func (r *Resolved) checkLayers(check func(ok bool, key, want string), recurrent bool) {
	for _, part := range []struct {
		key   string
		units []int
	}{{"model.input_layers", r.Model.InputLayers}, {"model.output_layers", r.Model.OutputLayers}} {
		check(recurrent || r.Model.Arch == auto || len(part.units) == 0, part.key, "none for an mlp, whose layers are all in model.hidden")
		for _, n := range part.units {
			check(n >= 1, part.key, "1 or more units a layer")
		}
	}
	check(r.Model.Window >= 0, "model.window", "0 or more time-steps")
	check(recurrent || r.Model.Arch == auto || r.Model.Window == 0, "model.window", "0 for an mlp, which has no states to carry")
}

func (r *Resolved) checkMethod(check func(ok bool, key, want string)) {
	check(r.CG.Max >= 1, "cg.max", "1 or more")
	check(r.CG.MaxGrown == 0 || r.CG.MaxGrown >= r.CG.Max && len(r.CG.MaxSchedule) == 0, "cg.max_grown", "0, or at least cg.max and without a cg.max_schedule")
	check(r.CG.Start != "highest" || r.CG.Watch > 0, "cg.start", "another place, or a cg.watch above 0")
	check(r.CG.Tol > 0, "cg.tol", "more than 0")
	check(r.CG.Stop != "byrd" || r.Curvature.Kind == "ggn" && r.Method.Kind == "hf" && r.Damping.TrustSolver == "steihaug", "cg.stop", "another rule where curvature.kind is not ggn, method.kind is not hf, or damping.trust_solver is gltr")
	check(r.CG.Decay >= 0 && r.CG.Decay <= 1, "cg.decay", "0 to 1")
	check(r.CG.DecayFinal >= 0 && r.CG.DecayFinal <= 1, "cg.decay_final", "0 to 1")
	check(r.CG.DecayIterations >= 0, "cg.decay_iterations", "0 or more")
	check(r.CG.Refresh >= 0, "cg.refresh", "0 or more")
	check(r.CG.Watch >= 0, "cg.watch", "0 or more")
	check(r.CG.WatchTolerance > 0, "cg.watch_tolerance", "more than 0")
	check(r.CG.Residual >= 0 && r.CG.Residual < 1, "cg.residual", "0 to 1")
	check(r.CG.BacktrackRatio > 1, "cg.backtrack_ratio", "more than 1")
	check(r.LM.Min > 0 && r.LM.Min <= r.LM.Max, "lm.min", "more than 0, and not more than lm.max")
	check(r.Damping.Kind != "tikhonov" && r.Damping.Kind != "diagonal" && r.Damping.Kind != "curvature" || r.Damping.Init >= r.LM.Min && r.Damping.Init <= r.LM.Max,
		"damping.init", "between lm.min and lm.max")
	check(r.CG.BacktrackEvery >= 0, "cg.backtrack_every", "0 or more")
	check(r.Damping.Init > 0, "damping.init", "more than 0 (damping.kind none switches it off)")
	check(r.Damping.Radius > 0, "damping.radius", "more than 0")
	check(r.Damping.StructuralMu >= 0, "damping.structural_mu", "0 or more")
	check(r.Damping.StructuralMu == 0 || r.Damping.Kind != "trust_region" && r.Damping.Kind != "none" || r.Damping.StructuralRule != "tied",
		"damping.structural_rule", "own or fixed where damping.kind is trust_region or none, for there is no lambda to be tied to")
	check(r.Curvature.Kind == "ggn" || r.Damping.StructuralMu == 0, "damping.structural_mu", "0 where curvature.kind is not ggn")
	check(r.Curvature.Kind == "ggn" || r.Precond.Kind == "fisher" || r.Precond.Kind == "none", "precond.kind", "fisher or none where curvature.kind is not ggn")
	check(r.Damping.TrustSolver == "steihaug" || r.Damping.Kind == "trust_region", "damping.trust_solver", "steihaug where damping.kind is not trust_region")
	check(r.Damping.TrustSolver == "steihaug" || r.CG.Watch == 0 && r.CG.Refresh == 0, "damping.trust_solver", "steihaug with cg.watch or cg.refresh")
	check(r.Damping.Exponent > 0 && r.Damping.Exponent <= 1, "damping.exponent", "more than 0, up to 1")
	check(r.Damping.Kappa >= 0, "damping.kappa", "0 or more")
	check(r.Damping.KappaOfMean >= 0, "damping.kappa_of_mean", "0 or more")
	for _, s := range r.Damping.Scale {
		check(s > 0, "damping.scale", "numbers above 0")
	}
	check(r.Method.Kind != "ksd" || r.Damping.Kind == "none" && r.Damping.StructuralMu == 0, "method.kind", "hf, or damping.kind none and damping.structural_mu 0: Krylov subspace descent has no damping")
	check(!r.LM.Modest || r.LM.Batch == "held_out", "lm.modest", "false where lm.batch is not held_out")
	check(!r.LM.Modest || r.Batch.GrowthTheta == 0 && len(r.Batch.GradientSchedule) == 0, "lm.modest", "false where minibatches grow")
	r.checkOthers(check)
	check(r.LM.Low < r.LM.High, "lm.low", "less than lm.high")
	check(r.LM.Raise >= 1, "lm.raise", "1 or more")
	check(r.LM.Drop > 0 && r.LM.Drop <= 1, "lm.drop", "more than 0, up to 1")
	for _, b := range []struct{ key, role string }{
		{"cg.backtrack_batch", r.CG.BacktrackBatch}, {"lm.batch", r.LM.Batch}, {"line_search.batch", r.LineSearch.Batch}, {"ksd.batch", r.KSD.Batch}} {
		check(b.role != "held_out" || r.Batch.HeldOut > 0, b.key, "another minibatch, or a batch.held_out above 0")
	}
	check(r.Batch.GrowthTheta >= 0, "batch.growth_theta", "0 or more")
	check(r.Batch.GrowthTheta == 0 || r.Batch.Gradient > 0, "batch.growth_theta", "0 where batch.gradient is all: there is nothing to grow to")
	check(r.Batch.GrowthTheta == 0 || r.Method.Kind == "hf" || r.Method.Kind == "ksd", "batch.growth_theta", "0 where method.kind is not hf or ksd")
	check(r.Batch.GrowthFactor > 1, "batch.growth_factor", "more than 1")
	check(len(r.Batch.GradientSchedule) == 0 || r.Batch.Gradient > 0, "batch.gradient", "a number where batch.gradient_schedule is given: batch.curvature is a part of it")
	check(r.Batch.HeldOut >= 0, "batch.held_out", "0 or more")
	check(r.Precond.Exponent > 0 && r.Precond.Exponent <= 1, "precond.exponent", "more than 0, up to 1")
	check(r.Precond.Kappa >= 0, "precond.kappa", "0 or more")
	check(r.Precond.KappaOfMean >= 0, "precond.kappa_of_mean", "0 or more")
	check(r.Precond.Draws >= 1, "precond.draws", "1 or more")
	check(r.LineSearch.Factor > 0 && r.LineSearch.Factor < 1, "line_search.factor", "between 0 and 1")
	check(r.LineSearch.Decrease >= 0 && r.LineSearch.Decrease < 1, "line_search.decrease", "0 to 1")
	check(r.LineSearch.Max >= 1, "line_search.max", "1 or more")
	check(r.LineSearch.Rate > 0, "line_search.rate", "more than 0")
	check(r.Batch.Block >= 1, "batch.block", "1 or more")
	check(r.Batch.ChunkSequences >= 0, "batch.chunk_sequences", "0 or more")
	check(r.Batch.ChunkSteps >= 0, "batch.chunk_steps", "0 or more")
}

func (r *Resolved) checkOthers(check func(ok bool, key, want string)) {
	check(r.KSD.Size >= 1, "ksd.size", "1 or more")
	check(r.KSD.Iterations >= 1, "ksd.iterations", "1 or more")
	check(r.KSD.Floor > 0 && r.KSD.Floor < 1, "ksd.floor", "between 0 and 1")
	o := r.FirstOrder
	check(o.MomentumMax >= 0 && o.MomentumMax < 1, "first_order.momentum_max", "0 or more, less than 1")
	check(o.Clip >= 0, "first_order.clip", "0 or more")
	check(o.Beta1 > 0 && o.Beta1 < 1, "first_order.beta1", "between 0 and 1")
	check(o.Beta2 > 0 && o.Beta2 < 1, "first_order.beta2", "between 0 and 1")
	check(o.Epsilon > 0, "first_order.epsilon", "more than 0")
	check(o.Pairs >= 1, "first_order.pairs", "1 or more")
	for _, s := range []struct {
		key    string
		values Schedule
	}{{"first_order.rate", o.Rate}, {"line_search.rate_schedule", r.LineSearch.RateSchedule}, {"cg.max_schedule", r.CG.MaxSchedule}} {
		for _, p := range s.values {
			check(p.Value > 0, s.key, "values above 0")
		}
	}
	for _, p := range o.Momentum {
		check(p.Value < 1, "first_order.momentum", "values below 1")
	}
}
