package hf

var roleNames = names{"gradient", "curvature", "held_out"}

// String returns the name of r.
func (r Role) String() string { return roleNames.of(int(r)) }

// MarshalText implements encoding.TextMarshaler.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Role) UnmarshalText(text []byte) error {
	i, err := roleNames.find(string(text))
	*r = Role(i)
	return err
}
