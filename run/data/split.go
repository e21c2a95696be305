package data

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"curvestream/ingest"
	"curvestream/run/config"
	"curvestream/run/fault"
)

// ParseParts reads "train=0.8,valid=0.1,test=0.1": names of files and the share of the sequences that each gets. The shares must sum to 1.
func ParseParts(text string) ([]ingest.Part, error) {
	bad := func(format string, args ...any) error {
		return fault.New(fault.Usage, "usage.wrong_value", "--parts "+text+": "+format, args...).Fix("--parts train=0.8,valid=0.1,test=0.1")
	}
	var parts []ingest.Part
	sum := 0.0
	seen := make(map[string]bool)
	for _, word := range strings.Split(text, ",") {
		name, share, found := strings.Cut(strings.TrimSpace(word), "=")
		x, err := strconv.ParseFloat(share, 64)
		switch {
		case !found || err != nil || !(x > 0 && x <= 1):
			return nil, bad("%q is not a name and a share above 0", word)
		case name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_"):
			return nil, bad("%q cannot be the name of a file of data", name)
		case seen[name]:
			return nil, bad("%q is there twice", name)
		}
		seen[name] = true
		sum += x
		parts = append(parts, ingest.Part{Name: name, Fraction: x})
	}
	if math.Abs(sum-1) > 1e-9 {
		return nil, bad("the shares sum to %g, not to 1", sum)
	}
	return parts, nil
}

// Split writes each sequence of data to one of the parts, files in the directory to.Path, chosen by a hash of its identifier and the seed.
func (a Access) Split(ctx context.Context, patterns []string, parts []ingest.Part, seed uint64, c *config.Config, to Copy) (done []ingest.WrittenPart, err error) {
	switch to.Format {
	case ingest.WriteParquet, ingest.WriteArrow:
	default:
		return nil, fault.New(fault.Usage, "usage.wrong_value", "--format %s: parquet or arrow", to.Format)
	}
	a.Digests = to.Digests
	src, err := a.Open(ctx, patterns)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	return ingest.Split(ctx, src, to.Path, parts, seed, Roles(c), to.options())
}

// Sort writes data to one file in the order of sequences and time-steps, with the memory that the access has; runs that do not fit lie in a
// directory of their own below temporary, or the system's, while it works.
func (a Access) Sort(ctx context.Context, patterns []string, c *config.Config, temporary string, to Copy) (done ingest.Conversion, err error) {
	memory := a.Memory
	a.Digests = to.Digests
	a.Memory = ingest.SortMemory(memory)
	src, err := a.Open(ctx, patterns)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	return ingest.Sort(ctx, src, to.Path, ingest.SortOptions{Roles: Roles(c), Memory: memory, Dir: temporary}, to.options())
}
