package hf

import (
	"fmt"
	"strings"
)

// names are the texts of the values of an enumeration, from 0 on.
type names []string

func (n names) of(i int) string {
	if i < 0 || i >= len(n) {
		return fmt.Sprintf("invalid(%d)", i)
	}
	return n[i]
}

func (n names) valid(i int) bool { return i >= 0 && i < len(n) }

func (n names) find(text string) (int, error) {
	for i, name := range n {
		if name == text {
			return i, nil
		}
	}
	return 0, fmt.Errorf("hf: %q is none of %s", text, strings.Join(n, ", "))
}
