// All time-steps of a recurrent layer in one launch: a forward sweep, one of the R-operator, or a backward one. What the layer
// computes is data, a plan (recurrence_plan.go): nodes, each with products, terms and activations. A block of threads owns up to NB
// columns of the batch for all time-steps, so that blocks need nothing of each other. The layer's weights, and the values of
// the columns at three time-steps, lie in shared memory; the values of the next time-step are on their way there while one is
// computed. Each element is summed as gemm.cu and pointwise.cu sum it, so that the bits are those of a kernel for each operation.
#include "device.h"

// The plan, as the host writes it. Places are elements of a column within a time-step; matrices begin at an element of what holds
// them all, which may lie before it where their rows are counted from a later one.
struct Head {
  int steps, nodes, factors, terms, width;
  int termsAt, offsetsAt, slotsAt; // bytes from the plan on
};
struct Matrix {
  long first;
  int stride, there;
};
struct Act {
  int act, lo, hi;
};
struct Node {
  Matrix value, given, other, carry;
  int width, place, carried, started;
  int factors, firstFactor, terms, firstTerm;
  int acts;
  Act act[3];
};
struct Factor {
  int weight, at, rows, cols; // which operand; its bytes from the plan on; its size
  int place, before, first;   // what it multiplies, or in a backward sweep adds to
  int pad;
};
struct Term {
  double alpha;
  int p, pBefore, firstP, q, qBefore, firstQ, alone, pad;
};

DYNAMIC_SHARED(memory);

INLINE const Head &head() { return *(const Head *)memory; }
INLINE const Node &node(int i) { return ((const Node *)(memory + sizeof(Head)))[i]; }
INLINE const Factor &factor(int i) { return ((const Factor *)(memory + sizeof(Head) + head().nodes * sizeof(Node)))[i]; }
INLINE const Term &term(int i) { return ((const Term *)(memory + head().termsAt))[i]; }

// row is the first row of a time-step, and that of −1 the first entering one.
INLINE int row(int step) { return ((const int *)(memory + head().offsetsAt))[step + 1]; }

// alive is how many columns of this block a time-step has.
template <int NB> INLINE int alive(int step) {
  int n = row(step + 1) - row(step) - blockX() * NB;
  return n < NB ? n : NB;
}

// Three regions of shared memory have values at three time-steps each.
enum { VALUES, GIVEN, DAMPED };

template <int NB> INLINE real *slot(int region, int step) {
  int which = region * 3 + (unsigned)(step + 3) % 3;
  return (real *)(memory + head().slotsAt) + (long)which * head().width * NB;
}

// start brings the plan and the weights into shared memory.
INLINE void start(const int *plan, int ints, const real *w0, const real *w1, const real *w2) {
  for (int i = threadX(); i < ints; i += threads()) ((int *)memory)[i] = plan[i];
  __syncthreads();
  for (int j = 0; j < head().factors; j++) {
    const Factor &f = factor(j);
    const real *w = f.weight == 0 ? w0 : f.weight == 1 ? w1 : w2;
    for (int i = threadX(); i < f.rows * f.cols; i += threads()) copyAsync((real *)(memory + f.at) + i, w + i);
  }
}

INLINE const real *element(const real *base, const Matrix &m, int row, int unit) { return base + m.first + (long)row * m.stride + unit; }
INLINE real *element(real *base, const Matrix &m, int row, int unit) { return base + m.first + (long)row * m.stride + unit; }

// fetch begins to bring a node at a time-step into shared memory.
template <int NB> INLINE void fetch(int region, const real *base, const Matrix &m, const Node &nd, int step, int n) {
  real *to = slot<NB>(region, step) + nd.place * NB;
  int r = row(step) + blockX() * NB;
  for (int b = 0; b < n; b++)
    for (int u = threadX(); u < nd.width; u += threads()) copyAsync(to + u * NB + b, element(base, m, r + b, u));
}

// chain sets sum = Σ in·w: for each element one fma after the other, in the order of k.
template <int NB> INLINE void chain(real *sum, const real *in, const real *w, int k, int cols) {
  const real *x = (const real *)__builtin_assume_aligned(in, 16);
#pragma unroll
  for (int b = 0; b < NB; b++) sum[b] = 0;
#pragma unroll 4
  for (int i = 0; i < k; i++) {
#pragma unroll
    for (int b = 0; b < NB; b++) sum[b] = fma(x[i * NB + b], *w, sum[b]);
    w += cols;
  }
}

#define EACH_UNIT(n) for (int u = threadX(); u < n; u += threads())
#define EACH_COLUMN _Pragma("unroll") for (int b = 0; b < NB; b++)

// multiply adds the products of a node, or sets x where nothing is in it yet.
template <int NB> INLINE bool multiply(real *x, bool set, const Node &nd, int u, const real *now, const real *before) {
  for (int j = 0; j < nd.factors; j++) {
    const Factor &f = factor(nd.firstFactor + j);
    real sum[NB];
    chain<NB>(sum, (f.before ? before : now) + f.place * NB, (const real *)(memory + f.at) + u, f.rows, f.cols);
    EACH_COLUMN x[b] = set ? sum[b] + x[b] : sum[b];
    set = true;
  }
  return set;
}

INLINE bool within(const Act &a, int u) { return u >= a.lo && u < a.hi; }

template <int NB> INLINE void forwardNode(real *values, int i, int step, int n) {
  const Node &nd = node(i);
  real *now = slot<NB>(VALUES, step), *before = slot<NB>(VALUES, step - 1);
  EACH_UNIT(nd.width) {
    real x[NB], *at = now + (nd.place + u) * NB;
    EACH_COLUMN x[b] = nd.started ? at[b] : real(0);
    bool set = multiply<NB>(x, nd.started, nd, u, now, before);
    for (int j = 0; j < nd.terms; j++) {
      const Term &m = term(nd.firstTerm + j);
      const real *p = (m.pBefore ? before : now) + (m.p + u) * NB, *q = (m.qBefore ? before : now) + (m.q + u) * NB;
      EACH_COLUMN {
        real y = m.alone ? p[b] : real(m.alpha) * p[b] * q[b];
        x[b] = set ? y + x[b] : y;
      }
      set = true;
    }
    for (int j = 0; j < nd.acts; j++)
      if (within(nd.act[j], u)) EACH_COLUMN x[b] = activation(nd.act[j].act, x[b]);
    int r = row(step) + blockX() * NB;
    EACH_COLUMN {
      if (b >= n) continue;
      at[b] = x[b];
      *element(values, nd.value, r + b, u) = x[b];
    }
  }
}

template <int NB> INLINE void forward(const int *plan, int ints, const real *w0, const real *w1, const real *w2, real *values) {
  start(plan, ints, w0, w1, w2);
  for (int i = 0; i < head().nodes; i++) {
    if (node(i).carried) fetch<NB>(VALUES, values, node(i).value, node(i), -1, alive<NB>(0));
    if (node(i).started) fetch<NB>(VALUES, values, node(i).value, node(i), 0, alive<NB>(0));
  }
  copiesDone();
  __syncthreads();
  for (int step = 0; step < head().steps; step++) {
    int n = alive<NB>(step);
    if (n <= 0) break;
    for (int i = 0; i < head().nodes && step + 1 < head().steps; i++)
      if (node(i).started) fetch<NB>(VALUES, values, node(i).value, node(i), step + 1, alive<NB>(step + 1));
    for (int i = 0; i < head().nodes; i++) {
      if (i > 0) __syncthreads();
      forwardNode<NB>(values, i, step, n);
    }
    copiesDone();
    __syncthreads();
  }
}

// nodeR is forwardNode for the R-operator: values are R{}, given the values of the forward sweep.
template <int NB> INLINE void nodeR(real *values, real *kept, int i, int step, int n) {
  const Node &nd = node(i);
  real *now = slot<NB>(VALUES, step), *before = slot<NB>(VALUES, step - 1);
  const real *givenNow = slot<NB>(GIVEN, step), *givenBefore = slot<NB>(GIVEN, step - 1);
  int r = row(step) + blockX() * NB;
  EACH_UNIT(nd.width) {
    real x[NB], *at = now + (nd.place + u) * NB;
    EACH_COLUMN x[b] = nd.started ? at[b] : real(0);
    bool set = multiply<NB>(x, nd.started, nd, u, now, before);
    for (int j = 0; j < nd.terms; j++) {
      const Term &m = term(nd.firstTerm + j);
      const int p = (m.p + u) * NB, q = (m.q + u) * NB;
      const real *rp = (m.pBefore ? before : now) + p, *rq = (m.qBefore ? before : now) + q;
      const real *gp = (m.pBefore ? givenBefore : givenNow) + p, *gq = (m.qBefore ? givenBefore : givenNow) + q;
      EACH_COLUMN {
        real y = m.alone ? rp[b] : real(m.alpha) * rp[b] * gq[b];
        x[b] = set ? y + x[b] : y;
        if (!m.alone) x[b] = real(m.alpha) * gp[b] * rq[b] + x[b];
      }
      set = true;
    }
    if (nd.other.there) EACH_COLUMN if (b < n) *element(kept, nd.other, r + b, u) = x[b];
    const real *h = givenNow + (nd.place + u) * NB;
    for (int j = 0; j < nd.acts; j++)
      if (within(nd.act[j], u)) EACH_COLUMN x[b] *= derivative(nd.act[j].act, h[b]);
    EACH_COLUMN {
      if (b >= n) continue;
      at[b] = x[b];
      *element(values, nd.value, r + b, u) = x[b];
    }
  }
}

template <int NB> INLINE void fetchR(const real *values, const real *given, int step, int n) {
  for (int i = 0; i < head().nodes; i++) {
    const Node &nd = node(i);
    if (step < 0 ? nd.carried : nd.started) fetch<NB>(VALUES, values, nd.value, nd, step, n);
    if (step >= 0 || nd.carried) fetch<NB>(GIVEN, given, nd.given, nd, step, n);
  }
}

template <int NB>
INLINE void forwardR(const int *plan, int ints, const real *w0, const real *w1, const real *w2, real *values, const real *given, real *kept) {
  start(plan, ints, w0, w1, w2);
  fetchR<NB>(values, given, -1, alive<NB>(0));
  fetchR<NB>(values, given, 0, alive<NB>(0));
  copiesDone();
  __syncthreads();
  for (int step = 0; step < head().steps; step++) {
    int n = alive<NB>(step);
    if (n <= 0) break;
    if (step + 1 < head().steps) fetchR<NB>(values, given, step + 1, alive<NB>(step + 1));
    for (int i = 0; i < head().nodes; i++) {
      if (i > 0) __syncthreads();
      nodeR<NB>(values, kept, i, step, n);
    }
    copiesDone();
    __syncthreads();
  }
}

// through turns the derivatives of a node's values into those of what its activations are of.
template <int NB> INLINE void through(real *values, real mu, const Node &nd, int step, int n) {
  real *now = slot<NB>(VALUES, step);
  const real *h = slot<NB>(GIVEN, step), *damped = slot<NB>(DAMPED, step);
  int r = row(step) + blockX() * NB;
  EACH_UNIT(nd.width) {
    int at = (nd.place + u) * NB;
    real d[NB];
    EACH_COLUMN d[b] = now[at + b];
    for (int j = 0; j < nd.acts; j++)
      if (within(nd.act[j], u)) EACH_COLUMN d[b] *= derivative(nd.act[j].act, h[at + b]);
    if (nd.other.there) EACH_COLUMN d[b] += mu * damped[at + b];
    EACH_COLUMN {
      if (b >= n) continue;
      now[at + b] = d[b];
      *element(values, nd.value, r + b, u) = d[b];
    }
  }
}

// pass adds what the derivatives of a node give to those of what it reads, or begins those.
template <int NB> INLINE void pass(const Node &nd, int step, int n) {
  real *now = slot<NB>(VALUES, step), *before = slot<NB>(VALUES, step - 1);
  const real *givenNow = slot<NB>(GIVEN, step), *givenBefore = slot<NB>(GIVEN, step - 1);
  for (int j = 0; j < nd.factors; j++) {
    const Factor &f = factor(nd.firstFactor + j);
    bool add = f.before && step > 0 ? true : !f.first;
    real *to = (f.before ? before : now) + f.place * NB;
    EACH_UNIT(f.cols) {
      real sum[NB];
      chain<NB>(sum, now + nd.place * NB, (const real *)(memory + f.at) + u, f.rows, f.cols);
      EACH_COLUMN if (b < n) to[u * NB + b] = add ? sum[b] + to[u * NB + b] : sum[b];
    }
  }
  for (int j = 0; j < nd.terms; j++) {
    const Term &m = term(nd.firstTerm + j);
    bool addP = m.pBefore && step > 0 ? true : !m.firstP, addQ = m.qBefore && step > 0 ? true : !m.firstQ;
    EACH_UNIT(nd.width) {
      int p = (m.p + u) * NB, q = (m.q + u) * NB;
      const real *d = now + (nd.place + u) * NB;
      const real *gp = (m.pBefore ? givenBefore : givenNow) + p, *gq = (m.qBefore ? givenBefore : givenNow) + q;
      real *toP = (m.pBefore ? before : now) + p, *toQ = (m.qBefore ? before : now) + q;
      EACH_COLUMN {
        real y = m.alone ? d[b] : real(m.alpha) * d[b] * gq[b];
        if (b < n) toP[b] = addP ? y + toP[b] : y;
      }
      if (m.alone) continue;
      EACH_COLUMN {
        real y = real(m.alpha) * d[b] * gp[b];
        if (b < n) toQ[b] = addQ ? y + toQ[b] : y;
      }
    }
  }
}

template <int NB> INLINE void fetchBack(const real *values, const real *given, const real *damped, int step, int n) {
  for (int i = 0; i < head().nodes; i++) {
    const Node &nd = node(i);
    if (step >= 0 && nd.started) fetch<NB>(VALUES, values, nd.value, nd, step, n);
    if (step >= 0 || nd.carried) fetch<NB>(GIVEN, given, nd.given, nd, step, n);
    if (step >= 0 && nd.other.there) fetch<NB>(DAMPED, damped, nd.other, nd, step, n);
  }
}

template <int NB>
INLINE void backward(const int *plan, int ints, const real *w0, const real *w1, const real *w2, real *values, const real *given,
                     const real *damped, real *carry, real mu) {
  start(plan, ints, w0, w1, w2);
  int step = head().steps - 1;
  while (alive<NB>(step) <= 0) step--;
  fetchBack<NB>(values, given, damped, step, alive<NB>(step));
  fetchBack<NB>(values, given, damped, step - 1, alive<NB>(step > 0 ? step - 1 : 0));
  copiesDone(); // a barrier comes before a thread reads what another one brought
  for (; step >= 0; step--) {
    int n = alive<NB>(step);
    if (step > 0) fetchBack<NB>(values, given, damped, step - 2, alive<NB>(step > 1 ? step - 2 : 0));
    for (int i = head().nodes - 1; i >= 0; i--) {
      through<NB>(values, mu, node(i), step, n);
      __syncthreads();
      pass<NB>(node(i), step, n);
      if (i > 0) __syncthreads();
    }
    copiesDone();
    __syncthreads();
  }
  for (int i = 0; i < head().nodes; i++) {
    const Node &nd = node(i);
    if (!nd.carried) continue;
    const real *left = slot<NB>(VALUES, -1) + nd.place * NB;
    for (int b = 0; b < alive<NB>(0); b++)
      EACH_UNIT(nd.width) *element(carry, nd.carry, blockX() * NB + b, u) = left[u * NB + b];
  }
}

#define WEIGHTS const int *plan, int ints, const real *w0, const real *w1, const real *w2
#define SWEEPS(NB)                                                                                                                       \
  KERNEL __launch_bounds__(512, 1) void recur_forward_##NB(WEIGHTS, real *values) { forward<NB>(plan, ints, w0, w1, w2, values); }         \
  KERNEL __launch_bounds__(512, 1) void recur_r_##NB(WEIGHTS, real *values, const real *given, real *kept) {                               \
    forwardR<NB>(plan, ints, w0, w1, w2, values, given, kept);                                                                           \
  }                                                                                                                                      \
  KERNEL __launch_bounds__(512, 1) void recur_back_##NB(WEIGHTS, real *values, const real *given, const real *damped, real *carry, real mu) { \
    backward<NB>(plan, ints, w0, w1, w2, values, given, damped, carry, mu);                                                              \
  }

SWEEPS(1)
SWEEPS(2)
SWEEPS(4)
#ifdef LARGE // float32: float64 would need more registers than there are
SWEEPS(8)
#endif
