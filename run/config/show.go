package config

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"curvestream/ingest"
)

// YAML returns all settings as a file that [Load] reads back to the same values. With origins, each line says in a comment
// where its value came from.
func (r *Resolved) YAML(origins bool) string {
	var b strings.Builder
	group := ""
	for _, s := range Table {
		section, name, nested := strings.Cut(s.Key, ".")
		indent := ""
		if nested {
			if section != group {
				fmt.Fprintf(&b, "%s:\n", section)
			}
			indent = "  "
		} else {
			name = section
			section = ""
		}
		group = section
		line := fmt.Sprintf("%s%s: %s", indent, name, format(s.at(&r.Config)))
		if origins {
			line = fmt.Sprintf("%-48s # %s", line, r.Origin(s.Key))
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// Value returns the value of a key in the form that a file has.
func (r *Resolved) Value(key string) string {
	s, ok := Find(key)
	if !ok {
		return ""
	}
	return format(s.at(&r.Config))
}

// Differences returns the keys whose values differ, in the order of the table.
func Differences(a, b *Config) []string {
	var keys []string
	for _, s := range Table {
		if format(s.at(a)) != format(s.at(b)) {
			keys = append(keys, s.Key)
		}
	}
	return keys
}

// format writes the value that p points to as YAML flow.
func format(p any) string {
	switch p := p.(type) {
	case *bool:
		return strconv.FormatBool(*p)
	case *int:
		return strconv.Itoa(*p)
	case *float64:
		return strconv.FormatFloat(*p, 'g', -1, 64)
	case *string:
		return quote(*p)
	case *[]string:
		return list(*p, quote)
	case *[]int:
		return list(*p, strconv.Itoa)
	case *map[string]float64:
		return mapOf(*p, number)
	case *map[string]ingest.ColumnEncoding:
		return mapOf(*p, encoding)
	case *Duration:
		return p.String()
	case *Bytes:
		return p.String()
	case *Count:
		return p.String()
	case *Auto:
		return p.String()
	case *Every:
		return p.String()
	case *Seed:
		return p.String()
	case *Limit:
		return p.String()
	case *Schedule:
		if len(*p) == 0 {
			return "none"
		}
		return strconv.Quote(p.String())
	}
	panic(fmt.Sprintf("config: no notation for a field of type %T", p))
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// quote writes text so that YAML reads it back as text: words as they are, all else in double quotes.
func quote(s string) string {
	word := s != ""
	for i, c := range s {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || !(c >= '0' && c <= '9' || c == '-' || c == '.' || c == '/')) {
			word = false
		}
	}
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf":
		word = false
	}
	if word {
		return s
	}
	return strconv.Quote(s)
}

func list[T any](xs []T, one func(T) string) string {
	parts := make([]string, len(xs))
	for i, x := range xs {
		parts[i] = one(x)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func mapOf[T any](m map[string]T, one func(T) string) string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	for i, name := range names {
		names[i] = quote(name) + ": " + one(m[name])
	}
	return "{" + strings.Join(names, ", ") + "}"
}

func encoding(e ingest.ColumnEncoding) string {
	var parts []string
	if e.Kind != "" {
		parts = append(parts, "kind: "+quote(string(e.Kind)))
	}
	if e.Width != 0 {
		parts = append(parts, fmt.Sprintf("width: %d", e.Width))
	}
	if e.Mean != nil {
		parts = append(parts, "mean: "+list(e.Mean, number))
	}
	if e.Scale != nil {
		parts = append(parts, "scale: "+list(e.Scale, number))
	}
	if e.Vocabulary != nil {
		parts = append(parts, "vocabulary: "+list(e.Vocabulary, strconv.Quote))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
