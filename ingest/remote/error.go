package remote

import "fmt"

// A Kind says what kind of failure an Error is.
type Kind int

// The kinds of failures.
const (
	Failed   Kind = iota // the network, the server, or a name that cannot be used
	NotFound             // there is no such object
	Refused              // it may not be read
	Changed              // it is not what it was when it was opened
	NoRanges             // the server gives the whole or nothing
)

// An Error is a failure that does not pass, or that has not passed after all attempts.
type Error struct {
	URL     string
	Kind    Kind
	Message string // goes on after the URL
	Hint    string
	Err     error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.URL, e.Message, e.Err)
	}
	return e.URL + ": " + e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// changed says what an object was and what it is.
func changed(was, now *Object) *Error {
	return &Error{URL: was.URL, Kind: Changed, Message: fmt.Sprintf("has changed since it was opened (%s, now %s)", was.describe(), now.describe()),
		Hint: "start again with the new object, or put the old one back; do not write to data in use"}
}

// describe tells one state of an object from another.
func (o *Object) describe() string {
	tag := o.ETag
	if tag == "" {
		tag = "none"
	}
	if o.ETag == "" && o.Modified != "" {
		return fmt.Sprintf("modified %s, %d bytes", o.Modified, o.Size)
	}
	return fmt.Sprintf("ETag %s, %d bytes", tag, o.Size)
}

// ofStatus is the error of an HTTP status; one that may pass is no *Error.
func ofStatus(name string, status int, detail string) error {
	switch {
	case status == 404 || status == 410:
		return &Error{URL: name, Kind: NotFound, Message: "there is no such object", Hint: "check the URL; the objects below an S3 prefix are read by s3://bucket/prefix/, with a slash at the end"}
	case status == 401 || status == 403:
		return &Error{URL: name, Kind: Refused, Message: fmt.Sprintf("the server refuses access (status %d%s)", status, detail),
			Hint: "for s3://, set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and --s3-region"}
	case status == 408 || status == 425 || status == 429 || status >= 500:
		return fmt.Errorf("status %d%s", status, detail)
	}
	return &Error{URL: name, Kind: Failed, Message: fmt.Sprintf("the server answers with status %d%s", status, detail), Hint: "check the URL"}
}
