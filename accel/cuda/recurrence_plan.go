package cuda

import (
	"fmt"
	"math"
	"unsafe"

	"curvestream/accel"
)

// Structures of recurrence.cu, as the device reads them.
type (
	planHead struct {
		steps, nodes, factors, terms, width int32
		termsAt, offsetsAt, slotsAt         int32
	}
	planMatrix struct {
		first         int64
		stride, there int32
	}
	planAct  struct{ act, lo, hi int32 }
	planNode struct {
		value, given, other, carry             planMatrix
		width, place, carried, started         int32
		factors, firstFactor, terms, firstTerm int32
		acts                                   int32
		act                                    [mostActs]planAct
	}
	planFactor struct{ weight, at, rows, cols, place, before, first, _ int32 }
	planTerm   struct {
		alpha                                            float64
		p, pBefore, firstP, q, qBefore, firstQ, alone, _ int32
	}
)

const (
	mostActs           = 3
	mostWeights        = 3
	mostElementsShared = 1 << 17 // of an operand: more are in no shared memory
	inLine             = 4       // places begin at multiples of it, so that four neighbours are read at once
	lineBytes          = 16      // weights and values too
)

// A layerPlan is a layer as the kernels of recurrence.cu want it.
type layerPlan[F accel.Float] struct {
	s                          *Stream[F]
	l                          *accel.Layer[F]
	ints                       []int32
	head                       planHead
	nodes                      []planNode
	factors                    []planFactor
	terms                      []planTerm
	weights                    [mostWeights]arg
	value, given, other, carry home
	regions                    int // of values in shared memory, at three time-steps each
	threads                    int
}

// A home is the memory that matrices lie in: one vector's.
type home struct {
	base  arg
	mixed bool
}

// include makes the home begin at a, or before.
func (h *home) include(a arg) {
	if h.base.keep == nil || a.word < h.base.word {
		h.mixed = h.mixed || h.base.keep != nil && a.keep != h.base.keep
		h.base = a
	}
	h.mixed = h.mixed || a.keep != h.base.keep
}

// planOf returns the plan of a layer, or false where the kernels do not know such a one.
func (s *Stream[F]) planOf(l *accel.Layer[F]) (*layerPlan[F], bool) {
	p := &layerPlan[F]{s: s, l: l, regions: 1}
	if l.Direction != accel.Forward {
		p.regions = 2
	}
	p.place()
	for i := range l.Nodes {
		if !p.addNode(i) {
			return nil, false
		}
	}
	if p.value.mixed || p.given.mixed || p.other.mixed || p.carry.mixed || p.threads > mostThreads {
		return nil, false
	}
	p.write()
	return p, true
}

// place says where in a time-step's values each node is, and where in device memory all of them begin.
func (p *layerPlan[F]) place() {
	l := p.l
	p.nodes = make([]planNode, len(l.Nodes))
	for i := range l.Nodes {
		n := &l.Nodes[i]
		p.nodes[i].place = p.head.width
		p.head.width += int32((n.Width + inLine - 1) / inLine * inLine)
		p.threads = max(p.threads, (n.Width+31)/32*32)
		p.value.include(p.s.look(n.V).address)
		if l.Direction != accel.Forward {
			p.given.include(p.s.look(n.Given).address)
		}
		for _, m := range []accel.Mat[F]{n.Kept, n.Damped} {
			if m.V != nil {
				p.other.include(p.s.look(m).address)
			}
		}
		if l.Direction == accel.Backward && n.Carried {
			p.carry.include(p.s.look(n.Carry).address)
		}
	}
}

// matrix says where a matrix is whose row 0 is the given row of those with entering rows, and which has at least the rows up to end.
func (p *layerPlan[F]) matrix(h home, m accel.Mat[F], row, end int) planMatrix {
	if m.Rows < end-row {
		panic(fmt.Sprintf("cuda: a layer of %d rows in a matrix of %d", end-row, m.Rows))
	}
	first := int64(p.s.look(m).address.word-h.base.word) / size[F]()
	return planMatrix{first: first - int64(row)*int64(m.Stride), stride: int32(m.Stride), there: 1}
}

func (p *layerPlan[F]) addNode(i int) bool {
	l, n, to := p.l, &p.l.Nodes[i], &p.nodes[i]
	enter, end := l.Offset[1], l.Offset[len(l.Offset)-1]
	row := enter // of the first row that a matrix has
	if n.Carried {
		row = 0
	}
	to.width, to.carried, to.started = int32(n.Width), int32(number01(n.Carried)), int32(number01(n.Started))
	switch l.Direction {
	case accel.Backward:
		to.value = p.matrix(p.value, n.V, enter, end)
		if n.Carried {
			to.carry = p.matrix(p.carry, n.Carry, 0, enter)
		}
	default:
		to.value = p.matrix(p.value, n.V, row, end)
	}
	if l.Direction != accel.Forward {
		to.given = p.matrix(p.given, n.Given, row, end)
	}
	if n.Kept.V != nil {
		to.other = p.matrix(p.other, n.Kept, row, end)
	}
	if n.Damped.V != nil {
		to.other, p.regions = p.matrix(p.other, n.Damped, row, end), 3
	}
	if len(n.Acts) > mostActs {
		return false
	}
	to.acts = int32(len(n.Acts))
	for j, a := range n.Acts {
		to.act[j] = planAct{int32(a.Act), int32(a.Lo), int32(a.Hi)}
	}
	return p.addProducts(n, to) && p.addTerms(n, to) && (l.Direction != accel.Backward || oneThread(n))
}

// addProducts adds the products of a node; it says no where there are more operands than the kernels have, where one is too large, and where
// what a product reads is not in line.
func (p *layerPlan[F]) addProducts(n *accel.LayerNode[F], to *planNode) bool {
	to.firstFactor, to.factors = int32(len(p.factors)), int32(len(n.Products))
	for _, product := range n.Products {
		w, ours := product.W.(*operand[F])
		if !ours {
			panic("cuda: operand of another backend")
		}
		if len(p.factors) == mostWeights || product.In.Lo%inLine != 0 || w.rows*w.cols > mostElementsShared {
			return false
		}
		in := product.In.Hi - product.In.Lo
		if rows, cols := sides2(p.l.Direction, in, n.Width); w.rows != rows || w.cols != cols {
			panic(fmt.Sprintf("cuda: a layer's product by %d×%d, not %d×%d", w.rows, w.cols, rows, cols))
		}
		p.weights[len(p.factors)] = w.v.at(0)
		p.threads = max(p.threads, (w.cols+31)/32*32)
		p.factors = append(p.factors, planFactor{weight: int32(len(p.factors)), rows: int32(w.rows), cols: int32(w.cols),
			place: p.placeOf(product.In), before: int32(number01(product.In.Before)), first: int32(number01(product.First))})
	}
	return true
}

// sides2 returns the size of an operand between what a product reads and a node.
func sides2(d accel.Direction, in, width int) (rows, cols int) {
	if d == accel.Backward {
		return width, in
	}
	return in, width
}

func (p *layerPlan[F]) placeOf(r accel.LayerRef) int32 { return p.nodes[r.Node].place + int32(r.Lo) }

func (p *layerPlan[F]) addTerms(n *accel.LayerNode[F], to *planNode) bool {
	to.firstTerm, to.terms = int32(len(p.terms)), int32(len(n.Terms))
	for _, t := range n.Terms {
		m := planTerm{alpha: t.Alpha, p: p.placeOf(t.P), pBefore: int32(number01(t.P.Before)), firstP: int32(number01(t.FirstP)),
			alone: int32(number01(t.Alone))}
		if !t.Alone {
			m.q, m.qBefore, m.firstQ = p.placeOf(t.Q), int32(number01(t.Q.Before)), int32(number01(t.FirstQ))
		}
		p.terms = append(p.terms, m)
	}
	return true
}

// oneThread reports whether each element that a node adds derivatives to is added to by one thread: that of its number within what is
// read. Else a barrier would have to be between.
func oneThread[F accel.Float](n *accel.LayerNode[F]) bool {
	var all []accel.LayerRef
	for _, p := range n.Products {
		all = append(all, p.In)
	}
	for _, t := range n.Terms {
		if all = append(all, t.P); !t.Alone {
			all = append(all, t.Q)
		}
	}
	for i, a := range all {
		for _, b := range all[:i] {
			if a.Node == b.Node && a.Before == b.Before && a.Lo != b.Lo && a.Lo < b.Hi && b.Lo < a.Hi {
				return false
			}
		}
	}
	return true
}

// write lays the plan out.
func (p *layerPlan[F]) write() {
	h := &p.head
	h.steps, h.nodes, h.factors, h.terms = int32(p.l.Steps()), int32(len(p.nodes)), int32(len(p.factors)), int32(len(p.terms))
	h.termsAt = int32(unsafe.Sizeof(*h)) + h.nodes*int32(unsafe.Sizeof(planNode{})) + h.factors*int32(unsafe.Sizeof(planFactor{}))
	h.offsetsAt = h.termsAt + h.terms*int32(unsafe.Sizeof(planTerm{}))
	at := line(h.offsetsAt + 4*int32(len(p.l.Offset)))
	for i := range p.factors {
		f := &p.factors[i]
		f.at = at
		at = line(at + f.rows*f.cols*int32(size[F]()))
	}
	h.slotsAt = at
	p.ints = append(p.ints, intsOf([]planHead{*h})...)
	p.ints = append(p.ints, intsOf(p.nodes)...)
	p.ints = append(p.ints, intsOf(p.factors)...)
	p.ints = append(p.ints, intsOf(p.terms)...)
	for _, o := range p.l.Offset {
		p.ints = append(p.ints, int32(o))
	}
}

func line(at int32) int32 { return (at + lineBytes - 1) / lineBytes * lineBytes }

func intsOf[T any](x []T) []int32 {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*int32)(unsafe.Pointer(&x[0])), len(x)*int(unsafe.Sizeof(x[0]))/4)
}

// bytes returns the shared memory of a block that owns so many columns, or more than there is anywhere.
//
// With s bytes an element and NB columns it is s·(Σ K·N + 3·R·NB·Σ h) and 1 to 2 KiB of plan: K·N of each operand, h of each node, R =
// 1 region forward, 2 in the other sweeps (values and what is given), 3 with structural damping by cross-entropy. A plain layer of h
// units in float32 is 4h² + 24h and the plan for one column: h ≤ 200 on compute capability 8.0 (163 KiB), h ≤ 237 on 9.0 and 10.0 (227 KiB).
func (p *layerPlan[F]) bytes(columns int) uint32 {
	n := int64(p.head.slotsAt) + 3*int64(p.regions)*int64(p.head.width)*int64(columns)*size[F]()
	if p.head.slotsAt < 0 || n > math.MaxInt32 {
		return math.MaxInt32
	}
	return uint32(n)
}
