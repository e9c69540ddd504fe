// The protocol of every peer: "PROGRAM WORKLOAD THREADS [MODE]" prints one JSON line when it
// is ready, then reads lines of seconds from standard input and answers each with one JSON
// line {"ns": time of a step, "first_loss": .., "last_loss": .., "steps": ..}.
#ifndef SERVE_H
#define SERVE_H

#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

// serve measures chunks of steps in seven pieces a request and answers with their median, or
// where best is set with the fastest chunk. steps(n) makes n steps and returns the last
// one's loss.
static void serve(double (*steps)(long n), long chunk, int best, const char *detail) {
  double first = steps(1), last = first;
  long made = 1;
  steps(chunk), made += chunk;
  printf("{\"ready\": true, \"detail\": \"%s\", \"first_loss\": %.9g}\n", detail, first);
  fflush(stdout);
  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    enum { pieces = 7 };
    double each = atof(line) * 1e9 / pieces, times[pieces];
    last = steps(chunk), made += chunk;
    for (int i = 0; i < pieces; i++) {
      long n = 0;
      double start = now(), from = start, to, fastest = 1e300;
      do {
        last = steps(chunk);
        n += chunk;
        to = now();
        if (to - from < fastest) fastest = to - from;
        from = to;
      } while (to - start < each);
      times[i] = best ? fastest / chunk : (to - start) / n;
      made += n;
    }
    qsort(times, pieces, sizeof *times, by_value);
    printf("{\"ns\": %.6g, \"first_loss\": %.9g, \"last_loss\": %.9g, \"steps\": %ld}\n", times[best ? 0 : pieces / 2], first, last, made);
    fflush(stdout);
  }
}

// uniform is a cheap generator in [0, 1) for weights and orders.
static uint64_t state = 88172645463325252u;
static uint64_t draw(void) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return state;
}
static double uniform(void) { return (draw() >> 11) * 0x1p-53; }

#endif
