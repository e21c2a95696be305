package ingest

import (
	"context"
	"errors"
	"fmt"
)

// A Validation is what looking at every row found.
type Validation struct {
	OK        bool            `json:"ok"` // all sequences can be used
	Files     []FileInfo      `json:"files"`
	Sequences int64           `json:"sequences"` // usable ones
	Dropped   int64           `json:"dropped"`   // of spans that are unusable; in the long layout a sequence may have several
	Problems  []ProblemReport `json:"problems"`
	Truncated bool            `json:"truncated"` // not every occurrence is listed
	Notes     []string        `json:"notes"`     // the roles, and why
}

// Validate looks at every row, as training would, and goes on after flaws; it lists at most maxErrors of them one by one (0 means 20). With an
// encoding the data must fit that one, as in evaluation; without, roles are inferred from o. Flaws of the data are part of the result;
// the error is for roles that cannot be inferred and data that cannot be read.
func Validate(ctx context.Context, src Source, o RoleOptions, e *Encoding, maxErrors int) (*Validation, error) {
	if maxErrors <= 0 {
		maxErrors = 20
	}
	out := &Validation{Files: src.Fingerprint(), Notes: []string{}}
	s, err := newSurveyOf(src, o, e)
	if err != nil {
		if bad, ok := errors.AsType[*Error](err); ok {
			err = inSource(bad, src)
		}
		return nil, err
	}
	if err := s.run(ctx, src); err != nil {
		return nil, fmt.Errorf("ingest: validating: %w", err)
	}
	if e == nil {
		if _, err := s.fitter.Encoding(); err != nil && len(s.problems) == 0 {
			s.problem(err)
		}
		out.Notes = s.fitter.Roles().Notes
	}
	out.Problems, out.Truncated = s.reports(maxErrors)
	out.Sequences, out.Dropped = int64(len(s.lengths)), s.dropped
	out.OK = len(out.Problems) == 0
	return out, nil
}

// newSurveyOf is newSurvey, for a stored encoding where there is one.
func newSurveyOf(src Source, o RoleOptions, e *Encoding) (*survey, error) {
	if e == nil {
		return newSurvey(src.Schema(), o)
	}
	scanner, err := NewScanner(src.Schema(), e)
	if err != nil {
		return nil, err
	}
	scanner.all = true
	s := emptySurvey()
	s.fitter = &Fitter{scanner: scanner.scanner}
	return s, nil
}

// inSource names the first file in an error about columns.
func inSource(e *Error, src Source) *Error {
	out := *e
	if files := src.Fingerprint(); out.File == "" && len(files) > 0 {
		out.File = files[0].Path
	}
	return &out
}
