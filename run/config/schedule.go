package config

import (
	"fmt"
	"strconv"
	"strings"

	"curvestream/hf"
)

// A Schedule is a value by HF iteration, written "1:50,200:25": 50 at iteration 1, 25 from iteration 200 on, and between them what
// lies between. An empty one is written "none".
type Schedule hf.Schedule

// String gives the form that [Set] reads.
func (s Schedule) String() string {
	if len(s) == 0 {
		return "none"
	}
	points := make([]string, len(s))
	for i, p := range s {
		points[i] = fmt.Sprintf("%d:%s", p.Iteration, number(p.Value))
	}
	return strings.Join(points, ",")
}

// parseSchedule reads that form. Iterations ascend from 1.
func parseSchedule(text string) (Schedule, error) {
	if text == "none" {
		return nil, nil
	}
	var s Schedule
	for _, point := range strings.Split(text, ",") {
		at, value, found := strings.Cut(strings.TrimSpace(point), ":")
		k, err := strconv.Atoi(at)
		x, err2 := strconv.ParseFloat(value, 64)
		if !found || err != nil || err2 != nil || k < 1 || !(x >= 0) || x > 1e300 {
			return nil, fmt.Errorf("want points ITERATION:VALUE with commas between them, such as 1:50,200:25, or none, got %q", text)
		}
		if len(s) > 0 && k <= s[len(s)-1].Iteration {
			return nil, fmt.Errorf("want iterations that ascend, got %q", text)
		}
		s = append(s, hf.Point{Iteration: k, Value: x})
	}
	return s, nil
}
