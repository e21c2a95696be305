package ingest

import (
	"cmp"
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"curvestream/ingest/remote"
)

// RemoteOptions say where s3:// names lead and how much memory the cache of remote blocks may hold; see [remote.Options].
type RemoteOptions = remote.Options

// A Holder is a Source that holds memory between reads, which its Units' Bytes do not count: what is to be taken off a budget first.
type Holder interface {
	// Held bounds that memory, in bytes.
	Held() int64
}

// defaultCache is how much memory the cache of remote blocks may hold where nobody said so.
const defaultCache = 64 << 20

// client returns the client of a source for remote names, made when the first is met. Its cache has at most a quarter of the memory.
func (s *source) client(o OpenOptions) *remote.Client {
	if s.web == nil {
		r := o.Remote
		if r.Cache <= 0 {
			r.Cache = defaultCache
		}
		r.Cache = min(r.Cache, o.MemoryLimit/4)
		s.web = remote.NewClient(r)
	}
	return s.web
}

// Held implements [Holder].
func (s *source) Held() int64 {
	if s.web == nil {
		return 0
	}
	return s.web.Held()
}

// lookAtRemote pins a remote object.
func lookAtRemote(ctx context.Context, c *remote.Client, name string) (*file, error) {
	o, err := c.Open(ctx, name)
	if err != nil {
		return nil, remoteFault(name, err)
	}
	return &file{name: name, path: name, size: o.Size, object: o}, nil
}

// remoteFault is the error of a remote object as one of data.
func remoteFault(name string, err error) error {
	known, ok := errors.AsType[*remote.Error](err)
	if !ok {
		return err
	}
	code := codeUnreadable
	switch known.Kind {
	case remote.NotFound:
		code = codeNotFound
	case remote.Changed:
		code = codeChanged
	case remote.NoRanges:
		code = codeUnsupported
	}
	e := fault(code, cmp.Or(known.URL, name), known.Hint, "%s", known.Message)
	e.Err = known.Err
	e.Missing = code == codeNotFound || known.Kind == remote.Refused
	return e
}

// remoteAt reads an object for one Read, which knows what it will want.
type remoteAt struct {
	ctx    context.Context
	object *remote.Object
	wanted []extent // in their order, joined where the gap is small
}

// maxGap is how far apart two wanted parts may be that are fetched together: what comes meanwhile costs less than another request.
const maxGap = 256 << 10

// want tells which parts of the file will be read, so that each is one request.
func (r *remoteAt) want(parts []extent) {
	slices.SortFunc(parts, func(a, b extent) int { return cmp.Compare(a.at, b.at) })
	for _, p := range parts {
		if last := len(r.wanted) - 1; last >= 0 && p.at <= r.wanted[last].at+r.wanted[last].length+maxGap {
			r.wanted[last].length = max(r.wanted[last].length, p.at+p.length-r.wanted[last].at)
			continue
		}
		r.wanted = append(r.wanted, p)
	}
}

// ReadAt implements io.ReaderAt.
func (r *remoteAt) ReadAt(p []byte, off int64) (int, error) {
	until := off + int64(len(p))
	for _, w := range r.wanted {
		if w.at <= off && off < w.at+w.length {
			until = w.at + w.length
		}
	}
	return r.object.ReadAt(r.ctx, p, off, until)
}

// want tells a remote file which parts a read of columns of a unit will need.
func (o *opened) want(in *bytesAt, u Unit, columns []int) {
	r, ok := in.at.(*remoteAt)
	if !ok {
		return
	}
	pieces := o.decoder.pieces(in, u)
	var parts []extent
	for _, c := range columns {
		for _, i := range o.decoder.piecesOf(c) {
			parts = append(parts, pieces[i]...)
		}
	}
	r.want(parts)
}

// expandRemote finds the objects that a remote pattern names: of HTTP the one URL; of S3 one key, the data files of a prefix that ends in a
// slash, or those that match a pattern with * ? [ ] and **, as for local files.
func expandRemote(ctx context.Context, c *remote.Client, pattern string) ([]string, error) {
	fixed, glob := fixedPart(pattern)
	if !strings.HasPrefix(pattern, "s3://") || !glob && !strings.HasSuffix(pattern, "/") && strings.Contains(strings.TrimPrefix(pattern, "s3://"), "/") {
		return []string{pattern}, nil
	}
	if !glob && !strings.HasSuffix(fixed, "/") {
		fixed += "/" // a bucket alone
	}
	names, err := c.List(ctx, fixed)
	if err != nil {
		return nil, remoteFault(pattern, err)
	}
	found := slices.DeleteFunc(names, func(name string) bool {
		if glob {
			return !matchPath(strings.Split(pattern, "/"), strings.Split(name, "/"))
		}
		return !inDirectory(strings.Split(strings.TrimPrefix(name, fixed), "/")) || !slices.Contains(dataExtensions, strings.ToLower(path.Ext(name)))
	})
	if len(found) == 0 {
		e := fault(codeNotFound, pattern, "check bucket and prefix; 's3://bucket/prefix/**/*.parquet' reads what lies deeper", "no object with an ending of data (%s) is there", strings.Join(dataExtensions, ", "))
		e.Missing = true
		return nil, e
	}
	return found, nil
}

// fixedPart returns a pattern up to its first special character.
func fixedPart(pattern string) (fixed string, glob bool) {
	i := strings.IndexAny(pattern, "*?[")
	if i < 0 {
		return pattern, false
	}
	return pattern[:i], true
}

// inDirectory tells whether the parts of a path below a directory are those of a file that reading the directory reads.
func inDirectory(parts []string) bool {
	last := len(parts) - 1
	for _, p := range parts[:last] {
		if _, ok := hiveKey(p); !ok {
			return false
		}
	}
	return !hidden(parts[last])
}

// matchPath matches a path with a pattern, part by part; "**" stands for any number of folders that are not hidden.
func matchPath(pattern, parts []string) bool {
	switch {
	case len(pattern) == 0 || len(parts) == 0:
		return len(pattern) == len(parts)
	case pattern[0] != "**":
		return matchName(pattern[0], parts[0]) && matchPath(pattern[1:], parts[1:])
	case len(pattern) == 1:
		pattern = []string{"**", "*"}
	}
	return matchPath(pattern[1:], parts) || len(parts) > 1 && !hidden(parts[0]) && matchPath(pattern, parts[1:])
}
