package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"curvestream/ingest"
)

// assign stores v in the field that p points to, if its type fits: v is what YAML gives, a bool, int64, uint64, float64,
// string, []any or map[string]any. The error says what was wanted.
func assign(p any, v any) error {
	switch p := p.(type) {
	case *bool:
		return assignBool(p, v)
	case *int:
		return assignInt(p, v)
	case *float64:
		return assignFloat(p, v)
	case *string:
		return assignString(p, v)
	case *[]string:
		return assignList(p, v, assignString)
	case *[]int:
		return assignList(p, v, assignInt)
	case *map[string]float64:
		return assignMap(p, v, assignFloat)
	case *map[string]ingest.ColumnEncoding:
		return assignMap(p, v, assignEncoding)
	}
	return assignWord(p, v)
}

// assignWord is assign for the types that have a notation of their own.
func assignWord(p any, v any) error {
	word := fmt.Sprint(v)
	var err error
	switch p := p.(type) {
	case *Duration:
		if word == "none" {
			*p = 0
			return nil
		}
		d, e := parseDuration(word)
		*p, err = Duration(d), e
	case *Bytes:
		*p, err = parseBytes(word)
	case *Every:
		*p, err = parseEvery(word)
	case *Count:
		if word == "all" {
			*p = 0
			return nil
		}
		err = assignInt((*int)(p), v)
		if err != nil || *p < 0 {
			err = fmt.Errorf("want a number of sequences or all, got %s", show(v))
		}
	case *Auto:
		if word == auto {
			*p = 0
			return nil
		}
		err = assignInt((*int)(p), v)
		if err != nil || *p < 0 {
			err = fmt.Errorf("want a whole number from 1 up, or auto, got %s", show(v))
		}
	case *Seed:
		if word == auto {
			*p = Seed{}
			return nil
		}
		n, e := strconv.ParseUint(word, 10, 64)
		if e != nil {
			e = fmt.Errorf("want a whole number from 0 up, or auto, got %s", show(v))
		}
		*p, err = Seed{n, true}, e
	case *Schedule:
		*p, err = parseSchedule(word)
	case *Limit:
		if word == "none" {
			*p = Limit{}
			return nil
		}
		p.Given = true
		err = assignFloat(&p.Value, v)
	default:
		panic(fmt.Sprintf("config: no rule for a field of type %T", p))
	}
	return err
}

func assignBool(p *bool, v any) error {
	b, ok := v.(bool)
	if !ok {
		return fmt.Errorf("want true or false, got %s", show(v))
	}
	*p = b
	return nil
}

func assignInt(p *int, v any) error {
	switch v := v.(type) {
	case int64:
		*p = int(v)
		return nil
	case uint64:
		if v <= math.MaxInt {
			*p = int(v)
			return nil
		}
	case float64: // 1e4
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			*p = int(v)
			return nil
		}
	}
	return fmt.Errorf("want a whole number, got %s", show(v))
}

func assignFloat(p *float64, v any) error {
	switch v := v.(type) {
	case int64:
		*p = float64(v)
	case uint64:
		*p = float64(v)
	case float64:
		*p = v
	default:
		return fmt.Errorf("want a number, got %s", show(v))
	}
	if math.IsNaN(*p) || math.IsInf(*p, 0) {
		return fmt.Errorf("want a finite number, got %s", show(v))
	}
	return nil
}

func assignString(p *string, v any) error {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("want text, got %s (put quotes around it if it is text)", show(v))
	}
	*p = s
	return nil
}

// assignList takes a list, or one element for a list of one.
func assignList[T any](p *[]T, v any, element func(*T, any) error) error {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := make([]T, len(list))
	for i := range list {
		if err := element(&out[i], list[i]); err != nil {
			return fmt.Errorf("element %d: %w", i+1, err)
		}
	}
	*p = out
	return nil
}

func assignMap[T any](p *map[string]T, v any, element func(*T, any) error) error {
	m, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("want a mapping such as {name: value}, got %s", show(v))
	}
	out := map[string]T{}
	for name, x := range m {
		var t T
		if err := element(&t, x); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		out[name] = t
	}
	*p = out
	return nil
}

var kinds = []string{string(ingest.Numeric), string(ingest.OneHot), string(ingest.MultiHot), string(ingest.Chars)}

// assignEncoding reads what a person may say of a column's encoding.
func assignEncoding(p *ingest.ColumnEncoding, v any) error {
	m, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("want a mapping with kind, width, mean, scale or vocabulary, got %s", show(v))
	}
	for key, x := range m {
		var err error
		switch key {
		case "kind":
			err = assignString((*string)(&p.Kind), x)
			if err == nil && !slices.Contains(kinds, string(p.Kind)) {
				err = fmt.Errorf("want one of %s, got %s", strings.Join(kinds, ", "), show(x))
			}
		case "width":
			err = assignInt(&p.Width, x)
		case "mean":
			err = assignList(&p.Mean, x, assignFloat)
		case "scale":
			err = assignList(&p.Scale, x, assignFloat)
		case "vocabulary":
			err = assignList(&p.Vocabulary, x, func(s *string, x any) error { *s = fmt.Sprint(x); return nil })
		default:
			names := []string{"kind", "width", "mean", "scale", "vocabulary"}
			return fmt.Errorf("unknown key %q%s", key, DidYouMean(key, names))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

// show writes a value as a person typed it.
func show(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(v)
	case nil:
		return "nothing"
	case []any:
		return "a list"
	case map[string]any:
		return "a mapping"
	}
	return fmt.Sprint(v)
}
