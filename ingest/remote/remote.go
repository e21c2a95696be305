// Package remote reads objects of HTTP servers and S3-compatible stores in ranges, as if they were files: the same bytes from open to
// close or an error, through a bounded cache of blocks.
//
// A read that is not in the cache becomes one request for all the neighbouring blocks that the reader says it will want, up to maxRun bytes;
// reads of a block that is on its way wait for it. Requests that fail in a way that may pass (5xx, resets, short bodies, silence) are made
// again, from where the last one stopped, after a delay that doubles and is spread at random, and only so often. An object is pinned by
// entity tag, size and time of modification when it is opened.
package remote

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7/pkg/s3utils"
)

// Options say where S3 objects are and how much memory the cache may hold. The zero value is Amazon's store, as the environment has it.
//
// Credentials are those of the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; MINIO_ROOT_USER and
// MINIO_ROOT_PASSWORD) or of the file of shared credentials (AWS_PROFILE, AWS_SHARED_CREDENTIALS_FILE); without any, requests are anonymous.
// They are never part of a name, an error or an Object.
type Options struct {
	// Endpoint is the store's address, such as http://localhost:9000; "" means AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or Amazon's.
	Endpoint string
	// Region is the store's region; "" means AWS_REGION, AWS_DEFAULT_REGION, or what the store says.
	Region string
	// Cache is how many bytes of blocks are held, those on their way included; it is rounded up to minCache.
	Cache int64
}

// An Object is what a name stood for when it was opened. It is safe for concurrent use.
type Object struct {
	URL      string
	Size     int64
	ETag     string // as the store gave it; "" where it gave none
	Modified string // HTTP date; "" where the store gave none

	client *Client
	store  store
}

// A store gives ranges of objects.
type store interface {
	// stat returns what the name stands for now.
	stat(ctx context.Context, name string) (Object, error)
	// get begins to read n bytes from off on, of the object as it was pinned; it is an *Error of kind Changed if that is gone.
	get(ctx context.Context, o *Object, off, n int64) (io.ReadCloser, error)
}

// A Client opens objects and holds the cache that they share. Close it.
type Client struct {
	options   Options
	cache     *cache
	transport *http.Transport
	web       *webStore
	making    sync.Mutex
	s3        *s3Store // made when first needed, under making

	attempts int           // of one request, without progress
	delay    time.Duration // before the second
	silence  time.Duration // after which a request is given up
}

// NewClient returns a client without connections.
func NewClient(o Options) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true // ranges are of the bytes as they are stored
	transport.MaxIdleConnsPerHost = 32
	c := &Client{options: o, cache: newCache(o.Cache), transport: transport, attempts: 6, delay: 200 * time.Millisecond, silence: 30 * time.Second}
	c.web = &webStore{&http.Client{Transport: transport}}
	return c
}

// Is reports whether a name is that of a remote object or prefix: http://, https:// or s3://.
func Is(name string) bool {
	scheme, _, found := strings.Cut(name, "://")
	return found && (scheme == "http" || scheme == "https" || scheme == "s3")
}

// Open finds out size and entity tag of an object and pins them. It is safe for concurrent use. Errors are of type *[Error].
func (c *Client) Open(ctx context.Context, name string) (*Object, error) {
	s, err := c.storeOf(name)
	if err != nil {
		return nil, err
	}
	var o Object
	err = c.again(ctx, name, func(ctx context.Context, _ func()) (progress bool, err error) {
		o, err = s.stat(ctx, name)
		return false, err
	})
	if err != nil {
		return nil, err
	}
	o.URL, o.client, o.store = name, c, s
	return &o, nil
}

// storeOf returns the store of a name, and refuses names with secrets: names are printed, and stored with runs.
func (c *Client) storeOf(name string) (store, error) {
	u, err := url.Parse(name)
	if err != nil || u.Host == "" {
		return nil, &Error{URL: name, Kind: Failed, Message: "is not a URL", Hint: "write https://host/path, or s3://bucket/key"}
	}
	if secret := secretOf(u); secret != "" {
		return nil, &Error{URL: u.Scheme + "://" + u.Host + u.Path, Kind: Failed, Message: "has " + secret + " in its URL, which would be printed and stored with the run",
			Hint: "s3://bucket/key with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, or download it first"}
	}
	if u.Scheme != "s3" {
		return c.web, nil
	}
	if err := s3utils.CheckValidBucketName(u.Host); err != nil {
		return nil, &Error{URL: name, Kind: NotFound, Message: "there can be no such bucket", Hint: "write s3://bucket/key", Err: err}
	}
	c.making.Lock()
	defer c.making.Unlock()
	if c.s3 == nil {
		if c.s3, err = newS3Store(c.options, c.transport); err != nil {
			return nil, &Error{URL: name, Kind: Failed, Message: "the S3 endpoint cannot be used", Hint: "--s3-endpoint http://host:port", Err: err}
		}
	}
	return c.s3, nil
}

// secretOf names what in a URL is not for everybody to see.
func secretOf(u *url.URL) string {
	if u.User != nil {
		return "a user name or password"
	}
	for key := range u.Query() {
		switch strings.ToLower(key) {
		case "x-amz-signature", "x-amz-security-token", "x-goog-signature", "signature", "sig", "token", "access_token", "apikey", "api_key":
			return "a signature or token (" + key + ")"
		}
	}
	return ""
}

// List returns the names, as s3://bucket/key, of all objects below s3://bucket/prefix, in the order of their keys.
func (c *Client) List(ctx context.Context, prefix string) ([]string, error) {
	if _, err := c.storeOf(prefix); err != nil {
		return nil, err
	}
	var names []string
	err := c.again(ctx, prefix, func(ctx context.Context, alive func()) (progress bool, err error) {
		names, err = c.s3.list(ctx, prefix, alive)
		return false, err
	})
	return names, err
}

// Held returns how many bytes the cache may hold.
func (c *Client) Held() int64 { return c.cache.capacity }

// Close ends idle connections and drops the cache. No read may be in progress.
func (c *Client) Close() {
	c.transport.CloseIdleConnections()
	c.cache.drop()
}

// ReadAt reads len(p) bytes from off on, or fewer and io.EOF at the end of the object. until is how far the reader will go on to read: what
// lies between is fetched with it, as far as maxRun allows.
func (o *Object) ReadAt(ctx context.Context, p []byte, off, until int64) (n int, err error) {
	for n < len(p) {
		at := off + int64(n)
		if at >= o.Size {
			return n, io.EOF
		}
		m, err := o.client.cache.read(ctx, o, p[n:], at, max(until, off+int64(len(p))))
		if err != nil {
			return n, err
		}
		n += m
	}
	return n, nil
}
