package pipeline

import (
	"slices"

	"curvestream/ingest"
)

// A Summary says in JSON what a manifest holds: the data's fingerprint in a run directory.
type Summary struct {
	Files     []ingest.FileInfo `json:"files"`
	Digest    string            `json:"digest"`    // Manifest.Digest
	Sequences int               `json:"sequences"` // -1: the source has no end
	Dropped   int               `json:"dropped"`
	Steps     int64             `json:"steps"`   // time-steps of all sequences
	Units     int               `json:"units"`   // row groups or record batches; -1: the source has no end
	Lengths   Lengths           `json:"lengths"` // of sequences, in time-steps
}

// Lengths are quantiles of sequence lengths.
type Lengths struct {
	Min    int     `json:"min"`
	P05    int     `json:"p05"`
	P25    int     `json:"p25"`
	Median int     `json:"median"`
	P75    int     `json:"p75"`
	P95    int     `json:"p95"`
	Max    int     `json:"max"`
	Mean   float64 `json:"mean"`
}

// Summary returns what m holds. Of a source without end it gives the greatest length that was seen.
func (m *Manifest) Summary() Summary {
	s := Summary{Files: m.files, Digest: m.digest.String(), Sequences: m.Len(), Dropped: m.dropped, Steps: m.totalSteps, Units: len(m.units)}
	if m.endless {
		s.Units, s.Lengths.Max = ingest.Endless, m.longest
		return s
	}
	if len(m.steps) == 0 {
		return s
	}
	sorted := slices.Sorted(slices.Values(m.steps))
	at := func(q float64) int { return int(sorted[int(q*float64(len(sorted)-1)+0.5)]) }
	s.Lengths = Lengths{Min: at(0), P05: at(.05), P25: at(.25), Median: at(.5), P75: at(.75), P95: at(.95), Max: at(1),
		Mean: float64(m.totalSteps) / float64(len(sorted))}
	return s
}
