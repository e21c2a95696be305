// Runs kernels with shared memory as threads of the processor, on small shapes, and compares what they compute with plain loops.
#include <stddef.h>
#include <stdio.h>
#define REAL float
#define LARGE
#define ON_PROCESSOR
#include "device.h"
namespace recurrence {
#include "recurrence.cu"
}
namespace gemm {
#include "gemm.cu"
}
#undef FORMS
namespace tensors {
#undef FORMS
#include "tensor.cu"
}
namespace pointwise {
#include "pointwise.cu"
}
namespace vectors {
#include "vectors.cu"
}

static int failures;
static void expect(const char *what, double got, double want, double bound) {
  double e = got - want;
  if (!(e <= bound && -e <= bound)) {
    fprintf(stderr, "%s: %.9g, not %.9g\n", what, got, want);
    failures++;
  }
}

static float wave(int i) { return (i * 37 % 101 - 50) / 64.0f; }

static void products() {
  const int M = 20, N = 17, K = 37;
  static float a[M * K], b[K * N], c[M * N];
  for (int i = 0; i < M * K; i++) a[i] = wave(i);
  for (int i = 0; i < K * N; i++) b[i] = wave(i + 5);
  auto compare = [&](const char *what, double bound) {
    for (int i = 0; i < M * N; i++) {
      double sum = 0;
      for (int k = 0; k < K; k++) sum += (double)a[i / N * K + k] * b[k * N + i % N];
      expect(what, c[i], sum, bound);
    }
  };
  launch(2, 2, 1, 64, [&] { gemm::small_nn(1, a, K, b, N, 0, c, N, M, N, K, K, 0); });
  compare("small_nn", 1e-4);
  launch(1, 1, 1, 128, [&] { tensors::tf32x3_nn(1, a, K, b, N, 0, c, N, M, N, K, K, 0); });
  compare("tf32x3_nn", 1e-4);
}

static void sums() {
  const int N = 600;
  static float x[N], r[32];
  static double partial[32];
  double want = 0;
  for (int i = 0; i < N; i++) want += (double)(x[i] = wave(i)) * x[i];
  launch(1, 1, 1, 256, [&] { vectors::dot(partial, x, x, N); });
  expect("dot", partial[0], want, 1e-9);
  launch(1, 1, 1, 256, [&] { vectors::add_two(partial, x, 0, x, r, r, r, 0, 1); vectors::dot(partial, x, x, N); });
  expect("dot again", partial[0], want, 1e-9);
  launch(1, 1, 1, 256, [&] { pointwise::sum_of_rows(partial, x, 20, 30, 20); });
  for (int j = 0; j < 20; j++) {
    double sum = 0;
    for (int i = 0; i < 30; i++) sum += x[20 * i + j];
    expect("sum_of_rows", partial[j], sum, 1e-9);
  }
}

// A Lstm-like layer of two nodes: a = V + h₋₁ W, squashed by tanh, and h = a₂ p, where p is the first half of a, twice as wide as h.
const int H = 40, STEPS = 4, COLUMNS = 3;
static const int rows[STEPS + 2] = {0, 3, 6, 9, 11, 12}; // of time-steps −1, 0, …

struct Plan {
  recurrence::Head head;
  recurrence::Node nodes[2];
  recurrence::Factor factor;
  recurrence::Term term;
  int offsets[STEPS + 2];
};

// plan returns the plan of a sweep; in a backward one the matrix of derivatives has no entering rows.
static Plan plan(bool backward) {
  using namespace recurrence;
  Plan p = {};
  int at = (sizeof(Plan) + 15) / 16 * 16;
  p.head = {STEPS, 2, 1, 1, 3 * H, (int)offsetof(Plan, term), (int)offsetof(Plan, offsets), at + 2 * H * H * 4};
  long lead = -3L * 2 * H, of1 = 16 * 2 * H; // node 1 lies behind node 0
  p.nodes[0] = {{lead, 2 * H, 1}, {lead, 2 * H, 1}, {}, {}, 2 * H, 0, 0, !backward, 1, 0, 0, 0, 1, {{TANH, 0, 2 * H}}};
  p.nodes[1] = {{backward ? of1 - 3 * H : of1, H, 1}, {of1, H, 1}, {}, {0, H, 1}, H, 2 * H, 1, backward, 0, 1, 1, 0, 0, {}};
  p.factor = {0, at, backward ? 2 * H : H, backward ? H : 2 * H, 2 * H, 1, 1, 0};
  p.term = {1, 0, 0, 1, H, 0, 1, 0, 0};
  memcpy(p.offsets, rows, sizeof rows);
  return p;
}

static float at(const float *m, int row, int unit, bool second) {
  return second ? m[16 * 2 * H + row * H + unit] : m[(row - 3) * 2 * H + unit];
}

static void layers() {
  static float w[2 * H * H], back[2 * H * H], values[16 * 3 * H], r[16 * 3 * H], d[16 * 3 * H], carry[COLUMNS * H];
  for (int i = 0; i < H; i++)
    for (int j = 0; j < 2 * H; j++) back[j * H + i] = w[i * 2 * H + j] = wave(i * 91 + j) / 8;
  for (int i = 0; i < 16 * 3 * H; i++) values[i] = wave(i), r[i] = wave(3 * i + 1), d[i] = wave(7 * i + 2);
  static float start[16 * 3 * H];
  memcpy(start, values, sizeof values);
  Plan forward = plan(false), backward = plan(true);
  launch(2, 1, 1, 96, [&] { recurrence::recur_forward_2((int *)&forward, sizeof forward / 4, w, nullptr, nullptr, values); });
  launch(2, 1, 1, 96, [&] { recurrence::recur_r_2((int *)&forward, sizeof forward / 4, w, nullptr, nullptr, r, values, nullptr); });
  launch(2, 1, 1, 96, [&] { recurrence::recur_back_2((int *)&backward, sizeof backward / 4, back, nullptr, nullptr, d, values, nullptr, carry, 0); });
  for (int t = 1; t <= STEPS; t++)
    for (int j = 0; j < rows[t + 1] - rows[t]; j++)
      for (int u = 0; u < H; u++) {
        double a[2];
        for (int half = 0; half < 2; half++) {
          a[half] = at(start, rows[t] + j, half * H + u, false);
          for (int k = 0; k < H; k++) a[half] += (double)at(values, rows[t - 1] + j, k, true) * w[k * 2 * H + half * H + u];
          a[half] = hyperbolicTangent(a[half]);
        }
        expect("recur_forward_2", at(values, rows[t] + j, u, true), a[0] * a[1], 1e-5);
      }
}

// plainLayer runs a plain layer backward: dh₋₁ gains da W.
static void plainLayer() {
  using namespace recurrence;
  struct {
    Head head;
    Node node;
    Factor factor;
    int offsets[STEPS + 2];
  } p = {};
  int at = (sizeof p + 15) / 16 * 16;
  p.head = {STEPS, 1, 1, 0, H, (int)offsetof(decltype(p), offsets), (int)offsetof(decltype(p), offsets), at + H * H * 4};
  p.node = {{-3L * H, H, 1}, {0, H, 1}, {}, {0, H, 1}, H, 0, 1, 1, 1, 0, 0, 0, 1, {{TANH, 0, H}}};
  p.factor = {0, at, H, H, 0, 1, 1, 0};
  memcpy(p.offsets, rows, sizeof rows);
  static float w[H * H], h[16 * H], d[16 * H], carry[COLUMNS * H];
  static double want[16 * H];
  for (int i = 0; i < H * H; i++) w[i] = wave(i * 91) / 8;
  for (int i = 0; i < 16 * H; i++) h[i] = wave(i), want[i] = d[i] = wave(7 * i + 2);
  launch(2, 1, 1, 64, [&] { recur_back_2((int *)&p, sizeof p / 4, w, nullptr, nullptr, d, h, nullptr, carry, 0); });
  for (int t = STEPS; t >= 1; t--)
    for (int j = 0; j < rows[t + 1] - rows[t]; j++) {
      double *da = want + (rows[t] + j - 3) * H;
      for (int u = 0; u < H; u++) {
        float x = h[(rows[t] + j) * H + u];
        da[u] *= 1 - x * x;
        expect("recur_back_2", d[(rows[t] + j - 3) * H + u], da[u], 1e-5);
      }
      for (int u = 0; u < H && t > 1; u++)
        for (int k = 0; k < H; k++) want[(rows[t - 1] + j - 3) * H + u] += da[k] * w[k * H + u];
    }
}

int main() {
  products();
  sums();
  layers();
  plainLayer();
  return failures > 0;
}
