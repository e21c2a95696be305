package cuda

import (
	"fmt"
	"unsafe"
)

// A driver is CUDA's driver API, as in cuda.h: a table of C functions that take integers and pointers, and return a CUresult. What
// pointers point to lies in the heap of Go or in memory of the driver, and is kept alive by the caller. One implementation calls
// libcuda; the other one runs the shipped PTX on the processor, so that all that is above this interface, arguments and
// their order included, is tested without a GPU.
type driver interface {
	call(c call, args ...uintptr) result
	// has reports whether the driver has a function. Those before firstOptional are always there.
	has(c call) bool
}

// A call is a function of the driver API.
type call int

// The functions in use, with their arguments in the order of cuda.h.
const (
	cuInit                       call = iota // flags
	cuDriverGetVersion                       // *int
	cuDeviceGetCount                         // *int
	cuDeviceGet                              // *int device, ordinal
	cuDeviceGetName                          // *char, length, device
	cuDeviceGetAttribute                     // *int, attribute, device
	cuDeviceTotalMem_v2                      // *size_t, device
	cuDevicePrimaryCtxRetain                 // *context, device
	cuDevicePrimaryCtxRelease_v2             // device
	cuCtxSetCurrent                          // context
	cuModuleLoadDataEx                       // *module, image, number of options, *option, **value
	cuModuleGetFunction                      // *function, module, *char
	cuModuleUnload                           // module
	cuMemAlloc_v2                            // *address, bytes
	cuMemFree_v2                             // address
	cuMemGetInfo_v2                          // *size_t free, *size_t total
	cuMemHostAlloc                           // **memory, bytes, flags
	cuMemFreeHost                            // memory
	cuStreamCreate                           // *stream, flags
	cuStreamSynchronize                      // stream
	cuStreamDestroy_v2                       // stream
	cuMemcpyHtoDAsync_v2                     // address, *memory, bytes, stream
	cuMemcpyDtoHAsync_v2                     // *memory, address, bytes, stream
	cuMemcpyDtoDAsync_v2                     // address, address, bytes, stream
	cuMemsetD8Async                          // address, byte, count, stream
	cuLaunchKernel                           // function, grid x y z, block x y z, bytes of shared memory, stream, **parameter, **extra
	cuFuncSetAttribute                       // function, attribute, value
	cuEventCreate                            // *event, flags
	cuEventRecord                            // event, stream
	cuEventDestroy_v2                        // event
	cuStreamWaitEvent                        // stream, event, flags
	cuStreamBeginCapture_v2                  // stream, mode
	cuStreamEndCapture                       // stream, *graph
	cuGraphInstantiateWithFlags              // *executable, graph, 64 bits of flags
	cuGraphDestroy                           // graph
	cuGraphLaunch                            // executable, stream
	cuGraphExecDestroy                       // executable
	calls                                    // their number
)

var callNames = [calls]string{"cuInit", "cuDriverGetVersion", "cuDeviceGetCount", "cuDeviceGet", "cuDeviceGetName", "cuDeviceGetAttribute",
	"cuDeviceTotalMem_v2", "cuDevicePrimaryCtxRetain", "cuDevicePrimaryCtxRelease_v2", "cuCtxSetCurrent", "cuModuleLoadDataEx",
	"cuModuleGetFunction", "cuModuleUnload", "cuMemAlloc_v2", "cuMemFree_v2", "cuMemGetInfo_v2", "cuMemHostAlloc", "cuMemFreeHost",
	"cuStreamCreate", "cuStreamSynchronize", "cuStreamDestroy_v2", "cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2",
	"cuMemcpyDtoDAsync_v2", "cuMemsetD8Async", "cuLaunchKernel", "cuFuncSetAttribute", "cuEventCreate", "cuEventRecord", "cuEventDestroy_v2", "cuStreamWaitEvent",
	"cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphInstantiateWithFlags", "cuGraphDestroy", "cuGraphLaunch", "cuGraphExecDestroy"}

// firstOptional is the first function that a driver may lack: those of graphs, of which the last came with CUDA 11.4.
const firstOptional = cuStreamBeginCapture_v2

func (c call) String() string { return callNames[c] }

// A result is a CUresult.
type result int32

// The results that are told apart.
const (
	success       result = 0
	invalidValue  result = 1
	outOfMemory   result = 2
	noDevice      result = 100
	invalidDevice result = 101
	launchFailed  result = 719
	whileCaptured result = 900
)

var resultNames = map[result]string{
	invalidValue: "CUDA_ERROR_INVALID_VALUE", outOfMemory: "CUDA_ERROR_OUT_OF_MEMORY", 3: "CUDA_ERROR_NOT_INITIALIZED", 4: "CUDA_ERROR_DEINITIALIZED",
	34: "CUDA_ERROR_STUB_LIBRARY", noDevice: "CUDA_ERROR_NO_DEVICE", invalidDevice: "CUDA_ERROR_INVALID_DEVICE", 200: "CUDA_ERROR_INVALID_IMAGE",
	201: "CUDA_ERROR_INVALID_CONTEXT", 209: "CUDA_ERROR_NO_BINARY_FOR_GPU", 214: "CUDA_ERROR_ECC_UNCORRECTABLE", 218: "CUDA_ERROR_INVALID_PTX",
	222: "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", 400: "CUDA_ERROR_INVALID_HANDLE", 500: "CUDA_ERROR_NOT_FOUND", 700: "CUDA_ERROR_ILLEGAL_ADDRESS",
	701: "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", 702: "CUDA_ERROR_LAUNCH_TIMEOUT", 716: "CUDA_ERROR_MISALIGNED_ADDRESS", launchFailed: "CUDA_ERROR_LAUNCH_FAILED",
	800: "CUDA_ERROR_NOT_PERMITTED", 801: "CUDA_ERROR_NOT_SUPPORTED", 802: "CUDA_ERROR_SYSTEM_NOT_READY", 803: "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
	whileCaptured: "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", 901: "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", 999: "CUDA_ERROR_UNKNOWN",
}

// An Error is a call of the driver, or of cuBLAS, that did not succeed.
type Error struct {
	Call   string // such as cuLaunchKernel
	Code   int    // its CUresult or cublasStatus_t
	Name   string // of the code; may be empty
	Detail string // what was asked, and what to do; may be empty
}

// Error implements error.
func (e *Error) Error() string {
	name := e.Name
	if name == "" {
		name = "CUDA error"
	}
	s := fmt.Sprintf("cuda: %s: %s (%d)", e.Call, name, e.Code)
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

func failure(c call, r result, format string, args ...any) error {
	if r == success {
		return nil
	}
	return &Error{Call: c.String(), Code: int(r), Name: resultNames[r], Detail: fmt.Sprintf(format, args...)}
}

// pointer returns an address that the driver gave, or that it is given, as a pointer. It is memory that the garbage collector does
// not move: of the driver, or of the heap and kept alive by whoever made the address.
func pointer(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }

// addressOf is its inverse, for x in the heap.
func addressOf[T any](x *T) uintptr { return uintptr(unsafe.Pointer(x)) }

// bytesOf returns the memory of x.
func bytesOf[T any](x []T) []byte {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), len(x)*int(unsafe.Sizeof(x[0])))
}
