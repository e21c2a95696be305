package data

import (
	"context"
	"errors"
	"fmt"
	"io"

	"curvestream/ingest"
	"curvestream/pipeline"
	"curvestream/run/config"
	"curvestream/run/fault"
)

// DigestsName is the name under which a digest manifest lies beside data.
const DigestsName = ingest.DigestsName

// A Copy says what data are written to, and how.
type Copy struct {
	Path         string // ends in .parquet, .arrow or .jsonl, or is "-" for an Arrow stream on Stdout
	Format       string // "parquet", "arrow" or "jsonl"; "" goes by the name
	Compression  string // "" is the format's first choice
	RowGroupRows int    // rows of a row group or record batch
	Overwrite    bool
	Digests      string // the digest manifest that what is read is verified against; "" is DigestsName beside the data, if it is there
	Stdout       io.Writer
}

// Converted says what was written.
type Converted = ingest.Conversion

// ToStdout reports whether the copy goes to standard output.
func (c Copy) ToStdout() bool { return c.Path == ingest.StandardInput }

// Convert writes all rows and columns of data to one file, in another format, compression or size of row groups. It returns the path and
// what was written.
func (a Access) Convert(ctx context.Context, patterns []string, c Copy) (done ingest.Conversion, err error) {
	a.Digests = c.Digests
	src, err := a.Open(ctx, patterns)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	return ingest.Convert(ctx, src, c.Path, c.options())
}

// Text writes the characters of text files to one file, so many to a row; see [ingest.CutText].
func Text(ctx context.Context, files []string, length int, c Copy) (ingest.Cut, error) {
	return ingest.CutText(ctx, files, length, c.Path, c.options())
}

func (c Copy) options() ingest.WriteOptions {
	return ingest.WriteOptions{Format: c.Format, Compression: c.Compression, RowGroupRows: c.RowGroupRows, Overwrite: c.Overwrite, Stdout: c.Stdout}
}

// Digest writes the digests of all row groups of data to path, or to DigestsName beside them, and returns where they are and of how many
// files and row groups.
func (a Access) Digest(ctx context.Context, path string, patterns []string, overwrite bool) (where string, files, units int, err error) {
	where, digests, err := ingest.WriteDigests(ctx, path, patterns, overwrite, ingest.OpenOptions{MemoryLimit: a.Memory, Remote: a.Remote})
	if err != nil {
		return "", 0, 0, fmt.Errorf("data: digests: %w", err)
	}
	for _, f := range digests.Files {
		units += len(f.Units)
	}
	return where, len(digests.Files), units, nil
}

// A WorkingCopy says what Access.WorkingCopy made, or found.
type WorkingCopy struct {
	Schema string `json:"schema"`
	pipeline.WrittenCopy
	Notes []string `json:"notes"` // what the columns were taken for, and how a run reads the copy
}

// WorkingCopy makes the working copy in dir that training on the same data, with the same settings, makes and reads: of the sequences of the
// training part where the data are divided. One that is there, and sound, is left as it is.
func (a Access) WorkingCopy(ctx context.Context, patterns []string, c *config.Config, dir string, to Copy) (done WorkingCopy, err error) {
	done.Schema, done.Notes = "curvestream.working_copy/1", []string{}
	if dir == "" {
		return done, fault.New(fault.Usage, "usage.wrong_value", "--working-copy needs a directory")
	}
	a.Digests, a.Division, a.Part = to.Digests, DivisionOf(c), "train"
	set, err := a.Fit(ctx, patterns, Roles(c))
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, set.Close()) }()
	if err := set.Finite(); err != nil {
		return done, err
	}
	defer KeepTo(set.Memory, 0)()
	done.WrittenCopy, err = pipeline.WriteCopy(ctx, set.Source, set.Manifest, set.Encoding, pipeline.LoaderOptions{Memory: set.Memory, Workers: int(c.Data.Workers),
		Copy: pipeline.CopyOptions{Dir: dir, Compression: to.Compression}})
	if err != nil {
		return done, Explain(err, a.Share)
	}
	how := "train --cache " + dir
	if to.Compression == "lz4" {
		how += " --cache-compression lz4"
	}
	done.Notes = append(set.Roles.Notes, "`"+how+"` reads it, with the same data, columns and parts")
	return done, nil
}
