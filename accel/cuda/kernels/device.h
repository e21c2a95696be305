// What the kernels need of CUDA, without its toolkit: attributes, indices, and functions that libdevice would have.
// REAL, float or double, is defined on the compiler's command line.
#pragma once

#define BLOCK 256 // threads of a block, where a kernel does not say otherwise

typedef REAL real;

#ifdef ON_PROCESSOR
#include "threads.h"
#else
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define INLINE static __attribute__((device, always_inline))
#define KERNEL extern "C" __global__
#define DYNAMIC_SHARED(name) extern __shared__ __attribute__((aligned(16))) char name[] // its length is said at a launch

INLINE int threadX() { return __nvvm_read_ptx_sreg_tid_x(); }
INLINE int threads() { return __nvvm_read_ptx_sreg_ntid_x(); }
INLINE int blockX() { return __nvvm_read_ptx_sreg_ctaid_x(); }
INLINE int blockY() { return __nvvm_read_ptx_sreg_ctaid_y(); }
INLINE int blockZ() { return __nvvm_read_ptx_sreg_ctaid_z(); }

// copyAsync begins to copy an element of device memory to shared memory; copiesDone waits for those that this thread has begun.
INLINE void copyAsync(real *to, const real *from) {
  auto *shared = (__attribute__((address_space(3))) void *)to;
  auto *global = (__attribute__((address_space(1))) const void *)from;
  if (sizeof(real) == 4) __nvvm_cp_async_ca_shared_global_4(shared, global);
  else __nvvm_cp_async_ca_shared_global_8(shared, global);
}
INLINE void copiesDone() { __nvvm_cp_async_wait_all(); }

// tf32 returns the bits of x rounded to TF32, ties away from 0.
INLINE unsigned tf32(float x) {
  unsigned bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
  return bits;
}

// tensor adds the product of 16 × 8 and 8 × 8 elements, of which each lane of a warp holds some, to 16 × 8 sums.
INLINE void tensor(float *sum, const unsigned *a, const unsigned *b) {
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#endif

INLINE float bitsAsReal(unsigned bits) { return __nvvm_bitcast_i2f((int)bits); }

// element is the index of this thread in a grid of blocks of BLOCK threads.
INLINE unsigned element() { return (unsigned)blockX() * BLOCK + (unsigned)threadX(); }

INLINE float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
INLINE double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }

// nearest rounds to an integer, ties to the even one: adding 1.5·2^(digits−1) leaves no place for a fraction. |x| is below 2^20.
INLINE float nearest(float x) { return (x + 12582912.0f) - 12582912.0f; }
INLINE double nearest(double x) { return (x + 6755399441055744.0) - 6755399441055744.0; }

// powerOfTwo returns 2^n for a normal result.
INLINE float powerOfTwo(float, int n) { return __nvvm_bitcast_i2f((n + 127) << 23); }
INLINE double powerOfTwo(double, int n) { return __nvvm_bitcast_ll2d((long long)(n + 1023) << 52); }

// expm1OfSmall returns eʳ − 1 for |r| ≤ ln 2 / 2, by Taylor's series: its first term left out is below half of the last bit of r.
INLINE float expm1OfSmall(float r) {
  float p = 1 / 5040.0f;
  p = fma(p, r, 1 / 720.0f);
  p = fma(p, r, 1 / 120.0f);
  p = fma(p, r, 1 / 24.0f);
  p = fma(p, r, 1 / 6.0f);
  p = fma(p, r, 0.5f);
  return fma(p, r * r, r);
}

INLINE double expm1OfSmall(double r) {
  double p = 1 / 6227020800.0;
  p = fma(p, r, 1 / 479001600.0);
  p = fma(p, r, 1 / 39916800.0);
  p = fma(p, r, 1 / 3628800.0);
  p = fma(p, r, 1 / 362880.0);
  p = fma(p, r, 1 / 40320.0);
  p = fma(p, r, 1 / 5040.0);
  p = fma(p, r, 1 / 720.0);
  p = fma(p, r, 1 / 120.0);
  p = fma(p, r, 1 / 24.0);
  p = fma(p, r, 1 / 6.0);
  p = fma(p, r, 0.5);
  return fma(p, r * r, r);
}

// reduced writes x = n ln 2 + r; ln 2 is taken in two parts, of which the first times n is exact.
INLINE int reduced(float x, float *r) {
  float n = nearest(x * 1.44269504f);
  *r = fma(n, -1.42860677e-6f, fma(n, -0.693145752f, x));
  return (int)n;
}

INLINE int reduced(double x, double *r) {
  double n = nearest(x * 1.4426950408889634);
  *r = fma(n, -1.9082149292705877e-10, fma(n, -0.6931471803691238, x));
  return (int)n;
}

INLINE float lowest(float) { return -104; }
INLINE double lowest(double) { return -746; }

// exponential returns eˣ for x ≤ 0, and NaN for NaN. Below the range of the type it is 0.
template <class T> INLINE T exponential(T x) {
  if (!(x >= lowest(T(0)))) return x != x ? x : T(0);
  T r;
  int n = reduced(x, &r);
  int half = n / 2; // two factors: 2^n may be subnormal
  return (expm1OfSmall(r) + T(1)) * powerOfTwo(T(0), half) * powerOfTwo(T(0), n - half);
}

// expMinus1 returns eˣ − 1 for −50 ≤ x ≤ 0, with small relative error where x is small.
template <class T> INLINE T expMinus1(T x) {
  T r;
  T scale = powerOfTwo(T(0), reduced(x, &r));
  return fma(scale, expm1OfSmall(r), scale - T(1));
}

// hyperbolicTangent returns tanh x = −e/(e + 2) with e = exp(−2|x|) − 1, with the sign of x.
template <class T> INLINE T hyperbolicTangent(T x) {
  T a = x < T(0) ? -x : x;
  if (!(a < T(22))) return x != x ? x : (x < T(0) ? T(-1) : T(1));
  T e = expMinus1(T(-2) * a);
  T y = -e / (e + T(2));
  return x < T(0) ? -y : (a == T(0) ? x : y);
}

// logistic returns 1/(1 + e⁻ˣ) with small relative error on both sides.
template <class T> INLINE T logistic(T x) {
  T e = exponential(x < T(0) ? x : -x);
  return (x < T(0) ? e : T(1)) / (T(1) + e);
}

// logOfRatio returns log((1+s)/(1−s)) for |s| ≤ 0.172, by its series.
INLINE double logOfRatio(double s) {
  double q = s * s, p = 1 / 23.0;
  p = fma(p, q, 1 / 21.0);
  p = fma(p, q, 1 / 19.0);
  p = fma(p, q, 1 / 17.0);
  p = fma(p, q, 1 / 15.0);
  p = fma(p, q, 1 / 13.0);
  p = fma(p, q, 1 / 11.0);
  p = fma(p, q, 1 / 9.0);
  p = fma(p, q, 1 / 7.0);
  p = fma(p, q, 1 / 5.0);
  p = fma(p, q, 1 / 3.0);
  return fma(p * q, 2 * s, 2 * s);
}

// log1p returns log(1 + u) for 0 ≤ u ≤ 1.
INLINE double log1p(double u) {
  if (u > 0.41) return 0.6931471805599453 + logOfRatio((u - 1) / (3 + u));
  return logOfRatio(u / (2 + u));
}

// logarithm returns log x for x > 0 in two parts: an exact multiple of the first part of ln 2, and the rest.
INLINE double logarithm(double x, double *low) {
  int e = 0;
  if (x < 0x1p-1000) { // it may be subnormal
    x *= 0x1p54;
    e = -54;
  }
  long long bits = __nvvm_bitcast_d2ll(x);
  e += (int)(bits >> 52) - 1023;
  double m = __nvvm_bitcast_ll2d((bits & 0xfffffffffffffLL) | 0x3ff0000000000000LL);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    e++;
  }
  *low = fma((double)e, 1.9082149292705877e-10, logOfRatio((m - 1) / (m + 1)));
  return (double)e * 0.6931471803691238;
}

// softplus returns log(1 + eˣ).
INLINE double softplus(double x) {
  return (x < 0 ? 0 : x) + log1p(exponential(x < 0 ? x : -x));
}

// warpSum returns, in all lanes, the sum over the lanes of a warp, in an order that is fixed.
INLINE double warpSum(double x) {
  for (int distance = 16; distance > 0; distance /= 2) {
    long long bits = __nvvm_bitcast_d2ll(x);
    int low = __nvvm_shfl_sync_bfly_i32(0xffffffffu, (int)bits, distance, 31);
    int high = __nvvm_shfl_sync_bfly_i32(0xffffffffu, (int)(bits >> 32), distance, 31);
    x += __nvvm_bitcast_ll2d(((long long)high << 32) | (unsigned)low);
  }
  return x;
}

// warpBest returns, in all lanes, the largest (or with sign −1 the smallest) value in a warp. A NaN in any lane is the result.
template <class T> INLINE T warpBest(T x, T sign) {
  for (int distance = 16; distance > 0; distance /= 2) {
    double wide = x; // exact for both types
    long long bits = __nvvm_bitcast_d2ll(wide);
    int low = __nvvm_shfl_sync_bfly_i32(0xffffffffu, (int)bits, distance, 31);
    int high = __nvvm_shfl_sync_bfly_i32(0xffffffffu, (int)(bits >> 32), distance, 31);
    T other = (T)__nvvm_bitcast_ll2d(((long long)high << 32) | (unsigned)low);
    if (other * sign > x * sign || other != other) x = other;
  }
  return x;
}

// Activations, numbered as in package accel.
enum { LINEAR, TANH, LOGISTIC, RELU };

INLINE real activation(int act, real x) {
  if (act == TANH) return hyperbolicTangent(x);
  if (act == LOGISTIC) return logistic(x);
  if (act == RELU && x <= real(0)) return real(0);
  return x;
}

// derivative returns that of an activation where its value is h.
INLINE real derivative(int act, real h) {
  if (act == TANH) return real(1) - h * h;
  if (act == LOGISTIC) return h * (real(1) - h);
  if (act == RELU) return h > real(0) ? real(1) : real(0);
  return real(1);
}
