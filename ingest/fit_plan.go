package ingest

import (
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
)

// planOf makes the plan of a fit from the roles.
func planOf(schema *arrow.Schema, r *Roles, o RoleOptions) (*plan, error) {
	p := &plan{layout: r.Layout, form: r.Form, loss: r.Loss, missing: o.Missing, maxLength: o.MaxLength, maxCategories: o.MaxCategories, zscore: o.Normalize == "zscore"}
	if p.missing == "" {
		p.missing = "error"
	}
	if p.maxCategories == 0 {
		p.maxCategories = 256
	}
	for _, part := range []struct {
		to      *[]*field
		role    string
		columns []string
	}{
		{&p.id, "sequence id", r.ID}, {&p.inputs, "input", r.Inputs}, {&p.static, "static input", r.Static}, {&p.targets, "target", r.Targets},
	} {
		for _, c := range part.columns {
			enc := o.Encode[c]
			enc.Column, enc.Type = c, ""
			if part.role != "sequence id" {
				enc.Kind = kindOf(shapeOf(schema.Field(schema.FieldIndices(c)[0]).Type), r, part.role, enc)
			}
			f, err := newField(schema, r.Layout, part.role, enc)
			if err != nil {
				return nil, err
			}
			f.enc.Type = valueType(schema.Field(f.schema).Type).Name()
			*part.to = append(*part.to, f)
		}
	}
	if err := p.helpers(schema, r.Time, r.Mask, r.Weight); err != nil {
		return nil, err
	}
	p.encoded = slices.Concat(p.inputs, p.static, p.targets)
	for _, f := range p.encoded {
		if err := f.prepare(schema, r.Layout); err != nil {
			return nil, err
		}
		if f.role == "input" && r.Layout == Nested && !f.series {
			return nil, schemaError("data.column_type", f.enc.Column, "has one value a row, but an input of the nested layout has one for every time-step").
				fix("--static %s to repeat it at every time-step, or --layout long if a row is a time-step", f.enc.Column)
		}
		if f.role == "static input" && (f.series || r.Layout != Nested && f.shape.depth > 0) {
			return nil, schemaError("data.column_type", f.enc.Column, "is a list, but a static input has one value a sequence").fix("name it in --inputs")
		}
	}
	p.index()
	return p, nil
}

// kindOf infers an encoding from a type: numbers and booleans numeric, text and dictionaries one-hot, the only text of a row
// characters; integers as targets are classes, unless another loss is asked for. Lists of integers stay open.
func kindOf(s shape, r *Roles, role string, given ColumnEncoding) Kind {
	if given.Kind != "" {
		return given.Kind
	}
	vector := s.depth == 2 || s.depth == 1 && r.Layout != Nested
	switch {
	case s.class == text && !s.dictionary && s.depth == 0 && r.Layout == Nested && role == "input":
		return Chars
	case s.class == text || s.dictionary:
		return OneHot
	case vector && s.class == integer && len(given.Mean) == 0 && len(given.Scale) == 0 && s.fixed == 0:
		return ""
	case role == "target" && !vector && s.class == integer && (r.Loss == "" || r.Loss == "softmax_cross_entropy"):
		return OneHot
	case role == "target" && !vector && r.Loss == "softmax_cross_entropy":
		return OneHot
	case len(given.Vocabulary) > 0:
		return OneHot
	}
	return Numeric
}
