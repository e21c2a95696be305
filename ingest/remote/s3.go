package remote

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// s3Store reads objects of Amazon S3 and of stores that speak its protocol.
type s3Store struct{ core minio.Core }

// newS3Store makes a client; it does not connect.
func newS3Store(o Options, transport http.RoundTripper) (*s3Store, error) {
	endpoint := cmp.Or(o.Endpoint, os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL"))
	region := cmp.Or(o.Region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))
	host, secure := "s3.amazonaws.com", true
	if endpoint != "" {
		if !strings.Contains(endpoint, "://") {
			endpoint = "https://" + endpoint
		}
		u, err := url.Parse(endpoint)
		if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("%q is not of the form http://host:port", endpoint)
		}
		host, secure = u.Host, u.Scheme == "https"
		region = cmp.Or(region, "us-east-1") // what stores that know no regions take requests to be signed for
	}
	client, err := minio.New(host, &minio.Options{Secure: secure, Region: region, Transport: transport, MaxRetries: 1, // requests are repeated by [Client]
		Creds: credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.EnvMinio{}, &credentials.FileAWSCredentials{}})})
	if err != nil {
		return nil, err
	}
	return &s3Store{minio.Core{Client: client}}, nil
}

// split parts s3://bucket/key.
func split(name string) (bucket, key string) {
	bucket, key, _ = strings.Cut(strings.TrimPrefix(name, "s3://"), "/")
	return bucket, key
}

// stat implements store.
func (s *s3Store) stat(ctx context.Context, name string) (Object, error) {
	bucket, key := split(name)
	info, err := s.core.Client.StatObject(ctx, bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return Object{}, s3Error(name, err)
	}
	return Object{URL: name, Size: info.Size, ETag: info.ETag, Modified: info.LastModified.UTC().Format(http.TimeFormat)}, nil
}

// get implements store.
func (s *s3Store) get(ctx context.Context, o *Object, off, n int64) (io.ReadCloser, error) {
	var options minio.GetObjectOptions
	if err := options.SetRange(off, off+n-1); err != nil {
		return nil, err
	}
	if o.ETag != "" {
		if err := options.SetMatchETag(o.ETag); err != nil {
			return nil, err
		}
	}
	bucket, key := split(o.URL)
	body, info, header, err := s.core.GetObject(ctx, bucket, key, options)
	if err != nil {
		switch minio.ToErrorResponse(err).StatusCode {
		case http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable:
			now, err := s.stat(ctx, o.URL)
			if err != nil {
				return nil, err
			}
			return nil, changed(o, &now)
		}
		return nil, s3Error(o.URL, err)
	}
	now := &Object{Size: o.Size, ETag: info.ETag, Modified: info.LastModified.UTC().Format(http.TimeFormat)}
	first, total, err := contentRange(header.Get("Content-Range"))
	if err == nil {
		now.Size = total
	}
	switch {
	case now.differs(o):
		err = changed(o, now)
	case err != nil || first != off:
		err = noRanges(o.URL)
	default:
		return body, nil
	}
	body.Close()
	return nil, err
}

// list returns the names below a prefix, in order.
func (s *s3Store) list(ctx context.Context, name string, alive func()) ([]string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the library's goroutine where the loop is left
	bucket, prefix := split(name)
	var names []string
	for info := range s.core.Client.ListObjects(ctx, bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if info.Err != nil {
			return nil, s3Error(name, info.Err)
		}
		alive()
		if !strings.HasSuffix(info.Key, "/") { // else it is what some tools put for a folder
			names = append(names, "s3://"+bucket+"/"+info.Key)
		}
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return names, nil
}

// s3Error is an error of the client's library.
func s3Error(name string, err error) error {
	r := minio.ToErrorResponse(err)
	if r.StatusCode == 0 { // it did not come from the store
		return err
	}
	if r.Code == "NoSuchBucket" {
		return &Error{URL: name, Kind: NotFound, Message: "there is no such bucket", Hint: "check its name, --s3-endpoint and --s3-region"}
	}
	return ofStatus(name, r.StatusCode, ", "+cmp.Or(r.Code, "no code"))
}
