// Vectors of a net's parameters: package accel's Vector and FusedVector. A fused kernel leaves the bits of the single ones:
// no product is contracted into an fma anywhere, and all sums take the same path.
#include "device.h"

#define CHUNK 4096 // elements of which one block sums the products

KERNEL void scale(real *v, real a, unsigned n) {
  unsigned i = element();
  if (i < n) v[i] *= a;
}

KERNEL void add(real *v, real a, const real *w, unsigned n) {
  unsigned i = element();
  if (i < n) v[i] += a * w[i];
}

KERNEL void multiply(real *v, const real *w, unsigned n) {
  unsigned i = element();
  if (i < n) v[i] *= w[i];
}

KERNEL void divide(real *v, const real *w, unsigned n) {
  unsigned i = element();
  if (i < n) v[i] /= w[i];
}

KERNEL void shift(real *v, real a, unsigned n) {
  unsigned i = element();
  if (i < n) v[i] += a;
}

// power returns xᵖ for x ≥ 0, in float64 whatever the type. The product p log x is kept in two parts: its error is one of the result.
INLINE double power(double x, double p) {
  if (p == 0) return 1;
  if (x != x || p != p) return x + p;
  if (x == 0) return p < 0 ? __builtin_inf() : 0.0;
  if (x == __builtin_inf()) return p < 0 ? 0.0 : x;
  if (p == 0.5) return __nvvm_sqrt_rn_d(x);
  double low, high = logarithm(x, &low);
  double first = p * high, second = fma(p, low, fma(p, high, -first)), y = first + second;
  if (y > 709.7) return __builtin_inf();
  if (y < -745.2) return 0;
  double n = nearest(y * 1.4426950408889634);
  double r = fma(n, -0.6931471803691238, first) + fma(n, -1.9082149292705877e-10, second);
  int half = (int)n / 2;
  return (1 + expm1OfSmall(r)) * powerOfTwo(0.0, half) * powerOfTwo(0.0, (int)n - half);
}

KERNEL void raise(real *v, double p, unsigned n) {
  unsigned i = element();
  if (i < n) v[i] = v[i] < real(0) ? real(__builtin_nan("")) : real(power(v[i], p));
}

KERNEL void scale_sub(real *v, real a, const real *w, unsigned n) {
  unsigned i = element();
  if (i < n) {
    real x = v[i] * a;
    v[i] = x - w[i];
  }
}

// blockSum returns, in thread 0, the sum over a block, halving the distance each time.
INLINE double blockSum(double x, double *shared) {
  shared[threadX()] = x;
  __syncthreads();
  for (int half = BLOCK / 2; half > 0; half /= 2) {
    if (threadX() < half) shared[threadX()] += shared[threadX() + half];
    __syncthreads();
  }
  double sum = shared[0];
  __syncthreads();
  return sum;
}

// dot writes the sum of vᵢwᵢ over each chunk.
KERNEL __launch_bounds__(BLOCK) void dot(double *partial, const real *v, const real *w, unsigned n) {
  __shared__ double shared[BLOCK];
  unsigned lo = (unsigned)blockX() * CHUNK, hi = lo + CHUNK < n ? lo + CHUNK : n;
  double sum = 0;
  for (unsigned i = lo + threadX(); i < hi; i += BLOCK) sum += (double)v[i] * (double)w[i];
  sum = blockSum(sum, shared);
  if (threadX() == 0) partial[blockX()] = sum;
}

// add_two sets v = v + a p and r = r + a q, and writes the sums of rᵢvᵢ and of bᵢvᵢ over each chunk; those of b follow
// those of r.
KERNEL __launch_bounds__(BLOCK) void add_two(double *partial, real *v, real a, const real *p, real *r, const real *q, const real *b,
                                             unsigned n, unsigned chunks) {
  __shared__ double shared[BLOCK];
  unsigned lo = (unsigned)blockX() * CHUNK, hi = lo + CHUNK < n ? lo + CHUNK : n;
  double rv = 0, bv = 0;
  for (unsigned i = lo + threadX(); i < hi; i += BLOCK) {
    real x = v[i] + a * p[i], y = r[i] + a * q[i];
    v[i] = x;
    r[i] = y;
    rv += (double)y * (double)x;
    bv += (double)b[i] * (double)x;
  }
  rv = blockSum(rv, shared);
  bv = blockSum(bv, shared);
  if (threadX() == 0) {
    partial[blockX()] = rv;
    partial[chunks + blockX()] = bv;
  }
}

// quotient sets v = r/d and writes the sum of rᵢvᵢ over each chunk.
KERNEL __launch_bounds__(BLOCK) void quotient(double *partial, real *v, const real *r, const real *d, unsigned n) {
  __shared__ double shared[BLOCK];
  unsigned lo = (unsigned)blockX() * CHUNK, hi = lo + CHUNK < n ? lo + CHUNK : n;
  double rv = 0;
  for (unsigned i = lo + threadX(); i < hi; i += BLOCK) {
    real x = r[i] / d[i];
    v[i] = x;
    rv += (double)r[i] * (double)x;
  }
  rv = blockSum(rv, shared);
  if (threadX() == 0) partial[blockX()] = rv;
}

// total adds the sums of chunks: block i those of row i.
KERNEL __launch_bounds__(BLOCK) void total(double *sums, const double *partial, unsigned chunks) {
  __shared__ double shared[BLOCK];
  const double *row = partial + (long)blockX() * chunks;
  double sum = 0;
  for (unsigned i = threadX(); i < chunks; i += BLOCK) sum += row[i];
  sum = blockSum(sum, shared);
  if (threadX() == 0) sums[blockX()] = sum;
}
