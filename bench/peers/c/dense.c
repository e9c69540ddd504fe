// A dense net trained with OpenBLAS: the mnist and tabular workloads of gradus bench in
// float32, with as few passes as its interface allows.
//
//   forward    one sgemm a layer into z, then one pass that adds the bias and applies ReLU,
//              which saves the pass that would copy the bias for sgemm's beta.
//   softmax    with expf, which -ffast-math makes a vector function; the loss in the same pass.
//   sgd        w -= rate·xᵀδ by sgemm itself, alpha = -rate and beta = 1: no pass at all.
//   momentum   v = momentum·v + xᵀδ by sgemm with beta = momentum; one pass for w.
//   adam       xᵀδ by sgemm, one pass for m, v and w.
//   threads    OpenBLAS's own; the passes by OpenMP where there is more than one and a pass
//              is long enough for it.
#include <math.h>
#include <omp.h>

#include "serve.h"
#ifdef SCIPY_OPENBLAS // the build that numpy and scipy ship, under names of its own
#define cblas_sgemm scipy_cblas_sgemm
#define openblas_get_config scipy_openblas_get_config
#define openblas_get_corename scipy_openblas_get_corename
#define openblas_set_num_threads scipy_openblas_set_num_threads
#endif
enum { RowMajor = 101, No = 111, Yes = 112 };
void cblas_sgemm(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
char *openblas_get_config(void);
char *openblas_get_corename(void);
void openblas_set_num_threads(int n);

enum { alone = 30000 }; // a pass over fewer numbers is faster on one core
enum rule { sgd, momentum, adam };

static int threads, layers, rows, batch, sizes[8];
static enum rule rule;
static int classify;
static float rate = 0.001f;

static float *X, *Y;                             // all rows
static float *x, *y, *z[8], *delta[8];           // a batch
static float *w[8], *b[8], *g[8], *gb[8], *m[8], *v[8], *mb[8], *vb[8];
static int *order, position;
static long updates;

static float *floats(long n) {
  float *p = aligned_alloc(64, (n * sizeof(float) + 63) / 64 * 64);
  if (!p) fprintf(stderr, "dense: no memory for %ld numbers\n", n), exit(1);
  memset(p, 0, n * sizeof(float));
  return p;
}

static float noise(uint32_t row, uint32_t col) {
  uint32_t h = (row * 7919 + col) * 2654435761u;
  h ^= h >> 15, h *= 2246822519u, h ^= h >> 13;
  return (h >> 8) * 0x1p-24f;
}

static void shuffle(void) {
  for (int i = rows - 1; i > 0; i--) {
    int j = draw() % (i + 1), t = order[i];
    order[i] = order[j], order[j] = t;
  }
}

// adam_pass updates n parameters; s and c are the corrections of the two averages.
static void adam_pass(long n, float *restrict p, const float *restrict d, float *restrict a, float *restrict q, float s, float c) {
#pragma omp parallel for simd if (threads > 1 && n >= alone)
  for (long i = 0; i < n; i++) {
    a[i] = 0.9f * a[i] + 0.1f * d[i];
    q[i] = 0.999f * q[i] + 0.001f * d[i] * d[i];
    p[i] -= s * a[i] / (sqrtf(q[i]) * c + 1e-8f);
  }
}

static void momentum_pass(long n, float *restrict p, const float *restrict a) {
#pragma omp parallel for simd if (threads > 1 && n >= alone)
  for (long i = 0; i < n; i++) p[i] -= rate * a[i];
}

static void bias_relu(float *restrict a, const float *restrict bias, int n, int relu) {
#pragma omp parallel for if (threads > 1 && batch * n >= alone)
  for (int r = 0; r < batch; r++) {
    float *restrict p = a + (long)r * n;
    if (relu)
      for (int j = 0; j < n; j++) p[j] = fmaxf(p[j] + bias[j], 0);
    else
      for (int j = 0; j < n; j++) p[j] += bias[j];
  }
}

static void mask(float *restrict d, const float *restrict a, long n) {
#pragma omp parallel for simd if (threads > 1 && n >= alone)
  for (long i = 0; i < n; i++) d[i] = a[i] > 0 ? d[i] : 0;
}

static void column_sums(const float *restrict d, float *restrict sums, int n) {
  memset(sums, 0, n * sizeof(float));
  for (int r = 0; r < batch; r++)
    for (int j = 0; j < n; j++) sums[j] += d[(long)r * n + j];
}

// last_delta writes the gradient behind the last layer's bias and returns the mean loss.
static float last_delta(void) {
  int n = sizes[layers];
  float *a = z[layers], *d = delta[layers], loss = 0, scale = 1.0f / batch;
  for (int r = 0; r < batch; r++, a += n, d += n) {
    const float *t = y + (long)r * n;
    if (classify) {
      float top = a[0], sum = 0, hit = 0;
      for (int j = 1; j < n; j++) top = fmaxf(top, a[j]);
      for (int j = 0; j < n; j++) d[j] = expf(a[j] - top);
      for (int j = 0; j < n; j++) sum += d[j], hit += t[j] * (a[j] - top);
      loss += logf(sum) - hit;
      for (int j = 0; j < n; j++) d[j] = (d[j] / sum - t[j]) * scale;
    } else
      for (int j = 0; j < n; j++) {
        float e = a[j] - t[j];
        loss += e * e;
        d[j] = 2 * scale * e;
      }
  }
  return loss * scale;
}

static float forward(const float *from) {
  for (int l = 1; l <= layers; l++) {
    int in = sizes[l - 1], out = sizes[l];
    cblas_sgemm(RowMajor, No, No, batch, out, in, 1, l == 1 ? from : z[l - 1], in, w[l], out, 0, z[l], out);
    bias_relu(z[l], b[l], out, l < layers);
  }
  return z[layers][0];
}

static float step(void) {
  if (position + batch > rows) position = 0;
  if (position == 0) shuffle();
  int in = sizes[0], out = sizes[layers];
  for (int r = 0; r < batch; r++) {
    int from = order[position + r];
    memcpy(x + (long)r * in, X + (long)from * in, in * sizeof(float));
    memcpy(y + (long)r * out, Y + (long)from * out, out * sizeof(float));
  }
  position += batch;
  forward(x);
  float loss = last_delta();
  updates++;
  float s = 0, c = 0;
  if (rule == adam) s = rate / (1 - powf(0.9f, updates)), c = 1 / sqrtf(1 - powf(0.999f, updates));
  for (int l = layers; l >= 1; l--) {
    int n = sizes[l - 1], k = sizes[l];
    const float *a = l == 1 ? x : z[l - 1];
    if (l > 1) { // before w changes
      cblas_sgemm(RowMajor, No, Yes, batch, n, k, 1, delta[l], k, w[l], k, 0, delta[l - 1], n);
      mask(delta[l - 1], z[l - 1], (long)batch * n);
    }
    column_sums(delta[l], gb[l], k);
    switch (rule) {
    case sgd:
      cblas_sgemm(RowMajor, Yes, No, n, k, batch, -rate, a, n, delta[l], k, 1, w[l], k);
      momentum_pass(k, b[l], gb[l]);
      break;
    case momentum:
      cblas_sgemm(RowMajor, Yes, No, n, k, batch, 1, a, n, delta[l], k, 0.9f, v[l], k);
      momentum_pass((long)n * k, w[l], v[l]);
      for (int j = 0; j < k; j++) vb[l][j] = 0.9f * vb[l][j] + gb[l][j];
      momentum_pass(k, b[l], vb[l]);
      break;
    case adam:
      cblas_sgemm(RowMajor, Yes, No, n, k, batch, 1, a, n, delta[l], k, 0, g[l], k);
      adam_pass((long)n * k, w[l], g[l], m[l], v[l], s, c);
      adam_pass(k, b[l], gb[l], mb[l], vb[l], s, c);
    }
  }
  return loss;
}

static double steps(long n) {
  float loss = 0;
  while (n--) loss = step();
  return loss;
}

static double inferences(long n) {
  double last = 0;
  while (n--) last = forward(X + sizes[0]);
  return last;
}

// layer is one row through constant sizes, which the compiler keeps in registers.
#define LAYER(in, out, from, to, l, relu)                              \
  do {                                                                 \
    for (int j = 0; j < out; j++) to[j] = b[l][j];                     \
    for (int i = 0; i < in; i++)                                       \
      for (int j = 0; j < out; j++) to[j] += from[i] * w[l][i * out + j]; \
    if (relu)                                                          \
      for (int j = 0; j < out; j++) to[j] = fmaxf(to[j], 0);           \
  } while (0)

// loops is the tabular net on one row without OpenBLAS, whose calls take longer than the
// arithmetic.
static double loops(long n) {
  double last = 0;
  const float *from = X + sizes[0];
  while (n--) {
    float h[64], k[64], o[1];
    LAYER(20, 64, from, h, 1, 1);
    LAYER(64, 64, h, k, 2, 1);
    LAYER(64, 1, k, o, 3, 0);
    last = o[0];
    __asm__ volatile("" ::: "memory"); // the next row may be another one
  }
  return last;
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "mnist";
  threads = argc > 2 ? atoi(argv[2]) : 1;
  openblas_set_num_threads(threads);
  omp_set_num_threads(threads);
  int mnist = !strncmp(name, "mnist", 5), infer = !strcmp(name, "inference");
  layers = 3, classify = mnist;
  rule = !strcmp(name, "mnist-sgd") ? sgd : mnist ? momentum : adam;
  memcpy(sizes, mnist ? (int[]){784, 512, 256, 10} : (int[]){20, 64, 64, 1}, 4 * sizeof(int));
  rows = mnist ? 4096 : 8192, batch = infer ? 1 : mnist ? 128 : 32;
  int in = sizes[0], out = sizes[layers];
  X = floats((long)rows * in), Y = floats((long)rows * out);
  x = floats((long)batch * in), y = floats((long)batch * out);
  order = malloc(rows * sizeof *order);
  for (int r = 0; r < rows; r++) {
    order[r] = r;
    for (int j = 0; j < in; j++) {
      float u = noise(r, j);
      X[(long)r * in + j] = mnist ? u : 2 * u - 1;
      if (!mnist) Y[r] += X[(long)r * in + j] / 4;
    }
    if (mnist) Y[(long)r * out + r % 10] = 1;
  }
  for (int l = 1; l <= layers; l++) {
    long n = (long)sizes[l - 1] * sizes[l];
    w[l] = floats(n), g[l] = floats(n), m[l] = floats(n), v[l] = floats(n);
    b[l] = floats(sizes[l]), gb[l] = floats(sizes[l]), mb[l] = floats(sizes[l]), vb[l] = floats(sizes[l]);
    z[l] = floats((long)batch * sizes[l]), delta[l] = floats((long)batch * sizes[l]);
    for (long i = 0; i < n; i++) w[l][i] = (2 * uniform() - 1) * sqrt(6.0 / sizes[l - 1]);
  }
  char detail[256];
  char *config = openblas_get_config();
  snprintf(detail, sizeof detail, "%.*s, kernels %s", (int)strcspn(config, "D") > 40 ? 40 : (int)strcspn(config, "D") - 1, config, openblas_get_corename());
  if (argc > 3 && !strcmp(argv[3], "loops")) serve(loops, 1000, 0, "glibc");
  else serve(infer ? inferences : steps, infer ? 1000 : mnist ? 32 : 256, 0, detail);
}
