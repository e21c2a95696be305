package ingest

import (
	"fmt"
	"slices"
	"strings"
)

// helpers finds id, time, mask, weight and split columns by name.
func (in *inference) helpers() error {
	r := in.r
	if len(r.ID) == 0 {
		if err := in.one("id", "sequence id", idNames, func(c string) { r.ID = []string{c} }); err != nil {
			return err
		}
	} else {
		in.setAside(idNames, "is named like an id, but --id names another")
	}
	if r.Layout == Long && len(r.ID) == 0 {
		return schemaError("data.no_id", "", "the long layout needs a sequence id and no column is named like one (%s); the columns are %s",
			strings.Join(idNames, ", "), strings.Join(columnNames(in.schema), ", ")).fix("--id COLUMN")
	}
	switch {
	case r.Time != "":
		in.setAside(timeNames, "is named like a time, but --time names another")
	case r.Layout == Long:
		if err := in.one("time", "time", timeNames, func(c string) { r.Time = c }); err != nil {
			return err
		}
	default:
		in.setAside(timeNames, "is named like a time; time-steps are taken in the order of the lists")
	}
	if r.Mask == "" {
		if err := in.one("mask", "mask", maskNames, func(c string) { r.Mask = c }); err != nil {
			return err
		}
	}
	if r.Weight == "" {
		if err := in.one("weight", "weight", weightNames, func(c string) { r.Weight = c }); err != nil {
			return err
		}
	}
	in.setAside(splitNames, "is named like a split into training and test data; --split-col makes it one")
	return nil
}

// one gives the role to the only open column with one of the names; several are an error.
func (in *inference) one(flag, role string, names []string, take func(string)) error {
	found := in.matching(names)
	switch len(found) {
	case 0:
		return nil
	case 1:
		take(found[0])
		in.r.note("%s: column %s, by its name", role, found[0])
		return nil
	}
	return schemaError("data.ambiguous_"+flag, "", "several columns could be the %s: %s", role, strings.Join(found, ", ")).fix("--%s %s, or another of them", flag, found[0])
}

// setAside ignores open columns by name.
func (in *inference) setAside(names []string, why string) {
	for _, c := range in.matching(names) {
		in.r.Ignored = append(in.r.Ignored, c)
		in.r.note("not used: column %s %s (--inputs %s to use it)", c, why, c)
	}
}

// chooseTargets takes the only column with a target's name.
func (in *inference) chooseTargets() error {
	r := in.r
	if len(r.Targets) > 0 || r.Form == "next" {
		return nil
	}
	found := in.matching(targetNames)
	switch len(found) {
	case 0:
	case 1:
		r.Targets = found
		r.note("target: column %s, by its name", found[0])
	default:
		return schemaError("data.ambiguous_target", "", "several columns could be the target: %s", strings.Join(found, ", ")).
			fix("--targets %s, or --targets %s for all of them", found[0], strings.Join(found, ","))
	}
	return nil
}

// rest makes inputs of the remaining columns, unless the inputs are given.
func (in *inference) rest() error {
	r := in.r
	given := len(r.Inputs) > 0
	for _, c := range in.open() {
		s := in.shape(c)
		switch {
		case given:
			r.Ignored = append(r.Ignored, c)
			r.note("not used: column %s, since --inputs names others", c)
		case s.class == other:
			return schemaError("data.column_type", c, "has the type %s, which is no input", in.schema.Field(in.schema.FieldIndices(c)[0]).Type).
				fix("--ignore %s, or store it as numbers, booleans, strings or lists of them", c)
		case r.Layout == Nested && s.depth == 0 && !in.isChars(c):
			r.Static = append(r.Static, c)
			r.note("static input: column %s, one value a sequence (--targets %s if it is to be predicted)", c, c)
		default:
			r.Inputs = append(r.Inputs, c)
			r.note("input: column %s, %s", c, typeWords(s))
		}
	}
	if len(r.Inputs) == 0 {
		return schemaError("data.no_inputs", "", "no column is left to be an input; the columns are %s", strings.Join(columnNames(in.schema), ", ")).fix("--inputs COLUMN[,COLUMN]")
	}
	return nil
}

// isChars reports whether a text column is a sequence of characters: said so, or the only text beside no lists.
func (in *inference) isChars(column string) bool {
	s := in.shape(column)
	if s.class != text || s.dictionary || s.depth > 0 || in.r.Layout != Nested {
		return false
	}
	if k := in.o.Encode[column].Kind; k != "" {
		return k == Chars
	}
	for _, c := range columnNames(in.schema) {
		if slices.Contains(in.r.Targets, c) || slices.Contains(in.r.Ignored, c) || in.reserved(c) != "" {
			continue
		}
		if c != column && (in.shape(c).depth > 0 || in.shape(c).class == text) {
			return false
		}
	}
	return true
}

func typeWords(s shape) string {
	switch {
	case s.class == text && s.depth == 0 && !s.dictionary:
		return "text"
	case s.depth == 2:
		return fmt.Sprintf("lists of lists of %s values", s.class)
	case s.depth == 1:
		return fmt.Sprintf("lists of %s values", s.class)
	}
	return fmt.Sprintf("%s values", s.class)
}

// settle decides the form where the columns' types do, and refuses what has no target.
func (in *inference) settle() error {
	r := in.r
	if len(r.Targets) > 0 || r.Form == "next" {
		return in.formOfTargets()
	}
	next := r.Layout == Nested && len(r.Inputs) == 1
	if next {
		s, kind := in.shape(r.Inputs[0]), in.o.Encode[r.Inputs[0]].Kind
		chars := in.isChars(r.Inputs[0]) || kind == Chars
		multihot := kind == MultiHot || kind == "" && s.depth == 2 && s.class == integer // the data must confirm it
		next = (chars || multihot) && (r.Form == "" || r.Form == "next")
	}
	if !next {
		return in.noTarget()
	}
	r.Form = "next"
	r.note("target: the next step of column %s (form next), since no column is a target", r.Inputs[0])
	return nil
}

// noTarget lists what could be predicted.
func (in *inference) noTarget() error {
	r := in.r
	candidates := slices.Concat(r.Static, r.Inputs)
	e := schemaError("data.no_target", "", "no column is named like a target (%s); what is to be predicted? Candidates: %s",
		strings.Join(targetNames, ", "), strings.Join(candidates, ", "))
	hint := "--targets " + candidates[0]
	switch {
	case r.Layout == Flat:
		return e.fix("%s, or --targets %s for an autoencoder", hint, r.Inputs[0])
	case len(r.Static) > 0:
		return e.fix("%s (one a sequence), or --form next to predict the next step of the inputs", hint)
	}
	return e.fix("%s with the other columns as --inputs, or --form next to predict the next step of the inputs", hint)
}

// formOfTargets: with lists as rows a target that is a list is each, and one that is not is last; with time-steps as rows
// the data must show whether the target changes within a sequence.
func (in *inference) formOfTargets() error {
	r := in.r
	if r.Form != "" {
		return nil
	}
	switch r.Layout {
	case Flat:
		r.Form = "each"
	case Nested:
		for _, c := range r.Targets {
			form := "last"
			if in.shape(c).depth > 0 || in.o.Encode[c].Kind == Chars || slices.Contains(r.Inputs, c) {
				form = "each"
			}
			if r.Form != "" && r.Form != form {
				return schemaError("data.ambiguous_form", c, "is a target of the form %q, but target %s is of the form %q", form, r.Targets[0], r.Form).
					fix("--form last to use the last value of each, or train one target at a time")
			}
			r.Form = form
		}
		if r.Form == "each" {
			r.note("form each: target %s is a list, with a value for every time-step", r.Targets[0])
		} else {
			r.note("form last: target %s has one value a sequence", r.Targets[0])
		}
	}
	return nil
}
