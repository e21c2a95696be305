package ingest

import (
	"fmt"
	"slices"
	"strings"
)

// Lengths describes the numbers of time-steps of sequences.
type Lengths struct {
	Min       int64         `json:"min"`
	P10       int64         `json:"p10"`
	Median    int64         `json:"median"`
	Mean      float64       `json:"mean"`
	P90       int64         `json:"p90"`
	P99       int64         `json:"p99"`
	Max       int64         `json:"max"`
	Histogram []LengthRange `json:"histogram"`
}

// A LengthRange counts the sequences with Lo to Hi time-steps, both included.
type LengthRange struct {
	Lo    int64 `json:"lo"`
	Hi    int64 `json:"hi"`
	Count int64 `json:"count"`
}

// bins is the number of ranges of a histogram.
const bins = 10

// lengthsOf describes lengths; it returns nil if there are none.
func lengthsOf(lengths []int64) *Lengths {
	if len(lengths) == 0 {
		return nil
	}
	sorted := slices.Clone(lengths)
	slices.Sort(sorted)
	n := len(sorted)
	quantile := func(q float64) int64 { return sorted[min(n-1, int(q*float64(n)))] }
	sum := 0.0
	for _, v := range sorted {
		sum += float64(v)
	}
	l := &Lengths{Min: sorted[0], P10: quantile(0.1), Median: quantile(0.5), Mean: sum / float64(n), P90: quantile(0.9), P99: quantile(0.99), Max: sorted[n-1]}
	width := (l.Max - l.Min + bins) / bins
	for lo := l.Min; lo <= l.Max; lo += width {
		l.Histogram = append(l.Histogram, LengthRange{Lo: lo, Hi: min(l.Max, lo+width-1)})
	}
	for _, v := range sorted {
		l.Histogram[(v-l.Min)/width].Count++
	}
	return l
}

// text draws the histogram in lines.
func (l *Lengths) text(b *strings.Builder) {
	fmt.Fprintf(b, "time-steps a sequence: min %d, p10 %d, median %d, mean %.1f, p90 %d, p99 %d, max %d\n", l.Min, l.P10, l.Median, l.Mean, l.P90, l.P99, l.Max)
	if l.Min == l.Max {
		return
	}
	most := int64(1)
	for _, r := range l.Histogram {
		most = max(most, r.Count)
	}
	digits := len(fmt.Sprint(l.Max))
	for _, r := range l.Histogram {
		bar := strings.Repeat("#", int(40*r.Count/most))
		fmt.Fprintf(b, "  %*d-%-*d %10s %s\n", digits, r.Lo, digits, r.Hi, thousands(r.Count), bar)
	}
}
