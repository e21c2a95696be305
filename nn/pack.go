package nn

import (
	"fmt"
	"sort"

	"curvestream/accel"
)

// An Example is one training case in host memory, before packing.
type Example[F accel.Float] struct {
	ID     string
	X      []F     // T × in row-major
	Target []F     // outputs × out row-major; nil when Class is set
	Class  []int32 // of each output
	Weight []F     // of each output; nil means 1
}

// Pack packs examples as a batch, longest first and otherwise in the order given. Each form needs an output at every
// time-step, Last one a sequence. WeightSum is the number of examples.
func Pack[F accel.Float](in, out int, form Form, examples []Example[F]) (*Batch[F], error) {
	order := make([]int, len(examples))
	for i, e := range examples {
		if err := checkExample(in, out, form, e); err != nil {
			return nil, fmt.Errorf("nn: example %d: %w", i, err)
		}
		if err := checkAlike(i, e, examples[0]); err != nil {
			return nil, err
		}
		order[i] = i
	}
	if len(order) == 0 {
		return nil, fmt.Errorf("nn: no examples to pack")
	}
	sort.SliceStable(order, func(i, j int) bool { return len(examples[order[i]].X) > len(examples[order[j]].X) })

	b := &Batch[F]{In: in, Out: out, Form: form, Position: order, WeightSum: float64(len(examples))}
	for _, i := range order {
		b.Lengths = append(b.Lengths, len(examples[i].X)/in)
		b.ID = append(b.ID, examples[i].ID)
	}
	b.Active, b.Offset = activity(b.Lengths)
	for t, active := range b.Active {
		for j := range active {
			b.Dense = append(b.Dense, examples[order[j]].X[t*in:(t+1)*in]...)
		}
	}
	for r := range b.OutputRows() {
		t := 0
		if form == Each {
			t = b.stepOf(r)
		}
		b.appendOutput(examples[order[b.OutputColumn(r)]], t)
	}
	return b, nil
}

func (b *Batch[F]) appendOutput(e Example[F], t int) {
	if e.Class != nil {
		b.Class = append(b.Class, e.Class[t])
	} else {
		b.Target = append(b.Target, e.Target[t*b.Out:(t+1)*b.Out]...)
	}
	if e.Weight != nil {
		b.Weight = append(b.Weight, e.Weight[t])
	}
}

// checkAlike reports an example that has classes or weights where the first has none, or the other way round.
func checkAlike[F accel.Float](i int, e, first Example[F]) error {
	has := map[bool]string{true: "has", false: "has no"}
	switch {
	case (e.Class != nil) != (first.Class != nil):
		return fmt.Errorf("nn: example %d %s classes, the first %s", i, has[e.Class != nil], has[first.Class != nil])
	case (e.Weight != nil) != (first.Weight != nil):
		return fmt.Errorf("nn: example %d %s weights, the first %s", i, has[e.Weight != nil], has[first.Weight != nil])
	}
	return nil
}

func checkExample[F accel.Float](in, out int, form Form, e Example[F]) error {
	outputs := len(e.X) / in
	switch {
	case len(e.X) == 0 || len(e.X)%in != 0:
		return fmt.Errorf("%d input values are not one or more time-steps of width %d", len(e.X), in)
	case form == Last:
		outputs = 1
	}
	switch {
	case e.Class != nil && len(e.Class) != outputs:
		return fmt.Errorf("%d classes for %d outputs", len(e.Class), outputs)
	case e.Class == nil && len(e.Target) != outputs*out:
		return fmt.Errorf("%d target values for %d outputs of width %d", len(e.Target), outputs, out)
	case e.Weight != nil && len(e.Weight) != outputs:
		return fmt.Errorf("%d weights for %d outputs", len(e.Weight), outputs)
	}
	return nil
}
