package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A Duration is a span of time, written like 90s, 10m, 2h. Zero means none.
type Duration time.Duration

// Bytes is an amount of memory, written like 512MiB, 2GiB or as a plain number.
type Bytes int64

// A Count is a number of sequences; 0 is written "all".
type Count int

// An Auto is a number that is chosen while a run works where it is 0, which is written "auto".
type Auto int

// A Seed starts the random numbers of a run; one that was not given is chosen, printed and stored.
type Seed struct {
	Value uint64
	Given bool
}

// A Limit is a number that may be absent, which is written "none".
type Limit struct {
	Value float64
	Given bool
}

// Every is how often something happens: after a time (10s), or after a number of iterations (5it). One of them is set.
type Every struct {
	Time       time.Duration
	Iterations int
}

// String gives the form that [Set] reads.
func (d Duration) String() string {
	if d == 0 {
		return "none"
	}
	return trimDuration(time.Duration(d))
}

// trimDuration writes 10m instead of 10m0s.
func trimDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// String gives the form that [Set] reads.
func (b Bytes) String() string {
	for _, u := range byteUnits {
		if b != 0 && int64(b)%u.size == 0 && u.size > 1 {
			return fmt.Sprintf("%d%s", int64(b)/u.size, u.name)
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// String gives the form that [Set] reads.
func (c Count) String() string {
	if c == 0 {
		return "all"
	}
	return strconv.Itoa(int(c))
}

// String gives the form that [Set] reads.
func (a Auto) String() string {
	if a == 0 {
		return auto
	}
	return strconv.Itoa(int(a))
}

// String gives the form that [Set] reads.
func (s Seed) String() string {
	if !s.Given {
		return auto
	}
	return strconv.FormatUint(s.Value, 10)
}

// String gives the form that [Set] reads.
func (l Limit) String() string {
	if !l.Given {
		return "none"
	}
	return strconv.FormatFloat(l.Value, 'g', -1, 64)
}

// String gives the form that [Set] reads.
func (e Every) String() string {
	if e.Iterations > 0 {
		return fmt.Sprintf("%dit", e.Iterations)
	}
	return trimDuration(e.Time)
}

var byteUnits = []struct {
	name string
	size int64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}}

func parseBytes(s string) (Bytes, error) {
	number, size := s, int64(1)
	for _, u := range byteUnits {
		if n, ok := strings.CutSuffix(s, u.name); ok {
			number, size = strings.TrimSpace(n), u.size
			break
		}
	}
	x, err := strconv.ParseFloat(number, 64)
	if err != nil || !(x >= 0) || x*float64(size) > math.MaxInt64/2 {
		return 0, fmt.Errorf("want an amount of memory such as 512MiB or 4GiB, got %q", s)
	}
	return Bytes(x * float64(size)), nil
}

func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("want a time such as 90s, 10m or 2h, got %q", s)
	}
	return d, nil
}

func parseEvery(s string) (Every, error) {
	if n, ok := strings.CutSuffix(s, "it"); ok {
		if k, err := strconv.Atoi(n); err == nil && k >= 1 {
			return Every{Iterations: k}, nil
		}
	}
	d, err := parseDuration(s)
	if err != nil {
		return Every{}, fmt.Errorf("want a time such as 10s or a number of iterations such as 5it, got %q", s)
	}
	return Every{Time: d}, nil
}
