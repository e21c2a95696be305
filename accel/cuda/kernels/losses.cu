// The output stage (table 2 of the report): a warp has one row. cls is null where targets are dense, weight where all are 1.
#include "device.h"

enum { SQUARED, LOGISTIC_CE, SOFTMAX_CE, LOGISTIC_SQUARED, TANH_SQUARED };
enum { INDEFINITE, DROPPED, SHIFTED };

#define WARPS (BLOCK / 32)
#define EACH_ROW                                                 \
  unsigned lane = threadX() % 32;                                \
  unsigned i = (unsigned)blockX() * WARPS + threadX() / 32;      \
  if (i >= rows) return;
#define EACH_COLUMN for (unsigned j = lane; j < cols; j += 32)

INLINE real target(const real *t, unsigned st, const int *cls, unsigned i, unsigned j) {
  if (cls) return cls[i] == (int)j ? real(1) : real(0);
  return t[(long)i * st + j];
}

INLINE real weighted(const real *weight, unsigned i, real x) {
  if (!weight) return x;
  return weight[i] == real(0) ? real(0) : weight[i] * x;
}

// rowTop returns the largest element of a row, NaN where one is.
INLINE real rowTop(const real *z, unsigned lane, unsigned cols) {
  real top = real(-__builtin_inf());
  EACH_COLUMN if (z[j] > top || z[j] != z[j]) top = z[j];
  return warpBest(top, real(1));
}

KERNEL void softmax(real *z, unsigned sz, unsigned rows, unsigned cols) {
  EACH_ROW real *row = z + (long)i * sz;
  real top = rowTop(row, lane, cols);
  double sum = 0;
  EACH_COLUMN {
    real e = exponential(row[j] - top);
    row[j] = e;
    sum += e;
  }
  real whole = real(warpSum(sum));
  EACH_COLUMN row[j] = row[j] / whole;
}

// loss_rows writes the weighted loss of each row, in float64.
KERNEL void loss_rows(int loss, double *sums, const real *z, unsigned sz, const real *t, unsigned st, const int *cls, const real *weight,
                      unsigned rows, unsigned cols) {
  EACH_ROW const real *row = z + (long)i * sz;
  double whole = 0, sum = 0; // log Σ exp
  if (loss == SOFTMAX_CE) {
    double top = rowTop(row, lane, cols), e = 0;
    EACH_COLUMN e += exponential((double)row[j] - top);
    double low, high = logarithm(warpSum(e), &low);
    whole = top + (high + low);
  }
  EACH_COLUMN {
    double x = row[j], y = target(t, st, cls, i, j);
    if (loss == LOGISTIC_CE) {
      sum += y * softplus(-x) + (1 - y) * softplus(x);
      continue;
    }
    if (loss == SOFTMAX_CE) {
      sum += y * (whole - x);
      continue;
    }
    if (loss == LOGISTIC_SQUARED) x = logistic(x);
    if (loss == TANH_SQUARED) x = hyperbolicTangent(x);
    sum += (x - y) * (x - y) / 2;
  }
  sum = warpSum(sum);
  if (lane == 0) sums[i] = weight ? (weight[i] == real(0) ? 0 : (double)weight[i] * sum) : sum;
}

KERNEL void loss_gradient(int loss, real *p, unsigned sp, const real *t, unsigned st, const int *cls, const real *weight, unsigned rows,
                          unsigned cols) {
  unsigned index = element();
  if (index >= rows * cols) return;
  unsigned i = index / cols, j = index - i * cols;
  real x = p[(long)i * sp + j], g = x - target(t, st, cls, i, j);
  if (loss == LOGISTIC_SQUARED) g *= x * (real(1) - x);
  if (loss == TANH_SQUARED) g *= real(1) - x * x;
  p[(long)i * sp + j] = weighted(weight, i, g);
}

// curvature returns element (j, j) of L″ of a loss that is not convex.
INLINE real curvature(int loss, real p, real t) {
  real d = p - t;
  if (loss == TANH_SQUARED) return (real(1) - p * p) * (real(1) - p * p - real(2) * p * d);
  real s = p * (real(1) - p);
  return s * (s + (real(1) - real(2) * p) * d);
}

KERNEL void loss_curvature(int loss, int shown, const real *p, unsigned sp, const real *t, unsigned st, const int *cls, const real *weight,
                           real *rz, unsigned srz, unsigned rows, unsigned cols) {
  EACH_ROW const real *row = p + (long)i * sp;
  real *out = rz + (long)i * srz;
  double mean = 0;  // Σ p rz
  real least = 0;   // the least eigenvalue of L″, or 0
  if (loss == SOFTMAX_CE) {
    EACH_COLUMN mean += (double)row[j] * (double)out[j];
    mean = warpSum(mean);
  }
  if (shown == SHIFTED) {
    EACH_COLUMN {
      real c = curvature(loss, row[j], target(t, st, cls, i, j));
      if (c < least || c != c) least = c;
    }
    least = warpBest(least, real(-1));
  }
  EACH_COLUMN {
    real x = out[j], c = real(1);
    if (loss == LOGISTIC_CE) c = row[j] * (real(1) - row[j]);
    if (loss == SOFTMAX_CE) x = row[j] * (x - real(mean));
    if (loss == LOGISTIC_SQUARED || loss == TANH_SQUARED) {
      c = curvature(loss, row[j], target(t, st, cls, i, j));
      if (shown == DROPPED && c < real(0)) c = real(0);
      if (shown == SHIFTED) c -= least;
    }
    out[j] = weighted(weight, i, x * c);
  }
}
