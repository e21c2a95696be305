package config

import (
	"encoding/json"
	"fmt"
	"strings"

	"curvestream/ingest"
	"curvestream/run/fault"
)

// An Explanation is what there is to know about a key.
type Explanation struct {
	Key     string   `json:"key"`
	Flag    string   `json:"flag"`
	Type    string   `json:"type"`
	Values  []string `json:"values,omitempty"`
	Default string   `json:"default"`
	Doc     string   `json:"doc"`
	Section string   `json:"section,omitempty"`
}

// Explain returns the explanation of a key, or of all keys of a group such as "cg".
func Explain(key string) ([]Explanation, error) {
	defaults := Default()
	var out []Explanation
	for _, s := range Table {
		if s.Key == key || strings.HasPrefix(s.Key, key+".") {
			out = append(out, Explanation{s.Key, "--" + s.Flag(), s.Type(), s.Values, format(s.at(&defaults)), s.Doc, s.Section})
		}
	}
	if out == nil {
		return nil, fault.New(fault.Usage, "config.unknown_key", "unknown key %q%s", key, DidYouMean(key, Keys())).
			Fix("`curvestream config show` lists all keys")
	}
	return out, nil
}

// String lays the explanation out for a person.
func (e Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s   %s\n  %s\n  type     %s\n", e.Key, e.Flag, e.Doc, e.Type)
	if e.Values != nil {
		fmt.Fprintf(&b, "  values   %s\n", strings.Join(e.Values, ", "))
	}
	fmt.Fprintf(&b, "  default  %s\n", e.Default)
	if e.Section != "" {
		fmt.Fprintf(&b, "  report   section %s\n", e.Section)
	}
	return b.String()
}

// Schema returns the JSON Schema of a configuration file.
func Schema() ([]byte, error) {
	root := map[string]any{}
	for _, s := range Table {
		node := typeSchema(s)
		node["description"] = s.Doc
		group, name, nested := strings.Cut(s.Key, ".")
		if !nested {
			root[group] = node
			continue
		}
		g, ok := root[group].(map[string]any)
		if !ok {
			g = object(map[string]any{})
			root[group] = g
		}
		g["properties"].(map[string]any)[name] = node
	}
	schema := object(root)
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = "curvestream configuration"
	return json.MarshalIndent(schema, "", "  ")
}

func object(properties map[string]any) map[string]any {
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
}

func typeSchema(s Setting) map[string]any {
	word := func(pattern string) map[string]any {
		return map[string]any{"type": []string{"string", "number"}, "pattern": pattern}
	}
	listOf := func(kind string) map[string]any {
		item := map[string]any{"type": kind}
		if s.Values != nil {
			item["enum"] = s.Values
		}
		return map[string]any{"anyOf": []any{item, map[string]any{"type": "array", "items": item}}}
	}
	switch s.at(&Config{}).(type) {
	case *bool:
		return map[string]any{"type": "boolean"}
	case *int:
		return map[string]any{"type": "integer"}
	case *float64:
		return map[string]any{"type": "number"}
	case *[]string:
		return listOf("string")
	case *[]int:
		return listOf("integer")
	case *map[string]float64:
		return map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "number"}}
	case *map[string]ingest.ColumnEncoding:
		return map[string]any{"type": "object", "additionalProperties": object(map[string]any{
			"kind": map[string]any{"enum": kinds}, "width": map[string]any{"type": "integer"},
			"mean": map[string]any{"type": "array"}, "scale": map[string]any{"type": "array"}, "vocabulary": map[string]any{"type": "array"}})}
	case *Duration:
		return word("^(none|([0-9.]+(h|m|s|ms))+)$")
	case *Bytes:
		return word("^[0-9.]+ ?([kKMGT]i?B|B)?$")
	case *Count:
		return word("^(all|[0-9]+)$")
	case *Every:
		return word("^([0-9]+it|([0-9.]+(h|m|s|ms))+)$")
	case *Auto, *Seed:
		return word("^(auto|[0-9]+)$")
	case *Schedule:
		return word("^(none|[0-9]+:[-+0-9.eE]+(, *[0-9]+:[-+0-9.eE]+)*)$")
	case *Limit:
		return word("^(none|[-+0-9.eE]+)$")
	}
	node := map[string]any{"type": "string"}
	if s.Values != nil {
		node["enum"] = s.Values
	}
	return node
}
