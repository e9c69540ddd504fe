// The peak of fused multiply-adds on one core: independent accumulators and nothing else.
// "peak float32" or "peak float64"; a step is one operation, so 1/ns is GFLOP/s. The best
// chunk counts, as in gradus bench. VECTOR is the width in bytes, the
// processor's unless the compiler's call has it.
#include "serve.h"

#ifndef VECTOR
#ifdef __AVX512F__
#define VECTOR 64
#else
#define VECTOR 32
#endif
#endif
enum { accumulators = 12, turns = 1000 };

typedef float f32 __attribute__((vector_size(VECTOR)));
typedef double f64 __attribute__((vector_size(VECTOR)));

// Variables of their own, since an array would stay in memory. The empty asm keeps each in a
// register and its sum from being folded.
#define ALL(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define BEGIN(i) a##i = x,
#define ADD(i) a##i = a##i * x + y; __asm__("" : "+v"(a##i));
#define SUM(i) + a##i[0]
#define PEAK(T, name)                                                                  \
  static double name(long n) {                                                         \
    T x, y;                                                                            \
    for (int i = 0; i < (int)(VECTOR / sizeof x[0]); i++) x[i] = 0.5, y[i] = 0.25;     \
    T ALL(BEGIN) unused = x;                                                           \
    long done = 0;                                                                     \
    for (; done < n; done += 2L * accumulators * turns * (VECTOR / (long)sizeof x[0])) \
      for (int t = 0; t < turns; t++) {                                                \
        ALL(ADD)                                                                       \
      }                                                                                \
    (void)unused;                                                                      \
    return 0 ALL(SUM);                                                                 \
  }
PEAK(f32, peak32)
PEAK(f64, peak64)

int main(int argc, char **argv) {
  int wide = argc > 1 && !strcmp(argv[1], "float64");
  // A chunk is a whole number of the inner loop's operations.
  long chunk = 2L * accumulators * turns * (VECTOR / (wide ? 8 : 4)) * 20;
  serve(wide ? peak64 : peak32, chunk, 1, "the best of chunks of some 100 µs");
}
