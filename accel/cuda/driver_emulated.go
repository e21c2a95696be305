package cuda

import (
	"fmt"
	"sync"
	"unsafe"

	"curvestream/accel/cuda/ptx"
)

// emulatedMemory is what a device that is emulated has.
const emulatedMemory = 2 << 30

// emulatedShared is the shared memory that a block may have: that of compute capability 8.0.
const emulatedShared = 163 << 10

// An emulator is a driver whose devices are the processor. As on a device, what is put on a stream happens later, and in its own time
// (see queue). It keeps to the driver's rules and refuses what breaks them.
type emulator struct {
	memory  *ptx.Memory
	limit   int64
	devices int32
	races   bool // kernels are watched for races in shared memory
	early   bool // streams that were made after the first run ahead
	without call // this function is lacking, and those after it; 0: none is

	mu      sync.Mutex
	made    int    // calls so far
	failAt  int    // the call that fails, counted from 1; 0: none does
	failBy  result // with this result
	failed  string // its name
	traced  bool
	names   []string // of all calls, where it is traced
	handles []any    // modules, functions, streams, events, graphs: by handle − 1; destroyed ones are nil
	streams int      // made so far
	pinned  map[uintptr][]byte
	shared  map[*ptx.Kernel]int // bytes that kernels were allowed
	retains int
	leaked  string // what was not freed when the last device was given back
	current bool
	capture *graph // that is being captured
	drop    int    // of the waits for an event, the one that does not happen, counted from 1; 0: all do
	waits   int    // so far
	replays int    // launches of graphs so far
	fault   string // of a kernel: later calls fail, as on a device
}

func newEmulator() *emulator {
	return &emulator{memory: ptx.NewMemory(), limit: emulatedMemory, devices: 1, pinned: map[uintptr][]byte{}, shared: map[*ptx.Kernel]int{}}
}

func (e *emulator) has(c call) bool { return e.without == 0 || c < e.without }

type loadedModule struct{ module *ptx.Module }

// parsed keeps what was made of a source: the kernels do not change.
var parsed sync.Map

func parse(source string) (*ptx.Module, error) {
	if m, ok := parsed.Load(source); ok {
		return m.(*ptx.Module), nil
	}
	m, err := ptx.Parse(source)
	if err == nil {
		parsed.Store(source, m)
	}
	return m, err
}

func (e *emulator) call(c call, a ...uintptr) result {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r, failed := e.count(c.String()); failed {
		if c == cuStreamEndCapture { // nothing is captured any more, whether it ends well or not
			e.capture = nil
		}
		return r
	}
	if e.fault != "" && c != cuDevicePrimaryCtxRelease_v2 {
		return launchFailed
	}
	if c >= cuModuleLoadDataEx && !e.current {
		return 201
	}
	if e.capture != nil && !capturable[c] {
		return whileCaptured
	}
	if f := emulated[c]; f != nil {
		return f(e, a)
	}
	panic(fmt.Sprintf("cuda: %s is not emulated", c))
}

// count counts a call, which may be the one that is to fail.
func (e *emulator) count(name string) (r result, failed bool) {
	e.made++
	if e.traced {
		e.names = append(e.names, name)
	}
	if e.made != e.failAt {
		return success, false
	}
	e.failed = name
	return e.failBy, true
}

// emulated holds what each call does.
var emulated [calls]func(e *emulator, a []uintptr) result

func init() {
	ok := func(*emulator, []uintptr) result { return success }
	emulated = [calls]func(e *emulator, a []uintptr) result{
		cuInit:                       ok,
		cuDriverGetVersion:           func(_ *emulator, a []uintptr) result { return answer(a[0], int32(0)) },
		cuDeviceGetCount:             func(e *emulator, a []uintptr) result { return answer(a[0], e.devices) },
		cuDeviceGet:                  emulateDevice,
		cuDeviceGetName:              emulateName,
		cuDeviceGetAttribute:         emulateAttribute,
		cuDeviceTotalMem_v2:          func(e *emulator, a []uintptr) result { return answer(a[0], uint64(e.limit)) },
		cuDevicePrimaryCtxRetain:     func(e *emulator, a []uintptr) result { e.retains++; return answer(a[0], uint64(1+a[1])) },
		cuDevicePrimaryCtxRelease_v2: emulateRelease,
		cuCtxSetCurrent: func(e *emulator, a []uintptr) result {
			e.current = a[0] > 0 && a[0] <= uintptr(e.devices)
			return success
		},
		cuModuleLoadDataEx:  emulateLoad,
		cuModuleGetFunction: emulateFunction,
		cuModuleUnload:      func(e *emulator, a []uintptr) result { return e.destroy(a[0]) },
		cuMemAlloc_v2:       emulateAlloc,
		cuMemFree_v2:        emulateFree,
		cuMemGetInfo_v2: func(e *emulator, a []uintptr) result {
			answer(a[0], uint64(e.limit-e.memory.Live()))
			return answer(a[1], uint64(e.limit))
		},
		cuMemHostAlloc:       emulateHostAlloc,
		cuMemFreeHost:        emulateHostFree,
		cuStreamCreate:       emulateStream,
		cuStreamSynchronize:  emulateSynchronize,
		cuStreamDestroy_v2:   func(e *emulator, a []uintptr) result { return e.destroy(a[0]) },
		cuMemcpyHtoDAsync_v2: emulateUpload,
		cuMemcpyDtoHAsync_v2: emulateDownload,
		cuMemcpyDtoDAsync_v2: emulateCopy,
		cuMemsetD8Async:      emulateSet,
		cuLaunchKernel:       emulateLaunch,
		cuFuncSetAttribute:   emulateAttributeOfKernel,
		cuEventCreate:        func(e *emulator, a []uintptr) result { return answer(a[0], e.handle(&event{})) },
		cuEventRecord:        emulateRecord,
		cuEventDestroy_v2:    func(e *emulator, a []uintptr) result { return e.destroy(a[0]) },
		cuStreamWaitEvent:    emulateWait,

		cuStreamBeginCapture_v2:     emulateBeginCapture,
		cuStreamEndCapture:          emulateEndCapture,
		cuGraphInstantiateWithFlags: emulateInstantiate,
		cuGraphDestroy:              func(e *emulator, a []uintptr) result { return e.destroy(a[0]) },
		cuGraphLaunch:               emulateGraphLaunch,
		cuGraphExecDestroy:          func(e *emulator, a []uintptr) result { return e.destroy(a[0]) },
	}
}

// answer writes what a call returns through a pointer.
func answer[T any](to uintptr, x T) result {
	*(*T)(pointer(to)) = x
	return success
}

// cString returns the bytes from an address to the first 0.
func cString(address uintptr) string {
	p, n := pointer(address), 0
	for *(*byte)(unsafe.Add(p, n)) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(p), n))
}

func (e *emulator) handle(x any) uint64 {
	e.handles = append(e.handles, x)
	return uint64(len(e.handles))
}

func (e *emulator) destroy(handle uintptr) result {
	if handle == 0 || handle > uintptr(len(e.handles)) || e.handles[handle-1] == nil {
		return 400
	}
	e.handles[handle-1] = nil
	return success
}

func held[T any](e *emulator, handle uintptr) (x T, ok bool) {
	if handle == 0 || handle > uintptr(len(e.handles)) {
		return x, false
	}
	x, ok = e.handles[handle-1].(T)
	return x, ok
}

func emulateDevice(e *emulator, a []uintptr) result {
	if a[1] >= uintptr(e.devices) {
		return invalidDevice
	}
	return answer(a[0], int32(a[1]))
}

// emulateRelease destroys the context, and with it all that is left in it.
func emulateRelease(e *emulator, _ []uintptr) result {
	if e.retains--; e.retains == 0 {
		n, pinned, objects := e.memory.Live(), len(e.pinned), e.objects()
		if n != 0 || pinned != 0 || objects != 0 {
			e.leaked = fmt.Sprintf("%d bytes of device memory, %d allocations of pinned memory, %d streams, events, graphs and modules", n, pinned, objects)
		}
		e.memory, e.pinned, e.handles, e.current = ptx.NewMemory(), map[uintptr][]byte{}, nil, false
	}
	return success
}

// objects returns how many handles were not destroyed, those of kernels excepted, which go with their module.
func (e *emulator) objects() (n int) {
	for _, x := range e.handles {
		if _, kernel := x.(*ptx.Kernel); x != nil && !kernel {
			n++
		}
	}
	return n
}

func emulateName(_ *emulator, a []uintptr) result {
	copy(unsafe.Slice((*byte)(pointer(a[0])), a[1]), "emulated GPU\x00")
	return success
}

func emulateAttribute(_ *emulator, a []uintptr) result {
	switch a[1] {
	case attributeMajor:
		return answer(a[0], int32(8))
	case attributeMinor, attributeProcessors:
		return answer(a[0], int32(0))
	case attributeShared:
		return answer(a[0], int32(emulatedShared))
	}
	return invalidValue
}

func emulateLoad(e *emulator, a []uintptr) result {
	m, err := parse(cString(a[1]))
	if err != nil {
		if a[2] > 0 { // the first option is the buffer of the log
			copy(unsafe.Slice((*byte)(pointer(*(*uintptr)(pointer(a[4])))), logBytes-1), err.Error())
		}
		return 218
	}
	return answer(a[0], e.handle(loadedModule{m}))
}

func emulateFunction(e *emulator, a []uintptr) result {
	m, ok := held[loadedModule](e, a[1])
	if !ok {
		return 400
	}
	k, err := m.module.Kernel(cString(a[2]))
	if err != nil {
		return 500
	}
	return answer(a[0], e.handle(k))
}

func emulateAlloc(e *emulator, a []uintptr) result {
	if a[1] == 0 {
		return invalidValue
	}
	if int64(a[1]) > e.limit-e.memory.Live() {
		return outOfMemory
	}
	return answer(a[0], e.memory.Alloc(int64(a[1])))
}

func emulateFree(e *emulator, a []uintptr) result {
	if e.memory.Free(uint64(a[0])) != nil {
		return invalidValue
	}
	return success
}

func emulateHostAlloc(e *emulator, a []uintptr) result {
	b := make([]byte, a[1])
	address := addressOf(&b[0])
	e.pinned[address] = b
	return answer(a[0], address)
}

func emulateHostFree(e *emulator, a []uintptr) result {
	if e.pinned[a[0]] == nil {
		return invalidValue
	}
	delete(e.pinned, a[0])
	return success
}
