package remote

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// webStore reads objects of HTTP servers that answer range requests.
type webStore struct{ client *http.Client }

// ask requests bytes [from, to] of a name.
func (s *webStore) ask(ctx context.Context, name string, from, to int64, tag string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, name, nil)
	if err != nil {
		return nil, &Error{URL: name, Kind: Failed, Message: "is not a URL", Hint: "write https://host/path", Err: err}
	}
	r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, to))
	r.Header.Set("Accept-Encoding", "identity")
	r.Header.Set("User-Agent", "curvestream")
	if tag != "" && !strings.HasPrefix(tag, "W/") { // weak tags never match
		r.Header.Set("If-Match", tag)
	}
	return s.client.Do(r)
}

// stat implements store: it asks for the first byte, because not every server that answers GET answers HEAD.
func (s *webStore) stat(ctx context.Context, name string) (Object, error) {
	resp, err := s.ask(ctx, name, 0, 0, "")
	if err != nil {
		return Object{}, err
	}
	defer resp.Body.Close()
	o := Object{URL: name, ETag: resp.Header.Get("ETag"), Modified: resp.Header.Get("Last-Modified")}
	switch resp.StatusCode {
	case http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable:
		_, total, err := contentRange(resp.Header.Get("Content-Range"))
		if err != nil {
			return o, noRanges(name)
		}
		o.Size = total
		return o, nil
	case http.StatusOK:
		return o, noRanges(name)
	}
	return o, ofStatus(name, resp.StatusCode, "")
}

// get implements store.
func (s *webStore) get(ctx context.Context, o *Object, off, n int64) (io.ReadCloser, error) {
	resp, err := s.ask(ctx, o.URL, off, off+n-1, o.ETag)
	if err != nil {
		return nil, err
	}
	if err := s.check(ctx, o, resp, off); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp.Body, nil
}

// check accepts an answer that holds the range of the object as it was pinned.
func (s *webStore) check(ctx context.Context, o *Object, resp *http.Response, off int64) error {
	now := &Object{ETag: resp.Header.Get("ETag"), Modified: resp.Header.Get("Last-Modified"), Size: o.Size}
	switch resp.StatusCode {
	case http.StatusPartialContent:
	case http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable:
		fresh, err := s.stat(ctx, o.URL)
		if err != nil {
			return err
		}
		return changed(o, &fresh)
	case http.StatusOK:
		if resp.ContentLength >= 0 {
			now.Size = resp.ContentLength
		}
		if now.differs(o) {
			return changed(o, now)
		}
		return noRanges(o.URL)
	default:
		return ofStatus(o.URL, resp.StatusCode, "")
	}
	first, total, err := contentRange(resp.Header.Get("Content-Range"))
	if err != nil || first != off {
		return noRanges(o.URL)
	}
	if now.Size = total; now.differs(o) {
		return changed(o, now)
	}
	return nil
}

// differs tells whether an answer is about another state of the object.
func (o *Object) differs(pinned *Object) bool {
	if o.Size != pinned.Size || o.ETag != pinned.ETag {
		return true
	}
	return o.ETag == "" && o.Modified != pinned.Modified
}

func noRanges(name string) *Error {
	return &Error{URL: name, Kind: NoRanges, Message: "the server does not answer range requests, without which data cannot be read at random", Hint: "download it first, such as curl -O '" + name + "', and name the file"}
}

// contentRange parses "bytes 0-9/100", and "bytes */100" with a first byte of 0.
func contentRange(header string) (first, total int64, err error) {
	span, size, found := strings.Cut(strings.TrimPrefix(header, "bytes "), "/")
	if !found {
		return 0, 0, fmt.Errorf("no Content-Range (%q)", header)
	}
	if total, err = strconv.ParseInt(size, 10, 64); err != nil || span == "*" {
		return 0, total, err
	}
	from, _, _ := strings.Cut(span, "-")
	first, err = strconv.ParseInt(from, 10, 64)
	return first, total, err
}
