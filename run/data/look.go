package data

import (
	"context"
	"errors"

	"curvestream/ingest"
	"curvestream/run/config"
)

// Inspect reports schema, row groups, roles and why, lengths, flaws and the memory that data need; of large data, unless full is set, from a
// sample that takes under a second.
func Inspect(ctx context.Context, a Access, patterns []string, c *config.Config, full bool) (report *ingest.Inspection, err error) {
	err = a.with(ctx, patterns, func(src ingest.Source) error {
		limit := int64(ingest.InspectBytes)
		if full {
			limit = 0
		}
		report, err = ingest.Inspect(ctx, src, Roles(c), limit)
		return err
	})
	return report, err
}

// Head returns the first n sequences, or the one with an id.
func Head(ctx context.Context, a Access, patterns []string, c *config.Config, n int, id string) (sequences []ingest.SequenceView, err error) {
	err = a.with(ctx, patterns, func(src ingest.Source) error {
		sequences, err = ingest.Head(ctx, src, Roles(c), n, id)
		return err
	})
	return sequences, err
}

// HeadText lays sequences out for a person.
func HeadText(sequences []ingest.SequenceView) string { return ingest.HeadText(sequences) }

// Stats reports counts and moments of every column, and lengths of sequences.
func Stats(ctx context.Context, a Access, patterns []string, c *config.Config) (report *ingest.Stats, err error) {
	err = a.with(ctx, patterns, func(src ingest.Source) error {
		report, err = ingest.CollectStats(ctx, src, Roles(c))
		return err
	})
	return report, err
}

// Validate looks at every row as training would, and lists at most maxErrors flaws.
func Validate(ctx context.Context, a Access, patterns []string, c *config.Config, maxErrors int) (report *ingest.Validation, err error) {
	err = a.with(ctx, patterns, func(src ingest.Source) error {
		report, err = ingest.Validate(ctx, src, Roles(c), nil, maxErrors)
		return err
	})
	return report, err
}

// with calls look with opened data, and closes them.
func (a Access) with(ctx context.Context, patterns []string, look func(ingest.Source) error) error {
	src, err := a.Open(ctx, patterns)
	if err != nil {
		return err
	}
	return errors.Join(named(look(src), src), src.Close())
}
