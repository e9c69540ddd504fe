#!/usr/bin/env python3
"""Writes oracle.json: elementary functions at fixed points, correctly rounded to float64.

Run:  python3 oracle.py        (needs mpmath only; writes oracle.json beside this file)

Structure of oracle.json:

  {
    "about":    one sentence,
    "versions": {"mpmath": "..."},
    "functions": {
      "<name>": {"formula": "...", "x": [hex, ...], "y": [hex, ...]},
      ...
    }
  }

x[i] and y[i] are C99 hexadecimal floats as written by Python's float.hex() (Go: strconv.ParseFloat(s, 64) reads
them). x[i] is the exact argument; y[i] is the function's exact value at x[i] rounded once, to nearest even, to
float64 (subnormals included; a value above the largest float64 does not occur). Zeros carry the sign an IEEE 754
implementation is expected to give: odd functions keep the sign of their argument.

Each value is computed with 60 and with 120 decimal digits more than its argument needs, rounded both times, and the
two must agree.

names: exp log log1p expm1 tanh sigmoid erf erfc softplus cospi sinpi normal_quantile
"""
import json
import math
import os
import random
from fractions import Fraction

import mpmath as mp

HERE = os.path.dirname(os.path.abspath(__file__))


def to_double(v):
    """An mpf rounded once, to nearest even, to float64 (Fraction -> float is correctly rounded)."""
    if v == 0:
        return 0.0
    sign, man, ex, _ = v._mpf_
    fr = Fraction(int(man)) * (Fraction(2) ** int(ex))
    return float(-fr if sign else fr)


def normal_quantile(p):
    """The z with Phi(z) = p, by Newton's method on log Phi in the smaller tail (p is exact, so is 1 - p)."""
    if p == mp.mpf(1) / 2:
        return mp.mpf(0)
    upper = p > mp.mpf(1) / 2
    q = 1 - p if upper else p
    cdf = lambda z: mp.erfc(-z / mp.sqrt(2)) / 2
    pdf = lambda z: mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi)
    z = -mp.sqrt(-2 * mp.log(q)) if q < mp.mpf("0.1") else (q - mp.mpf(1) / 2) * mp.sqrt(2 * mp.pi)
    goal = mp.log(q)
    for _ in range(200):
        c = cdf(z)
        step = (mp.log(c) - goal) * c / pdf(z)
        z -= step
        if abs(step) <= abs(z) * mp.mpf(10) ** (-mp.mp.dps + 10):
            return -z if upper else z
    raise ValueError("no convergence")


def sigmoid(x):
    return 1 / (1 + mp.exp(-x)) if x >= 0 else mp.exp(x) / (1 + mp.exp(x))


def softplus(x):
    return x + mp.log1p(mp.exp(-x)) if x >= 0 else mp.log1p(mp.exp(x))


def sinpi(x):
    return mp.sin(mp.pi * x) if x != mp.nint(x) else mp.mpf(0)


def cospi(x):
    return mp.cos(mp.pi * x) if 2 * x != 2 * mp.nint(x - mp.mpf(1) / 2) + 1 else mp.mpf(0)


def both(*xs):
    return [s * x for x in xs for s in (1.0, -1.0)]


def spread(name, lo, hi, n, log=False):
    """n points between lo and hi; random() depends on the name alone and is the same in every Python 3."""
    r = random.Random("gradus kernel oracle " + name)
    out = []
    for i in range(n):
        f = (i + r.random()) / n
        out.append(math.exp(math.log(lo) + f * (math.log(hi) - math.log(lo))) if log else lo + f * (hi - lo))
    # keep 40 bits: then no libm's last bit of exp or log above can change a point
    return [float.fromhex("%.10fp0" % 0) if v == 0 else math.ldexp(round(math.ldexp(math.frexp(v)[0], 40)), math.frexp(v)[1] - 40) for v in out]


TINY = 5e-324
EPS = 2.0 ** -52
LN2 = 0.6931471805599453

POINTS = {
    "exp": ("e^x", mp.exp,
            [0.0, -0.0] + both(TINY, 1e-300, 1e-17, EPS, 1e-8, 1e-3, 0.25, LN2 / 2, 0.5, LN2, 1.0, 1.5 * LN2, 2.0, 10.0, 88.0)
            + spread("exp", -40.0, 40.0, 18)
            + [-103.0, -700.0, -708.0, -708.3964185322641, -709.0, -720.0, -740.0, -744.4, -745.0, -745.13, -745.2, -746.0, -1000.0, 300.0, 709.0, 709.7, 709.782712893384]),
    "log": ("ln x", mp.log,
            [1.0, 1.0 + EPS, 1.0 - EPS / 2, 1.0 + 1e-8, 1.0 - 1e-8, 0.999, 1.001, 0.5, 2.0, 0.7071067811865475, 0.7071067811865476,
             1.4142135623730951, 2.718281828459045, 10.0, 1e300, 1.7976931348623157e308, TINY, 1e-320, 2.2250738585072014e-308, 1e-300]
            + spread("log", 1e-12, 1e12, 28, True) + spread("log near 1", 0.6, 1.6, 12)),
    "log1p": ("ln(1 + x)", mp.log1p,
              [0.0, -0.0] + both(TINY, 1e-300, 1e-17, EPS, 1e-8, 1e-3, 0.01, 0.25, 0.2928932188134524, 0.41421356237309503, 0.5, 0.9)
              + [-0.99, -0.999999, -1.0 + EPS, -1.0 + EPS / 2, 1.0, 2.0, 10.0, 1e5, 1e15, 2.0 ** 53, 1e300]
              + spread("log1p", 1e-6, 1e6, 16, True) + spread("log1p negative", -0.95, -0.05, 8)),
    "expm1": ("e^x - 1", mp.expm1,
              [0.0, -0.0] + both(TINY, 1e-300, 1e-17, EPS, 1e-8, 1e-3, 0.1, 0.25, LN2 / 2, 0.5, LN2, 1.0, 2.0, 10.0, 36.0, 37.5)
              + spread("expm1", -20.0, 40.0, 18) + [-56.0, -700.0, -1000.0, 300.0, 709.0, 709.7]),
    "tanh": ("(e^x - e^-x)/(e^x + e^-x)", mp.tanh,
             [0.0, -0.0] + both(TINY, 1e-300, 1e-9, 2.0 ** -28, 1e-4, 0.01, 0.1, 0.25, 0.5493061443340549, 0.5, 0.625, 1.0, 2.0, 5.0, 9.0,
                                10.0, 18.0, 18.7, 19.0, 19.1, 20.0, 22.0, 40.0, 1000.0)
             + spread("tanh", -9.0, 9.0, 16)),
    "sigmoid": ("1/(1 + e^-x)", sigmoid,
                [0.0, -0.0] + both(TINY, 1e-17, 1e-8, 1e-3, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 36.0, 36.7, 37.0, 40.0, 88.0, 300.0, 700.0,
                                   708.0, 709.5, 720.0, 745.0, 746.0, 1000.0)
                + spread("sigmoid", -30.0, 30.0, 14)),
    "erf": ("2/sqrt(pi) * integral of e^(-t^2) from 0 to x", mp.erf,
            [0.0, -0.0] + both(TINY, 1e-300, 1e-20, 1e-8, 1e-3, 0.1, 0.25, 0.5, 0.84375, 0.875, 1.0 - EPS / 2, 1.0, 1.0 + EPS, 1.25, 1.5,
                               2.0, 2.5, 1.0 / 0.35, 3.0, 3.5, 4.0, 5.0, 5.8, 5.9, 5.95, 6.0, 10.0, 30.0)
            + spread("erf", -5.0, 5.0, 16)),
    "erfc": ("1 - erf x", mp.erfc,
             [0.0, -0.0] + both(1e-300, 1e-17, 1e-8, 1e-3, 0.1, 0.25, 0.5, 0.84375, 1.0 - EPS / 2, 1.0, 1.0 + EPS, 1.25, 2.0, 3.0, 4.0, 5.0, 5.9, 6.0)
             + spread("erfc", 0.2, 6.0, 14) + [6.5, 8.0, 10.0, 15.0, 20.0, 26.0, 26.5, 26.543, 27.0, 27.2, 28.0]),
    "softplus": ("ln(1 + e^x)", softplus,
                 [0.0, -0.0] + both(TINY, 1e-17, 1e-8, 1e-3, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 33.0, 36.0, 37.0, 40.0, 88.0, 300.0, 700.0,
                                    708.0, 720.0, 745.0, 746.0, 1000.0)
                 + spread("softplus", -30.0, 30.0, 14)),
    "cospi": ("cos(pi x)", cospi,
              [0.0, -0.0] + both(1e-300, 1e-9, 1e-4, 0.1, 0.25, 1.0 / 3.0, 0.5 - EPS / 4, 0.5, 0.5 + EPS / 2, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5)
              + [1e5 + 0.3, 123456.789, 2.0 ** 30 + 0.25, 2.0 ** 51 + 0.5, 2.0 ** 52 + 1.0, 2.0 ** 53, 1e300]
              + spread("cospi", 0.0, 2.0, 20) + spread("cospi far", -50.0, 50.0, 6)),
    "sinpi": ("sin(pi x)", sinpi,
              [0.0, -0.0] + both(1e-300, 1e-9, 1e-4, 0.1, 0.25, 1.0 / 3.0, 0.5, 0.75, 1.0 - EPS / 2, 1.0, 1.0 + EPS, 1.25, 1.5, 2.0, 2.5)
              + [1e5 + 0.3, 123456.789, 2.0 ** 30 + 0.25, 2.0 ** 51 + 0.5, 2.0 ** 52 + 1.0, 2.0 ** 53, 1e300]
              + spread("sinpi", 0.0, 2.0, 20) + spread("sinpi far", -50.0, 50.0, 6)),
    "normal_quantile": ("the z with (1 + erf(z/sqrt 2))/2 = x", normal_quantile,
                        [TINY, 1e-310, 2.2250738585072014e-308, 1e-300, 1e-200, 1e-100, 1e-50, 1e-30, 1e-20, 1e-15, 1e-12, 1e-10, 1e-8, 1e-6,
                         1e-4, 1e-3, 0.0013498980316300946, 0.01, 0.02, 0.02425, 0.024250000000000004, 0.02275013194817921, 0.025, 0.05, 0.075,
                         0.1, 0.15865525393145707, 0.2, 0.25, 0.3, 0.4, 0.425, 0.45, 0.49, 0.499, 0.49999999, 0.5 - EPS / 4, 0.5, 0.5 + EPS / 2,
                         0.50000001, 0.501, 0.51, 0.55, 0.575, 0.6, 0.7, 0.75, 0.8, 0.8413447460685429, 0.9, 0.925, 0.95, 0.975, 0.97575, 0.98,
                         0.99, 0.999, 0.9999, 1 - 1e-6, 1 - 1e-8, 1 - 1e-10, 1 - 1e-12, 1 - 1e-15, 1 - EPS / 2]),
}


def value(f, x, odd):
    if x == 0.0 and odd:
        return x
    got = []
    for digits in (60, 120):
        # the argument may be as large as 1e300 (cos pi x) or the value as near 1 as 1 - 1e-300
        mp.mp.dps = digits + 330
        got.append(to_double(f(mp.mpf(x))))
    if got[0].hex() != got[1].hex():
        raise ValueError("rounding not settled at %r" % x)
    y = got[1]
    if y == 0.0 and odd and math.copysign(1.0, x) < 0:
        y = -0.0
    return y


def main():
    odd = {"log1p", "expm1", "tanh", "erf", "sinpi"}
    functions = {}
    for name, (formula, f, xs) in POINTS.items():
        xs = sorted(set((x, math.copysign(1.0, x)) for x in xs), key=lambda p: p)
        xs = [x for x, _ in xs]
        ys = [value(f, x, name in odd) for x in xs]
        if not all(math.isfinite(y) for y in ys):
            raise ValueError(name + " overflows")
        functions[name] = {"formula": formula, "x": [x.hex() for x in xs], "y": [y.hex() for y in ys]}
    doc = {
        "about": "Elementary functions at fixed points, correctly rounded to float64; see oracle.py for the structure.",
        "versions": {"mpmath": mp.__version__},
        "functions": functions,
    }
    with open(os.path.join(HERE, "oracle.json"), "w", encoding="utf-8", newline="\n") as fh:
        json.dump(doc, fh, indent=1)
        fh.write("\n")


if __name__ == "__main__":
    main()
