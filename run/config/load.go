package config

import (
	"fmt"
	"strings"

	"curvestream/run/fault"
)

// An Assignment is "key = value" as a flag or --set gives it.
type Assignment struct {
	Key, Value string
	Origin     string // "--cg-max", "--set"
}

// Sources are where settings come from.
type Sources struct {
	Recipe string              // the name of a recipe, or empty
	Files  []string            // configuration files, the later stronger
	Env    func(string) string // the environment; nil means none
	Flags  []Assignment        // from flags and --set
}

// A Resolved is a Config that knows where each value came from.
type Resolved struct {
	Config
	origin map[string]string // by key; none means default
}

// variables are the environment's names for settings.
var variables = []struct{ name, key string }{
	{"CURVESTREAM_THREADS", "threads"},
	{"CURVESTREAM_DEVICE", "device"},
	{"CURVESTREAM_MEMORY", "memory"},
}

// Load gives every setting its value. The first thing wrong is the error, a [fault.Error] that names file, line and column,
// or the flag, and the nearest known key.
func Load(src Sources) (*Resolved, error) {
	r := &Resolved{Config: Default(), origin: map[string]string{}}
	if src.Recipe != "" {
		text, err := Recipe(src.Recipe)
		if err != nil {
			return nil, err
		}
		if err := r.text("recipe "+src.Recipe, text); err != nil {
			return nil, err
		}
	}
	for _, path := range src.Files {
		text, err := readFile(path)
		if err != nil {
			return nil, err
		}
		if err := r.text(path, text); err != nil {
			return nil, err
		}
	}
	if src.Env != nil {
		for _, v := range variables {
			if err := r.variable(v.name, v.key, src.Env(v.name)); err != nil {
				return nil, err
			}
		}
	}
	return r, r.flags(src.Flags)
}

// Parse reads one YAML text over the defaults.
func Parse(name string, text []byte) (*Resolved, error) {
	r := &Resolved{Config: Default(), origin: map[string]string{}}
	return r, r.text(name, text)
}

// text applies a YAML text.
func (r *Resolved) text(name string, text []byte) error {
	entries, err := parse(name, text)
	if err != nil {
		return err
	}
	s := source{name, strings.Split(string(text), "\n")}
	for _, e := range entries {
		setting, _ := Find(e.key)
		if err := setting.set(&r.Config, e.value); err != nil {
			return s.fault(e.at, "config.wrong_value", "%s: %v", e.key, err)
		}
		r.origin[e.key] = fmt.Sprintf("%s:%d", name, e.at.Line)
	}
	return nil
}

// variable applies one variable of the environment; an empty one is not set.
func (r *Resolved) variable(name, key, text string) error {
	if text == "" {
		return nil
	}
	setting, _ := Find(key)
	value, err := flow(setting, text)
	if err == nil {
		err = setting.set(&r.Config, value)
	}
	if err != nil {
		return fault.New(fault.Config, "config.wrong_value", "environment variable %s: %v", name, err)
	}
	r.origin[key] = name
	return nil
}

// flags applies flags and --set, which must not contradict each other.
func (r *Resolved) flags(flags []Assignment) error {
	given := map[string]Assignment{}
	for _, a := range flags {
		setting, ok := Find(a.Key)
		if !ok {
			return fault.New(fault.Config, "config.unknown_key", "%s: unknown key %q%s", a.Origin, a.Key, DidYouMean(a.Key, Keys()))
		}
		if before, twice := given[a.Key]; twice && before.Value != a.Value {
			return fault.New(fault.Usage, "usage.contradiction", "%s is given twice: %q by %s and %q by %s", a.Key, before.Value, before.Origin, a.Value, a.Origin)
		}
		given[a.Key] = a
		value, err := flow(setting, a.Value)
		if err == nil {
			err = setting.set(&r.Config, value)
		}
		if err != nil {
			return fault.New(fault.Usage, "usage.wrong_value", "%s: %s: %v", a.Origin, a.Key, err)
		}
		r.origin[a.Key] = a.Origin
	}
	return nil
}

// flow reads the text of a flag: text as it is, everything else as YAML, and a list also with commas alone.
func flow(s Setting, text string) (any, error) {
	if s.IsText() {
		return text, nil
	}
	if s.IsList() && !strings.HasPrefix(text, "[") {
		if s.Key == "data.train" || s.Key == "data.valid" { // file names may have commas
			return []any{text}, nil
		}
		if s.isTextList() {
			return words(text), nil
		}
		text = "[" + text + "]"
	}
	entries, err := parse(s.Key, []byte(nest(s.Key, text)))
	if err != nil || len(entries) != 1 {
		return nil, fmt.Errorf("cannot be read: %q", text)
	}
	return entries[0].value, nil
}

func words(text string) []any {
	var out []any
	for w := range strings.SplitSeq(text, ",") {
		out = append(out, w)
	}
	return out
}

// nest writes "a.b" and a value as YAML.
func nest(key, value string) string {
	var b strings.Builder
	parts := strings.Split(key, ".")
	for i, part := range parts {
		fmt.Fprintf(&b, "%s%s:", strings.Repeat("  ", i), part)
		if i < len(parts)-1 {
			b.WriteByte('\n')
		}
	}
	return b.String() + " " + value
}

// Origin says where the value of a key came from.
func (r *Resolved) Origin(key string) string {
	if o, ok := r.origin[key]; ok {
		return o
	}
	return "default"
}

// Override sets a key from a flag, as on resume. The flag is stronger than what is there.
func (r *Resolved) Override(flags []Assignment) error { return r.flags(flags) }

// Infer sets a key that still has its default to what the data say; why becomes its origin.
func (r *Resolved) Infer(key string, value any, why string) error {
	if _, said := r.origin[key]; said {
		return nil
	}
	setting, ok := Find(key)
	if !ok {
		return fmt.Errorf("config: inferring unknown key %q", key)
	}
	if err := setting.set(&r.Config, value); err != nil {
		return fmt.Errorf("config: inferring %s: %w", key, err)
	}
	r.origin[key] = "inferred: " + why
	return nil
}
