package hf

import "math"

// LM is the Levenberg-Marquardt heuristic of section 8.5: it judges the model by the reduction ratio ρ (eqn. 10) and raises
// or drops a damping strength. The zero LM has the report's constants. It has no state.
type LM struct {
	Off   bool    // leave the strength as it is
	Low   float64 // ρ below it raises the strength; zero means 1/4
	High  float64 // ρ above it drops the strength; zero means 3/4
	Raise float64 // zero means 3/2
	Drop  float64 // zero means 2/3
	Min   float64 // zero means 1e-12
	Max   float64 // zero means 1e12
}

// A Verdict says how the model's prediction for a step compares with what f did. Three of the four signs of prediction and
// outcome make ρ say something that its value alone does not (section 8.5).
type Verdict int

// The verdicts.
const (
	VerdictNone  Verdict = iota // the step was not compared
	ModelAgrees                 // M < 0 and f fell: ρ > 0 means what it says
	ModelWrong                  // M < 0 but f rose or was not finite: ρ < 0, the damping is too weak
	ModelBehind                 // M ≥ 0 but f fell: ρ < 0, CG has not overcome its warm start; no fault of the damping
	ModelUseless                // M ≥ 0 and f rose: ρ ≥ 0, and yet the step is bad
)

var verdictNames = names{"none", "agrees", "wrong", "behind", "useless"}

// String returns the name of v.
func (v Verdict) String() string { return verdictNames.of(int(v)) }

// reduction returns ρ = change/model (eqn. 10), change being f(θ+δ) − f(θ) and model M(δ) − M(0), and how to read it. ρ is
// −∞ where the new f is not finite, and 0 where the model is 0.
func reduction(change, model float64) (rho float64, v Verdict) {
	switch {
	case !finite(change):
		rho = math.Inf(-1)
	case model != 0:
		rho = change / model
	}
	switch {
	case model < 0 && change < 0:
		return rho, ModelAgrees
	case model < 0:
		return rho, ModelWrong
	case change < 0:
		return rho, ModelBehind
	}
	return rho, ModelUseless
}

// Adapt returns the strength for the next iteration. A ModelBehind leaves it alone, since damping is not what failed.
func (lm LM) Adapt(strength, rho float64, v Verdict) float64 {
	lm = lm.withDefaults()
	switch {
	case lm.Off || v == ModelBehind || v == VerdictNone:
		return strength
	case v != ModelAgrees || rho < lm.Low:
		return lm.bounded(strength * lm.Raise)
	case rho > lm.High:
		return lm.bounded(strength * lm.Drop)
	}
	return strength
}

// modest returns the rule for ρ that is only to be a share of what it would be on the minibatch itself (section 12.2).
func (lm LM) modest(share float64) LM {
	lm = lm.withDefaults()
	lm.Low *= share
	lm.High *= share
	return lm
}

// Reject returns the strength after the given number of rejected iterations in a row, this one included: Raise to that
// power times the old one. The report has Raise alone, which takes many iterations where λ is wrong by orders of magnitude.
func (lm LM) Reject(strength float64, inARow int) float64 {
	lm = lm.withDefaults()
	if lm.Off {
		return strength
	}
	return lm.bounded(strength * math.Pow(lm.Raise, float64(inARow)))
}

func (lm LM) bounded(strength float64) float64 { return math.Min(math.Max(strength, lm.Min), lm.Max) }

// holds reports whether strength is within the bounds of lm. It leaves what is not positive
// and finite to other checks.
func (lm LM) holds(strength float64) bool {
	return !(strength > 0) || math.IsInf(strength, 1) || lm.withDefaults().bounded(strength) == strength
}

func (lm LM) withDefaults() LM {
	lm.Low = orDefault(lm.Low, 1.0/4)
	lm.High = orDefault(lm.High, 3.0/4)
	lm.Raise = orDefault(lm.Raise, 3.0/2)
	lm.Drop = orDefault(lm.Drop, 2.0/3)
	lm.Min = orDefault(lm.Min, 1e-12)
	lm.Max = orDefault(lm.Max, 1e12)
	return lm
}

func orDefault(x, standard float64) float64 {
	if x == 0 {
		return standard
	}
	return x
}
