/* A library with the functions of NVIDIA's driver and of cuBLAS that accel/cuda calls, declared as cuda.h and cublas_v2.h declare them.
 * Each writes what it was given, in the widths of C, to fake_log, as "name value value ...": integers in decimal, the ints as signed,
 * pointers to scalars by what they point to. Memory of the device is memory of the process, so that copies work; kernels do nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int CUresult, CUdevice, CUdevice_attribute, CUjit_option, CUfunction_attribute, CUstreamCaptureMode, cublasStatus_t;
typedef unsigned long long CUdeviceptr;
typedef struct opaque *CUcontext, *CUmodule, *CUfunction, *CUstream, *CUevent, *CUgraph, *CUgraphExec, *cublasHandle_t;

char fake_log[1 << 16];
static size_t used;

static CUresult note(const char *format, ...) {
  va_list list;
  va_start(list, format);
  used += vsnprintf(fake_log + used, sizeof fake_log - used, format, list);
  va_end(list);
  return 0;
}

void fake_clear(void) { used = 0, fake_log[0] = 0; }

#define OBJECT(n) ((void *)(0x7000000000000000ull + (n)))

CUresult cuInit(unsigned flags) { return note("cuInit %u\n", flags); }
CUresult cuDriverGetVersion(int *version) { return *version = 12040, note("cuDriverGetVersion\n"); }
CUresult cuDeviceGetCount(int *count) { return *count = 2, note("cuDeviceGetCount\n"); }
CUresult cuDeviceGet(CUdevice *device, int ordinal) { return *device = 40 + ordinal, note("cuDeviceGet %d\n", ordinal); }
CUresult cuDeviceGetName(char *name, int length, CUdevice device) {
  snprintf(name, length, "Fake %d", device);
  return note("cuDeviceGetName %d %d\n", length, device);
}
CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device) {
  *value = attribute == 75 ? 8 : attribute == 97 ? 163 << 10 : device - 36;
  return note("cuDeviceGetAttribute %d %d\n", attribute, device);
}
CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) { return *bytes = 5ull << 30, note("cuDeviceTotalMem_v2 %d\n", device); }
CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  *context = OBJECT(1);
  return note("cuDevicePrimaryCtxRetain %d\n", device);
}
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) { return note("cuDevicePrimaryCtxRelease_v2 %d\n", device); }
CUresult cuCtxSetCurrent(CUcontext context) { return note("cuCtxSetCurrent %zu\n", (size_t)context); }
CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned options, CUjit_option *option, void **value) {
  *module = OBJECT(2);
  for (unsigned i = 0; i < options; i++)
    if (option[i] == 5) snprintf(value[i], 20, "a log");
  return note("cuModuleLoadDataEx %.8s %u %d %d %zu\n", (const char *)image, options, option[0], option[1], (size_t)value[1]);
}
CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
  *function = OBJECT(3);
  return note("cuModuleGetFunction %zu %s\n", (size_t)module, name);
}
CUresult cuModuleUnload(CUmodule module) { return note("cuModuleUnload %zu\n", (size_t)module); }
CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  *address = (CUdeviceptr)(size_t)aligned_alloc(512, (bytes + 511) / 512 * 512);
  return note("cuMemAlloc_v2 %zu\n", bytes);
}
CUresult cuMemFree_v2(CUdeviceptr address) { return note("cuMemFree_v2 %llu\n", address); }
CUresult cuMemGetInfo_v2(size_t *free, size_t *total) {
  *free = 3ull << 30, *total = 5ull << 30;
  return note("cuMemGetInfo_v2\n");
}
CUresult cuMemHostAlloc(void **memory, size_t bytes, unsigned flags) {
  *memory = malloc(bytes);
  return note("cuMemHostAlloc %zu %u\n", bytes, flags);
}
CUresult cuMemFreeHost(void *memory) { return note("cuMemFreeHost %zu\n", (size_t)memory); }
CUresult cuStreamCreate(CUstream *stream, unsigned flags) { return *stream = OBJECT(4), note("cuStreamCreate %u\n", flags); }
CUresult cuStreamSynchronize(CUstream stream) { return note("cuStreamSynchronize %zu\n", (size_t)stream); }
CUresult cuStreamDestroy_v2(CUstream stream) { return note("cuStreamDestroy_v2 %zu\n", (size_t)stream); }
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
  if (bytes < 1 << 20) memcpy((void *)(size_t)to, from, bytes);
  return note("cuMemcpyHtoDAsync_v2 %llu %zu %zu %zu\n", to, (size_t)from, bytes, (size_t)stream);
}
CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
  if (bytes < 1 << 20) memcpy(to, (void *)(size_t)from, bytes);
  return note("cuMemcpyDtoHAsync_v2 %zu %llu %zu %zu\n", (size_t)to, from, bytes, (size_t)stream);
}
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  if (bytes < 1 << 20) memcpy((void *)(size_t)to, (void *)(size_t)from, bytes);
  return note("cuMemcpyDtoDAsync_v2 %llu %llu %zu %zu\n", to, from, bytes, (size_t)stream);
}
CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t count, CUstream stream) {
  if (count < 1 << 20) memset((void *)(size_t)to, value, count);
  return note("cuMemsetD8Async %llu %u %zu %zu\n", to, value, count, (size_t)stream);
}
CUresult cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared,
                        CUstream stream, void **params, void **extra) {
  return note("cuLaunchKernel %zu %u %u %u %u %u %u %u %zu %llu %u %zu\n", (size_t)f, gx, gy, gz, bx, by, bz, shared, (size_t)stream,
              *(unsigned long long *)params[0], *(unsigned *)params[1], (size_t)extra);
}
CUresult cuFuncSetAttribute(CUfunction f, CUfunction_attribute attribute, int value) {
  return note("cuFuncSetAttribute %zu %d %d\n", (size_t)f, attribute, value);
}
CUresult cuEventCreate(CUevent *event, unsigned flags) { return *event = OBJECT(5), note("cuEventCreate %u\n", flags); }
CUresult cuEventRecord(CUevent event, CUstream stream) { return note("cuEventRecord %zu %zu\n", (size_t)event, (size_t)stream); }
CUresult cuEventDestroy_v2(CUevent event) { return note("cuEventDestroy_v2 %zu\n", (size_t)event); }
CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned flags) {
  return note("cuStreamWaitEvent %zu %zu %u\n", (size_t)stream, (size_t)event, flags);
}
CUresult cuStreamBeginCapture_v2(CUstream stream, CUstreamCaptureMode mode) {
  return note("cuStreamBeginCapture_v2 %zu %d\n", (size_t)stream, mode);
}
CUresult cuStreamEndCapture(CUstream stream, CUgraph *graph) { return *graph = OBJECT(6), note("cuStreamEndCapture %zu\n", (size_t)stream); }
CUresult cuGraphInstantiateWithFlags(CUgraphExec *exec, CUgraph graph, unsigned long long flags) {
  *exec = OBJECT(7);
  return note("cuGraphInstantiateWithFlags %zu %llu\n", (size_t)graph, flags);
}
CUresult cuGraphDestroy(CUgraph graph) { return note("cuGraphDestroy %zu\n", (size_t)graph); }
CUresult cuGraphLaunch(CUgraphExec exec, CUstream stream) { return note("cuGraphLaunch %zu %zu\n", (size_t)exec, (size_t)stream); }
CUresult cuGraphExecDestroy(CUgraphExec exec) { return note("cuGraphExecDestroy %zu\n", (size_t)exec); }

cublasStatus_t cublasGetProperty(int which, int *value) { return *value = 10 + which, note("cublasGetProperty %d\n", which); }
cublasStatus_t cublasCreate_v2(cublasHandle_t *handle) { return *handle = OBJECT(8), note("cublasCreate_v2\n"); }
cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) { return note("cublasDestroy_v2 %zu\n", (size_t)handle); }
cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, CUstream stream) {
  return note("cublasSetStream_v2 %zu %zu\n", (size_t)handle, (size_t)stream);
}
cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void *memory, size_t bytes) {
  return note("cublasSetWorkspace_v2 %zu %zu %zu\n", (size_t)handle, (size_t)memory, bytes);
}
cublasStatus_t cublasSetMathMode(cublasHandle_t handle, int mode) { return note("cublasSetMathMode %zu %d\n", (size_t)handle, mode); }
cublasStatus_t cublasSetAtomicsMode(cublasHandle_t handle, int mode) { return note("cublasSetAtomicsMode %zu %d\n", (size_t)handle, mode); }
#define GEMM(name, real)                                                                                                         \
  cublasStatus_t name(cublasHandle_t handle, int ta, int tb, int m, int n, int k, const real *alpha, const real *a, int lda, const real *b, \
                      int ldb, const real *beta, real *c, int ldc) {                                                                       \
    return note(#name " %zu %d %d %d %d %d %g %zu %d %zu %d %g %zu %d\n", (size_t)handle, ta, tb, m, n, k, *alpha, (size_t)a, lda,         \
                (size_t)b, ldb, *beta, (size_t)c, ldc);                                                                                    \
  }
GEMM(cublasSgemm_v2, float)
GEMM(cublasDgemm_v2, double)
