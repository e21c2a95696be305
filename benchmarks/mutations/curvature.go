package main

// curvature are the techniques of sections 5, 6 and 11: the matrix of the model, and what is known of its diagonal.
var curvature = []technique{
	{"Gauss-Newton matrix", "6", "`curvature.kind: ggn`", "rnn/gv.go", []change{
		{from: "l.s.LossCurvature(l.Config.Loss, l.kept.p, l.shard.Targets, l.rz)", to: "", test: "TestDerivativesOfLossesThatAreNotConvex"},
		{from: "s.s.MulPrepared(s.withOutput(b, st, s.last), v.zhUp, 1, rz)", to: "", test: "TestDerivativesOfLossesThatAreNotConvex"},
		{file: "fnn/linearization.go", from: "s.s.MulPrepared(ry[k-1], s.w[k].wT, 0, ry[k])", to: "s.s.MulPrepared(ry[k-1], v[k].wT, 0, ry[k])", test: "TestLossesThatAreNotConvex"},
		{file: "run/objective/linearization.go", from: "dst.Scale(1 / l.weight)\n\tl.o.addDecay(dst, v)", to: "dst.Scale(1 / l.weight)", test: "TestDiagonalIsThatOfProduct"},
	}},
	{"the exact Hessian", "5", "`curvature.kind: hessian`", "rnn/hessian.go", []change{
		{from: "l.s.AddSecondDerivative(act.act, part(rd), part(d), part(h), part(ra))", to: "", test: "TestDerivativesOfLossesThatAreNotConvex"},
		{from: "l.accumulateStates(b, l.in(l.rh, k), l.d, sum)", to: "", test: "TestDerivativesOfLossesThatAreNotConvex"},
		{file: "fnn/hessian.go", from: "s.s.MulPrepared(d, v[k].w, 1, belowR)", to: "", test: "TestLossesThatAreNotConvex"},
		{file: "run/objective/linearization.go", from: "return chunk.AddHv(ctx, dst, v)", to: "return chunk.AddGv(ctx, dst, v, 0)", test: "TestHessianProductIsTheDerivativeOfTheGradient"},
	}},
	{"CG ended at negative curvature, at the last good iterate", "5, 6", "(always)", "hf/trust.go", []change{
		{from: "case g.radius == 0 && pAp <= 0:", to: "case g.radius == 0 && pAp == 0:", test: "TestHessianFromANegativeStart"},
	}},
	{"… or steepest descent, where there is none", "6", "`cg.negative`", "hf/negative.go", []change{
		{from: "P.Solve(o.x, o.b)", to: "o.x.Copy(o.b)", test: "TestSteepestDescentWhereCGFindsNothing"},
		{from: "return o.x.Dot(Ax)/2 - o.b.Dot(o.x), nil", to: "return o.x.Dot(Ax)/2 + o.b.Dot(o.x), nil", test: "TestSteepestDescentWhereCGFindsNothing"},
		{file: "hf/direction.go", from: "case r.metNothingElse() && s.CG.Negative == NegativeReject:", to: "case false:", test: "TestRejectedIterations"},
		{file: "hf/commit.go", from: "if r.metNothingElse() {\n\t\to.strengthen", to: "if false {\n\t\to.strengthen", test: "TestSteepestDescentWhereCGFindsNothing"},
	}},
	{"the empirical Fisher matrix as curvature", "11.3", "`curvature.kind: fisher`", "run/objective/fisher.go", []change{
		{from: "u[i] = r * F(along[c.batch.OutputColumn(i/c.batch.Out)])", to: "u[i] = r * u[i]", test: "TestFisherProducts"},
		{from: "r[i] *= b.Weight[row]", to: "", test: "TestFisherProductsOfClasses"},
		{from: "r[b.Class[row]]--", to: "", test: "TestFisherProductsOfClasses"},
	}},
	{"losses that are not convex: L″ without its negative eigenvectors, or shifted", "6.3", "`model.loss`, `model.loss_curvature`", "nn/loss.go", []change{
		{from: "c[i] = max(0, c[i])", to: "", test: "TestConvexity"},
		{from: "c[i] -= least", to: "c[i] += least", test: "TestConvexity"},
		{from: "c[i] = slope*slope + turn*(p[i]-t[i])", to: "c[i] = slope*slope - turn*(p[i]-t[i])", test: "TestLosses"},
	}},
	{"… or the nonlinearity moved into F", "6.3", "`model.output_activation`", "fnn/backward.go", []change{
		{from: "if l == s.layers() {\n\t\t\ts.mulDerivative(l, dx[l])", to: "if l == s.layers() {", test: "TestLossesThatAreNotConvex"},
		{file: "rnn/gv.go", from: "s.s.MulDerivative(s.OutputActivation, rz, rowsOf(b, o.z))", to: "", test: "TestDerivativesOfCells"},
	}},
	{"diagonal preconditioner by the empirical Fisher matrix", "11.3", "`precond.kind: fisher`", "run/objective/objective.go", []change{
		{from: "fisher.Scale(1 / weight)", to: "", test: "TestSizes"},
		{from: "part(fisher, p).Shift(o.weightDecay)", to: "part(fisher, p).Shift(0)", test: "TestFisherDiagonalHasTheDecay"},
		{file: "hf/optimizer.go", from: "fisher := o.d\n", to: "fisher := o.d\n\tif fisher != nil {\n\t\tfisher.Zero()\n\t\tfisher.Shift(1)\n\t\tfisher = nil\n\t}\n", test: "TestWhatADiagonalSourceIsAskedFor"},
		{file: "hf/direction.go", from: "P := o.precondition(A)\n", to: "P := o.precondition(A)\n\tP = nil\n", test: "TestKappaSoftensP"},
	}},
	{"… by the unbiased estimator, v in {-1,1} or normal, averaged over draws", "11.4", "`precond.kind: unbiased`, `unbiased_normal`, `precond.draws`", "nn/probe.go", []change{
		{from: "row[e] = F(int(rng.Uint64()>>63)*2 - 1)", to: "row[e] = F(int(rng.Uint64()>>63))", test: "TestDiagonal", pkg: "fnn"},
		{from: "row[e] = F(rng.NormFloat64())", to: "row[e] = F(rng.Float64())", test: "TestDiagonal", pkg: "fnn"},
		{from: "return 1 / float64(p.Draws)", to: "return 1", test: "TestDiagonal", pkg: "fnn"},
		{from: "x = math.Sqrt(q)*x - q*sum", to: "x = math.Sqrt(q) * x", test: "TestDiagonal", pkg: "fnn"},
		{from: "seed: p.Seed*1_000_003 + uint64(i)", to: "seed: p.Seed + 0*uint64(i)", test: "TestDiagonal", pkg: "fnn"},
		{file: "hf/diagonal.go", from: "Normal: p.Kind == PreconditionNormal", to: "Normal: false", test: "TestWhatADiagonalSourceIsAskedFor"},
		{file: "hf/diagonal.go", from: "Seed: p.Seed + uint64(r.Iteration)", to: "Seed: p.Seed", test: "TestWhatADiagonalSourceIsAskedFor"},
	}},
	{"… structural damping included", "11.4", "(with `damping.structural_mu`)", "rnn/diagonal.go", []change{
		{from: "damp = damping[F]{mu: F(math.Sqrt(mu)), r: p.rh}", to: "damp = damping[F]{mu: F(math.Sqrt(mu) * math.Sqrt(mu)), r: p.rh}", test: "TestDiagonalsOfStacks"},
		{file: "hf/diagonal.go", from: "source.Diagonal(ctx, o.d, r.Mu, e)", to: "source.Diagonal(ctx, o.d, 0, e)", test: "TestWhatADiagonalSourceIsAskedFor"},
		{file: "nn/probe.go", from: "x *= slope(act, float64(h[i]))", to: "", test: "TestDiagonal", pkg: "fnn"},
		{file: "fnn/diagonal.go", from: "return F(math.Sqrt(mu)), nil", to: "return F(math.Sqrt(mu) * math.Sqrt(mu)), nil", test: "TestDiagonal"},
	}},
	{"… exact, by a backpropagation for each output", "11.2", "`precond.kind: exact`", "nn/probe.go", []change{
		{from: "e == p.element && (p.step < 0 || p.step == t)", to: "e == p.element", test: "TestWindows", pkg: "rnn"},
		{from: "for group, width := range widths {", to: "for group, width := range widths[:1] {", test: "TestDiagonal", pkg: "fnn"},
		{file: "hf/diagonal.go", from: "Exact: p.Kind == PreconditionExact", to: "Exact: false", test: "TestWhatADiagonalSourceIsAskedFor"},
	}},
	{"d is that of the damped B", "11.2", "(always)", "hf/diagonal.go", []change{
		{from: "A.damper.AddDiagonal(o.d)", to: "", test: "TestExactPreconditionerOfADiagonalMatrix"},
	}},
	{"exponent ξ, κ, κ of the mean, κ·diag(s)", "11.2, 13", "`precond.exponent`, `precond.kappa`, `precond.kappa_of_mean`", "hf/precondition.go", []change{
		{from: "d.Pow(xi)", to: "d.Pow(1 / xi)", test: "TestSoften"},
		{from: "kappa += kappaOfMean * d.Dot(ones) / float64(d.Len())", to: "kappa += kappaOfMean * d.Dot(ones)", test: "TestSoften"},
		{from: "d.Shift(kappa)", to: "", test: "TestAllMethodsReachTheMinimum"},
		{from: "d.Add(kappa, s)", to: "d.Shift(kappa)", test: "TestScaleUndoesAReparameterisation"},
		{file: "hf/diagonal.go", from: "p.Kappa, p.KappaOfMean, p.Xi)", to: "p.Kappa, p.KappaOfMean, 1)", test: "TestGoldenCG"},
		{file: "hf/diagonal.go", from: "p.Kappa, p.KappaOfMean, p.Xi)", to: "0, 0, p.Xi)", test: "TestAllMethodsReachTheMinimum"},
		{file: "hf/settings.go", from: "orDefault(s.Precondition.Xi, 0.75)", to: "orDefault(s.Precondition.Xi, 1)", test: "TestZeroSettingsAreTheLiterature"},
		{file: "hf/settings.go", from: "s.Precondition.KappaOfMean = orDefault(s.Precondition.KappaOfMean, 1e-2)", to: "", test: "TestKSDFailures"},
	}},
}
