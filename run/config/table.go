package config

import (
	"fmt"
	"strings"

	"curvestream/ingest"
)

// A Setting is one row of the table of settings.
type Setting struct {
	Key     string
	Doc     string
	Section string   // of the report, or empty
	Values  []string // what is allowed, for words; nil means any
	at      func(*Config) any
}

// Flag returns the name of the flag that sets the key, without dashes in front.
func (s Setting) Flag() string {
	if s.Key == "data.train" {
		return "data"
	}
	key := s.Key
	for _, prefix := range []string{"data.", "model.", "run."} {
		key = strings.TrimPrefix(key, prefix)
	}
	return strings.NewReplacer(".", "-", "_", "-").Replace(key)
}

// Type names the type of the value for a person.
func (s Setting) Type() string {
	switch s.at(&Config{}).(type) {
	case *bool:
		return "true or false"
	case *int:
		return "whole number"
	case *float64:
		return "number"
	case *string:
		return "text"
	case *[]string:
		return "list of text"
	case *[]int:
		return "list of whole numbers"
	case *map[string]float64:
		return "mapping of name to number"
	case *map[string]ingest.ColumnEncoding:
		return "mapping of column to encoding"
	case *Duration:
		return "time, such as 90s or 2h, or none"
	case *Bytes:
		return "memory, such as 512MiB or 4GiB"
	case *Count:
		return "number of sequences, or all"
	case *Auto:
		return "whole number, or auto"
	case *Every:
		return "time, such as 10s, or iterations, such as 5it"
	case *Seed:
		return "whole number, or auto"
	case *Schedule:
		return "values by iteration, such as 1:50,200:25, or none"
	case *Limit:
		return "number, or none"
	}
	return "value"
}

// IsBool reports whether a flag for the setting takes no value.
func (s Setting) IsBool() bool { _, ok := s.at(&Config{}).(*bool); return ok }

// IsList reports whether the setting is a list, which a flag may give with commas.
func (s Setting) IsList() bool {
	switch s.at(&Config{}).(type) {
	case *[]string, *[]int:
		return true
	}
	return false
}

func (s Setting) isTextList() bool { _, ok := s.at(&Config{}).(*[]string); return ok }

// IsText reports whether the setting is text, which a flag gives as it is.
func (s Setting) IsText() bool { _, ok := s.at(&Config{}).(*string); return ok }

// set stores v in c and checks it against Values.
func (s Setting) set(c *Config, v any) error {
	p := s.at(c)
	if err := assign(p, v); err != nil {
		return err
	}
	if s.Values == nil {
		return nil
	}
	var words []string
	switch p := p.(type) {
	case *string:
		words = []string{*p}
	case *[]string:
		words = *p
	}
	for _, w := range words {
		if err := oneOf(w, s.Values); err != nil {
			return err
		}
	}
	return nil
}

func oneOf(word string, allowed []string) error {
	for _, a := range allowed {
		if a == word {
			return nil
		}
	}
	return fmt.Errorf("%q is not one of %s%s", word, strings.Join(allowed, ", "), DidYouMean(word, allowed))
}

// Find returns the setting of a key.
func Find(key string) (Setting, bool) {
	for _, s := range Table {
		if s.Key == key {
			return s, true
		}
	}
	return Setting{}, false
}

// Keys returns all keys in the order of the table.
func Keys() []string {
	keys := make([]string, len(Table))
	for i, s := range Table {
		keys[i] = s.Key
	}
	return keys
}
