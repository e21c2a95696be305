// Package ptx runs PTX, the assembly of NVIDIA's GPUs, on the processor: the kernels that are shipped can be tested, and used for
// tiny nets, on a machine that has no GPU.
//
// It knows what the kernels of package cuda use and nothing else; an opcode that it does not know is an error when a module is
// parsed. Kernels run as a device runs them where that matters for being right: blocks in any order and at once, warps of 32 lanes
// in step until they part, barriers, shuffles. What a device leaves undefined is an error: accesses outside of an
// allocation, misaligned ones, a barrier that not all threads of a block reach, a shuffle without all of its lanes, and, where
// asked, two threads that touch the same shared memory between two barriers. Timing is not modelled.
//
// Results are the same bits in each run, and those of a device for all but the instructions that PTX itself calls
// approximate, of which none is known here.
package ptx

import (
	"fmt"
	"sort"
)

// A Module is a file of PTX, translated. It is read-only and safe for concurrent use.
type Module struct {
	kernels map[string]*Kernel
}

// Kernel returns the kernel of that name.
func (m *Module) Kernel(name string) (*Kernel, error) {
	k, ok := m.kernels[name]
	if !ok {
		return nil, fmt.Errorf("ptx: the module has no kernel %q", name)
	}
	return k, nil
}

// Kernels returns the names of all kernels, sorted.
func (m *Module) Kernels() []string {
	var names []string
	for name := range m.kernels {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// A Kernel is one entry of a module.
type Kernel struct {
	name       string
	params     []param
	paramBytes int
	code       []instruction
	registers  int            // each holds 64 bits
	constants  map[int]uint64 // registers that hold immediate operands
	specials   map[int]string // registers that hold %tid.x and the like
	shared     int            // bytes of shared memory
	dynamic    bool           // how much more it has is said at a launch
	maxThreads int            // of a block; 0: not stated
}

// A param is a parameter of a kernel.
type param struct {
	name          string
	place, length int
}

// Params returns the length of each parameter in bytes: 4 or 8.
func (k *Kernel) Params() []int {
	lengths := make([]int, len(k.params))
	for i, p := range k.params {
		lengths[i] = p.length
	}
	return lengths
}

// An instruction does one step for the active lanes of a warp.
type instruction struct {
	text  string
	guard int // register of the predicate, -1 without one
	not   bool
	kind  kind
	to    int // of a branch
	step  func(w *warp)
}

// A kind says what an instruction does to the order of execution.
type kind uint8

const (
	plain kind = iota
	branch
	barrier
	exit
	shuffle // plain, but for all lanes of a warp at once
)
