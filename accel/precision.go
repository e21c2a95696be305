package accel

// A Precision says how exact products of float32 matrices have to be, where that may be chosen. Sums are in float32 whatever it is.
type Precision int

// What there is.
const (
	Full   Precision = iota // float32
	TF32                    // factors rounded to 10 bits behind the point: products with relative errors up to 2⁻¹⁰
	TF32x3                  // each factor as the sum of two such: errors of the order of float32's
)

// A Precise is a Backend whose products may be less exact, for speed. It is optional.
type Precise interface {
	// SetPrecision chooses what streams compute by from now on where their callers allow it; see Reducer. It reports whether the backend can.
	SetPrecision(p Precision) bool
}

// A Reducer is a Stream of a backend that is Precise. It is optional.
type Reducer interface {
	// Reduce says whether products that are asked for from now on may be by the backend's precision, and returns what was said before. At
	// first they may not. Nets allow it in Gauss-Newton products, for R{} and derivatives, and never where h or a gradient is computed.
	Reduce(may bool) (before bool)
}
