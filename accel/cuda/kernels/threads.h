// What device.h has of CUDA, for a C++ compiler: a thread of the processor for each of a block, blocks one after the other. The thread
// sanitizer then sees what one thread does to another's memory without a barrier between them.
#pragma once
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define __shared__ static
#define __launch_bounds__(...)
#define INLINE static inline
#define KERNEL static
#define DYNAMIC_SHARED(name) static char name[1 << 16] __attribute__((aligned(16)))

// A meeting is a barrier by two in turns. To the sanitizer a thread that wakes up late would else come after what the others did until
// they reached the next barrier, and it would be blind to that.
struct Meeting {
  pthread_barrier_t turn[2];
  void init(int threads) {
    for (auto &b : turn) pthread_barrier_init(&b, nullptr, threads);
  }
  void wait(unsigned *met) { pthread_barrier_wait(&turn[(*met)++ % 2]); }
};

struct Thread {
  int thread, block[3];
  unsigned metBlock, metWarp;
};
static thread_local Thread self;
static int threadsOfBlock;
static Meeting ofBlock, ofWarp[32];

// barrier is __syncthreads; that of the line that DROP names does nothing.
static void barrier(const char *file, int line) {
  static const char *drop = getenv("DROP");
  if (drop) {
    const char *colon = strrchr(drop, ':');
    size_t n = colon - drop;
    if (strncmp(file, drop, n) == 0 && file[n] == 0 && atoi(colon + 1) == line) return;
  }
  ofBlock.wait(&self.metBlock);
}
#define __syncthreads() barrier(__FILE__, __LINE__)

INLINE int threadX() { return self.thread; }
INLINE int threads() { return threadsOfBlock; }
INLINE int blockX() { return self.block[0]; }
INLINE int blockY() { return self.block[1]; }
INLINE int blockZ() { return self.block[2]; }

INLINE void copyAsync(real *to, const real *from) { *to = *from; }
INLINE void copiesDone() {}

template <class To, class From> static To bitsAs(From x) {
  To y;
  memcpy(&y, &x, sizeof y);
  return y;
}
#define __nvvm_bitcast_i2f(x) bitsAs<float>((int)(x))
#define __nvvm_bitcast_ll2d(x) bitsAs<double>((long long)(x))
#define __nvvm_bitcast_d2ll(x) bitsAs<long long>((double)(x))
#define __nvvm_sqrt_rn_d(x) __builtin_sqrt(x)

static void warpBarrier() { ofWarp[self.thread / 32].wait(&self.metWarp); }

INLINE int __nvvm_shfl_sync_bfly_i32(unsigned, int x, int mask, int) {
  static int all[32][32];
  int *warp = all[self.thread / 32], lane = self.thread % 32;
  warp[lane] = x;
  warpBarrier();
  int y = warp[lane ^ mask];
  warpBarrier();
  return y;
}

INLINE unsigned tf32(float x) { return (bitsAs<unsigned>(x) + 0x1000) & ~0x1fffu; }

INLINE void tensor(float *sum, const unsigned *a, const unsigned *b) {
  static unsigned as[32][32][4], bs[32][32][2];
  int w = self.thread / 32, lane = self.thread % 32, group = lane / 4, member = lane % 4;
  memcpy(as[w][lane], a, sizeof as[w][lane]);
  memcpy(bs[w][lane], b, sizeof bs[w][lane]);
  warpBarrier();
  for (int e = 0; e < 4; e++)
    for (int k = 0; k < 8; k++) // row group + e/2·8 of a, column 2·member + e%2 of b
      sum[e] += bitsAs<float>(as[w][4 * group + k % 4][e / 2 + k / 4 * 2]) * bitsAs<float>(bs[w][4 * (2 * member + e % 2) + k % 4][k / 4]);
  warpBarrier();
}

// launch runs f in each thread of each block.
template <class F> static void launch(int x, int y, int z, int threads, F f) {
  struct Start {
    Thread thread;
    F *f;
  };
  threadsOfBlock = threads;
  ofBlock.init(threads);
  for (int w = 0; w < threads / 32; w++) ofWarp[w].init(32);
  for (int block = 0; block < x * y * z; block++) {
    pthread_t ids[1024];
    Start starts[1024];
    for (int i = 0; i < threads; i++) {
      starts[i] = {{i, {block % x, block / x % y, block / (x * y)}, 0, 0}, &f};
      pthread_create(&ids[i], nullptr, [](void *p) -> void * {
        Start *s = (Start *)p;
        self = s->thread;
        (*s->f)();
        return nullptr;
      }, &starts[i]);
    }
    for (int i = 0; i < threads; i++) pthread_join(ids[i], nullptr);
  }
}
