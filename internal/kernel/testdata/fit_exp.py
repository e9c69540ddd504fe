#!/usr/bin/env python3
"""Fits the polynomials of exp and softplus; writes exp_coeffs.txt beside this file.

Run:  python3 fit_exp.py       (needs mpmath only)

Forms, coefficients from the constant term up:

  Q   |r| <= ln 2 / 2:  e^r = 1 + r + r*r*Q(r)
  R   0 <= f <= 1:      log(1+f) = f - s*(f - z*R(z)), s = f/(2+f), z = s*s <= 1/9

The fit is Remez's exchange for the relative error of Q and R (fit_erf.py).
"""
import os

import mpmath as mp

from fit_erf import remez

HERE = os.path.dirname(os.path.abspath(__file__))


def q(r):
    if abs(r) < mp.mpf(10) ** -12:
        return mp.mpf(1) / 2 + r / 6
    return (mp.exp(r) - 1 - r) / (r * r)


def rest(z):
    if z < mp.mpf(10) ** -12:
        return mp.mpf(2) / 3 + 2 * z / 5
    s = mp.sqrt(z)
    return (2 * mp.atanh(s) / s - 2) / z


def main():
    half = mp.log(2) / 2 * mp.mpf("1.0001")  # rounding x/ln 2 may step a little over the middle
    lines = ["Coefficients for exp and softplus, from the constant term up; made by fit_exp.py with mpmath %s." % mp.__version__]
    for title, f, a, b, degrees in (
        ("Q", q, -half, half, ((32, 3), (32, 4), (64, 8), (64, 9))),
        ("R", rest, mp.mpf(0), mp.mpf(1) / 9, ((32, 3), (32, 4), (64, 10), (64, 11))),
    ):
        for bits, n in degrees:
            c, e = remez(f, a, b, n, 40)
            lines += ["", "%s, float%d, degree %d" % (title, bits, n), "  fit error %s" % mp.nstr(e, 4)]
            lines += ["  %2d  %s" % (k, mp.nstr(v, 20, min_fixed=0, max_fixed=0)) for k, v in enumerate(c)]
    with open(os.path.join(HERE, "exp_coeffs.txt"), "w", encoding="utf-8", newline="\n") as fh:
        fh.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
