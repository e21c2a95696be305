package cuda

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"unsafe"
)

// Numbers of cuda.h.
const (
	attributeProcessors   = 16 // CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT
	attributeShared       = 97 // CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
	attributeMajor        = 75 // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
	attributeMinor        = 76 // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR
	streamNonBlocking     = 1  // CU_STREAM_NON_BLOCKING
	eventNoTiming         = 2  // CU_EVENT_DISABLE_TIMING
	mostDynamicShared     = 8  // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
	jitErrorLogBuffer     = 5  // CU_JIT_ERROR_LOG_BUFFER
	jitErrorLogBufferSize = 6  // CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES
)

const (
	logBytes    = 8192
	leastMajor  = 8   // the kernels are PTX for sm_80
	queueBound  = 512 // launches that may wait for the executor: more would only hide how far behind the device is
	mostParams  = 24
	plainShared = 48 << 10 // bytes of shared memory that a block may have without its kernel being told
	nameBytes   = 256
	blockLength = 256 // threads of a block, where a kernel does not say otherwise
)

// A device is one GPU with its executor: one goroutine, locked to its thread, makes all calls. All that computes goes on one stream, so
// that operations take effect in the order in which they were asked for, whoever asked; copies that need not wait for their turn go on
// a second one (see copier).
type device struct {
	drv      driver
	ordinal  int
	info     Device
	requests chan request
	ended    chan struct{}
	failed   atomic.Pointer[failedDevice]

	// Of the executor.
	handle  int32
	context uint64
	stream  uint64
	modules []uint64
	memory  pool
	copies  copier
	host    hostPool
	blas    blas
	replays recorder
	slot    *slots
}

// failedDevice holds the first failure, which sticks.
type failedDevice struct{ err error }

// slots are what calls write to and read from: in the heap, which does not move, and alive as long as the device.
type slots struct {
	word, other uint64
	number      int32
	name        [nameBytes]byte
	log         [logBytes]byte
	options     [2]uint32
	values      [2]uintptr
	params      [mostParams]uint64
	places      [mostParams]uintptr
}

// A request is a launch, or a function that the executor is to call. Whoever waits for its end gives done.
type request struct {
	launch launch
	f      func() error
	done   chan error
}

// A launch is an order with what has to be reachable until it is on the stream.
type launch struct {
	order
	keep [mostParams]*buffer
}

// An order is a kernel with its grid and its arguments, each in the low bytes of a word.
type order struct {
	f       *function
	grid    [3]uint32
	threads uint32
	shared  uint32 // bytes of shared memory of a block, beside what the kernel declares
	args    [mostParams]uint64
}

// A function is a kernel on the device.
type function struct {
	name   string
	handle uint64
	shared uint32 // bytes that were asked for
}

// start opens a device and starts its executor. Products are by lib, which may be nil.
func start(drv driver, lib blasLibrary, ordinal int) (*device, error) {
	d := &device{drv: drv, ordinal: ordinal, requests: make(chan request, queueBound), ended: make(chan struct{}), slot: &slots{}}
	d.blas.lib = lib
	d.memory.init()
	go d.execute()
	if err := d.do(d.open); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// execute serves requests until their channel is closed.
func (d *device) execute() {
	defer close(d.ended)
	runtime.LockOSThread() // the context is that of a thread; it ends with this goroutine
	for r := range d.requests {
		switch {
		case r.f == nil:
			if d.failed.Load() == nil {
				d.note(d.place(&r.launch))
			}
		case r.done == nil:
			d.note(d.flush())
			if d.failed.Load() == nil {
				d.note(d.guard(r.f))
			}
		default:
			d.note(d.flush())
			r.done <- d.guard(r.f)
		}
	}
}

// guard turns a panic into an error: the executor must not end while others wait for it.
func (d *device) guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cuda: calling the driver: this is a bug in curvestream, please report it: %v", r)
		}
	}()
	return f()
}

// do has the executor call f and returns its error.
func (d *device) do(f func() error) error {
	done := make(chan error, 1) // the executor never waits for the one who asked
	d.requests <- request{f: f, done: done}
	return <-done
}

// later has the executor call f after what was asked of it before, unless the device has failed, and does not wait for it.
func (d *device) later(f func() error) { d.requests <- request{f: f} }

// note keeps the first failure.
func (d *device) note(err error) {
	if err != nil {
		d.failed.CompareAndSwap(nil, &failedDevice{err})
	}
}

// err returns the failure that sticks, if there is one.
func (d *device) err() error {
	if f := d.failed.Load(); f != nil {
		return f.err
	}
	return nil
}

// check makes a call and turns its result into an error that says what was going on.
func (d *device) check(doing string, c call, args ...uintptr) error {
	return failure(c, d.drv.call(c, args...), "%s", doing)
}

// open takes the device's primary context, which all of a process share, and makes a stream in it.
func (d *device) open() error {
	s := d.slot
	if err := d.check("starting the driver", cuInit, 0); err != nil {
		return err
	}
	if err := d.check(fmt.Sprintf("looking for device %d; `curvestream version` lists those that there are", d.ordinal), cuDeviceGet, addressOf(&s.number), uintptr(d.ordinal)); err != nil {
		return err
	}
	d.handle = s.number
	var err error
	if d.info, err = describe(d.drv, d.ordinal, s); err != nil {
		return err
	}
	if d.info.Major < leastMajor {
		return fmt.Errorf("cuda: %s has compute capability %d.%d; %d.0 or later (A100, RTX 30 and what came after) is needed: use --device cpu", d.info.Model, d.info.Major, d.info.Minor, leastMajor)
	}
	if err := d.check("making a context", cuDevicePrimaryCtxRetain, addressOf(&s.word), uintptr(d.handle)); err != nil {
		return err
	}
	d.context = s.word
	if err := d.check("entering the context", cuCtxSetCurrent, uintptr(d.context)); err != nil {
		return err
	}
	if err := d.check("making a stream", cuStreamCreate, addressOf(&s.word), streamNonBlocking); err != nil {
		return err
	}
	d.stream = s.word
	d.replays.init(d.drv)
	if err := d.copies.open(d); err != nil {
		return err
	}
	return d.blas.open(d)
}

// close waits for the device, frees all, gives the context back and ends the executor.
func (d *device) close() error {
	err := d.do(func() error {
		var all []error
		if d.stream != 0 {
			all = append(all, d.synchronize())
		}
		all = append(all, d.copies.close(d), d.replays.forget(d), d.blas.close(d))
		if d.context != 0 {
			all = append(all, d.freeAll())
		}
		for _, m := range d.modules {
			all = append(all, d.check("unloading kernels", cuModuleUnload, uintptr(m)))
		}
		if d.stream != 0 {
			all = append(all, d.check("ending a stream", cuStreamDestroy_v2, uintptr(d.stream)))
		}
		if d.context != 0 {
			all = append(all, d.check("giving the context back", cuDevicePrimaryCtxRelease_v2, uintptr(d.handle)))
		}
		return errors.Join(all...)
	})
	close(d.requests)
	<-d.ended
	return err
}

// loadModule has the driver compile a file of kernels.
func (d *device) loadModule(file string, source []byte, names []string, to map[string]*function) error {
	return d.do(func() error {
		image, s := append(source[:len(source):len(source)], 0), d.slot
		s.log = [logBytes]byte{}
		s.options = [2]uint32{jitErrorLogBuffer, jitErrorLogBufferSize}
		s.values = [2]uintptr{addressOf(&s.log[0]), logBytes}
		r := d.drv.call(cuModuleLoadDataEx, addressOf(&s.word), addressOf(&image[0]), 2, addressOf(&s.options[0]), addressOf(&s.values[0]))
		runtime.KeepAlive(image)
		if r != success {
			log, _, _ := bytes.Cut(s.log[:], []byte{0})
			return failure(cuModuleLoadDataEx, r, "compiling %s for %s; a driver of CUDA 11 or later can: %s", file, d.info.Model, bytes.TrimSpace(log))
		}
		module := s.word
		d.modules = append(d.modules, module)
		for _, name := range names {
			s.name = [nameBytes]byte{}
			copy(s.name[:nameBytes-1], name)
			if err := d.check("looking for the kernel "+name, cuModuleGetFunction, addressOf(&s.word), uintptr(module), addressOf(&s.name[0])); err != nil {
				return err
			}
			to[name] = &function{name: name, handle: s.word}
		}
		return nil
	})
}

// issue puts what was ordered on the stream: a kernel, or a product by cuBLAS.
func (d *device) issue(o *order) error {
	if o.f == d.blas.product {
		return d.blas.multiply(d, o)
	}
	return d.put(o)
}

// put puts a kernel on the stream.
func (d *device) put(o *order) error {
	if o.shared > max(plainShared, o.f.shared) {
		if err := d.check(fmt.Sprintf("asking for %d bytes of shared memory for %s", o.shared, o.f.name), cuFuncSetAttribute, uintptr(o.f.handle), mostDynamicShared, uintptr(o.shared)); err != nil {
			return err
		}
		o.f.shared = o.shared
	}
	s := d.slot
	s.params = o.args
	for i := range s.places {
		s.places[i] = addressOf(&s.params[i])
	}
	r := d.drv.call(cuLaunchKernel, uintptr(o.f.handle), uintptr(o.grid[0]), uintptr(o.grid[1]), uintptr(o.grid[2]), uintptr(o.threads), 1, 1,
		uintptr(o.shared), uintptr(d.stream), addressOf(&s.places[0]), 0)
	return failure(cuLaunchKernel, r, "launching %s with %v blocks of %d threads", o.f.name, o.grid, o.threads)
}

// synchronize waits for all that was put on the streams.
func (d *device) synchronize() error {
	if err := d.check("waiting for the device", cuStreamSynchronize, uintptr(d.stream)); err != nil {
		return err
	}
	return d.copies.synchronize(d)
}

// sync waits for the device and returns the first failure.
func (d *device) sync() error {
	d.note(d.do(d.synchronize))
	return d.err()
}

// upload copies host memory, which must not change before the stream is waited for, to an address.
func (d *device) upload(to uint64, from []byte) error {
	return d.check("copying to the device", cuMemcpyHtoDAsync_v2, uintptr(to), uintptr(unsafe.Pointer(unsafe.SliceData(from))), uintptr(len(from)), uintptr(d.stream))
}

// download copies from an address to host memory, which holds it when the stream was waited for.
func (d *device) download(to []byte, from uint64) error {
	return d.check("copying from the device", cuMemcpyDtoHAsync_v2, uintptr(unsafe.Pointer(unsafe.SliceData(to))), uintptr(from), uintptr(len(to)), uintptr(d.stream))
}
