package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/zeebo/xxh3"

	"curvestream/ingest/remote"
)

// DigestsName is the name under which a digest manifest lies beside data.
const DigestsName = "_digests.json"

const digestsSchema = "curvestream.digests/1"

// Digests are a digest manifest: what the bytes of files were when it was made. Read compares what it reads with them, so that data which
// changed on disk is an error even where it still decodes.
type Digests struct {
	Schema string        `json:"schema"` // "curvestream.digests/1"
	Files  []FileDigests `json:"files"`
}

// FileDigests are those of one file.
type FileDigests struct {
	Path   string        `json:"path"` // relative to the manifest's directory, with slashes
	Size   int64         `json:"size"`
	Footer string        `json:"footer"` // as in FileInfo
	Units  []UnitDigests `json:"units"`
}

// UnitDigests are the xxh3-128 of one row group, a digest for each of its columns (of nested ones, of each leaf), so that reading some
// columns verifies those; or of one record batch with its dictionaries, a single digest.
type UnitDigests struct {
	RowGroup int      `json:"row_group"`
	XXH3     []string `json:"xxh3"`
}

// Codes of errors of digests.
const (
	codeDigest     = "data.digest"     // the bytes are not those that were digested
	codeUndigested = "data.undigested" // the manifest does not list the file
)

// hintDigest is the fix where bytes are not what they were.
const hintDigest = "fetch the file again; if it was meant to change, make the digests anew: curvestream data manifest --overwrite FILES"

// An extent is a run of bytes of a file.
type extent struct{ at, length int64 }

// WriteDigests reads all bytes of the data that patterns name and writes their digest manifest to path, or, if path is "", to DigestsName in
// the directory of the files, which must then be one. It replaces a manifest only if overwrite is set: data that have been damaged since
// the last one was made would else pass for sound. It returns the path. Errors are of type *[Error] or *[OutputError].
func WriteDigests(ctx context.Context, path string, patterns []string, overwrite bool, o OpenOptions) (string, *Digests, error) {
	o.undigested = true
	src, err := Open(ctx, patterns, o)
	if err != nil {
		return "", nil, err
	}
	defer src.Close()
	s := src.(*source)
	if path == "" {
		if path, err = digestsBeside(s.opened); err != nil {
			return "", nil, err
		}
	}
	if err := mayCreate(path, overwrite); err != nil {
		return path, nil, err
	}
	d := &Digests{Schema: digestsSchema}
	for _, f := range s.opened {
		digests, err := f.digest(ctx)
		if err != nil {
			return path, nil, err
		}
		if digests.Path, err = relativeTo(path, f.file.name); err != nil {
			return path, nil, err
		}
		d.Files = append(d.Files, digests)
	}
	return path, d, d.write(path, overwrite)
}

// digestsBeside returns where the manifest of files lies beside them.
func digestsBeside(files []*opened) (string, error) {
	dir := filepath.Dir(files[0].file.name)
	for _, f := range files {
		if f.file.object != nil {
			return "", fault(codeUnsupported, f.file.name, "give the manifest a name with -o, and name it by --manifest", "is remote: nothing is written beside it")
		}
		if f.file.spooled != nil {
			return "", fault(codeUnsupported, f.file.name, "name a file", "is a stream, which has no place to lie")
		}
		if filepath.Dir(f.file.name) != dir {
			return "", fault(codeUnsupported, f.file.name, "give the manifest a name with -o, or make one for each directory", "lies in another directory than %s", files[0].file.name)
		}
	}
	return filepath.Join(dir, DigestsName), nil
}

// relativeTo names a file as the manifest at path does; a remote one by its URL.
func relativeTo(path, name string) (string, error) {
	if remote.Is(name) {
		return name, nil
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err == nil {
		name, err = filepath.Abs(name)
	}
	if err == nil {
		name, err = filepath.Rel(dir, name)
	}
	if err != nil {
		return "", fmt.Errorf("ingest: naming %s in %s: %w", name, path, err)
	}
	return filepath.ToSlash(name), nil
}

// write writes the manifest, complete or not at all.
func (d *Digests) write(path string, overwrite bool) error {
	b, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		return err
	}
	f, err := createFile(path, overwrite)
	if err != nil {
		return err
	}
	if _, err := f.Write(append(b, '\n')); err != nil {
		f.abort()
		return &OutputError{Code: "output.failed", Path: path, Message: "cannot be written", Err: bare(err)}
	}
	return f.commit()
}

// digest digests all units of a file.
func (o *opened) digest(ctx context.Context) (FileDigests, error) {
	d := FileDigests{Size: o.info.Size, Footer: o.info.Footer}
	in, err := o.file.open(ctx)
	if err != nil {
		return d, err
	}
	defer in.Close()
	for _, u := range o.units {
		unit := UnitDigests{RowGroup: u.RowGroup}
		for _, piece := range o.decoder.pieces(in, u) {
			sum, err := sumOf(in, piece)
			if err != nil {
				return d, blame(ctx, o.file.name, in, err)
			}
			unit.XXH3 = append(unit.XXH3, sum)
		}
		d.Units = append(d.Units, unit)
	}
	return d, nil
}

// sumOf returns the digest of extents, one after the other.
func sumOf(in *bytesAt, extents []extent) (string, error) {
	h := xxh3.New()
	for _, e := range extents {
		if _, err := io.Copy(h, io.NewSectionReader(in, e.at, e.length)); err != nil {
			return "", err
		}
	}
	sum := h.Sum128().Bytes()
	return fmt.Sprintf("%x", sum[:]), nil
}

// A shelf holds the manifests that were read, by path, so that each is read once however many files it lists.
type shelf map[string]*Digests

// read returns the manifest at path; a file that is not there is nil.
func (s shelf) read(path string) (*Digests, error) {
	if d, known := s[path]; known {
		return d, nil
	}
	d, err := readDigests(path)
	if err == nil {
		s[path] = d
	}
	return d, err
}

func readDigests(path string) (*Digests, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, openFault(path, err)
	}
	var d Digests
	if err := json.Unmarshal(b, &d); err != nil || d.Schema != digestsSchema {
		e := fault(codeMalformed, path, "make it anew: curvestream data manifest --overwrite FILES", "is no digest manifest (%s)", digestsSchema)
		e.Err = err
		return nil, e
	}
	return &d, nil
}

// expect finds a file in the manifest that o names or that lies beside it, and compares size and footer. From then on every read of
// it is compared. A file that a manifest beside it does not list is read as it is; one that a named manifest does not list is refused.
func (o *opened) expect(options OpenOptions, manifests shelf) error {
	path := options.Digests
	if options.undigested || path == "" && (o.file.spooled != nil || o.file.object != nil) {
		return nil
	}
	if path == "" {
		path = filepath.Join(filepath.Dir(o.file.name), DigestsName)
	}
	d, err := manifests.read(path)
	if err == nil && d == nil && options.Digests != "" {
		err = openFault(path, fs.ErrNotExist)
	}
	if err != nil || d == nil {
		return err
	}
	name, err := relativeTo(path, o.file.name)
	if err != nil {
		return err
	}
	for i := range d.Files {
		if f := &d.Files[i]; f.Path == name {
			return o.expectFile(f, path)
		}
	}
	if options.Digests != "" {
		return fault(codeUndigested, o.file.name, "make the digests anew with this file: curvestream data manifest --overwrite -o "+path+" FILES", "is not in the manifest %s", path)
	}
	return nil
}

func (o *opened) expectFile(f *FileDigests, path string) error {
	if f.Size != o.info.Size || f.Footer != o.info.Footer {
		return fault(codeDigest, o.file.name, hintDigest, "is not the file that %s was made of (%d bytes and footer %s, now %d and %s)", path, f.Size, f.Footer, o.info.Size, o.info.Footer)
	}
	o.digests = make(map[int][]string)
	for _, u := range f.Units {
		o.digests[u.RowGroup] = u.XXH3
	}
	return nil
}

// verify compares the bytes of the given columns of a unit with their digests, where there are any.
func (o *opened) verify(in *bytesAt, u Unit, columns []int) error {
	if o.digests == nil {
		return nil
	}
	pieces, sums := o.decoder.pieces(in, u), o.digests[u.RowGroup]
	if len(sums) != len(pieces) {
		return fault(codeDigest, u.File, hintDigest, "has %d parts in a row group, its digest manifest has %d", len(pieces), len(sums)).in(u)
	}
	for _, c := range columns {
		for _, i := range o.decoder.piecesOf(c) {
			sum, err := sumOf(in, pieces[i])
			if err != nil {
				return err
			}
			if sum != sums[i] {
				return fault(codeDigest, u.File, hintDigest, "its bytes have changed since they were digested (%s, now %s)", sums[i], sum).in(u).of(o.schema.Field(c).Name)
			}
		}
	}
	return nil
}
