package nn

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"curvestream/accel"
	"curvestream/accel/cpu"
)

// numbered returns sequences of the given lengths whose inputs and targets name their sequence, time-step and place.
func numbered(lengths []int, in, out int, form Form) []Example[float64] {
	examples := make([]Example[float64], len(lengths))
	for i, length := range lengths {
		e := &examples[i]
		e.ID = fmt.Sprint(i)
		for t := range length {
			for c := range in {
				e.X = append(e.X, float64(10000*i+100*t+c))
			}
			if form == Each || t == length-1 {
				e.Weight = append(e.Weight, float64(i+1))
				for c := range out {
					e.Target = append(e.Target, -float64(10000*i+100*t+c))
				}
			}
		}
	}
	return examples
}

var someLengths = []int{3, 7, 1, 5, 7, 2, 3, 7}

// Each time-step of each sequence is in the batch once, in the column of its sequence, and so are its outputs.
func TestPack(t *testing.T) {
	for _, form := range []Form{Each, Last} {
		b, err := Pack(2, 3, form, numbered(someLengths, 2, 3, form))
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckBatch(b, 2, 3, accel.SquaredError); err != nil {
			t.Fatal(err)
		}
		if want := []int{1, 4, 7, 3, 0, 6, 5, 2}; !slices.Equal(b.Position, want) {
			t.Errorf("order %v, want %v: longest first, otherwise as given", b.Position, want)
		}
		for step, active := range b.Active {
			for j := range active {
				if x := b.Dense[(b.Offset[step]+j)*2]; x != float64(10000*b.Position[j]+100*step) {
					t.Errorf("row of time-step %d, column %d holds %g", step, j, x)
				}
			}
		}
		for r := range b.OutputRows() {
			j := b.OutputColumn(r)
			row := b.OutputRow(r)
			if want := -b.Dense[row*2]; b.Target[r*3] != want {
				t.Errorf("form %d: output row %d has target %g, its time-step %g", form, r, b.Target[r*3], want)
			}
			if w := b.Weight[r]; w != float64(b.Position[j]+1) {
				t.Errorf("form %d: output row %d of column %d has weight %g", form, r, j, w)
			}
		}
	}
}

func TestDeal(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, columns := range []int{1, 5, 100} {
		lengths := make([]int, columns)
		for i := range lengths {
			lengths[i] = 1 + rng.IntN(50)
		}
		slices.Sort(lengths)
		slices.Reverse(lengths)
		for _, shards := range []int{1, 2, 5} {
			if shards > columns {
				continue
			}
			var all []int
			least, most := 1<<30, 0
			for _, dealt := range Deal(lengths, shards) {
				sum := 0
				for _, c := range dealt {
					sum += lengths[c]
				}
				least, most = min(least, sum), max(most, sum)
				if !slices.IsSorted(dealt) || len(dealt) == 0 {
					t.Errorf("shard %v is empty or not in order", dealt)
				}
				all = append(all, dealt...)
			}
			slices.Sort(all)
			for i, c := range all {
				if i != c {
					t.Fatalf("columns %v are not each dealt once", all)
				}
			}
			if most-least > lengths[0] {
				t.Errorf("%d columns on %d shards: sums from %d to %d differ by more than the longest sequence", columns, shards, least, most)
			}
		}
	}
}

// A backend that wants a given number of shards.
type sharded struct {
	accel.Backend[float64]
	shards int
}

func (s sharded) Shards(int) int { return s.shards }

// What the shards hold is the batch: each row with its column, target and weight; what they give back finds its place.
func TestSplit(t *testing.T) {
	for _, form := range []Form{Each, Last} {
		b, err := Pack(2, 3, form, numbered(someLengths, 2, 3, form))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{1, 3, 8, 20} {
			backend := sharded{cpu.New[float64](cpu.Options{}), n}
			shards, err := Split(backend, b)
			if err != nil {
				t.Fatal(err)
			}
			back := make([]float64, len(b.Target))
			rows := 0
			for _, s := range shards {
				rows += s.Rows()
				x := make([]float64, s.X.V.Len())
				s.X.V.Read(x)
				for step, active := range s.Active {
					for j := range active {
						r := s.Offset[step] + j
						if want := float64(10000*b.Position[s.Column[j]] + 100*step); x[2*r] != want {
							t.Fatalf("row of time-step %d holds %g, want %g", step, x[2*r], want)
						}
						if want := float64(b.Position[s.Column[j]] + 1); s.Weight[r] != want {
							t.Fatalf("weight %g, want %g", s.Weight[r], want)
						}
					}
				}
				for i, j := range s.Owner {
					if want := b.OutputColumn(s.OutputRow[i]); s.Column[j] != want {
						t.Fatalf("output row %d is owned by column %d, want %d", i, s.Column[j], want)
					}
				}
				s.UnpackRows(back, 0, s.Targets.Dense)
			}
			if rows != b.Rows() || !slices.Equal(back, b.Target) {
				t.Errorf("form %d, %d shards: %d rows of %d, targets %v, want %v", form, n, rows, b.Rows(), back, b.Target)
			}
		}
	}
}

func TestCheckBatch(t *testing.T) {
	for want, spoil := range map[string]func(b *Batch[float64]){
		"no sequences":                    func(b *Batch[float64]) { b.Lengths = nil },
		"3 inputs a time-step, the net 2": func(b *Batch[float64]) { b.In = 3 },
		"outputs of width 1":              func(b *Batch[float64]) { b.Out = 1 },
		"input values":                    func(b *Batch[float64]) { b.Dense = b.Dense[1:] },
		"weights for":                     func(b *Batch[float64]) { b.Weight = b.Weight[1:] },
		"target values":                   func(b *Batch[float64]) { b.Target = b.Target[1:] },
		"longer than the one before":      func(b *Batch[float64]) { b.Lengths[0], b.Lengths[7] = 1, 7 },
		"only the loss softmax":           func(b *Batch[float64]) { b.Target, b.Class = nil, make([]int32, 35) },
		"index 2 is outside 0 … 1": func(b *Batch[float64]) {
			b.Sparse = &accel.Sparse[float64]{Cols: 2, Ptr: make([]int32, 36), Col: []int32{2}}
			b.Sparse.Ptr[35] = 1
		},
		"row 34 names column 1 twice": func(b *Batch[float64]) {
			b.Sparse = &accel.Sparse[float64]{Cols: 2, Ptr: make([]int32, 36), Col: []int32{1, 1}}
			b.Sparse.Ptr[35] = 2
		},
		"sparse inputs are 1 × 2": func(b *Batch[float64]) { b.Sparse = &accel.Sparse[float64]{Cols: 2, Ptr: []int32{0, 0}} },
	} {
		b, err := Pack(2, 3, Each, numbered(someLengths, 2, 3, Each))
		if err != nil {
			t.Fatal(err)
		}
		spoil(b)
		net := accel.SquaredError
		if err := CheckBatch(b, 2, 3, net); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %q", err, want)
		}
	}
	b, err := Pack(1, 3, Last, []Example[float64]{{X: []float64{1}, Class: []int32{3}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckBatch(b, 1, 3, accel.SoftmaxCrossEntropy); err == nil || !strings.Contains(err.Error(), "class 3") {
		t.Errorf("err = %v, want the class named", err)
	}
}

func TestPackErrors(t *testing.T) {
	for want, e := range map[string][]Example[float64]{
		"no examples":             nil,
		"not one or more":         {{X: []float64{1, 2, 3}, Target: []float64{1}}},
		"2 target values":         {{X: []float64{1, 2}, Target: []float64{1, 2}}},
		"2 classes":               {{X: []float64{1, 2}, Class: []int32{1, 2}}},
		"2 weights":               {{X: []float64{1, 2}, Target: []float64{1}, Weight: []float64{1, 2}}},
		"example 1 has no weight": {{X: []float64{1, 2}, Target: []float64{1}, Weight: []float64{1}}, {X: []float64{1, 2}, Target: []float64{1}}},
		"example 1 has classes":   {{X: []float64{1, 2}, Target: []float64{1}}, {X: []float64{1, 2}, Class: []int32{1}}},
	} {
		if _, err := Pack(2, 1, Last, e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %q", err, want)
		}
	}
}

// A slice of a batch is the batch of those sequences, alone.
func TestSlice(t *testing.T) {
	for _, form := range []Form{Each, Last} {
		examples := numbered(someLengths, 2, 3, form)
		b, err := Pack(2, 3, form, examples)
		if err != nil {
			t.Fatal(err)
		}
		for lo := range someLengths {
			for hi := lo + 1; hi <= len(someLengths); hi++ {
				var alone []Example[float64]
				var columns []int
				for c := lo; c < hi; c += 1 + lo%2 { // consecutive columns, and some that are not
					columns = append(columns, c)
					alone = append(alone, examples[b.Position[c]])
				}
				want, err := Pack(2, 3, form, alone)
				if err != nil {
					t.Fatal(err)
				}
				got := b.Pick(columns)
				if !slices.Equal(got.Offset, want.Offset) || !slices.Equal(got.Dense, want.Dense) || !slices.Equal(got.Target, want.Target) ||
					!slices.Equal(got.Weight, want.Weight) || !slices.Equal(got.ID, want.ID) {
					t.Fatalf("form %d: columns %v are %+v, want %+v", form, columns, got, want)
				}
			}
		}
	}
}

// What is given back is lent again, the smallest that is large enough; memory does not grow with the number of calls.
func TestScratch(t *testing.T) {
	s := NewScratch[float64](cpu.New[float64](cpu.Options{}))
	take := func(n int) accel.Vector[float64] {
		v, err := s.Take(n)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	small, large := take(10), take(100)
	s.Give(large)
	s.Give(small)
	if v := take(5); v.Len() != 10 {
		t.Errorf("lent %d elements where 10 would do", v.Len())
	}
	if v := take(50); v.Len() != 100 {
		t.Errorf("lent %d elements, want the 100 given back", v.Len())
	}
	s.Give(small)
	if v := take(1000); v.Len() < 1000 || len(s.free) != 0 {
		t.Errorf("lent %d elements and kept %d vectors that are too small, want none", v.Len(), len(s.free))
	}
}
