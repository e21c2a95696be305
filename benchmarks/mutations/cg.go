package main

// cg are the techniques of sections 4, 9, 10 and 13 that are about the inner iteration.
var cg = []technique{
	{"preconditioned conjugate gradients", "4, 11, algorithm 2", "`cg.max`", "hf/cg.go", []change{
		{from: "beta := ry / previous", to: "beta := previous / ry", test: "TestEqualMinibatchesBoundTheModelOfConvexLosses"},
		{from: "p.Scale(-1)\n", to: "", test: "TestNoLossIsEvaluatedTwice"},
		{from: "return (r.Dot(x) - b.Dot(x)) / 2", to: "return (r.Dot(x) + b.Dot(x)) / 2", test: "TestCGReachesTheMinimiserAndRecordsTheModel"},
		{file: "hf/fused.go", from: "p.Scale(beta)\n\tp.Add(-1, y)", to: "p.Scale(beta)\n\tp.Add(-0.5, y)", test: "TestCGFuses"},
		{file: "hf/precondition.go", from: "y.Div(p.D)", to: "", test: "TestPreconditionedCGIsCGInOtherCoordinates"},
	}},
	{"stop on relative progress: Martens' form, or eqn. 2", "4", "`cg.tol`, `cg.stop: martens`, `report`", "hf/stop.go", []change{
		{from: "max(10, int(math.Ceil(float64(i)/10)))", to: "10", test: "TestRelativeProgressAgainstTheRule"},
		{from: "if i <= k || q[i] >= 0 {", to: "if i <= k {", test: "TestRelativeProgressAgainstTheRule"},
		{from: "return float64(k) * tolerance", to: "return tolerance", test: "TestRelativeProgressAgainstTheRule"},
		{from: "return 1e-4", to: "return 5e-4", test: "TestRelativeProgressCases"},
		{from: "tolerance = 5e-4", to: "tolerance = 1e-3", test: "TestRelativeProgressAgainstTheRule"},
	}},
	{"stop on a residual", "4, 9", "`cg.residual`", "hf/cg.go", []change{
		{from: "case ry <= tolerance*tolerance*largest:", to: "case ry <= tolerance*largest:", test: "TestCGOnIllConditionedSpectra"},
		{from: "largest = math.Max(largest, ry)", to: "largest = ry", test: "TestEqualMinibatchesBoundTheModel"},
		{file: "hf/direction.go", from: "ResidualTolerance: s.CG.ResidualTolerance, Radius: r.Radius, Work: &o.work,", to: "Radius: r.Radius, Work: &o.work,", test: "TestCGSettingsArrive"},
	}},
	{"stop where f on the curvature minibatch gets worse", "13, second recipe", "`cg.watch`, `cg.watch_tolerance`", "hf/path.go", []change{
		{from: "f > p.looked+p.watch.Tolerance*math.Abs(p.looked)", to: "f > p.looked+1e9*math.Abs(p.looked)", test: "TestWatchEndsCG"},
		{from: "p.losses.along(ctx, Curvature, 1, it.X)", to: "p.losses.along(ctx, Gradient, 1, it.X)", test: "TestWatchEndsCG"},
		{from: "p.watch.Every == 0 || it.I%p.watch.Every != 0", to: "p.watch.Every == 0", test: "TestWatchEndsCG"},
		{from: "p.looked = f\n", to: "if math.IsNaN(p.looked) {\n\t\tp.looked = f\n\t}\n", test: "TestWatchComparesWithTheLastLook"},
	}},
	{"stop by the sampling error of products (Byrd et al. 2012)", "12.2", "`cg.stop: byrd`", "hf/sampling.go", []change{
		{from: "variance / float64(cases) / p0.Dot(p0)", to: "variance / float64(cases)", test: "TestSamplingEndsCG"},
		{file: "hf/cg.go", from: "r.Dot(r) <= sampled*x.Dot(x)", to: "r.Dot(r) <= sampled*x.Dot(x)*4", test: "TestSamplingEndsCG"},
		{file: "run/objective/variance.go", from: "sum.Add(-s.signs[d]/n, s.mean)", to: "sum.Add(0*s.signs[d], s.mean)", test: "TestVarianceOfProducts"},
	}},
	{"the residual computed anew every so many steps", "4", "`cg.refresh`", "hf/cg.go", []change{
		{from: "if cg.Refresh > 0 && i%cg.Refresh == 0 {\n\t\t\tif err := residual(ctx, A, r, b, x); err != nil {\n\t\t\t\treturn res, err\n\t\t\t}\n\t\t\trx, bx = r.Dot(x), b.Dot(x)", to: "if cg.Refresh > 0 && i%cg.Refresh == 0 {\n\t\t\tif err := residual(ctx, A, r, b, x); err != nil {\n\t\t\t\treturn res, err\n\t\t\t}", test: "TestRefreshComputesTheResidualAnew"},
		{file: "hf/direction.go", from: "Refresh: s.CG.Refresh,", to: "", test: "TestCGSettingsArrive"},
	}},
	{"CG starts from ζδ, ζ by a schedule", "10", "`cg.decay`, `cg.decay_final`, `cg.decay_iterations`", "hf/optimizer.go", []change{
		{from: "r.Zeta = s.CG.ZetaSchedule.At(r.Iteration, s.CG.Zeta)", to: "r.Zeta = s.CG.Zeta", test: "TestStartIsDecayed"},
		{file: "hf/direction.go", from: "o.x.Scale(r.Zeta)", to: "", test: "TestStartIsDecayed"},
		{file: "hf/settings.go", from: "s.CG.Zeta = orDefault(s.CG.Zeta, 0.95)", to: "s.CG.Zeta = orDefault(s.CG.Zeta, 1)", test: "TestZeroSettingsAreTheLiterature"},
		{file: "hf/schedule.go", from: "from.Value + done*(to.Value-from.Value)", to: "from.Value + done - done", test: "TestSchedule"},
	}},
	{"the next start: last iterate, chosen one, highest on the curvature minibatch, zero", "10, 13", "`cg.start`, `cg.keep_start`", "hf/commit.go", []change{
		{from: "default:\n\t\to.delta.Copy(last.x)", to: "default:\n\t\to.delta.Copy(delta)", test: "TestStartOfTheNextRun"},
		{from: "case o.settings.CG.Start == StartChosen:\n\t\to.delta.Copy(delta)", to: "case o.settings.CG.Start == StartChosen:\n\t\to.delta.Copy(last.x)", test: "TestStartOfTheNextRun"},
		{from: "o.delta.Copy(o.path.highest)", to: "o.delta.Copy(last.x)", test: "TestStartAtTheHighest"},
		{file: "hf/path.go", from: "p.lowestF, p.worstF = f, math.Inf(-1)", to: "p.lowestF = f", test: "TestStartAtTheHighest"},
		{from: "case last.q >= 0 && !o.settings.CG.KeepStart ||", to: "case last.q >= 0 ||", test: "TestStartAfterARunThatStayedBehind"},
		{from: "o.strengthen(func(lm LM, strength float64) float64 { return lm.Reject(strength, p.Rejections) })\n\to.delta.Zero()", to: "o.strengthen(func(lm LM, strength float64) float64 { return lm.Reject(strength, p.Rejections) })", test: "TestAscendingStepIsToldApart"},
	}},
}
