// c = alpha·op(a)·op(b) + beta·c by the tensor cores, in TF32: factors rounded to 10 bits behind the point, sums in float32. With three
// terms each factor is taken in two parts, high + low, and a·b is high·low + low·high + high·high: 3xTF32, whose error is of the order
// of float32's. A block has a tile of 64 × 64 elements, each of its four warps 32 × 32. float32 only.
#include "device.h"

#ifdef LARGE
#define SIDE 64
#define DEPTH 16
#define WARPS 4
#define PADDED (SIDE + 8) // rows of a tile begin in banks such that the lanes of a fragment meet in none

struct Product {
  real alpha, beta;
  const real *a, *b;
  real *c;
  unsigned sa, sb, sc; // distances of rows
  unsigned m, n, k;
  unsigned part, apart; // as in gemm.cu
};

// fetch brings a tile of SIDE × DEPTH elements, k first in shared memory, zeros outside.
template <bool OUTER_FIRST>
INLINE void fetch(real (*tile)[PADDED], const real *x, unsigned stride, unsigned from, unsigned side, unsigned k0, unsigned k1) {
#pragma unroll
  for (int at = 0; at < SIDE * DEPTH; at += WARPS * 32) {
    int e = at + threadX();
    int s = OUTER_FIRST ? e % SIDE : e / DEPTH, k = OUTER_FIRST ? e / SIDE : e % DEPTH;
    bool inside = from + s < side && k0 + k < k1;
    long place = OUTER_FIRST ? (long)(k0 + k) * stride + from + s : (long)(from + s) * stride + k0 + k;
    tile[k][s] = inside ? x[place] : real(0);
  }
}

// A fragment holds what a lane has of a factor, in parts.
template <int N> struct Fragment {
  unsigned high[N], low[N];
};

template <int N, bool THREE> INLINE void split(Fragment<N> *f, int i, real x) {
  f->high[i] = tf32(x);
  if (THREE) f->low[i] = tf32(x - bitsAsReal(f->high[i]));
}

template <bool THREE> INLINE void multiply(real *sum, const Fragment<4> &a, const Fragment<2> &b) {
  if (THREE) {
    tensor(sum, a.high, b.low);
    tensor(sum, a.low, b.high);
  }
  tensor(sum, a.high, b.high);
}

template <bool TA, bool TB, bool THREE> INLINE void product(const Product &g) {
  __shared__ real as[DEPTH][PADDED];
  __shared__ real bs[DEPTH][PADDED];
  int warp = threadX() / 32, lane = threadX() % 32, group = lane / 4, member = lane % 4;
  int down = warp / 2 * 32, across = warp % 2 * 32;
  unsigned i0 = (unsigned)blockX() * SIDE, j0 = (unsigned)blockY() * SIDE;
  unsigned lo = (unsigned)blockZ() * g.part, hi = lo + g.part < g.k ? lo + g.part : g.k;
  real sum[2][4][4] = {};
  for (unsigned k0 = lo; k0 < hi; k0 += DEPTH) {
    fetch<TA>(as, g.a, g.sa, i0, g.m, k0, hi);
    fetch<!TB>(bs, g.b, g.sb, j0, g.n, k0, hi);
    __syncthreads();
#pragma unroll
    for (int k = member; k < DEPTH; k += 8) {
      Fragment<4> a[2];
      Fragment<2> b[4];
#pragma unroll
      for (int i = 0; i < 2; i++)
#pragma unroll
        for (int e = 0; e < 4; e++) split<4, THREE>(&a[i], e, as[k + e / 2 * 4][down + 16 * i + group + e % 2 * 8]);
#pragma unroll
      for (int j = 0; j < 4; j++)
#pragma unroll
        for (int e = 0; e < 2; e++) split<2, THREE>(&b[j], e, bs[k + 4 * e][across + 8 * j + group]);
#pragma unroll
      for (int i = 0; i < 2; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) multiply<THREE>(sum[i][j], a[i], b[j]);
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < 2; i++)
#pragma unroll
    for (int j = 0; j < 4; j++)
#pragma unroll
      for (int e = 0; e < 4; e++) {
        unsigned row = i0 + down + 16 * i + group + e / 2 * 8, col = j0 + across + 8 * j + 2 * member + e % 2;
        if (row >= g.m || col >= g.n) continue;
        real *c = g.c + (long)blockZ() * g.apart + (long)row * g.sc + col;
        *c = g.beta == real(0) ? g.alpha * sum[i][j][e] : g.alpha * sum[i][j][e] + g.beta * *c;
      }
}

#define FORM(name, TA, TB, THREE)                                                                                                     \
  KERNEL __launch_bounds__(WARPS * 32) void name(real alpha, const real *a, unsigned sa, const real *b, unsigned sb, real beta, real *c, \
                                                 unsigned sc, unsigned m, unsigned n, unsigned k, unsigned part, unsigned apart) {    \
    product<TA, TB, THREE>(Product{alpha, beta, a, b, c, sa, sb, sc, m, n, k, part, apart});                                          \
  }
#define FORMS(name, THREE)          \
  FORM(name##_nn, false, false, THREE) \
  FORM(name##_nt, false, true, THREE)  \
  FORM(name##_tn, true, false, THREE)  \
  FORM(name##_tt, true, true, THREE)

FORMS(tf32, false)
FORMS(tf32x3, true)
#endif
