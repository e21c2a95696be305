package accel

// A Loss compares an output vector z with its target t (table 2). Those whose L″ is indefinite also say what is shown in its
// place (section 6.3); see [Loss.Shows].
type Loss int

// The losses, each with its prediction p of z. ∇L = p − t for the first three, whose L″ is positive semi-definite. The others do
// the output's nonlinearity s within L, where section 6.3 has it as the example of a loss that is not convex: ∇L = s′(p − t), and
// L″ = diag(s′² + s″(p − t)) depends on the target.
const (
	SquaredError         Loss = iota // ½‖z − t‖²; p = z; L″ = I
	LogisticCrossEntropy             // Σ −t log p − (1−t) log(1−p); p = σ(z); L″ = diag(p(1−p))
	SoftmaxCrossEntropy              // −log p_t; p = softmax(z); L″ = diag(p) − ppᵀ
	LogisticSquaredError             // ½‖p − t‖²; p = σ(z)
	TanhSquaredError                 // ½‖p − t‖²; p = tanh z
)

// Convexity is what is shown in the place of an L″ that is indefinite (section 6.3).
type Convexity int

// What there is.
const (
	Indefinite Convexity = iota // L″ itself: for the Hessian, and for what can cope with negative curvature
	Dropped                     // L″ without the eigenvectors of negative eigenvalues
	Shifted                     // L″ + aI, with the least a ≥ 0 for each output vector that makes it positive semi-definite
)

// convexityShift is where a Loss holds its Convexity.
const convexityShift = 8

// Shows returns the loss whose LossCurvature multiplies by what c says in the place of L″. Nothing else about it differs. A convex
// loss stays as it is.
func (l Loss) Shows(c Convexity) Loss {
	if l.Convex() {
		return l
	}
	return l.Kind() | Loss(c)<<convexityShift
}

// Kind returns one of the constants: the loss, with L″ itself.
func (l Loss) Kind() Loss { return l & (1<<convexityShift - 1) }

// Shown returns what was given to Shows.
func (l Loss) Shown() Convexity { return Convexity(l >> convexityShift) }

// Convex reports whether L″ is positive semi-definite whatever the outputs.
func (l Loss) Convex() bool { return l.Kind() < LogisticSquaredError }

// Output returns the nonlinearity that a loss which is not convex applies to z, and Linear for the others.
func (l Loss) Output() Activation {
	switch l.Kind() {
	case LogisticSquaredError:
		return Logistic
	case TanhSquaredError:
		return Tanh
	}
	return Linear
}
