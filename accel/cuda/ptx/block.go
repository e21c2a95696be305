package ptx

import "fmt"

// A block is one block of a launch, with its shared memory. It is used again for later blocks.
type block struct {
	kernel  *Kernel
	memory  [][]byte // a snapshot: nothing is allocated or freed while a kernel runs
	params  []byte
	threads int
	at      [3]uint32
	shared  []byte
	races   *races // nil: not looked for
	warps   []*warp
	pc      int // of what runs, for errors
}

func newBlock(l *Launch, memory [][]byte, params []byte) *block {
	b := &block{kernel: l.Kernel, memory: memory, params: params, threads: l.Threads, shared: make([]byte, l.Kernel.shared+l.Shared)}
	if l.Races {
		b.races = newRaces(len(b.shared))
	}
	for first := 0; first < l.Threads; first += lanesOfWarp {
		b.warps = append(b.warps, &warp{block: b, first: first, registers: make([]uint64, l.Kernel.registers*lanesOfWarp)})
	}
	return b
}

// run runs the block at a place of the grid. Warps run one after the other from barrier to barrier.
func (b *block) run(at [3]uint32, threads int) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("ptx: running %s, block %v: %v (at %q)", b.kernel.name, at, r, b.kernel.code[b.pc].text)
		}
	}()
	b.at = at
	for i := range b.shared { // a device does not clear it
		b.shared[i] = 0xff
	}
	if b.races != nil {
		b.races.next()
	}
	for _, w := range b.warps {
		w.start(threads)
	}
	for {
		for _, w := range b.warps {
			w.run()
		}
		if b.allEnded() {
			return nil
		}
		b.passBarrier()
	}
}

func (b *block) allEnded() bool {
	for _, w := range b.warps {
		if w.ended != w.exists {
			return false
		}
	}
	return true
}

// passBarrier lets all threads go on. They have to wait at one and the same barrier.
func (b *block) passBarrier() {
	pc := -1
	for _, w := range b.warps {
		for l := range lanesOfWarp {
			if w.exists&(1<<l) == 0 {
				continue
			}
			if pc < 0 && w.waiting&(1<<l) != 0 {
				pc = w.pc[l]
			}
			if w.waiting&(1<<l) == 0 || w.pc[l] != pc {
				panic(fmt.Sprintf("a barrier that thread %d does not reach", w.first+l))
			}
			w.pc[l] = pc + 1
		}
		w.waiting = 0
	}
	if b.races != nil {
		b.races.next()
	}
}
