package main

// A variant is the baseline with one technique switched off or exchanged.
type variant struct {
	name, title, section string
	set                  []string
	recurrent            bool // for recurrent nets only
	initial              bool // it concerns the initial weights
	structural           bool // it is about the structural damping of the recipe
	heldOut              bool // it takes held-out data from the gradient minibatch
}

// baseline is the name of the variant that changes nothing.
const baseline = "baseline"

var variants = []variant{
	{name: baseline, title: "the recipe", section: "-"},
	{name: "precond-none", title: "no preconditioner", section: "11", set: []string{"precond.kind=none"}},
	{name: "precond-fisher", title: "empirical Fisher diagonal", section: "11.3", set: []string{"precond.kind=fisher"}},
	{name: "precond-unbiased", title: "unbiased diagonal of the damped B", section: "11.4", set: []string{"precond.kind=unbiased"}},
	{name: "precond-exponent-1", title: "empirical Fisher diagonal, exponent 1", section: "11.3", set: []string{"precond.kind=fisher", "precond.exponent=1"}},
	{name: "cg-start-zero", title: "CG starts from zero", section: "10", set: []string{"cg.start=zero"}},
	{name: "cg-start-chosen", title: "CG starts from the chosen iterate", section: "10", set: []string{"cg.start=chosen"}},
	{name: "zeta-1", title: "no decay of CG's start (zeta = 1)", section: "10", set: []string{"cg.decay=1", "cg.decay_final=1"}},
	{name: "zeta-half", title: "zeta = 0.5", section: "10", set: []string{"cg.decay=0.5", "cg.decay_final=0.5"}},
	{name: "cg-300", title: "at most 300 CG steps", section: "8.7", set: []string{"cg.max=300"}},
	{name: "cg-20-grown", title: "20 CG steps, up to 300 where only their limit holds the step back", section: "8.7", set: []string{"cg.max=20", "cg.max_grown=300"}},
	{name: "cg-100", title: "at most 100 CG steps", section: "8.7", set: []string{"cg.max=100"}},
	{name: "cg-50", title: "at most 50 CG steps", section: "8.7", set: []string{"cg.max=50"}},
	{name: "cg-20", title: "at most 20 CG steps", section: "8.7", set: []string{"cg.max=20"}},
	{name: "cg-stop-max", title: "CG always takes all its steps", section: "4", set: []string{"cg.stop=max"}},
	{name: "backtrack-gradient", title: "CG-backtracking by f on the gradient minibatch", section: "8.7", set: []string{"cg.backtrack_batch=gradient"}},
	{name: "backtrack-curvature", title: "CG-backtracking by f on the curvature minibatch", section: "8.7", set: []string{"cg.backtrack_batch=curvature"}},
	{name: "backtrack-last", title: "no CG-backtracking", section: "8.7", set: []string{"cg.backtrack=last"}},
	{name: "backtrack-walk", title: "CG-backtracking from the end while f falls", section: "8.7", set: []string{"cg.backtrack=walk_back"}},
	{name: "line-search-off", title: "no line search", section: "8.8", set: []string{"line_search.enabled=false"}},
	{name: "lambda-fixed", title: "lambda stays as it starts", section: "8.5", set: []string{"lm.adapt=false"}},
	{name: "lambda-none", title: "no damping", section: "8", set: []string{"damping.kind=none", "damping.structural_mu=0"}},
	{name: "rho-damped", title: "the damped model in rho", section: "8.5", set: []string{"lm.model=damped"}},
	{name: "structural-off", title: "no structural damping", section: "8.4", set: []string{"damping.structural_mu=0"}, structural: true},
	{name: "structural-squared", title: "structural damping by squared distance", section: "8.4", set: []string{"model.structural_distance=squared_error"}, structural: true},
	{name: "structural-own", title: "mu by its own rule", section: "8.4", set: []string{"damping.structural_rule=own"}, structural: true},
	{name: "structural-on", title: "structural damping, mu = 0.03", section: "8.4", set: []string{"damping.structural_mu=0.03"}, recurrent: true},
	{name: "damping-diagonal", title: "scale-sensitive damping", section: "8.3", set: []string{"damping.kind=diagonal", "precond.kind=fisher"}},
	{name: "trust-region", title: "trust region, GLTR", section: "8.6", set: []string{"damping.kind=trust_region", "damping.trust_solver=gltr", "damping.structural_mu=0", "cg.start=zero", "cg.backtrack=last", "precond.kind=fisher", "precond.kappa_of_mean=0.01"}},
	{name: "ksd", title: "Krylov subspace descent", section: "8.1", set: []string{"method.kind=ksd", "damping.kind=none", "damping.structural_mu=0"}},
	{name: "momentum", title: "as momentum: CG of 20 steps, zeta to 0.99, no line search", section: "13", set: []string{"cg.max=20", "cg.decay_final=0.99", "cg.decay_iterations=50", "line_search.enabled=false"}},
	{name: "holdout", title: "held-out data choose the iterate, f on the curvature minibatch ends CG", section: "13", set: []string{"cg.start=highest", "cg.watch=10", "cg.backtrack_batch=held_out", "cg.backtrack_every=10"}, heldOut: true},
	{name: "hessian", title: "the exact Hessian", section: "5", set: []string{"curvature.kind=hessian", "damping.structural_mu=0"}},
	{name: "fisher-matrix", title: "the empirical Fisher matrix as curvature", section: "11.3", set: []string{"curvature.kind=fisher", "damping.structural_mu=0"}},
	{name: "init-glorot", title: "dense initial weights (Glorot)", section: "13", set: []string{"model.init=glorot"}, initial: true},
}

func variantNames() (all []string) {
	for _, v := range variants {
		all = append(all, v.name)
	}
	return all
}
