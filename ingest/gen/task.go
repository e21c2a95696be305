// Package gen makes the data of synthetic problems: the eight pathological tasks on which recurrent nets are tried, by the
// definitions of Martens & Sutskever (2011), and a surrogate of the CURVES images. Sequence i of a task is a pure function of
// the task, its length, the seed and i.
package gen

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"curvestream/ingest"

	"github.com/apache/arrow/go/v15/arrow"
)

// A Task is a synthetic problem. T below is its length; positions are counted from 1; i[a,b] is a uniform integer, a and b included.
type Task struct {
	Name      string `json:"name"`
	Doc       string `json:"doc"`
	MinLength int    `json:"min_length"` // least T; 0 where the task has no length
	// Distinct is the number of sequences there are, where they form the batch all together; 0 where there is no end of them.
	Distinct  int       `json:"distinct,omitempty"`
	Criterion Criterion `json:"criterion,omitempty"` // when a sequence counts as right

	x, target arrow.DataType // target nil: the inputs are the targets
	loss      string
	symbols   span // of x, where it is symbols
	classes   span // of target, where it is classes
	maxSteps  func(length int) int
	// append draws sequence i into the builders of x and target.
	append func(r *rand.Rand, length int, i int64, row row)
}

// A span is the integers from lo to hi.
type span struct{ lo, hi int }

// words lists the integers as a vocabulary.
func (s span) words() []string {
	var out []string
	for k := s.lo; k <= s.hi; k++ {
		out = append(out, fmt.Sprint(k))
	}
	return out
}

// pick draws i[lo,hi].
func (s span) pick(r *rand.Rand) int { return s.lo + r.IntN(s.hi-s.lo+1) }

var (
	pairs   = arrow.ListOf(arrow.ListOf(arrow.PrimitiveTypes.Float32))
	symbols = arrow.ListOf(arrow.PrimitiveTypes.Int8)
)

func same(length int) int { return length }

// longest is the largest T′ of the tasks with marked values.
func longest(length int) int { return length * 11 / 10 }

var tasks = []Task{
	{Name: "addition", Doc: "T′ ~ i[T, 11T/10] values from U[0,1], two of them marked; the target, at the end, is their mean.",
		MinLength: 10, Criterion: Within, x: pairs, target: arrow.PrimitiveTypes.Float32, maxSteps: longest, append: addition},
	{Name: "multiplication", Doc: "as addition, but the target is the product of the marked values.",
		MinLength: 10, Criterion: Within, x: pairs, target: arrow.PrimitiveTypes.Float32, maxSteps: longest, append: multiplication},
	{Name: "xor", Doc: "as addition, but the values are bits and the target is whether the marked ones differ.",
		MinLength: 10, Criterion: Bit, x: pairs, target: arrow.FixedWidthTypes.Boolean, maxSteps: longest, append: xor},
	{Name: "temporal-order", Doc: "T symbols, noise (3 to 6) but for two of {1, 2} at i[T/10, 2T/10] and i[5T/10, 6T/10]; the target, at the end, is their order (4 classes).",
		MinLength: 10, Criterion: Class, x: symbols, target: arrow.PrimitiveTypes.Int8, symbols: span{1, 6}, classes: span{0, 3}, maxSteps: same, append: temporalOrder(twoWindows)},
	{Name: "temporal-order-3bit", Doc: "as temporal-order, with three symbols, at i[T/10, 2T/10], i[3T/10, 4T/10] and i[6T/10, 7T/10] (8 classes).",
		MinLength: 10, Criterion: Class, x: symbols, target: arrow.PrimitiveTypes.Int8, symbols: span{1, 6}, classes: span{0, 7}, maxSteps: same, append: temporalOrder(threeWindows)},
	{Name: "random-permutation", Doc: "T of 100 symbols, the first and the last the same of {1, 2}, the others from 3 to 100; at every step the next symbol is predicted, and the last one counts.",
		MinLength: 3, Criterion: LastClass, x: symbols, target: symbols, symbols: span{1, 100}, classes: span{1, 100}, maxSteps: same, append: randomPermutation},
	{Name: "noiseless-memory-5bit", Doc: "5 bits, blanks (2) for T steps, a trigger (3) in the last of these, then the bits are to be reproduced; T+10 steps, 32 sequences.",
		MinLength: 1, Distinct: 32, Criterion: AllClasses, x: symbols, target: symbols, symbols: span{0, 3}, classes: span{0, 2}, maxSteps: fiveBits.steps, append: fiveBits.append},
	{Name: "noiseless-memory-20bit", Doc: "as noiseless-memory-5bit, with ten symbols from 0 to 4, blank 5, trigger 6; T+20 steps.",
		MinLength: 1, Criterion: AllClasses, x: symbols, target: symbols, symbols: span{0, 6}, classes: span{0, 5}, maxSteps: twentyBits.steps, append: twentyBits.append},
	{Name: "curves", Doc: "28 × 28 images of random curves for an autoencoder: a surrogate of the CURVES data, which is lost.",
		x: arrow.ListOf(arrow.PrimitiveTypes.Float32), loss: "logistic_cross_entropy", maxSteps: func(int) int { return pixels }, append: curves},
}

// Tasks lists the tasks.
func Tasks() []Task { return tasks }

// Lookup returns the task of a name. An unknown name is an *[ingest.Error] that suggests the nearest.
func Lookup(name string) (Task, error) {
	var names []string
	for _, t := range tasks {
		if t.Name == name {
			return t, nil
		}
		names = append(names, t.Name)
	}
	return Task{}, unknown("gen.unknown_task", "task", name, names)
}

func unknown(code, what, name string, known []string) error {
	e := failure(code, "unknown %s %q; known are %s", what, name, strings.Join(known, ", "))
	if near := ingest.Nearest(name, known); near != "" {
		e.Hint = fmt.Sprintf("did you mean %q?", near)
	}
	return e
}

func failure(code, format string, args ...any) *ingest.Error {
	return &ingest.Error{Code: code, RowGroup: -1, Row: -1, Message: fmt.Sprintf(format, args...)}
}
