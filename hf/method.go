package hf

// Method names how δ is found once f, ∇f and B are known.
type Method int

// The methods.
const (
	MethodCG  Method = iota // CG on the damped model (algorithms 2 and 3)
	MethodKSD               // Krylov subspace descent: BFGS on f itself, in a Krylov subspace (end of section 8.1); see [KSD]
)

var methodNames = names{"cg", "ksd"}

// String returns the name of m.
func (m Method) String() string { return methodNames.of(int(m)) }

// MarshalText implements encoding.TextMarshaler.
func (m Method) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Method) UnmarshalText(text []byte) error {
	i, err := methodNames.find(string(text))
	*m = Method(i)
	return err
}
