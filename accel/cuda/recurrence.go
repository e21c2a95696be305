package cuda

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"os"
	"slices"
	"strings"
	"sync"

	"curvestream/accel"
)

// recurrenceVariable is the environment variable that, as "steps", has recurrent layers computed by kernels for each time-step, and as "layer" by
// one for all, where they fit, without measuring which is faster; as "measure" it is measured anew, and as "auto", the default, if it is not remembered.
const recurrenceVariable = "CURVESTREAM_RECURRENCE"

const (
	wantSteps = 256     // of a block: the launches beside its sweep should take less time than that
	mostRows  = 1 << 17 // of a block, where it has many columns
)

var (
	_ accel.Sweeper[float32] = (*Stream[float32])(nil)
	_ accel.Cutter           = (*Backend[float32])(nil)
)

// BlockSteps implements accel.Cutter.
func (b *Backend[F]) BlockSteps(columns int) int {
	return max(1, min(wantSteps, mostRows/max(1, columns)))
}

// recurrenceSettings are what recurrenceVariable may be.
var recurrenceSettings = []string{"auto", "measure", "layer", "steps"}

func recurrenceSetting() (string, error) {
	s := cmp.Or(os.Getenv(recurrenceVariable), "auto")
	if !slices.Contains(recurrenceSettings, s) {
		return "", fmt.Errorf("cuda: %s is %q: set it to %s", recurrenceVariable, s, strings.Join(recurrenceSettings, ", "))
	}
	return s, nil
}

// SweepsAs tells under which name it is remembered which way of sweeping layers was faster: that of the GPU, the driver, and what products are by, and a digest
// of the kernels. The name is empty where it is not to be measured: the environment says which, or the device is emulated and has no clock. With anew
// it is to be measured whatever is remembered.
func (b *Backend[F]) SweepsAs() (name string, anew bool) {
	setting, err := recurrenceSetting()
	if err != nil || b.name == Emulated || setting == "steps" || setting == "layer" {
		return "", false
	}
	return fmt.Sprintf("%s, CUDA %s, kernels %016x", strings.TrimPrefix(b.Name(), b.name+"/"), b.d.info.Driver, digestOfKernels()), setting == "measure"
}

// digestOfKernels returns a digest of all that loadKernels may load.
var digestOfKernels = sync.OnceValue(func() uint64 {
	h := fnv.New64a()
	files, err := sources.ReadDir("kernels")
	if err != nil {
		panic(err) // they are embedded
	}
	for _, f := range files {
		text, err := sources.ReadFile("kernels/" + f.Name())
		if err != nil {
			panic(err)
		}
		_, _ = h.Write(text) // a hash never fails
	}
	return h.Sum64()
})

var sweepKernels = [...]string{accel.Forward: "recur_forward_", accel.ForwardR: "recur_r_", accel.Backward: "recur_back_"}

// Sweep implements accel.Sweeper: one launch, where the layer's weights and three time-steps of a column fit into the shared memory of a
// block. Larger layers, and those of which there is no plan, are computed time-step by time-step.
func (s *Stream[F]) Sweep(l *accel.Layer[F]) bool {
	if os.Getenv(recurrenceVariable) == "steps" || l.Steps() < 1 {
		return false
	}
	p, ok := s.planOf(l)
	if !ok {
		return false
	}
	device := s.b.d.info
	columns := l.Offset[2] - l.Offset[1]
	width, ok := p.columnsOfBlock(columns, device.Processors, device.Shared)
	if !ok {
		return false
	}
	args := []arg{s.b.resident(p.ints), integer(len(p.ints)), p.weights[0], p.weights[1], p.weights[2], p.value.base}
	switch l.Direction {
	case accel.ForwardR:
		args = append(args, p.given.base, p.other.base)
	case accel.Backward:
		args = append(args, p.given.base, p.other.base, p.carry.base, number(l.Mu))
	}
	blocks := uint32((columns + width - 1) / width)
	s.b.launchShared(sweepKernels[l.Direction]+string(rune('0'+width)), [3]uint32{blocks, 1, 1}, uint32(p.threads), p.bytes(width), args...)
	return true
}

const (
	warpsOfProcessor = 3 // that a multiprocessor should have at least: with one for each of its four parts, or nearly, none is idle
	mostThreads      = 512
)

// columnsOfBlock returns how many columns a block owns: as many as leave each of the device's processors warps enough, because the
// weights are read from shared memory once for all of them; and no more than fit. Results do not depend on it.
func (p *layerPlan[F]) columnsOfBlock(columns, processors, shared int) (int, bool) {
	most := 8
	if size[F]() == 8 {
		most = 4
	}
	for width := most; width > 1; width /= 2 {
		blocks := (columns + width - 1) / width
		if width < 2*columns && blocks*p.threads/32 >= warpsOfProcessor*processors && int(p.bytes(width)) <= shared {
			return width, true
		}
	}
	return 1, int(p.bytes(1)) <= shared
}

// mostResident is how many plans stay on a device. There is one for each block of a shard, each sweep, and each slot that the block's
// states may be in.
const mostResident = 4096

// resident returns where a plan is on the device. One that was there before still is: so that launches that come again are equal.
func (b *Backend[F]) resident(plan []int32) arg {
	key := string(bytesOf(plan))
	b.mu.Lock()
	buf := b.plans[key]
	b.mu.Unlock()
	if buf != nil {
		return arg{buf.address, buf}
	}
	b.d.note(b.d.do(func() (err error) {
		if buf, err = b.d.allocate(int64(len(key))); err != nil {
			return err
		}
		if err := b.d.upload(buf.address, bytesOf(plan)); err != nil {
			return err
		}
		return b.d.synchronize()
	}))
	if buf == nil {
		return arg{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.plans == nil || len(b.plans) >= mostResident {
		b.plans = map[string]*buffer{}
	}
	b.plans[key] = buf
	return arg{buf.address, buf}
}
