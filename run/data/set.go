// Package data opens, scans and describes what a run reads: files, folders, streams and generators.
package data

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"curvestream/ingest"
	"curvestream/ingest/flight"
	"curvestream/ingest/gen"
	"curvestream/pipeline"
	"curvestream/run/config"
	"curvestream/run/fault"
)

// UseGrowingAllocator makes writing of long lists linear in their length. It is to be called before
// anything is written; what it does, it does once.
var UseGrowingAllocator = sync.OnceFunc(ingest.UseGrowingAllocator)

// An Access says how data are opened.
type Access struct {
	Stdin  io.Reader // what "-" reads; nil refuses it
	Memory int64     // bytes to read with
	Remote ingest.RemoteOptions
	// Digests is the digest manifest that what is read is verified against; "" is DigestsName beside the data, if it is there.
	Digests string
	// Share is the share of --memory that Memory is, for the advice of errors. Zero means 1.
	Share float64
	// Notify is told what Match inferred of data, one line a decision, before they are read. It may be nil.
	Notify func(data string, lines []string)
	// Division divides the data into parts, of which Part names the one to open.
	Division Division
	Part     string
	// Stored is what Set.Stored gave of the same data, matched in the same way: Match then scans nothing. Of other data it is of no effect.
	Stored []byte
}

// Open opens files, folders, globs, URLs, "-", a generator ("gen:addition?length=100&seed=1") or a flight ("grpc://host:port/PATH").
func (a Access) Open(ctx context.Context, patterns []string) (ingest.Source, error) {
	if len(patterns) == 0 {
		return nil, fault.New(fault.Usage, "usage.no_data", "no data").Fix("--data FILE, a folder, a glob, or gen:TASK?length=50&seed=1")
	}
	for _, p := range patterns {
		what, open := "a generator", gen.Open
		switch {
		case strings.HasPrefix(p, "gen:"):
		case flight.Is(p):
			what, open = "a flight", func(name string) (ingest.Source, error) { return flight.Open(ctx, name, a.Memory) }
		default:
			continue
		}
		if len(patterns) > 1 {
			return nil, fault.New(fault.Usage, "usage.mixed_data", "%s stands alone: %q was given together with others", what, p)
		}
		return open(p)
	}
	return ingest.Open(ctx, patterns, ingest.OpenOptions{Stdin: a.Stdin, MemoryLimit: a.Memory, Remote: a.Remote, Digests: a.Digests})
}

// A Set is data that have been opened and scanned: every row was looked at. Close it.
type Set struct {
	Source   ingest.Source
	Manifest *pipeline.Manifest
	Encoding *ingest.Encoding
	Roles    *ingest.Roles // why the columns mean what they mean; nil where a stored encoding says so
	Notes    []string      // where one does: what was inferred all the same
	Memory   int64
	Scanned  bool // all rows were looked at to make the manifest; else it was stored

	shared bool   // the source is another set's to close
	about  string // what the manifest depends on beside the files
}

// Stored returns the manifest in the form of Access.Stored; nil where the data have no end.
func (s *Set) Stored() []byte { return s.Manifest.Encode(s.about) }

// scanOf describes what a scan depends on beside the files.
func (a Access) scanOf(e *ingest.Encoding) (string, error) {
	text, err := json.Marshal(struct {
		Encoding *ingest.Encoding
		Division Division
		Part     string
	}{e, a.Division, a.Part})
	if err != nil {
		return "", fmt.Errorf("data: describing a scan: %w", err)
	}
	return string(text), nil
}

// Close closes the source.
func (s *Set) Close() error {
	if s.shared {
		return nil
	}
	return s.Source.Close()
}

// Endless reports whether the data are a generator without end.
func (s *Set) Endless() bool { return s.Source.Len() == ingest.Endless }

// Fit opens training data and finds out how they are encoded.
func (a Access) Fit(ctx context.Context, patterns []string, roles ingest.RoleOptions) (*Set, error) {
	return a.open(ctx, patterns, func(set *Set) error {
		fitter, err := ingest.NewFitter(set.Source.Schema(), roles)
		if err != nil {
			return err
		}
		if by := a.Division.part(a.Part); by != nil {
			if err := fitter.Select(set.Source.Schema(), by); err != nil {
				return err
			}
		}
		layout, ids := fitter.Roles().Layout, fitter.Roles().ID
		if set.Manifest, err = a.manifest(ctx, set.Source, fitter, layout, ids); err != nil {
			return err
		}
		if err := a.filled(set); err != nil {
			return err
		}
		if set.Encoding, err = fitter.Encoding(); err != nil {
			return err
		}
		known := fitter.Roles()
		set.Roles, set.Scanned = &known, true
		set.about, err = a.scanOf(set.Encoding)
		return err
	})
}

// Match opens data that a stored encoding encodes. Inputs and targets are found by name; how rows become sequences may be
// otherwise than in training (see [Naming]): the set's encoding is the stored one with that changed.
func (a Access) Match(ctx context.Context, patterns []string, e *ingest.Encoding, n Naming) (*Set, error) {
	return a.open(ctx, patterns, func(set *Set) error {
		related, notes, err := relate(set.Source.Schema(), e, n)
		if err != nil {
			return err
		}
		set.Encoding, set.Notes = related, notes
		if a.Notify != nil && len(notes) > 0 {
			a.Notify(strings.Join(patterns, " "), notes)
		}
		return a.scan(ctx, set)
	})
}

// scan makes the manifest of data whose encoding is known, unless it is stored.
func (a Access) scan(ctx context.Context, set *Set) (err error) {
	schema, e := set.Source.Schema(), set.Encoding
	if set.about, err = a.scanOf(e); err != nil {
		return err
	}
	scanner, err := ingest.NewScanner(schema, e)
	if err != nil {
		return err
	}
	if a.Stored != nil && !set.Endless() {
		if set.Manifest, err = pipeline.DecodeManifest(a.Stored, set.Source, set.about); !errors.Is(err, pipeline.ErrOtherManifest) {
			return err
		}
	}
	set.Scanned = true
	if by := a.Division.part(a.Part); by != nil {
		if err := scanner.Select(schema, by); err != nil {
			return err
		}
	}
	if set.Manifest, err = a.manifest(ctx, set.Source, scanner, e.Layout, e.ID); err != nil {
		return err
	}
	return a.filled(set)
}

func (a Access) open(ctx context.Context, patterns []string, fill func(*Set) error) (*Set, error) {
	src, err := a.Open(ctx, patterns)
	if err != nil {
		return nil, err
	}
	a.Memory -= held(src)
	set := &Set{Source: src, Memory: a.Memory}
	if a.Division.divides() && set.Endless() {
		path := src.Fingerprint()[0].Path
		err := fault.New(fault.Usage, "usage.endless_data", "%s has no end, so it cannot be divided into parts", path).Fix("--valid '%s&n=1000' with another seed", path)
		return nil, errors.Join(err, src.Close())
	}
	if err := fill(set); err != nil {
		return nil, Explain(errors.Join(named(err, src), src.Close()), a.Share)
	}
	return set, nil
}

// named puts a file into an error about columns, which all files have in common.
func named(err error, src ingest.Source) error {
	var e *ingest.Error
	if files := src.Fingerprint(); errors.As(err, &e) && e.File == "" && len(files) > 0 {
		e.File = files[0].Path
	}
	return err
}

// held is what a source keeps for itself of the memory to read with.
func held(src ingest.Source) int64 {
	if h, ok := src.(ingest.Holder); ok {
		return h.Held()
	}
	return 0
}

func (a Access) manifest(ctx context.Context, src ingest.Source, scan pipeline.Scan, layout ingest.Layout, ids []string) (*pipeline.Manifest, error) {
	return pipeline.BuildManifest(ctx, src, scan, pipeline.ManifestOptions{Layout: layout, Identified: len(ids) > 0, Memory: a.Memory})
}

// Finite refuses data without end.
func (s *Set) Finite() error {
	if !s.Endless() {
		return nil
	}
	path := s.Source.Fingerprint()[0].Path
	return fault.New(fault.Usage, "usage.endless_data", "%s has no end", path).Fix("say how many sequences: '%s&n=1000'", path)
}

// Explain puts the whole of --memory into errors about a share of it (0 means all); other errors it passes on.
func Explain(err error, share float64) error {
	var large *pipeline.TooLargeError
	if !errors.As(err, &large) {
		return err
	}
	if share == 0 {
		share = 1
	}
	return tooLarge(large, share)
}

// tooLarge returns the error of something that needs more than a share of --memory.
func tooLarge(large *pipeline.TooLargeError, share float64) error {
	needs := config.Bytes(float64(large.Needs)/share/(1<<20)+1) << 20
	e := fault.New(fault.Data, "memory.too_small", "%s: row group %d: %s needs %s of --memory at once, which is %s",
		large.File, large.RowGroup, large.What, needs, config.Bytes(float64(large.Memory)/share))
	e.Where = map[string]any{"file": large.File, "row_group": large.RowGroup}
	return e.Fix("--memory %s or more, or %s", needs, large.Hint)
}

// RemoteOf returns what settings say of remote files.
func RemoteOf(c *config.Config) ingest.RemoteOptions {
	return ingest.RemoteOptions{Endpoint: c.Data.S3Endpoint, Region: c.Data.S3Region, Cache: int64(c.Data.RemoteCache)}
}

// Roles turns settings into what package ingest asks.
func Roles(c *config.Config) ingest.RoleOptions {
	d := c.Data
	if d.SplitCol != "" && !slices.Contains(d.Ignore, d.SplitCol) {
		d.Ignore = append(slices.Clone(d.Ignore), d.SplitCol)
	}
	return ingest.RoleOptions{Layout: ingest.Layout(word(d.Layout)), ID: d.ID, Time: d.Time, Inputs: d.Inputs, Targets: d.Targets, Static: d.Static,
		Mask: d.Mask, Weight: d.Weight, Ignore: d.Ignore, Form: word(d.Form), Loss: word(c.Model.Loss), Normalize: d.Normalize,
		Missing: d.Missing, MaxLength: d.MaxLength, MaxCategories: d.MaxCategories, Encode: d.Encode}
}

// word returns a setting as package ingest wants it: empty where it is to be inferred.
func word(setting string) string {
	if setting == "auto" {
		return ""
	}
	return setting
}

// Describe lays out what was read, in a few lines for a person.
func (s *Set) Describe() []string {
	sum := s.Manifest.Summary()
	var lines []string
	if s.Endless() {
		lines = append(lines, fmt.Sprintf("%s: a generator without end, sequences of up to %d steps", sum.Files[0].Path, sum.Lengths.Max))
	} else {
		lines = append(lines, fmt.Sprintf("%d sequences, %d steps (length %d to %d, median %d) in %d files",
			sum.Sequences, sum.Steps, sum.Lengths.Min, sum.Lengths.Max, sum.Lengths.Median, len(sum.Files)))
	}
	if sum.Dropped > 0 {
		lines = append(lines, fmt.Sprintf("%d sequences dropped (data.missing: drop-sequence)", sum.Dropped))
	}
	if s.Roles != nil {
		lines = append(lines, s.Roles.Notes...)
	}
	e := s.Encoding
	return append(lines, fmt.Sprintf("%d inputs, %d outputs, targets %s, loss %s", e.In, e.Out, e.Form, e.Loss))
}
