package train

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"curvestream/accel"
	"curvestream/checkpointing"
	"curvestream/ingest"
	"curvestream/nn"
	"curvestream/pipeline"
	"curvestream/rnn"
	"curvestream/run/config"
	"curvestream/run/fault"
)

// openSpill makes the file for hidden states that memory does not hold, where one is asked for.
func openSpill(c *config.Config, run string) (*checkpointing.Spill, error) {
	if c.Store.Spill == 0 || c.Model.Arch == "mlp" {
		return nil, nil
	}
	dir := c.Store.SpillDir
	for dir == "" {
		run = filepath.Dir(filepath.Clean(run))
		if info, err := os.Stat(run); err == nil && info.IsDir() || run == filepath.Dir(run) {
			dir = run
		}
	}
	spill, err := checkpointing.OpenSpill(dir, int64(c.Store.Spill))
	if err != nil {
		return nil, fault.New(fault.IO, "memory.spill", "%v", err).Fix("--set store.spill=SIZE that is smaller, or --set store.spill_dir=DIR on a disk with more room")
	}
	return spill, nil
}

// planMemory divides memory between the chunks of a curvature minibatch, where it does not hold the hidden states of all, and says in
// m.states how they are kept. It is the plan of the first iteration's minibatch; others may be longer, and each chunk is planned anew
// when it comes.
func (m *machine[F]) planMemory(ctx context.Context, c *config.Config, s sets, plan *pipeline.Plan) error {
	m.keep = keepBytes(c)
	net, recurrent := m.net.(*rnn.Net[F])
	if !recurrent {
		return nil
	}
	mb := plan.Minibatch(pipeline.Curvature, 1)
	chunks := shapes[F](s.train.Manifest, s.train.Encoding, mb)
	reload := 0.0
	if chunks == nil || !fit(net, chunks, states(c, nil).Budget) {
		first, seconds, err := m.firstChunk(ctx, mb)
		if err != nil {
			return err
		}
		if chunks == nil {
			chunks = slices.Repeat([]*nn.Batch[F]{first}, len(mb.Chunks))
		}
		costs, err := net.Measure(ctx, m.theta, first)
		if err != nil {
			return err
		}
		if c.States != "store" { // without costs the fewest states are computed again
			net.UseCosts(costs)
		}
		reload = seconds
	}
	choice, err := m.chooseSweeps(ctx, net, chunks[0])
	if err != nil {
		return err
	}
	d := division[F]{net: net, chunks: chunks, reload: reload}
	divided, err := d.divide()
	if err != nil {
		return err
	}
	if !divided && len(chunks) > 1 && !fit(net, chunks, net.StateBudget) {
		most := int64(0) // a chunk that is not kept takes its room too while it is linearized anew
		for _, b := range chunks {
			most = max(most, net.Bytes(b, c.Damping.StructuralMu > 0))
		}
		m.keep = max(0, m.keep-most)
	}
	if m.states, err = forecastStates(net, chunks); err != nil {
		return err
	}
	m.states.Sweeps = choice
	return nil
}

// firstChunk returns the first chunk of a minibatch, and how long it takes to come.
func (m *machine[F]) firstChunk(ctx context.Context, mb pipeline.Minibatch) (first *nn.Batch[F], seconds float64, err error) {
	enough, start := errors.New("enough"), time.Now()
	err = m.loader.Each(ctx, mb, func(b *nn.Batch[F]) error {
		first, seconds, b.Kept = b, time.Since(start).Seconds(), true
		return enough
	})
	if err != nil && !errors.Is(err, enough) {
		return nil, 0, err
	}
	if first == nil {
		return nil, 0, fmt.Errorf("the curvature minibatch has no chunks")
	}
	return first, seconds, nil
}

// shapes returns the chunks of a minibatch without their data, or nil where lengths are not known before they are read.
func shapes[F accel.Float](manifest *pipeline.Manifest, e *ingest.Encoding, mb pipeline.Minibatch) []*nn.Batch[F] {
	if manifest.Len() == ingest.Endless {
		return nil
	}
	chunks := make([]*nn.Batch[F], len(mb.Chunks))
	for i, positions := range mb.Chunks {
		b := &nn.Batch[F]{In: e.In, Out: e.Out}
		if e.Form == "last" {
			b.Form = nn.Last
		}
		if e.SparseInputs {
			b.Sparse = &nn.Sparse[F]{}
		}
		for _, p := range positions {
			b.Lengths = append(b.Lengths, manifest.Steps(mb.Sequences[p]))
		}
		chunks[i] = b
	}
	return chunks
}

// fit reports whether a budget holds all states of all chunks.
func fit[F accel.Float](net *rnn.Net[F], chunks []*nn.Batch[F], budget int64) bool {
	all := int64(0)
	for _, b := range chunks {
		all += net.StateBytes(b)
	}
	return all <= budget && (net.Store.Device == 0 || all <= net.Store.Device)
}

// A division of memory between chunks: either each has a part of it, and their states are computed again or stored as far as need be,
// or those that fit are kept and the others linearized anew for each product, with all of the memory for one.
type division[F accel.Float] struct {
	net    *rnn.Net[F]
	chunks []*nn.Batch[F]
	reload float64 // seconds in which a chunk comes anew
}

// divide gives each chunk of the net its part of the budgets, where that is predicted to be faster.
func (d division[F]) divide() (divided bool, err error) {
	net, whole := d.net, d.net.Config
	if len(d.chunks) < 2 || fit(net, d.chunks, whole.StateBudget) {
		return false, nil
	}
	anew, err := d.anew()
	if err != nil {
		return false, err
	}
	part := float64(d.part(whole.StateBudget)) / float64(whole.StateBudget)
	scale := func(bytes int64) int64 { return int64(part * float64(bytes)) }
	net.StateBudget, net.Store.Device, net.Store.SpillBudget = scale(whole.StateBudget), scale(whole.Store.Device), whole.Store.SpillBudget/int64(len(d.chunks))
	parts, err := d.parts()
	var small *rnn.BudgetError
	if errors.As(err, &small) || err == nil && parts > anew {
		net.StateBudget, net.Store.Device, net.Store.SpillBudget = whole.StateBudget, whole.Store.Device, whole.Store.SpillBudget
		return false, nil
	}
	return true, err
}

// part returns the largest bound of each chunk's states with which all together keep the budget.
func (d division[F]) part(budget int64) int64 {
	var all []int64
	for _, b := range d.chunks {
		all = append(all, d.net.StateBytes(b))
	}
	slices.Sort(all)
	for i, a := range all {
		if even := budget / int64(len(all)-i); a > even {
			return even
		}
		budget -= a
	}
	return all[len(all)-1]
}

// parts predicts the seconds of computing states again in a product where each chunk has its part.
func (d division[F]) parts() (seconds float64, err error) {
	for _, b := range d.chunks {
		p, err := d.net.PlanStates(b)
		if err != nil {
			return 0, err
		}
		seconds += d.extra(p)
	}
	return seconds, nil
}

// extra predicts the seconds that a chunk's plan costs beyond those of keeping all.
func (d division[F]) extra(p rnn.StatePlan) float64 {
	c := d.net.Store.Costs
	return max(0, p.Seconds-float64(p.States)*(c.Along+c.Backward))
}

// anew predicts the same where chunks that do not fit beside the one at hand are linearized anew.
func (d division[F]) anew() (seconds float64, err error) {
	room := d.net.StateBudget
	for _, b := range d.chunks {
		room = min(room, d.net.StateBudget-d.net.StateBytes(b))
	}
	for _, b := range d.chunks {
		p, err := d.net.PlanStates(b)
		if err != nil {
			return 0, err
		}
		if room -= p.All; room >= 0 {
			continue
		}
		seconds += d.reload + float64(p.States)*d.net.Store.Costs.Forward + d.extra(p)/2 // the backward half of it
	}
	return seconds, nil
}
