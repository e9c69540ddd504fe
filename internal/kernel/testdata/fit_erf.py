#!/usr/bin/env python3
"""Fits the polynomials for erf and erfc and measures them; writes erf_coeffs.txt beside this file.

Run:  python3 fit_erf.py       (needs mpmath only; about a minute)

Forms, coefficients from the constant term up:

  P   |x| <= 1:        erf(x)  = x * P(x*x)
  P1  |x| <= 1:        erf(x)  = x + x * P1(x*x), P1 = P - 1: the same fit with 1 taken off the constant term, so
                       that rounding the constant to float64 costs an eighth as much
  Q   1 <= x <= hi:    erfc(x) = exp(-x*x) * Q(t), t = (x - c)/(x + c)
  S   1 <= x <= hi:    erfc(x) = exp(-x*x) * S(t)/(1 + 2*x), the same t: one more division, but S is nearly constant, so
                       that Horner's rule loses nothing at large x (Q falls like 1/x and there its terms cancel)

and the same in float32. The fit is Remez's exchange for the RELATIVE error of P and Q, in the Chebyshev basis with 50
digits. c is a number of few bits; it was found by scanning (the error of a given degree swings by a factor of fifty with
c, as a Chebyshev coefficient changes its sign).

"fit error" is the polynomial's own error with exact coefficients. "evaluated" is the error of Horner's rule in the
precision named, coefficients rounded, against mpmath, in units of 2^-53 (float64) or 2^-24 (float32) of the exact value
(a correctly rounded result shows at most 1), over the points stated; fma: one rounding per step.
"""
import os
import random
import struct
from fractions import Fraction

import mpmath as mp

mp.mp.dps = 50
HERE = os.path.dirname(os.path.abspath(__file__))


def remez(f, a, b, n, dens, iters=30):
    """Coefficients (monomials in t) of the degree-n polynomial least in max |1 - p(t)/f(t)| on [a, b], and that maximum."""
    count = n + 2
    m = dens * (count - 1)
    grid = [-mp.cos(mp.pi * i / m) for i in range(m + 1)]
    mid, half = (a + b) / 2, (b - a) / 2
    fv = [f(mid + half * s) for s in grid]
    cheb = []
    for s in grid:
        r = [mp.mpf(1), s]
        for _ in range(2, n + 1):
            r.append(2 * s * r[-1] - r[-2])
        cheb.append(r[: n + 1])
    idx = [i * dens for i in range(count)]
    for _ in range(iters):
        lhs, rhs = mp.matrix(count, count), mp.matrix(count, 1)
        for r, i in enumerate(idx):
            for k in range(n + 1):
                lhs[r, k] = cheb[i][k] / fv[i]
            lhs[r, n + 1] = (-1) ** r
            rhs[r] = 1
        sol = mp.lu_solve(lhs, rhs)
        c = [sol[k] for k in range(n + 1)]
        err = [1 - mp.fdot(c, cheb[i]) / fv[i] for i in range(m + 1)]
        runs, cur = [], 0
        for i in range(1, m + 1):
            if err[i] * err[cur] < 0:
                runs.append(cur)
                cur = i
            elif abs(err[i]) > abs(err[cur]):
                cur = i
        runs.append(cur)
        while len(runs) > count:
            runs.pop(0 if abs(err[runs[0]]) < abs(err[runs[-1]]) else -1)
        if len(runs) < count or runs == idx or max(map(abs, err)) / abs(sol[n + 1]) < mp.mpf("1.0001"):
            break
        idx = runs
    # Chebyshev in s -> monomials in s -> monomials in t
    t0, t1 = [mp.mpf(1)], [mp.mpf(0), mp.mpf(1)]
    mono = [mp.mpf(0)] * (n + 1)
    for k in range(n + 1):
        for j, v in enumerate(t0):
            mono[j] += c[k] * v
        t2 = [mp.mpf(0)] + [2 * v for v in t1]
        for j, v in enumerate(t0):
            t2[j] -= v
        t0, t1 = t1, t2
    out = [mp.mpf(0)] * (n + 1)
    for k in range(n, -1, -1):  # Horner with s = (t - mid)/half
        nxt = [mp.mpf(0)] * (n + 1)
        for j in range(n):
            nxt[j + 1] += out[j] / half
            nxt[j] -= out[j] * mid / half
        nxt[0] += mono[k]
        out = nxt
    # the error on a finer grid of its own, from the monomials printed to 20 digits
    out = [mp.mpf(mp.nstr(v, 20)) for v in out]
    worst = mp.mpf(0)
    for i in range(4001):
        t = a + (b - a) * i / 4000
        worst = max(worst, abs(1 - mp.polyval(out[::-1], t) / f(t)))
    return out, worst


def rnd64(v):
    return float(v)


def rnd32(v):
    """An exact Fraction (or float) rounded once to float32, as a float."""
    v = Fraction(v)
    if v == 0:
        return 0.0
    e = 0
    a = abs(v)
    while a >= 2:
        a /= 2
        e += 1
    while a < 1:
        a *= 2
        e -= 1
    ulp = Fraction(2) ** (max(e, -126) - 23)
    return float(round(v / ulp) * ulp)  # round() on a Fraction is to nearest even


class Arith:
    """Arithmetic with one rounding per operation, in float64 or float32, with or without fma."""

    def __init__(self, bits, fma):
        self.rnd, self.fused = (rnd64 if bits == 64 else rnd32), fma

    def add(self, a, b):
        return self.rnd(Fraction(a) + Fraction(b))

    def sub(self, a, b):
        return self.rnd(Fraction(a) - Fraction(b))

    def mul(self, a, b):
        return self.rnd(Fraction(a) * Fraction(b))

    def div(self, a, b):
        return self.rnd(Fraction(a) / Fraction(b))

    def mad(self, a, b, c):
        if self.fused:
            return self.rnd(Fraction(a) * Fraction(b) + Fraction(c))
        return self.add(self.mul(a, b), c)

    def horner(self, c, t):
        r = c[-1]
        for v in reversed(c[:-1]):
            r = self.mad(r, t, v)
        return r


def to_fraction(v):
    sign, man, ex, _ = mp.mpf(v)._mpf_
    fr = Fraction(int(man)) * Fraction(2) ** int(ex)
    return -fr if sign else fr


def error(got, exact, bits):
    return float(abs(mp.mpf(got) - exact) / exact * mp.mpf(2) ** (53 if bits == 64 else 24))


def measure(bits, form, coeffs, c, lo, hi, n):
    """Worst error over n fixed random points, for fma and for separate roundings."""
    res = []
    mp.mp.dps = 30
    for fma in (True, False):
        ar = Arith(bits, fma)
        co = [ar.rnd(to_fraction(v)) for v in coeffs]
        r = random.Random("gradus fit erf")
        worst, where = 0.0, 0.0
        for _ in range(n):
            x = ar.rnd(Fraction(lo) + Fraction(r.random()) * (Fraction(hi) - Fraction(lo)))
            if form in ("P", "P1"):
                exact = mp.erf(mp.mpf(x))
                p = ar.horner(co, ar.mul(x, x))
                got = ar.mul(x, p) if form == "P" else ar.mad(x, p, x)
            elif form in ("Q", "S"):
                exact = mp.exp(mp.mpf(x) ** 2) * mp.erfc(mp.mpf(x))
                got = ar.horner(co, ar.div(ar.sub(x, c), ar.add(x, c)))
                if form == "S":
                    got = ar.div(got, ar.mad(2.0, x, 1.0))
            else:  # erfc: E = exp(-h) correctly rounded, h + l = x*x exactly, erfc = (E - E*l) * (Q or S/(1 + 2x))
                exact = mp.erfc(mp.mpf(x))
                q = ar.horner(co, ar.div(ar.sub(x, c), ar.add(x, c)))
                if form == "erfc by S":
                    q = ar.div(q, ar.mad(2.0, x, 1.0))
                h = ar.mul(x, x)
                l = ar.rnd(Fraction(x) ** 2 - Fraction(h))
                e = ar.rnd(to_fraction(mp.exp(-mp.mpf(h))))
                got = ar.mul(ar.mad(-e, l, e), q)
            err = error(got, exact, bits)
            if err > worst:
                worst, where = err, x
        res.append("%.3f (x = %.6g) %s" % (worst, where, "with fma" if fma else "without"))
    mp.mp.dps = 50
    return ", ".join(res)


def main():
    lines = []

    def emit(s=""):
        lines.append(s)

    def block(title, coeffs, err):
        emit(title)
        emit("  fit error %s" % mp.nstr(err, 4))
        for k, v in enumerate(coeffs):
            emit("  %2d  %s" % (k, mp.nstr(v, 20, min_fixed=0, max_fixed=0)))

    p = lambda u: mp.erf(mp.sqrt(u)) / mp.sqrt(u) if u > 0 else 2 / mp.sqrt(mp.pi)
    q = lambda x: mp.exp(x * x) * mp.erfc(x)
    s = lambda x: (1 + 2 * x) * q(x)

    def fit_p(n):
        return remez(p, mp.mpf(0), mp.mpf(1), n, 40)

    def fit_q(g, n, hi, c):
        c, hi = mp.mpf(c), mp.mpf(hi)
        m = lambda x: (x - c) / (x + c)
        return remez(lambda t: g(c * (1 + t) / (1 - t)), m(mp.mpf(1)), m(hi), n, 40)

    emit("Coefficients for erf and erfc, from the constant term up; made by fit_erf.py with mpmath %s." % mp.__version__)
    emit("Errors 'evaluated' are in units of 2^-53 (float64) or 2^-24 (float32), relative; see fit_erf.py.")
    emit()
    for bits, n in ((64, 11), (32, 6)):
        c, e = fit_p(n)
        block("P, float%d, degree %d in x*x: erf(x) = x*P(x*x), |x| <= 1" % (bits, n), c, e)
        emit("  evaluated: " + measure(bits, "P", c, None, 1e-6, 1, 3000))
        c1 = [c[0] - 1] + c[1:]
        emit("  P1: erf(x) = x + x*P1(x*x): the same with constant term")
        emit("   0  %s" % mp.nstr(c1[0], 20, min_fixed=0, max_fixed=0))
        emit("  evaluated: " + measure(bits, "P1", c1, None, 1e-6, 1, 3000))
        emit()
    for form, bits, n, hi, c0, top in (
        ("Q", 64, 15, 6, 3.8125, 6), ("Q", 64, 14, 6, 3.5390625, 6), ("Q", 64, 19, 28, 3.0, 26.5), ("Q", 32, 8, 10.5, 2.1640625, 9.1),
        ("S", 64, 15, 6, 3.671875, 6), ("S", 64, 18, 28, 3.59375, 26.5), ("S", 32, 7, 10.5, 2.328125, 9.1),
    ):
        c, e = fit_q(q if form == "Q" else s, n, hi, c0)
        tail = "Q(t)" if form == "Q" else "S(t)/(1 + 2*x)"
        block("%s, float%d, degree %d in t = (x - c)/(x + c), c = %r: erfc(x) = exp(-x*x)*%s, 1 <= x <= %g" % (form, bits, n, c0, tail, hi), c, e)
        emit("  evaluated, %s alone: " % tail + measure(bits, form, c, c0, 1, hi, 2000))
        emit("  evaluated, erfc up to x = %g with h = x*x, l = fma(x, x, -h), E = exp(-h) correctly rounded, (E - E*l)*(%s): " % (top, tail)
             + measure(bits, "erfc by " + form, c, c0, 1, top, 2000))
        emit()
    with open(os.path.join(HERE, "erf_coeffs.txt"), "w", encoding="utf-8", newline="\n") as fh:
        fh.write("\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    main()
