package main

// minibatches are the techniques of sections 12 and 13 that are about data, and what comes at the end of a run.
var minibatches = []technique{
	{"equal, subset and disjoint minibatches; gradient on everything", "12.1", "`batch.gradient`, `batch.curvature`, `batch.curvature_from`", "pipeline/plan.go", []change{
		{from: "case role == Curvature && p.o.CurvatureFrom == CurvatureDisjoint:", to: "case false:", test: "TestEndless"},
		{from: "newPermutation(gradient, p.o.Seed, uint64(step), keySubset)", to: "newPermutation(gradient, p.o.Seed, 0, keySubset)", test: "TestCurvatureSubsetVariesByStep"},
		{from: "return run(start+gradient+disjoint, p.o.HeldOutSize, n)", to: "return run(start+gradient, p.o.HeldOutSize, n)", test: "TestEndless"},
		{from: "case role == Curvature && p.o.CurvatureFrom == CurvatureSubset:", to: "case false:", test: "TestCurvatureSubsetVariesByStep"},
	}},
	{"held-out data choose the iterate, by f or by M", "12.2, 13", "`batch.held_out`, `cg.backtrack_batch`, `cg.backtrack_by`", "hf/direction.go", []change{
		{from: "o.losses.along(ctx, s.Role, 1, kept[j].x)", to: "o.losses.along(ctx, Gradient, 1, kept[j].x)", test: "TestDecisionsLookAtTheirOwnMinibatch"},
		{from: "return model.value(ctx, kept[j].x)", to: "return kept[j].q, nil", test: "TestModelOnHeldOutDataChooses"},
		{file: "hf/model.go", from: "o.extended.GradientOn(ctx, role, o.theta, m.grad)", to: "o.extended.GradientOn(ctx, Gradient, o.theta, m.grad)", test: "TestCurvatureKindsArrive"},
		{file: "hf/model.go", from: "delta.Dot(m.Bd)/2 + m.grad.Dot(delta)", to: "delta.Dot(m.Bd)/2 - m.grad.Dot(delta)", test: "TestModelOnHeldOutDataChooses"},
	}},
	{"watching minibatch overfitting", "12.2", "`curvestream doctor`", "run/doctor/findings.go", []change{
		{from: "if inside <= 0 || outside > 0.1*inside {", to: "if true {", test: "TestFindings"},
	}},
	{"the minibatches of ρ and of the line search", "8.5, 8.8, 12.1", "`lm.batch`, `line_search.batch`", "hf/direction.go", []change{
		{from: "role := o.settings.Rho.Role", to: "role := Gradient", test: "TestDecisionsLookAtTheirOwnMinibatch"},
		{file: "hf/optimizer.go", from: "f, err = o.losses.atStep(ctx, line.Role, delta)", to: "f, err = o.losses.atStep(ctx, Gradient, delta)", test: "TestDecisionsLookAtTheirOwnMinibatch"},
	}},
	{"the modest reduction", "12.2", "`lm.modest`", "hf/lm.go", []change{
		{from: "lm.Low *= share", to: "", test: "TestModestReduction"},
		{from: "lm.High *= share", to: "", test: "TestModestReduction"},
	}},
	{"minibatches that grow by schedule", "12.2, 13", "`batch.gradient_schedule`", "run/objective/sizes.go", []change{
		{from: "int(s.Schedule.At(k, float64(s.Base)))", to: "s.Base", test: "TestSizes"},
		{from: "size = min(size, s.Largest)", to: "", test: "TestSizes"},
	}},
	{"… by the variance rule of Byrd et al. (2012)", "12.2", "`batch.growth_theta`, `batch.growth_factor`", "hf/growth.go", []change{
		{from: "left = float64(s.Whole-s.Cases) / float64(s.Whole-1)", to: "left = 1", test: "TestGrowthRule"},
		{from: "allowed := g.Theta * g.Theta * gradNorm * gradNorm", to: "allowed := g.Theta * gradNorm * gradNorm", test: "TestGrowthRule"},
		{from: "most := g.Factor * float64(s.Cases)", to: "most := 1e9", test: "TestMinibatchesGrow"},
		{from: "max(o.progress.Cases, o.settings.Growth.next(sample, r.GradNorm))", to: "o.settings.Growth.next(sample, r.GradNorm)", test: "TestMinibatchesDoNotShrink"},
		{file: "run/objective/sizes.go", from: "o.variance = fisher.Dot(o.ones) - grad.Dot(grad)", to: "o.variance = fisher.Dot(o.ones)", test: "TestSizes"},
	}},
	{"endgame: shorter CG, lower rate, λ not below a floor", "12.2, 13", "`cg.max_schedule`, `damping.floor`", "hf/watcher.go", []change{
		{from: "c.MaxSchedule.At(k, float64(c.Max))", to: "float64(c.Max)", test: "TestSchedulesOfTheEndgame"},
		{file: "hf/optimizer.go", from: "r.Lambda = math.Max(p.Lambda, s.LambdaFloor.At(r.Iteration, 0))", to: "r.Lambda = p.Lambda", test: "TestSchedulesOfTheEndgame"},
	}},
	{"CG runs that grow where only their limit holds the step back", "8.5, 8.7", "`cg.max_grown`", "hf/truncation.go", []change{
		{from: "r.CGUsed == r.CGSteps", to: "true", test: "TestTruncation"},
		{from: "math.Max(limit/lm.Raise, least)", to: "limit", test: "TestTruncation"},
		{from: "r.Rho > lm.High", to: "r.Rho > lm.Low", test: "TestTruncation"},
		{file: "hf/watcher.go", from: "min(max(int(grown), c.Max), c.Truncation.Most)", to: "c.Max", test: "TestRunsGrowOnAQuadratic"},
	}},
	{"weight decay, switched off near the end", "8, 13", "`model.weight_decay`, `model.decay_schedule`", "run/objective/objective.go", []change{
		{from: "o.weightDecay = o.settings.DecaySchedule.At(k, o.settings.WeightDecay)", to: "o.weightDecay = o.settings.WeightDecay", test: "TestDecaySchedule"},
		{from: "return o.weightDecay / 2 * sum", to: "return o.weightDecay * sum", test: "TestGradientIsTheDerivativeOfTheLoss"},
		{from: "part(dst, p).Add(o.weightDecay, part(v, p))", to: "part(dst, p).Add(0, part(v, p))", test: "TestDiagonalIsThatOfProduct"},
		{from: "if p.Decays() && (s.WeightDecay", to: "if (s.WeightDecay", test: "TestLossIsTheMeanOverSequencesPlusDecay"},
	}},
	{"initial weights: sparse, Glorot, orthogonal; the tanh variant; spectral radius", "13", "`model.init`, `model.init_*`, `model.spectral_radius`", "nn/init.go", []change{
		{from: "rng.Perm(in)[:min(fan, in)]", to: "rng.Perm(in)", test: "TestSparseInitialisation"},
		{from: "bound := s * math.Sqrt(6/float64(in+out))", to: "bound := s * math.Sqrt(6/float64(in))", test: "TestOtherInitialisations"},
		{from: "return scaleToRadius(w, p.Rows, orDefault(in.SpectralRadius, 1.1))", to: "return nil", test: "TestInitializeOfLayers"},
		{from: "orthogonal(w, out, in, rng)", to: "for i := range w {\n\t\t\tw[i] = rng.NormFloat64()\n\t\t}", test: "TestOtherInitialisations"},
		{from: "values[i] = 0.5", to: "values[i] = 0", test: "TestTanhShift"},
	}},
}

// baselines are what HF is compared with.
var baselines = []technique{
	{"SGD with Nesterov momentum, Sutskever's schedule", "–", "`method.kind: sgd`, `first_order.momentum_max`, `first_order.momentum`", "hf/firstorder/sgd.go", []change{
		{from: "o.trial.Add(mu, m.v)", to: "", test: "TestSGDIsNesterov"},
		{from: "m.v.Add(-rate, o.g)", to: "m.v.Add(rate, o.g)", test: "TestMethodsReachTheMinimum"},
		{from: "1-math.Exp2(-1-math.Log2(t+1))", to: "1-math.Exp2(-1-math.Log2(t+2))", test: "TestMomentumSchedule"},
		{from: "return s.Momentum.At(k, schedule)", to: "return schedule", test: "TestSGDIsNesterov"},
	}},
	{"Adam", "–", "`method.kind: adam`, `first_order.beta1`, `first_order.beta2`, `first_order.epsilon`, `first_order.clip`", "hf/firstorder/adam.go", []change{
		{from: "root.Scale(1 / (1 - math.Pow(s.Beta2, k)))", to: "", test: "TestAdamAgainstItsFormulas"},
		{from: "root.Shift(s.Epsilon)", to: "root.Shift(1e-3)", test: "TestAdamAgainstItsFormulas"},
		{from: "-rate/(1-math.Pow(s.Beta1, k))", to: "-rate", test: "TestAdamAgainstItsFormulas"},
		{from: "o.clip(r)", to: "", test: "TestAdamAgainstItsFormulas"},
	}},
	{"L-BFGS", "–", "`method.kind: lbfgs`, `first_order.pairs`", "hf/firstorder/lbfgs.go", []change{
		{from: "l.d.Add(a[i]-p.y.Dot(l.d)/p.sy, p.s)", to: "l.d.Add(a[i]+p.y.Dot(l.d)/p.sy, p.s)", test: "TestMethodsReachTheMinimum"},
		{from: "l.d.Scale(last.sy / last.y.Dot(last.y))", to: "l.d.Scale(last.sy / last.sy)", test: "TestLBFGSDirectionIsThatOfBFGS"},
		{from: "l.next.Add(-1, o.g)", to: "", test: "TestLBFGSPairsAreOfOneMinibatch"},
		{from: "f <= r.F0+decrease*alpha*slope && f < r.F0", to: "true", test: "TestFailures"},
	}},
	{"rate by schedule of all three", "–", "`first_order.rate`", "hf/firstorder/sgd.go", []change{
		{from: "rate := o.settings.Rate.At(r.Iteration, 0)", to: "rate := o.settings.Rate.At(1, 0)", test: "TestSGDIsNesterov"},
		{file: "hf/firstorder/settings.go", from: "SGD: 0.01, Adam: 0.001, LBFGS: 1", to: "SGD: 0.1, Adam: 0.01, LBFGS: 1", test: "TestDefaultRates"},
	}},
	{"figure 4: M and f by step, in cg.jsonl and drawn", "8.7", "`trace.cg`, `curvestream plot`", "run/train/loop.go", []change{
		{file: "hf/path.go", from: "p.points[i-1].F, p.points[i-1].HasF = change, true", to: "p.points[i-1].F, p.points[i-1].HasF = -change, true", test: "TestTrace"},
		{file: "hf/direction.go", from: "o.path.record(kept[j].i, f-f0)", to: "o.path.record(kept[j].i, f)", test: "TestTrace"},
	}},
}
