package gen

import (
	"math/rand/v2"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// A row is where one sequence goes: the builders of its columns.
type row struct{ x, target array.Builder }

func (b row) symbols(s []int8)      { appendSymbols(b.x, s) }
func (b row) symbolTarget(s []int8) { appendSymbols(b.target, s) }

func appendSymbols(to array.Builder, s []int8) {
	l := to.(*array.ListBuilder)
	l.Append(true)
	l.ValueBuilder().(*array.Int8Builder).AppendValues(s, nil)
}

// marked draws T′, the values and the two marked positions I and J of addition, multiplication and XOR, appends (value, marker)
// for each step, and returns the marked values.
//
// J ≠ I, although I ~ i[1, T′/10] and J ~ i[T′/10, T′/2] have T′/10 in common: with a single marker the target would not be what the
// net is to learn, in nearly 1 % of the sequences at T = 50. J is then drawn from the rest.
func marked(r *rand.Rand, length int, b row, draw func() float32) (u, v float32) {
	steps := span{length, longest(length)}.pick(r)
	i := span{1, steps / 10}.pick(r)
	second := span{steps / 10, steps / 2}
	if i == second.lo {
		second.lo++
	}
	j := second.pick(r)
	l := b.x.(*array.ListBuilder)
	l.Append(true)
	step := l.ValueBuilder().(*array.ListBuilder)
	values := step.ValueBuilder().(*array.Float32Builder)
	for tau := 1; tau <= steps; tau++ {
		value, marker := draw(), float32(0)
		switch tau {
		case i:
			u, marker = value, 1
		case j:
			v, marker = value, 1
		}
		step.Append(true)
		values.Append(value)
		values.Append(marker)
	}
	return u, v
}

func addition(r *rand.Rand, length int, _ int64, b row) {
	u, v := marked(r, length, b, r.Float32)
	b.target.(*array.Float32Builder).Append((u + v) / 2)
}

func multiplication(r *rand.Rand, length int, _ int64, b row) {
	u, v := marked(r, length, b, r.Float32)
	b.target.(*array.Float32Builder).Append(u * v)
}

func xor(r *rand.Rand, length int, _ int64, b row) {
	u, v := marked(r, length, b, func() float32 { return float32(r.IntN(2)) })
	b.target.(*array.BooleanBuilder).Append(u != v)
}

// A window is where a symbol of temporal order lies, in tenths of T.
type window struct{ lo, hi int }

var (
	twoWindows   = []window{{1, 2}, {5, 6}}
	threeWindows = []window{{1, 2}, {3, 4}, {6, 7}}
)

// temporalOrder draws noise of symbols 3 to 6, and 1 or 2 in each window; the class has a bit for each, the first the highest.
func temporalOrder(windows []window) func(*rand.Rand, int, int64, row) {
	return func(r *rand.Rand, length int, _ int64, b row) {
		s := make([]int8, length)
		for tau := range s {
			s[tau] = int8(span{3, 6}.pick(r))
		}
		class := 0
		for _, w := range windows {
			at := span{w.lo * length / 10, w.hi * length / 10}.pick(r)
			special := r.IntN(2)
			s[at-1] = int8(1 + special)
			class = 2*class + special
		}
		b.symbols(s)
		b.target.(*array.Int8Builder).Append(int8(class))
	}
}

// randomPermutation draws s₁ … s_T with s_T = s₁. The inputs are s₁ … s_(T−1), the targets s₂ … s_T.
func randomPermutation(r *rand.Rand, length int, _ int64, b row) {
	s := make([]int8, length)
	for tau := range s {
		s[tau] = int8(span{3, 100}.pick(r))
	}
	s[0] = int8(span{1, 2}.pick(r))
	s[length-1] = s[0]
	b.symbols(s[:length-1])
	b.symbolTarget(s[1:])
}

// A memorisation is the form of a noiseless memorisation task: n data symbols below `data`, which is the blank; the trigger is the next
// symbol.
type memorisation struct{ n, data int }

var fiveBits, twentyBits = memorisation{5, 2}, memorisation{10, 5}

// steps is T + 2n: the symbols, T steps of which the last has the trigger, and the reproduction.
func (m memorisation) steps(length int) int { return length + 2*m.n }

// append makes sequence i. The 32 sequences of five bits are all there are, in the order of the numbers that the bits spell,
// whatever the seed; ten symbols are drawn.
func (m memorisation) append(r *rand.Rand, length int, i int64, b row) {
	blank, trigger := int8(m.data), int8(m.data+1)
	in, out := make([]int8, m.steps(length)), make([]int8, m.steps(length))
	for tau := range in {
		in[tau], out[tau] = blank, blank
	}
	in[m.n+length-1] = trigger
	for k := range m.n {
		symbol := int8(r.IntN(m.data))
		if m == fiveBits {
			symbol = int8(i >> (m.n - 1 - k) & 1)
		}
		in[k], out[m.n+length+k] = symbol, symbol
	}
	b.symbols(in)
	b.symbolTarget(out)
}

// fields are the columns of a task's records.
func (t Task) fields() []arrow.Field {
	f := []arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "x", Type: t.x}}
	if t.target != nil {
		f = append(f, arrow.Field{Name: "target", Type: t.target})
	}
	return f
}
