// Operations that touch each element of matrices once: package accel's Pointwise. A matrix is its first element and the
// distance of its rows; a thread has one element.
#include "device.h"

#define EACH                              \
  unsigned index = element();             \
  if (index >= rows * cols) return;       \
  unsigned i = index / cols, j = index - i * cols;
#define AT(m, stride) m[(long)i * stride + j]

INLINE real secondDerivative(int act, real h) {
  if (act == TANH) return real(-2) * h * (real(1) - h * h);
  if (act == LOGISTIC) return h * (real(1) - h) * (real(1) - real(2) * h);
  return real(0);
}

KERNEL void fill(real *a, unsigned sa, real x, unsigned rows, unsigned cols) {
  EACH AT(a, sa) = x;
}

KERNEL void copy_mat(real *b, unsigned sb, const real *a, unsigned sa, unsigned rows, unsigned cols) {
  EACH AT(b, sb) = AT(a, sa);
}

// transpose sets b = aᵀ; b is dense and has rows × cols elements.
KERNEL void transpose(real *b, const real *a, unsigned sa, unsigned rows, unsigned cols) {
  EACH b[index] = a[(long)j * sa + i];
}

KERNEL void add_mat(real *b, unsigned sb, real alpha, const real *a, unsigned sa, unsigned rows, unsigned cols) {
  EACH AT(b, sb) += alpha * AT(a, sa);
}

KERNEL void add_row(real *c, unsigned sc, const real *r, unsigned rows, unsigned cols) {
  EACH AT(c, sc) += r[j];
}

KERNEL void add_squares(real *b, unsigned sb, real alpha, const real *a, unsigned sa, unsigned rows, unsigned cols) {
  EACH AT(b, sb) += alpha * AT(a, sa) * AT(a, sa);
}

KERNEL void mul_mat(real *b, unsigned sb, const real *a, unsigned sa, unsigned rows, unsigned cols) {
  EACH AT(b, sb) *= AT(a, sa);
}

KERNEL void hadamard(real alpha, const real *a, unsigned sa, const real *b, unsigned sb, real beta, real *c, unsigned sc, unsigned rows,
                     unsigned cols) {
  EACH real x = alpha * AT(a, sa) * AT(b, sb);
  if (beta != real(0)) x += beta * AT(c, sc);
  AT(c, sc) = x;
}

KERNEL void activate(int act, real *h, unsigned sh, unsigned rows, unsigned cols) {
  EACH AT(h, sh) = activation(act, AT(h, sh));
}

KERNEL void mul_derivative(int act, real *d, unsigned sd, const real *h, unsigned sh, unsigned rows, unsigned cols) {
  EACH AT(d, sd) *= derivative(act, AT(h, sh));
}

KERNEL void add_second_derivative(int act, real *rd, unsigned srd, const real *d, unsigned sd, const real *h, unsigned sh, const real *ra,
                                  unsigned sra, unsigned rows, unsigned cols) {
  EACH AT(rd, srd) += AT(d, sd) * secondDerivative(act, AT(h, sh)) * AT(ra, sra);
}

KERNEL void add_scaled_derivative(int act, real *b, unsigned sb, real alpha, const real *a, unsigned sa, const real *h, unsigned sh,
                                  unsigned rows, unsigned cols) {
  EACH AT(b, sb) += alpha * derivative(act, AT(h, sh)) * AT(a, sa);
}

#define LINES 8     // rows that the threads of a block stand on at once, 32 columns each
#define DEPTH 512   // rows that a block sums

// sum_of_rows writes the sum of each DEPTH rows, in float64, as one row of partial. A block has 32 columns.
KERNEL __launch_bounds__(BLOCK) void sum_of_rows(double *partial, const real *c, unsigned sc, unsigned rows, unsigned cols) {
  __shared__ double shared[LINES][32];
  unsigned lane = threadX() % 32, line = threadX() / 32, j = (unsigned)blockX() * 32 + lane;
  unsigned lo = (unsigned)blockY() * DEPTH, hi = lo + DEPTH < rows ? lo + DEPTH : rows;
  double sum = 0;
  if (j < cols)
    for (unsigned i = lo + line; i < hi; i += LINES) sum += AT(c, sc);
  shared[line][lane] = sum;
  __syncthreads();
  if (line == 0 && j < cols) {
    for (unsigned k = 1; k < LINES; k++) sum += shared[k][lane];
    partial[(long)blockY() * cols + j] = sum;
  }
}

// add_partial adds the rows of partial, in order, to the row r.
KERNEL void add_partial(real *r, const double *partial, unsigned rows, unsigned cols) {
  unsigned j = element();
  if (j >= cols) return;
  double sum = 0;
  for (unsigned i = 0; i < rows; i++) sum += partial[(long)i * cols + j];
  r[j] += real(sum);
}
