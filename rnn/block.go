package rnn

import (
	"math"

	"curvestream/accel"
	"curvestream/nn"
)

// A block is some consecutive time-steps lo … hi−1 of a shard. The matrices of states of a block, its strips, begin with
// enter rows, the states h_lo₋₁ that the block starts from (h_0, repeated, in the first block), and go on with one row for
// each of the block's rows. So a block can be swept knowing nothing but itself, and the row before any row of the block lies
// in the same strip.
type block struct {
	lo, hi   int
	enter    int   // rows of the entering state: the columns alive at time-step lo
	offset   []int // in a strip, of time-steps lo−1, lo, …, hi−1 and one past the last
	row      [2]int
	out      [2]int // output rows, of the shard, that belong to the block
	links    []link
	lastRows []link // for Last: rows of the strip that have an output, and where in the block's output rows they go
}

// A link says that n rows of a strip, from to on, follow the n rows from from on, one time-step later.
type link struct{ from, to, n int }

// rows returns the number of rows, those of the entering state excluded.
func (b *block) rows() int { return b.row[1] - b.row[0] }

// stripRows returns the number of rows of a strip.
func (b *block) stripRows() int { return b.enter + b.rows() }

// inner returns the rows of a strip without the entering state.
func inner[F accel.Float](b *block, strip accel.Mat[F]) accel.Mat[F] {
	return strip.RowRange(b.enter, b.stripRows())
}

// step returns the first n rows of a strip at time-step t, which may be lo−1.
func step[F accel.Float](b *block, strip accel.Mat[F], t, n int) accel.Mat[F] {
	o := b.offset[t-b.lo+1]
	return strip.RowRange(o, o+n)
}

// blockRows is how many rows make a GEMM that is large enough: more would leave the cache between a block's products.
const blockRows = 1024

// cut cuts a shard into blocks of equal numbers of time-steps: enough steps for blockRows rows, but at least 8, so that the
// entering states cost little, and no more than about √T, so that few blocks are enough when states are recomputed.
func (n *Net[F]) cut(s *nn.Shard[F]) []block {
	return n.cutAt(s, n.blockSteps(s))
}

// blockSteps returns how many time-steps a block of a shard has: where the backend says so, more.
func (n *Net[F]) blockSteps(s *nn.Shard[F]) int {
	steps := max(8, min(blockRows/s.Active[0], int(math.Sqrt(float64(s.Steps())))))
	if c, ok := n.backend.(accel.Cutter); ok {
		steps = max(steps, c.BlockSteps(s.Active[0]))
	}
	return steps
}

// cutAt cuts a shard into blocks of the given number of time-steps, or fewer where a window ends.
func (n *Net[F]) cutAt(s *nn.Shard[F], steps int) []block {
	var blocks []block
	for lo := 0; lo < s.Steps(); {
		hi := min(lo+steps, s.Steps())
		if n.Window > 0 {
			hi = min(hi, (lo/n.Window+1)*n.Window)
		}
		blocks = append(blocks, newBlock(s, lo, hi))
		lo = hi
	}
	return blocks
}

func newBlock[F accel.Float](s *nn.Shard[F], lo, hi int) block {
	b := block{lo: lo, hi: hi, enter: s.Active[lo], offset: []int{0}, row: [2]int{s.Offset[lo], s.Offset[hi]}}
	b.out = b.row
	if s.Form == nn.Last {
		b.out = [2]int{activeAt(s.Active, hi), s.Active[lo]}
	}
	for t := lo; t <= hi; t++ {
		b.offset = append(b.offset, b.enter+s.Offset[t]-s.Offset[lo])
	}
	for t := lo; t < hi; t++ {
		b.link(link{from: b.offset[t-lo], to: b.offset[t-lo+1], n: s.Active[t]})
		ended := activeAt(s.Active, t+1)
		if s.Form == nn.Last && ended < s.Active[t] {
			b.lastRows = append(b.lastRows, link{from: b.offset[t-lo+1] + ended, to: ended - b.out[0], n: s.Active[t] - ended})
		}
	}
	return b
}

// link adds a link, to the last one where both of its ends go on there.
func (b *block) link(l link) {
	if k := len(b.links) - 1; k >= 0 && b.links[k].from+b.links[k].n == l.from && b.links[k].to+b.links[k].n == l.to {
		b.links[k].n += l.n
		return
	}
	b.links = append(b.links, l)
}

// activeAt returns the columns alive at time-step t, which are none from T on.
func activeAt(active []int, t int) int {
	if t >= len(active) {
		return 0
	}
	return active[t]
}
