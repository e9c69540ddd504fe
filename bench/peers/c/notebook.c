// The notebook's 3-4-1 net of sigmoids without biases: four rows, full batch, float64,
// plain descent on the half squared error, the loss of every epoch. Sizes are constants and
// everything fits into a few vector registers, so the compiler unrolls all of it; the
// activations of the hidden layer are one loop over 16 numbers, which -ffast-math turns into
// calls of libmvec's vector exp: only with the pragmas, without which the loops are unrolled
// into scalar calls.
#include <math.h>

#include "serve.h"

enum { rows = 4, in = 3, hidden = 4 };

static const double X[rows][in] = {{.2, .4, .6}, {.3, .3, .1}, {.5, .4, .7}, {.8, .4, .1}};
static const double Y[rows] = {.8, .2, .4, .6};
static double w1[in][hidden], w2[hidden];

static double epochs(long n) {
  double loss = 0;
  double u[in][hidden], v[hidden];
  memcpy(u, w1, sizeof u);
  memcpy(v, w2, sizeof v);
  for (long e = 0; e < n; e++) {
    double h[rows * hidden], y[rows], dy[rows], dh[rows * hidden];
    for (int r = 0; r < rows; r++)
      for (int j = 0; j < hidden; j++)
        h[r * hidden + j] = X[r][0] * u[0][j] + X[r][1] * u[1][j] + X[r][2] * u[2][j];
#pragma GCC unroll 1
    for (int i = 0; i < rows * hidden; i++) h[i] = 1 / (1 + exp(-h[i]));
    for (int r = 0; r < rows; r++)
      y[r] = h[r * hidden] * v[0] + h[r * hidden + 1] * v[1] + h[r * hidden + 2] * v[2] + h[r * hidden + 3] * v[3];
#pragma GCC unroll 1
    for (int r = 0; r < rows; r++) y[r] = 1 / (1 + exp(-y[r]));
    loss = 0;
    for (int r = 0; r < rows; r++) {
      double d = y[r] - Y[r];
      loss += d * d / 2;
      dy[r] = d * (y[r] * (1 - y[r]));
    }
    for (int r = 0; r < rows; r++)
      for (int j = 0; j < hidden; j++) {
        double a = h[r * hidden + j];
        dh[r * hidden + j] = dy[r] * v[j] * (a * (1 - a));
      }
    for (int j = 0; j < hidden; j++) {
      double g = 0;
      for (int r = 0; r < rows; r++) g += h[r * hidden + j] * dy[r];
      v[j] -= 5 * g;
    }
    for (int k = 0; k < in; k++)
      for (int j = 0; j < hidden; j++) {
        double g = 0;
        for (int r = 0; r < rows; r++) g += X[r][k] * dh[r * hidden + j];
        u[k][j] -= 5 * g;
      }
  }
  memcpy(w1, u, sizeof u);
  memcpy(w2, v, sizeof v);
  return loss;
}

int main(void) {
  for (int i = 0; i < in; i++)
    for (int j = 0; j < hidden; j++) w1[i][j] = 2 * uniform() - 1;
  for (int j = 0; j < hidden; j++) w2[j] = 2 * uniform() - 1;
  serve(epochs, 10000, 0, "glibc");
}
