package evaluate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"curvestream/ingest"
	"curvestream/run/fault"
)

// A drawer draws the inputs of the next time-step from what was predicted of it.
type drawer func(p []float64, rng *rand.Rand) []float64

// drawerOf returns how values are drawn from predictions of a net with a loss.
func drawerOf(loss string, temperature float64) drawer {
	switch loss {
	case "softmax_cross_entropy":
		return func(p []float64, rng *rand.Rand) []float64 { return drawClass(p, temperature, rng.Float64()) }
	case "logistic_cross_entropy":
		return func(p []float64, rng *rand.Rand) []float64 { return drawActive(p, temperature, rng) }
	}
	return func(p []float64, _ *rand.Rand) []float64 { return p }
}

// drawClass returns a one-hot row: class k with a probability in proportion to p_k^(1/temperature), u being from [0, 1).
func drawClass(p []float64, temperature, u float64) []float64 {
	row := make([]float64, len(p))
	best := argmax(p)
	if temperature == 0 {
		row[best] = 1
		return row
	}
	weights, sum := make([]float64, len(p)), 0.0
	for k := range p {
		weights[k] = math.Exp((math.Log(p[k]) - math.Log(p[best])) / temperature)
		sum += weights[k]
	}
	for k, w := range weights {
		if u -= w / sum; u < 0 {
			row[k] = 1
			return row
		}
	}
	row[best] = 1 // by rounding, u is past the end
	return row
}

// drawActive returns a row of zeros and ones, each drawn by itself: 1 with odds of (p/(1−p))^(1/temperature).
func drawActive(p []float64, temperature float64, rng *rand.Rand) []float64 {
	row := make([]float64, len(p))
	for k := range p {
		u := rng.Float64()
		if temperature == 0 {
			u = 0.5
		}
		odds := p[k] / (1 - p[k])
		if temperature > 0 {
			odds = math.Pow(odds, 1/temperature)
		}
		if !(u >= odds/(1+odds)) { // infinite odds included
			row[k] = 1
		}
	}
	return row
}

// ParsePrime reads what a sequence begins with: a text for characters, as it is; otherwise time-steps with ";" between them, each a
// category, the active indices of a set (60,64,67; nothing is the empty set), or numbers in the units of the data, with commas. It
// returns a row of the net's predictable inputs a time-step.
func ParsePrime(text string, e *ingest.Encoding) ([][]float64, error) {
	if text == "" {
		return nil, nil
	}
	if len(e.Inputs) != 1 {
		return nil, fault.New(fault.Usage, "usage.prime", "--prime is for models with one input column, and this one has %d (%s)", len(e.Inputs), encodingNames(e.Inputs)).
			Fix("--data FILE with sequences to go on from")
	}
	c := e.Inputs[0]
	steps := strings.Split(text, ";")
	if c.Kind == ingest.Chars {
		steps = strings.Split(text, "")
	}
	var rows [][]float64
	for i, step := range steps {
		row, err := primeRow(step, c)
		if err != nil {
			return nil, fault.New(fault.Usage, "usage.prime", "--prime: time-step %d, %q: %v", i+1, step, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// primeRow encodes a time-step of a column.
func primeRow(step string, c ingest.ColumnEncoding) ([]float64, error) {
	row := make([]float64, c.Width)
	if c.Kind == ingest.Chars || c.Kind == ingest.OneHot {
		k := slices.Index(c.Vocabulary, step)
		if k < 0 {
			return nil, fmt.Errorf("not among the %d values that %s had in training", len(c.Vocabulary), c.Column)
		}
		row[k] = 1
		return row, nil
	}
	if strings.TrimSpace(step) == "" && c.Kind == ingest.MultiHot {
		return row, nil
	}
	parts := strings.Split(step, ",")
	if c.Kind == ingest.MultiHot {
		for _, part := range parts {
			k, err := strconv.Atoi(strings.TrimSpace(part))
			if err != nil || k < 0 || k >= c.Width {
				return nil, fmt.Errorf("%q is not an index from 0 to %d", part, c.Width-1)
			}
			row[k] = 1
		}
		return row, nil
	}
	if len(parts) != c.Width {
		return nil, fmt.Errorf("%d numbers, and %s has %d", len(parts), c.Column, c.Width)
	}
	for k, part := range parts {
		x, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("%q is not a number", part)
		}
		mean, scale := unit(c, k)
		row[k] = (x - mean) / scale
	}
	return row, nil
}

// unit returns mean and scale of number k of a column: 0 and 1 where it was not normalised.
func unit(c ingest.ColumnEncoding, k int) (mean, scale float64) {
	scale = 1
	if k < len(c.Mean) {
		mean = c.Mean[k]
	}
	if k < len(c.Scale) {
		scale = c.Scale[k]
	}
	return mean, scale
}
