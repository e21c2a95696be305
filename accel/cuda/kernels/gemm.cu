// c = alpha·op(a)·op(b) + beta·c for row-major matrices in all transpose forms: a block has a tile of c and goes along k in
// steps, with tiles of a and b in shared memory and a part of c in the registers of each thread. Each element of c is one
// chain of fma in the order of k, so that all sizes of tiles leave the same bits. Where k is long and c small, blocks in z have
// a part of k each, and split_sum adds their parts in order.
#include "device.h"

struct Product {
  real alpha, beta;
  const real *a, *b;
  real *c;
  unsigned sa, sb, sc; // distances of rows
  unsigned m, n, k;
  unsigned part, apart; // how much of k a block in z has, and the distance of its c from that of the one before
};

template <bool TRANS> INLINE long place(unsigned outer, unsigned k, unsigned stride) {
  return TRANS ? (long)k * stride + outer : (long)outer * stride + k;
}

// fetch brings a tile of SIDE × K elements, k first in shared memory, zeros outside. Neighbouring threads take
// neighbours in memory: along the side where OUTER_FIRST, else along k.
template <int SIDE, int K, int THREADS, bool OUTER_FIRST>
INLINE void fetch(real (*tile)[SIDE + 1], const real *x, unsigned stride, unsigned from, unsigned side, unsigned k0, unsigned k1) {
#pragma unroll
  for (int at = 0; at < SIDE * K; at += THREADS) {
    int e = at + threadX();
    int s = OUTER_FIRST ? e % SIDE : e / K, k = OUTER_FIRST ? e / SIDE : e % K;
    bool inside = from + s < side && k0 + k < k1;
    tile[k][s] = inside ? x[place<OUTER_FIRST>(from + s, k0 + k, stride)] : real(0);
  }
}

// product is the kernel: M × N is the tile, K a step, TM × TN what one thread has of it. Its elements lie M/TM and N/TN apart.
template <int M, int N, int K, int TM, int TN, bool TA, bool TB> INLINE void product(const Product &g) {
  constexpr int ACROSS = N / TN, DOWN = M / TM, THREADS = ACROSS * DOWN;
  __shared__ real as[K][M + 1];
  __shared__ real bs[K][N + 1];
  int tx = threadX() % ACROSS, ty = threadX() / ACROSS;
  unsigned i0 = (unsigned)blockX() * M, j0 = (unsigned)blockY() * N;
  unsigned lo = (unsigned)blockZ() * g.part, hi = lo + g.part < g.k ? lo + g.part : g.k;
  real sum[TM][TN] = {};
  for (unsigned k0 = lo; k0 < hi; k0 += K) {
    fetch<M, K, THREADS, TA>(as, g.a, g.sa, i0, g.m, k0, hi);
    fetch<N, K, THREADS, !TB>(bs, g.b, g.sb, j0, g.n, k0, hi);
    __syncthreads();
#pragma unroll
    for (int k = 0; k < K; k++) {
      real x[TM], y[TN];
#pragma unroll
      for (int i = 0; i < TM; i++) x[i] = as[k][ty + i * DOWN];
#pragma unroll
      for (int j = 0; j < TN; j++) y[j] = bs[k][tx + j * ACROSS];
#pragma unroll
      for (int i = 0; i < TM; i++)
#pragma unroll
        for (int j = 0; j < TN; j++) sum[i][j] = fma(x[i], y[j], sum[i][j]);
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < TM; i++)
#pragma unroll
    for (int j = 0; j < TN; j++) {
      unsigned row = i0 + ty + i * DOWN, col = j0 + tx + j * ACROSS;
      if (row >= g.m || col >= g.n) continue;
      real *c = g.c + (long)blockZ() * g.apart + (long)row * g.sc + col;
      *c = g.beta == real(0) ? g.alpha * sum[i][j] : g.alpha * sum[i][j] + g.beta * *c;
    }
}

#define ARGUMENTS                                                                                                                   \
  real alpha, const real *a, unsigned sa, const real *b, unsigned sb, real beta, real *c, unsigned sc, unsigned m, unsigned n, unsigned k, \
      unsigned part, unsigned apart
#define PRODUCT \
  Product { alpha, beta, a, b, c, sa, sb, sc, m, n, k, part, apart }
#define FORMS(name, threads, M, N, K, TM, TN)                                                                           \
  KERNEL __launch_bounds__(threads) void name##_nn(ARGUMENTS) { product<M, N, K, TM, TN, false, false>(PRODUCT); } \
  KERNEL __launch_bounds__(threads) void name##_nt(ARGUMENTS) { product<M, N, K, TM, TN, false, true>(PRODUCT); }  \
  KERNEL __launch_bounds__(threads) void name##_tn(ARGUMENTS) { product<M, N, K, TM, TN, true, false>(PRODUCT); }  \
  KERNEL __launch_bounds__(threads) void name##_tt(ARGUMENTS) { product<M, N, K, TM, TN, true, true>(PRODUCT); }

FORMS(small, 64, 16, 16, 16, 2, 2)
FORMS(medium, 256, 64, 64, 16, 4, 4)
#ifdef LARGE // float32: float64 would need more registers than there are
FORMS(large, 256, 128, 128, 8, 8, 8)
#endif

// split_sum sets c = alpha·Σ partial + beta·c.
KERNEL void split_sum(real alpha, const real *partial, unsigned parts, real beta, real *c, unsigned sc, unsigned m, unsigned n) {
  unsigned index = element();
  if (index >= m * n) return;
  real sum = 0;
  for (unsigned p = 0; p < parts; p++) sum += partial[(long)p * m * n + index];
  real *to = c + (long)(index / n) * sc + index % n;
  *to = beta == real(0) ? alpha * sum : alpha * sum + beta * *to;
}
