package data

import (
	"context"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"

	"curvestream/ingest"
	"curvestream/run/config"
	"curvestream/run/fault"
)

// Parts are what a split column may say. Sequences of the test part are for `eval --split-col`.
var Parts = []string{"train", "valid", "test"}

// A Division says how data that hold several parts are divided, always by whole sequences. The zero value does not divide.
type Division struct {
	// Column says, for each sequence, to which of Parts it belongs.
	Column string
	// Fraction of the sequences are set aside for validation, chosen by a hash of identifier and seed: whether a sequence is
	// among them depends on nothing else.
	Fraction float64
	Seed     uint64
}

// DivisionOf returns what settings say of it.
func DivisionOf(c *config.Config) Division {
	return Division{Column: c.Data.SplitCol, Fraction: c.Data.ValidFraction, Seed: c.Seed.Value}
}

// divides reports whether there is anything to divide.
func (d Division) divides() bool { return d.Column != "" || d.Fraction > 0 }

// part returns what selects a part, or nil where all is taken.
func (d Division) part(name string) *ingest.Selection {
	switch {
	case d.Column != "":
		return &ingest.Selection{Column: d.Column, Parts: Parts, Keep: func(_, part string) bool { return part == name }}
	case d.Fraction > 0:
		return &ingest.Selection{Keep: func(id, _ string) bool { return d.aside(id) == (name == "valid") }}
	}
	return nil
}

// aside reports whether a sequence is set aside: its hash, as a number from 0 to 1, is below the fraction.
func (d Division) aside(id string) bool {
	return float64(xxh3.HashStringSeed(id, d.Seed)>>11)/(1<<53) < d.Fraction
}

// Part opens the part of a set's data that goes by a name, encoded as the set is. It shares the source of the set, which must
// be closed after it.
func (s *Set) Part(ctx context.Context, a Access, name string) (*Set, error) {
	a.Part = name
	part := &Set{Source: s.Source, Memory: a.Memory, shared: true, Encoding: s.Encoding}
	if err := a.scan(ctx, part); err != nil {
		return nil, Explain(named(err, s.Source), a.Share)
	}
	return part, nil
}

// filled refuses a part without sequences.
func (a Access) filled(set *Set) error {
	if !a.Division.divides() || set.Manifest.Len() != 0 {
		return nil
	}
	return a.none(set.Source)
}

// none is the error of a part without sequences.
func (a Access) none(src ingest.Source) error {
	files := make([]string, 0, len(src.Fingerprint()))
	for _, f := range src.Fingerprint() {
		files = append(files, f.Path)
	}
	where := strings.Join(slices.Compact(files), ", ")
	if a.Division.Column != "" {
		return fault.New(fault.Data, "data.empty_part", "%s: column %q: no sequence belongs to the part %q", where, a.Division.Column, a.Part).
			Fix("write %s into the column for some sequences, or name another one in --split-col", a.Part)
	}
	return fault.New(fault.Data, "data.empty_part", "%s: --valid-fraction %g leaves no sequence in the part %q", where, a.Division.Fraction, a.Part).
		Fix("take a larger or smaller fraction, or give the validation data by --valid FILE")
}
