#!/usr/bin/env python3
"""Writes oracle.json: activations, losses and small networks, held against by the Go tests of package nn.

Run:  python3 oracle.py        (needs mpmath and torch; writes oracle.json beside this file)

Every number in oracle.json is computed with mpmath (at least 50 digits), from the definition, with the float64 arguments
taken as exact, and rounded once to float64. Derivatives of networks are central differences in 120 digits, so no chain
rule is in them. torch in float64 computes the same things, with its own autograd, and the script stops unless the two
agree; where torch's own form is inexact in a tail or overflows, the place is listed in "torch_differs".

Numbers have the shortest digits that read back as the same float64; all are finite. Matrices are lists of rows.

Structure of oracle.json:

  "about", "versions": {"torch", "mpmath"}
  "activations": [
     {"name": "leaky-relu:0.01",            name as on gradus's command line; gelu is the erf form, elu has alpha 1,
                                            softplus is log(1 + e^z) with beta 1 and no threshold
      "z": [...], "value": [...], "derivative": [...]}, ...]
      0 is among z for the smooth activations alone (and elu, whose derivative is continuous)
  "losses": [
     {"loss": "huber:1", "output": "identity", "batch": "moderate" | "extreme",
      "z": rows x outputs                   the logits, before the output activation
      "y": rows x outputs                   the targets
      "a": rows x outputs                   output(z) (softmax by rows)
      "per_sample": [rows]                  a sample's loss, SUMMED over its outputs
      "sum": X, "mean": X                   of per_sample over the rows
      "dz_sum": rows x outputs              d sum / dz
      "dz_mean": rows x outputs}, ...]      d mean / dz = dz_sum / rows
      half-squared (y-a)^2/2; squared (y-a)^2; absolute |y-a|; huber:d r^2/2 if |r| <= d else d(|r| - d/2), r = y-a;
      binary-cross-entropy -(y log a + (1-y) log(1-a)); cross-entropy -sum y log a; poisson a - y log a (no log y! term);
      quantile:q max(q (y-a), (q-1)(y-a)); log-cosh log cosh(a-y); tweedie:p a^(2-p)/(2-p) - y a^(1-p)/(1-p); gamma y/a + log a;
      focal:g -sum y (1-a)^g log a; binary-focal:g -(y (1-a)^g log a + (1-y) a^g log(1-a)); hinge max(0, 1 - (2y-1) a)
  "networks": [
     {"name", "sizes": [in, ..., out], "activations": [one per layer], "loss", "reduction": "mean" | "sum", "bias": bool,
      "weights": [W of layer 0, ...]        W has shape [in, out]; z = x W + b
      "biases": [b of layer 0, ...]         (empty list where bias is false)
      "x": 6 rows, "y": 6 rows,
      "outputs": 6 rows, "per_sample": [6], "loss_value": X,
      "grad_weights": like weights, "grad_biases": like biases}, ...]
  "weighted": [
     {"network": name of one above, "row_weights": [6], "loss_value": X,      the mean, divided by the sum of the weights
      "grad_weights", "grad_biases"}, ...]                                    by torch
  "torch_differs": [{"where", "torch", "exact"}, ...]   for people, not for tests; "torch" is a string of 6 digits
"""
import json
import math
import os
import random
from fractions import Fraction

import mpmath as mp
import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

DPS = 120
mp.mp.dps = DPS
SELU_ALPHA = mp.mpf("1.6732632423543772848170429916717")
SELU_SCALE = mp.mpf("1.0507009873554804934193349852946")
DIFFERS = []


def to_double(v):
    """An mpf rounded once, to nearest even, to float64."""
    v = mp.mpf(v)
    if v == 0:
        return 0.0
    sign, man, ex, _ = v._mpf_
    fr = Fraction(int(man)) * Fraction(2) ** int(ex)
    return float(-fr if sign else fr)


def deep(f, v):
    return [deep(f, u) for u in v] if isinstance(v, (list, tuple)) else f(v)


def num(v):
    x = to_double(v)
    if not math.isfinite(x):
        raise ValueError("a value overflows float64")
    return x


def agree(where, exact, got, rel=1e-12, absolute=1e-300, may_differ=False):
    """Compare a mpmath structure with torch's, element by element."""
    if isinstance(exact, (list, tuple)):
        if len(exact) != len(got):
            raise ValueError(where)
        for i, (e, g) in enumerate(zip(exact, got)):
            agree("%s[%d]" % (where, i), e, g, rel, absolute, may_differ)
        return
    e = to_double(exact)
    if abs(got - e) <= rel * abs(e) + absolute:
        return
    if not may_differ:
        raise ValueError("torch differs at %s: torch %r, exact %r" % (where, got, e))
    name = {math.inf: "+Inf", -math.inf: "-Inf"}.get(got, "NaN" if got != got else "%.6g" % got)
    DIFFERS.append({"where": where, "torch": name, "exact": e})


# ---- activations: value and derivative by definition, in mpmath ----

def sigmoid(z):
    return 1 / (1 + mp.exp(-z)) if z >= 0 else mp.exp(z) / (1 + mp.exp(z))


def softplus(z):
    return z + mp.log1p(mp.exp(-z)) if z >= 0 else mp.log1p(mp.exp(z))


def phi(z):  # normal cdf
    return mp.erfc(-z / mp.sqrt(2)) / 2


def pdf(z):
    return mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi)


def sech2(z):
    e = mp.exp(-2 * abs(z))
    return 4 * e / (1 + e) ** 2


def mish_d(z):
    sp = softplus(z)
    return mp.tanh(sp) + z * sech2(sp) * sigmoid(z)


ACT = {
    "relu": (lambda z: max(z, mp.mpf(0)), lambda z: mp.mpf(z > 0), F.relu),
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * sigmoid(-z), torch.sigmoid),
    "tanh": (mp.tanh, sech2, torch.tanh),
    "identity": (lambda z: z, lambda z: mp.mpf(1), lambda t: t * 1),
    "leaky-relu:0.01": (lambda z: z if z > 0 else mp.mpf(0.01) * z, lambda z: mp.mpf(1) if z > 0 else mp.mpf(0.01), lambda t: F.leaky_relu(t, 0.01)),
    "leaky-relu:0.2": (lambda z: z if z > 0 else mp.mpf(0.2) * z, lambda z: mp.mpf(1) if z > 0 else mp.mpf(0.2), lambda t: F.leaky_relu(t, 0.2)),
    "elu": (lambda z: z if z > 0 else mp.expm1(z), lambda z: mp.mpf(1) if z > 0 else mp.exp(z), F.elu),
    "selu": (lambda z: SELU_SCALE * (z if z > 0 else SELU_ALPHA * mp.expm1(z)), lambda z: SELU_SCALE * (1 if z > 0 else SELU_ALPHA * mp.exp(z)), F.selu),
    "gelu": (lambda z: z * phi(z), lambda z: phi(z) + z * pdf(z), F.gelu),
    "silu": (lambda z: z * sigmoid(z), lambda z: sigmoid(z) * (1 + z * sigmoid(-z)), F.silu),
    "mish": (lambda z: z * mp.tanh(softplus(z)), mish_d, F.mish),
    "softplus": (softplus, sigmoid, lambda t: F.softplus(t, threshold=40.0)),
    "exp": (mp.exp, mp.exp, torch.exp),
}
KINKED = {"relu", "leaky-relu:0.01", "leaky-relu:0.2", "selu"}
MAGNITUDES = [1e-8, 1e-3, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 3.3, 5.0, 7.0, 10.0, 15.0, 20.0, 37.0, 40.0, 80.0, 300.0, 700.0]


def activations():
    out = []
    for name, (f, df, tf) in ACT.items():
        zs = sorted([s * m for m in MAGNITUDES for s in (1.0, -1.0)] + ([] if name in KINKED else [0.0]))
        mp.mp.dps = 400  # tanh and mish at 1 - 1e-300
        value = [+f(mp.mpf(z)) for z in zs]
        deriv = [+df(mp.mpf(z)) for z in zs]
        # the derivative again, as a central difference
        for z, d in zip(zs, deriv):
            h = mp.mpf(10) ** -120
            if z == 0.0 and name == "elu":
                continue
            numeric = (f(mp.mpf(z) + h) - f(mp.mpf(z) - h)) / (2 * h)
            if abs(numeric - d) > mp.mpf(10) ** -100 * abs(d) + mp.mpf(10) ** -250:
                raise ValueError("%s: wrong derivative at %r" % (name, z))
        mp.mp.dps = DPS
        t = torch.tensor(zs, requires_grad=True)
        v = tf(t)
        v.sum().backward()
        for what, exact, got in (("value", value, v.tolist()), ("derivative", deriv, t.grad.tolist())):
            for z, e, g in zip(zs, exact, got):
                agree("activation %s %s at %r" % (name, what, z), e, g, may_differ=True)
        out.append({"name": name, "z": zs, "value": deep(num, value), "derivative": deep(num, deriv)})
    return out


# ---- losses ----

def softmax(row):
    m = max(row)
    e = [mp.exp(z - m) for z in row]
    s = mp.fsum(e)
    return [v / s for v in e]


def log_softmax(row):
    m = max(row)
    s = mp.log(mp.fsum(mp.exp(z - m) for z in row))
    return [z - m - s for z in row]


def outputs(name, row):
    return softmax(row) if name == "softmax" else [ACT[name][0](z) for z in row]


def jacobian(name, row):
    """d a_j / d z_k"""
    n = len(row)
    if name == "softmax":
        a = softmax(row)
        return [[a[j] * ((1 if j == k else 0) - a[k]) for k in range(n)] for j in range(n)]
    return [[ACT[name][1](row[k]) if j == k else mp.mpf(0) for k in range(n)] for j in range(n)]


def residual_loss(name):
    """(loss, dloss/da) of a and y, for the losses defined on the residual"""
    if name == "half-squared":
        return lambda a, y: (y - a) ** 2 / 2, lambda a, y: a - y
    if name == "squared":
        return lambda a, y: (y - a) ** 2, lambda a, y: 2 * (a - y)
    if name == "absolute":
        return lambda a, y: abs(y - a), lambda a, y: mp.sign(a - y)
    if name == "log-cosh":
        return lambda a, y: mp.log(mp.cosh(a - y)), lambda a, y: mp.tanh(a - y)
    if name == "hinge":
        return lambda a, y: max(mp.mpf(0), 1 - (2 * y - 1) * a), lambda a, y: -(2 * y - 1) if (2 * y - 1) * a < 1 else mp.mpf(0)
    d = mp.mpf(float(name.split(":")[1]))
    if name.startswith("quantile"):
        return lambda a, y: max(d * (y - a), (d - 1) * (y - a)), lambda a, y: 1 - d if a > y else -d if a < y else mp.mpf(0)

    def f(a, y):
        r = abs(y - a)
        return r * r / 2 if r <= d else d * (r - d / 2)

    def g(a, y):
        r = a - y
        return r if abs(r) <= d else d * mp.sign(r)

    return f, g


def sample(loss, output, z, y):
    """A sample's loss and its derivative with respect to z, stable for any z."""
    n = len(z)
    if loss == "cross-entropy":
        ls, a = log_softmax(z), softmax(z)
        total = mp.fsum(y)
        return -mp.fsum(y[j] * ls[j] for j in range(n)), [a[j] * total - y[j] for j in range(n)]
    if loss == "binary-cross-entropy":
        return (mp.fsum(y[j] * softplus(-z[j]) + (1 - y[j]) * softplus(z[j]) for j in range(n)), [sigmoid(z[j]) - y[j] for j in range(n)])
    if loss == "poisson" and output == "exp":
        return mp.fsum(mp.exp(z[j]) - y[j] * z[j] for j in range(n)), [mp.exp(z[j]) - y[j] for j in range(n)]
    if loss == "poisson" and output == "softplus":
        return (mp.fsum(softplus(z[j]) - y[j] * mp.log(softplus(z[j])) for j in range(n)),
                [(1 - y[j] / softplus(z[j])) * sigmoid(z[j]) for j in range(n)])
    if loss == "gamma" or loss.startswith("tweedie"):
        p = mp.mpf(2) if loss == "gamma" else mp.mpf(float(loss.split(":")[1]))
        a, jac = outputs(output, z), jacobian(output, z)
        value = lambda a, y: y / a + mp.log(a) if p == 2 else a ** (2 - p) / (2 - p) - (y * a ** (1 - p) / (1 - p) if y else 0)
        return mp.fsum(value(a[j], y[j]) for j in range(n)), [a[j] ** -p * (a[j] - y[j]) * jac[j][j] for j in range(n)]
    if loss.startswith("focal"):
        g, ls, a = mp.mpf(float(loss.split(":")[1])), log_softmax(z), softmax(z)
        q = [mp.fsum(a[k] for k in range(n) if k != j) for j in range(n)]
        h = [y[j] * (g * a[j] * q[j] ** (g - 1) * ls[j] - q[j] ** g) for j in range(n)]  # y p d/dp(-q^g log p)
        return -mp.fsum(y[j] * q[j] ** g * ls[j] for j in range(n)), [h[k] * q[k] - a[k] * mp.fsum(h[j] for j in range(n) if j != k) for k in range(n)]
    if loss.startswith("binary-focal"):
        g = mp.mpf(float(loss.split(":")[1]))
        side = lambda y, z: y * sigmoid(-z) ** g * softplus(-z)  # of the class that y is the share of
        slope = lambda y, z: -y * sigmoid(-z) ** g * (sigmoid(-z) + g * sigmoid(z) * softplus(-z))
        return (mp.fsum(side(y[j], z[j]) + side(1 - y[j], -z[j]) for j in range(n)), [slope(y[j], z[j]) - slope(1 - y[j], -z[j]) for j in range(n)])
    f, g = residual_loss(loss)
    a, jac = outputs(output, z), jacobian(output, z)
    return mp.fsum(f(a[j], y[j]) for j in range(n)), [mp.fsum(g(a[j], y[j]) * jac[j][k] for j in range(n)) for k in range(n)]


def torch_loss(loss, output, z, y):
    """per-sample losses, by torch's own fused and stable forms where it has them"""
    if loss == "cross-entropy":
        return F.cross_entropy(z, y, reduction="none")
    if loss == "binary-cross-entropy":
        return F.binary_cross_entropy_with_logits(z, y, reduction="none").sum(1)
    if loss == "poisson" and output == "exp":
        return F.poisson_nll_loss(z, y, log_input=True, full=False, reduction="none").sum(1)
    a = torch.softmax(z, 1) if output == "softmax" else ACT[output][2](z)
    if loss == "poisson":
        return F.poisson_nll_loss(a, y, log_input=False, full=False, eps=0.0, reduction="none").sum(1)
    name, _, par = loss.partition(":")
    if name == "quantile":
        q = float(par)
        return torch.where(y >= a, q * (y - a), (1 - q) * (a - y)).sum(1)
    if name == "log-cosh":
        r = (a - y).abs()
        return (r + F.softplus(-2 * r, threshold=1000.0) - math.log(2)).sum(1)
    if name == "gamma":
        return (y / a + torch.log(a)).sum(1)
    if name == "tweedie":
        p = float(par)
        return (a ** (2 - p) / (2 - p) - y * a ** (1 - p) / (1 - p)).sum(1)
    if name == "focal":
        return -(y * (1 - a) ** float(par) * F.log_softmax(z, 1)).sum(1)
    if name == "binary-focal":
        g = float(par)
        return -(y * torch.sigmoid(-z) ** g * F.logsigmoid(z) + (1 - y) * torch.sigmoid(z) ** g * F.logsigmoid(-z)).sum(1)
    if name == "hinge":
        return F.relu(1 - (2 * y - 1) * a).sum(1)
    if loss == "half-squared":
        return 0.5 * F.mse_loss(a, y, reduction="none").sum(1)
    if loss == "squared":
        return F.mse_loss(a, y, reduction="none").sum(1)
    if loss == "absolute":
        return F.l1_loss(a, y, reduction="none").sum(1)
    return F.huber_loss(a, y, delta=float(loss.split(":")[1]), reduction="none").sum(1)


Z_MODERATE = [[0.3, -1.2, 0.85], [2.1, 0.05, -0.7], [-0.45, 1.6, -2.3], [0.0, 0.9, 1.1], [-3.2, 2.75, 0.4]]
Z_EXTREME = [[50.0, -50.0, 0.5], [800.0, -800.0, 20.0], [-800.0, -799.0, -750.0], [800.0, 800.0, 799.5], [-40.0, 36.5, -745.5]]
# exp(800) is beyond float64
Z_EXTREME_EXP = [[50.0, -50.0, 0.5], [700.0, -800.0, 20.0], [-800.0, -799.0, -750.0], [300.0, 650.0, -700.0], [-40.0, 36.5, -745.5]]
# y / e^-800 as well
Z_EXTREME_AMOUNT = [[50.0, -50.0, 0.5], [700.0, -300.0, 20.0], [-300.0, -299.0, -250.0], [300.0, 650.0, -200.0], [-40.0, 36.5, -345.5]]
Y_REAL = [[0.1, -1.0, 1.5], [-0.4, 0.55, 0.3], [0.25, 0.6, -1.3], [1.0, 0.4, -3.0], [-3.7, 1.25, 0.9]]  # |r| on both sides of 1 and of 1/2
Y_UNIT = [[0.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.25, 0.9, 0.0], [1.0, 1.0, 0.5], [0.0, 0.0, 1.0]]
Y_ONE_HOT = [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
Y_SOFT = [[0.5, 0.25, 0.25], [0.125, 0.75, 0.125], [1.0, 0.0, 0.0], [0.0, 0.375, 0.625], [0.25, 0.25, 0.5]]
Y_AMOUNT = [[0.25, 1.0, 3.0], [7.5, 0.125, 2.0], [1.0, 0.5, 4.0], [2.0, 5.0, 0.75], [0.5, 12.0, 1.0]]
Y_CLASS = [[0.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
Y_COUNT = [[0.0, 1.0, 3.0], [7.0, 0.0, 2.0], [1.0, 0.0, 4.0], [2.0, 5.0, 0.0], [0.5, 12.0, 1.0]]

LOSSES = [
    ("half-squared", "identity", Y_REAL), ("squared", "identity", Y_REAL), ("absolute", "identity", Y_REAL),
    ("huber:1", "identity", Y_REAL), ("huber:0.5", "identity", Y_REAL),
    ("half-squared", "sigmoid", Y_UNIT), ("squared", "softmax", Y_SOFT), ("huber:0.5", "tanh", Y_UNIT), ("absolute", "softplus", Y_COUNT),
    ("binary-cross-entropy", "sigmoid", Y_UNIT),
    ("cross-entropy", "softmax", Y_ONE_HOT), ("cross-entropy", "softmax", Y_SOFT),
    ("poisson", "exp", Y_COUNT), ("poisson", "softplus", Y_COUNT),
    ("quantile:0.9", "identity", Y_REAL), ("quantile:0.25", "tanh", Y_UNIT), ("log-cosh", "identity", Y_REAL), ("log-cosh", "sigmoid", Y_UNIT),
    ("tweedie:1.5", "exp", Y_COUNT), ("tweedie:1.9", "softplus", Y_COUNT), ("gamma", "exp", Y_AMOUNT), ("gamma", "softplus", Y_AMOUNT),
    ("focal:2", "softmax", Y_ONE_HOT), ("focal:0.5", "softmax", Y_SOFT), ("focal:0", "softmax", Y_ONE_HOT),
    ("binary-focal:2", "sigmoid", Y_UNIT), ("binary-focal:0.5", "sigmoid", Y_UNIT), ("hinge", "identity", Y_CLASS),
]


def losses():
    out = []
    for loss, output, y in LOSSES:
        for batch in ("moderate", "extreme"):
            amount = loss == "gamma" or loss.startswith("tweedie")
            z = Z_MODERATE if batch == "moderate" else Z_EXTREME_AMOUNT if amount else Z_EXTREME_EXP if output == "exp" else Z_EXTREME
            mp.mp.dps = 800  # e^-1600 beside 1
            zm, ym = deep(mp.mpf, z), deep(mp.mpf, y)
            rows = [sample(loss, output, zr, yr) for zr, yr in zip(zm, ym)]
            per, dz = [r[0] for r in rows], [r[1] for r in rows]
            for r, (zr, yr) in enumerate(zip(zm, ym)):  # the derivative again, as a central difference
                for k in range(len(zr)):
                    h = mp.mpf(10) ** -40
                    up, down = list(zr), list(zr)
                    up[k] += h
                    down[k] -= h
                    numeric = (sample(loss, output, up, yr)[0] - sample(loss, output, down, yr)[0]) / (2 * h)
                    if abs(numeric - dz[r][k]) > mp.mpf(10) ** -38 * abs(dz[r][k]) + mp.mpf(10) ** -700:
                        if not (loss.startswith("huber") and abs(numeric - dz[r][k]) < mp.mpf(10) ** -38):  # |r| = delta exactly
                            raise ValueError("%s on %s: wrong derivative at row %d output %d" % (loss, output, r, k))
            n = len(z)
            e = {
                "loss": loss, "output": output, "batch": batch, "z": z, "y": y,
                "a": deep(num, [outputs(output, zr) for zr in zm]),
                "per_sample": deep(num, per), "sum": num(mp.fsum(per)), "mean": num(mp.fsum(per) / n),
                "dz_sum": deep(num, dz), "dz_mean": deep(num, [[v / n for v in row] for row in dz]),
            }
            mp.mp.dps = DPS
            t, yt = torch.tensor(z, requires_grad=True), torch.tensor(y)
            p = torch_loss(loss, output, t, yt)
            p.sum().backward()
            where, ext = "loss %s on %s, %s" % (loss, output, batch), batch == "extreme"
            agree(where + ": per_sample", per, p.tolist(), 1e-12, 1e-300 if ext else 1e-15, ext)
            agree(where + ": dz_sum", dz, t.grad.tolist(), 1e-12, 1e-300 if ext else 1e-15, ext)
            t2 = torch.tensor(z, requires_grad=True)
            torch_loss(loss, output, t2, yt).mean().backward()
            if not ext:
                agree(where + ": dz_mean", [[v / n for v in row] for row in dz], t2.grad.tolist(), 1e-12, 1e-15)
            out.append(e)
    return out


# ---- networks ----

NETS = [
    ("tanh regression", [3, 4, 2], ["tanh", "identity"], "squared", "mean", True),
    ("relu classifier", [5, 8, 8, 3], ["relu", "relu", "softmax"], "cross-entropy", "mean", True),
    ("gelu binary, no bias", [4, 6, 1], ["gelu", "sigmoid"], "binary-cross-entropy", "sum", False),
    ("mish counts", [3, 5, 4, 2], ["mish", "mish", "exp"], "poisson", "mean", True),
    ("notebook's pairing", [3, 4, 1], ["sigmoid", "sigmoid"], "half-squared", "sum", False),
    ("mixed", [4, 6, 5, 4, 3], ["selu", "leaky-relu:0.01", "silu", "softplus"], "huber:0.5", "sum", True),
]


def forward(acts, ws, bs, x, y, loss, kinks=None):
    per, outs = [], []
    for xr, yr in zip(x, y):
        a = xr
        for l, act in enumerate(acts):
            w = ws[l]
            z = [mp.fsum([a[i] * w[i][j] for i in range(len(a))] + ([bs[l][j]] if bs else [])) for j in range(len(w[0]))]
            if kinks is not None and act.split(":")[0] in ("relu", "leaky-relu", "selu"):
                kinks.extend(abs(v) for v in z)
            if l == len(acts) - 1:
                per.append(sample(loss, act, z, yr)[0])
            a = outputs(act, z)
        outs.append(a)
    return outs, per


def networks():
    out = []
    for name, sizes, acts, loss, reduction, bias in NETS:
        r = random.Random("gradus networks " + name)
        draw = lambda lo, hi: round(r.uniform(lo, hi), 3)
        ws = [[[draw(-0.9, 0.9) for _ in range(o)] for _ in range(i)] for i, o in zip(sizes, sizes[1:])]
        bs = [[draw(-0.5, 0.5) for _ in range(o)] for o in sizes[1:]] if bias else []
        x = [[draw(-2, 2) for _ in range(sizes[0])] for _ in range(6)]
        k = sizes[-1]
        if loss == "cross-entropy":
            y = [[1.0 if j == i % k else 0.0 for j in range(k)] for i in range(6)]
        elif loss in ("binary-cross-entropy",) or acts[-1] == "sigmoid":
            y = [[float((i + j) % 2) for j in range(k)] for i in range(6)]
        elif loss == "poisson":
            y = [[float(r.randrange(6)) for _ in range(k)] for _ in range(6)]
        else:
            y = [[draw(-1, 1) for _ in range(k)] for _ in range(6)]
        mw, mb, mx, my = deep(mp.mpf, ws), deep(mp.mpf, bs), deep(mp.mpf, x), deep(mp.mpf, y)
        kinks = []
        outs, per = forward(acts, mw, mb, mx, my, loss, kinks)
        if kinks and min(kinks) < 1e-3:
            raise ValueError(name + ": too near a kink, change the seed")
        scale = 1 if reduction == "sum" else mp.mpf(1) / 6
        value = lambda: mp.fsum(forward(acts, mw, mb, mx, my, loss)[1]) * scale
        h = mp.mpf(10) ** -40

        def numeric(vec):
            g = []
            for i in range(len(vec)):
                keep = vec[i]
                vec[i] = keep + h
                up = value()
                vec[i] = keep - h
                down = value()
                vec[i] = keep
                g.append((up - down) / (2 * h))
            return g

        gw = [[numeric(row) for row in w] for w in mw]
        gb = [numeric(b) for b in mb]
        loss_value = value()
        # torch
        tw = [torch.tensor(w, requires_grad=True) for w in ws]
        tb = [torch.tensor(b, requires_grad=True) for b in bs]
        a = torch.tensor(x)
        for l, act in enumerate(acts):
            z = a @ tw[l] + (tb[l] if bias else 0.0)
            a = torch.softmax(z, 1) if act == "softmax" else ACT[act][2](z)
        p = torch_loss(loss, acts[-1], z, torch.tensor(y))
        total = p.sum() if reduction == "sum" else p.mean()
        total.backward()
        agree(name + ": outputs", outs, a.tolist(), 1e-13, 1e-15)
        agree(name + ": per_sample", per, p.tolist(), 1e-13, 1e-15)
        agree(name + ": loss", loss_value, total.item(), 1e-13, 1e-15)
        agree(name + ": grad_weights", gw, [t.grad.tolist() for t in tw], 1e-12, 1e-14)
        agree(name + ": grad_biases", gb, [t.grad.tolist() for t in tb], 1e-12, 1e-14)
        out.append({
            "name": name, "sizes": sizes, "activations": acts, "loss": loss, "reduction": reduction, "bias": bias,
            "weights": ws, "biases": bs, "x": x, "y": y, "outputs": deep(num, outs), "per_sample": deep(num, per),
            "loss_value": num(loss_value), "grad_weights": deep(num, gw), "grad_biases": deep(num, gb),
        })
    return out


def weighted(nets):
    """Two of the networks with a weight for each row, by torch alone: cross_entropy's own class weights, whose mean divides by
    the sum of the weights, and a weighted mean of squared errors."""
    out = []
    for name, row_weights in (("relu classifier", None), ("tanh regression", [0.5, 2.0, 0.0, 1.25, 3.0, 0.75])):
        n = next(n for n in nets if n["name"] == name)
        tw = [torch.tensor(w, requires_grad=True) for w in n["weights"]]
        tb = [torch.tensor(b, requires_grad=True) for b in n["biases"]]
        a = torch.tensor(n["x"])
        for l, act in enumerate(n["activations"]):
            z = a @ tw[l] + tb[l]
            a = torch.softmax(z, 1) if act == "softmax" else ACT[act][2](z)
        y = torch.tensor(n["y"])
        if row_weights is None:
            classes, w = y.argmax(1), torch.tensor([0.25, 3.0, 1.5])
            row_weights = w[classes].tolist()
            total = F.cross_entropy(z, classes, weight=w)
        else:
            w = torch.tensor(row_weights)
            total = (w * F.mse_loss(a, y, reduction="none").sum(1)).sum() / w.sum()
        total.backward()
        out.append({
            "network": name, "row_weights": row_weights, "loss_value": total.item(),
            "grad_weights": [t.grad.tolist() for t in tw], "grad_biases": [t.grad.tolist() for t in tb],
        })
    return out


def dump(v, indent=0, width=118):
    """JSON with short lists on one line; floats as repr, which is JSON's own form."""
    flat = json.dumps(v, allow_nan=False)
    if len(flat) + indent <= width or not isinstance(v, (dict, list)):
        return flat
    pad = " " * (indent + 1)
    if isinstance(v, dict):
        body = [pad + json.dumps(k) + ": " + dump(u, indent + 1, width) for k, u in v.items()]
        return "{\n" + ",\n".join(body) + "\n" + " " * indent + "}"
    if all(not isinstance(u, (dict, list)) for u in v):
        lines, line = [], ""
        for i, u in enumerate(v):
            s = json.dumps(u, allow_nan=False) + ("," if i < len(v) - 1 else "")
            if line and len(pad) + len(line) + 1 + len(s) > width:
                lines.append(pad + line)
                line = s
            else:
                line = line + " " + s if line else s
        return "[\n" + "\n".join(lines + [pad + line]) + "\n" + " " * indent + "]"
    return "[\n" + ",\n".join(pad + dump(u, indent + 1, width) for u in v) + "\n" + " " * indent + "]"


def main():
    nets = networks()
    doc = {
        "about": "Activations, losses and small networks: mpmath values rounded to float64, torch agreeing; see oracle.py.",
        "versions": {"torch": torch.__version__.split("+")[0], "mpmath": mp.__version__},
        "activations": activations(), "losses": losses(), "networks": nets, "weighted": weighted(nets),
        "torch_differs": DIFFERS,
    }
    with open(os.path.join(HERE, "oracle.json"), "w", encoding="utf-8", newline="\n") as fh:
        fh.write(dump(doc) + "\n")


if __name__ == "__main__":
    main()
