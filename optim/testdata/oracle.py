#!/usr/bin/env python3
"""Writes oracle.json: ten steps of torch.optim's rules (lion: optax's), and learning rates of torch's and scikit-learn's
schedules, for the Go tests of package optim.

Run:  python3 oracle.py        (needs torch, optax, scikit-learn and mpmath; writes oracle.json beside this file)

The function: parameters w[0..4], with c, m and k from the JSON,

    gradient[i] = c[i]*(w[i] - m[i]) + k*w[(i+1) % 5]          in float64, evaluated in this order, no fma

(the coupling makes it no gradient of any function, which a rule cannot notice).

Structure of oracle.json:

  "about", "versions": {"torch", "optax", "sklearn", "mpmath"}
  "c", "m", "start": [5], "k": X
  "rules": [
     {"name": "adamw 0.3", "rule": as gradus calls it,
      "lr": X, "momentum": X, "beta1": X, "beta2": X, "epsilon": X,
      "weight_decay": X            decoupled (adamw):  w -= lr*weight_decay*w, before the step
      "l2": X                      added to the gradient: g += l2*w  (torch's weight_decay outside AdamW)
      "gradients": [10][5]         g at step t = 1..10, at the parameters before that step, without l2
      "params": [10][5]},          the parameters after step t
     ...]                          keys that a rule does not use are absent
     sgd       w -= lr*g
     momentum  v = momentum*v + g;  w -= lr*v                     (v = g at the first step)
     nesterov  v = momentum*v + g;  w -= lr*(g + momentum*v)
     adam      m = b1*m + (1-b1)*g;  s = b2*s + (1-b2)*g*g;
               w -= lr*(m/(1-b1^t)) / (sqrt(s/(1-b2^t)) + epsilon)
     amsgrad   adam with top = max(top, s) in the place of s
     nadam     adam with mu_t = b1*(1 - 0.5*0.96^(0.004 t)), P = mu_1*...*mu_t and d = sqrt(s/(1-b2^t)) + epsilon:
               w -= lr*((1-mu_t)/(1-P) * g + mu_(t+1)/(1-P*mu_(t+1)) * m) / d
     adagrad   s += g*g;  w -= lr*g/(sqrt(s) + epsilon)
     rmsprop   s = b2*s + (1-b2)*g*g;  m = momentum*m + g/(sqrt(s) + epsilon);  w -= lr*m
     adadelta  s = b2*s + (1-b2)*g*g;  u = sqrt(d + epsilon)/sqrt(s + epsilon)*g;  d = b2*d + (1-b2)*u*u;  w -= lr*u
     lion      w -= lr*sign(b1*m + (1-b1)*g);  m = b2*m + (1-b2)*g
  "schedules": [
     {"name": as gradus spells it, "base": X, "epochs": N, "steps_per_epoch": N, "warmup": N, "rows": N, "every": N,
      "scores": [...],             of the epochs, where the schedule goes by them
      "rates": [...]},             before the updates 0, every, 2*every, ...
     ...]                          torch's and scikit-learn's own float64 results

The parameters and gradients are torch's own float64 results (its plain, single-tensor implementation). The script also
runs the formulas above in 50 digits with torch's gradients and stops unless every parameter agrees to 1e-13 relative.
Another machine's torch may differ in the last digit or two.
"""
import json
import os

import jax
import mpmath as mp
import optax
import sklearn
import torch
from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
jax.config.update("jax_enable_x64", True)
mp.mp.dps = 50

C = [1.0, 0.3, 2.5, 0.05, 4.0]
M = [0.5, -1.25, 2.0, 10.0, -0.125]
K = 0.1
START = [1.0, -2.0, 0.75, 0.0, 3.0]
STEPS = 10


def gradient(w):
    return [C[i] * (w[i] - M[i]) + K * w[(i + 1) % 5] for i in range(5)]


RULES = [
    {"name": "sgd", "rule": "sgd", "lr": 0.1},
    {"name": "momentum", "rule": "momentum", "lr": 0.1, "momentum": 0.9},
    {"name": "nesterov", "rule": "nesterov", "lr": 0.1, "momentum": 0.9},
    {"name": "adam", "rule": "adam", "lr": 0.1, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    {"name": "adam .8 .95", "rule": "adam", "lr": 0.1, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3},
    {"name": "adamw 0.01", "rule": "adamw", "lr": 0.1, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.01},
    {"name": "adamw 0.3", "rule": "adamw", "lr": 0.1, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.3},
    {"name": "adagrad", "rule": "adagrad", "lr": 0.1, "epsilon": 1e-10},
    {"name": "adagrad 1e-3", "rule": "adagrad", "lr": 0.5, "epsilon": 1e-3},
    {"name": "adadelta", "rule": "adadelta", "lr": 1.0, "beta2": 0.9, "epsilon": 1e-6},
    {"name": "adadelta .8", "rule": "adadelta", "lr": 0.5, "beta2": 0.8, "epsilon": 1e-2},
    {"name": "rmsprop", "rule": "rmsprop", "lr": 0.01, "beta2": 0.99, "epsilon": 1e-8},
    {"name": "rmsprop momentum", "rule": "rmsprop", "lr": 0.02, "beta2": 0.9, "momentum": 0.8, "epsilon": 1e-4},
    {"name": "amsgrad", "rule": "amsgrad", "lr": 0.1, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    {"name": "amsgrad .5 .5", "rule": "amsgrad", "lr": 0.3, "beta1": 0.5, "beta2": 0.5, "epsilon": 1e-3},
    {"name": "nadam", "rule": "nadam", "lr": 0.1, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    {"name": "nadam .7 .9", "rule": "nadam", "lr": 0.05, "beta1": 0.7, "beta2": 0.9, "epsilon": 1e-3},
    {"name": "lion", "rule": "lion", "lr": 0.1, "beta1": 0.9, "beta2": 0.99},
    {"name": "lion .5 .7", "rule": "lion", "lr": 0.3, "beta1": 0.5, "beta2": 0.7},
    {"name": "sgd l2", "rule": "sgd", "lr": 0.1, "l2": 0.2},
    {"name": "momentum l2", "rule": "momentum", "lr": 0.05, "momentum": 0.8, "l2": 0.2},
    {"name": "adam l2", "rule": "adam", "lr": 0.1, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "l2": 0.2},
]


def build(r, p):
    plain = {"foreach": False}
    if r["rule"] in ("sgd", "momentum", "nesterov"):
        return torch.optim.SGD([p], lr=r["lr"], momentum=r.get("momentum", 0.0), dampening=0.0,
                               nesterov=r["rule"] == "nesterov", weight_decay=r.get("l2", 0.0), **plain)
    plain["weight_decay"] = r.get("weight_decay", r.get("l2", 0.0))
    if r["rule"] == "adagrad":
        return torch.optim.Adagrad([p], lr=r["lr"], eps=r["epsilon"], **plain)
    if r["rule"] == "adadelta":
        return torch.optim.Adadelta([p], lr=r["lr"], rho=r["beta2"], eps=r["epsilon"], **plain)
    if r["rule"] == "rmsprop":
        return torch.optim.RMSprop([p], lr=r["lr"], alpha=r["beta2"], eps=r["epsilon"], momentum=r.get("momentum", 0.0), **plain)
    if r["rule"] == "lion":
        return Lion(p, r)
    kind = {"adamw": torch.optim.AdamW, "nadam": torch.optim.NAdam}.get(r["rule"], torch.optim.Adam)
    if r["rule"] == "amsgrad":
        plain["amsgrad"] = True
    return kind([p], lr=r["lr"], betas=(r["beta1"], r["beta2"]), eps=r["epsilon"], **plain)


class Lion:
    """optax.lion behind torch's interface."""

    def __init__(self, p, r):
        self.p, self.rule = p, optax.lion(r["lr"], b1=r["beta1"], b2=r["beta2"], weight_decay=0.0)
        self.state = self.rule.init(jax.numpy.array(p.tolist()))

    def step(self):
        w = jax.numpy.array(self.p.tolist())
        u, self.state = self.rule.update(jax.numpy.array(self.p.grad.tolist()), self.state, w)
        self.p.data = torch.tensor([float(x) for x in optax.apply_updates(w, u)])


def by_formula(r, gradients):
    """The rule in 50 digits, hyper-parameters taken as the float64 they are."""
    f = {k: mp.mpf(v) for k, v in r.items() if isinstance(v, float)}
    w = [mp.mpf(v) for v in START]
    v, s, top = [mp.mpf(0)] * 5, [mp.mpf(0)] * 5, [mp.mpf(0)] * 5
    mu = [f.get("beta1", 0) * (1 - mp.mpf("0.5") * mp.mpf(0.96) ** (n * mp.mpf(4e-3))) for n in range(STEPS + 2)]
    product = mp.mpf(1)
    out = []
    for t, gs in enumerate(gradients, 1):
        product *= mu[t]
        for i in range(5):
            g = mp.mpf(gs[i]) + f.get("l2", 0) * w[i]
            if r["rule"] == "sgd":
                w[i] -= f["lr"] * g
            elif r["rule"] in ("momentum", "nesterov"):
                v[i] = f["momentum"] * v[i] + g
                w[i] -= f["lr"] * (v[i] if r["rule"] == "momentum" else g + f["momentum"] * v[i])
            elif r["rule"] == "adagrad":
                s[i] += g * g
                w[i] -= f["lr"] * g / (mp.sqrt(s[i]) + f["epsilon"])
            elif r["rule"] == "rmsprop":
                s[i] = f["beta2"] * s[i] + (1 - f["beta2"]) * g * g
                v[i] = f.get("momentum", 0) * v[i] + g / (mp.sqrt(s[i]) + f["epsilon"])
                w[i] -= f["lr"] * v[i]
            elif r["rule"] == "adadelta":
                s[i] = f["beta2"] * s[i] + (1 - f["beta2"]) * g * g
                u = mp.sqrt(v[i] + f["epsilon"]) / mp.sqrt(s[i] + f["epsilon"]) * g
                v[i] = f["beta2"] * v[i] + (1 - f["beta2"]) * u * u
                w[i] -= f["lr"] * u
            elif r["rule"] == "lion":
                w[i] -= f["lr"] * mp.sign(f["beta1"] * v[i] + (1 - f["beta1"]) * g)
                v[i] = f["beta2"] * v[i] + (1 - f["beta2"]) * g
            elif r["rule"] in ("amsgrad", "nadam"):
                v[i] = f["beta1"] * v[i] + (1 - f["beta1"]) * g
                s[i] = f["beta2"] * s[i] + (1 - f["beta2"]) * g * g
                top[i] = max(top[i], s[i]) if r["rule"] == "amsgrad" else s[i]
                d = mp.sqrt(top[i] / (1 - f["beta2"] ** t)) + f["epsilon"]
                if r["rule"] == "amsgrad":
                    w[i] -= f["lr"] * v[i] / (1 - f["beta1"] ** t) / d
                else:
                    w[i] -= f["lr"] * ((1 - mu[t]) / (1 - product) * g + mu[t + 1] / (1 - product * mu[t + 1]) * v[i]) / d
            else:
                w[i] -= f["lr"] * f.get("weight_decay", 0) * w[i]
                v[i] = f["beta1"] * v[i] + (1 - f["beta1"]) * g
                s[i] = f["beta2"] * s[i] + (1 - f["beta2"]) * g * g
                w[i] -= f["lr"] * (v[i] / (1 - f["beta1"] ** t)) / (mp.sqrt(s[i] / (1 - f["beta2"] ** t)) + f["epsilon"])
        out.append(list(w))
    return out


def rules():
    out = []
    for r in RULES:
        p = torch.tensor(START)
        opt = build(r, p)
        gradients, params = [], []
        for _ in range(STEPS):
            g = gradient(p.tolist())
            p.grad = torch.tensor(g)
            opt.step()
            gradients.append(g)
            params.append(p.tolist())
        for t, (a, b) in enumerate(zip(params, by_formula(r, gradients))):
            for i in range(5):
                if abs(a[i] - b[i]) > mp.mpf("1e-13") * max(abs(b[i]), mp.mpf("0.1")):
                    raise ValueError("%s step %d parameter %d: torch %r, formula %s" % (r["name"], t + 1, i, a[i], mp.nstr(b[i], 20)))
        out.append(dict(r, gradients=gradients, params=params))
    return out


def schedules():
    base, per, epochs, rows = 0.1, 7, 12, 40
    total = per * epochs
    lr = torch.optim.lr_scheduler
    scores = [3.0, 2.0, 2.5, 2.0, 1.99999, 1.9, 1.95, 2.0, 1.9, 1.91, 1.92, 1.0, 5.0]

    def warm(opt, n, then):
        rise = lr.LinearLR(opt, start_factor=1 / (n * per + 1), end_factor=1.0, total_iters=n * per)
        return lr.SequentialLR(opt, [rise, then], milestones=[n * per])

    table = [
        # name, updates between two rates, warm-up, the schedule, what it is told after update i (None: just step())
        ("step:3:0.5", per, 0, lambda o: lr.StepLR(o, step_size=3, gamma=0.5), None),
        ("exponential:0.9", per, 0, lambda o: lr.ExponentialLR(o, gamma=0.9), None),
        ("polynomial:1:0", per, 0, lambda o: lr.PolynomialLR(o, total_iters=epochs, power=1.0), None),
        ("polynomial:2.5:0", per, 0, lambda o: lr.PolynomialLR(o, total_iters=epochs, power=2.5), None),
        ("cosine", per, 0, lambda o: lr.CosineAnnealingLR(o, T_max=epochs), None),
        ("cosine:0.2", 1, 0, lambda o: lr.CosineAnnealingLR(o, T_max=total, eta_min=0.02), None),
        ("cosine-restarts:3:2:0", 1, 0, lambda o: lr.CosineAnnealingWarmRestarts(o, T_0=3, T_mult=2), lambda i: i / per),
        ("cosine-restarts:5:1:0.1", 1, 0, lambda o: lr.CosineAnnealingWarmRestarts(o, T_0=5, T_mult=1, eta_min=0.01), lambda i: i / per),
        ("one-cycle:0.3:25:10000", 1, 0, lambda o: lr.OneCycleLR(o, max_lr=base, total_steps=total, cycle_momentum=False), None),
        ("one-cycle:0.5:10:100", 1, 0, lambda o: lr.OneCycleLR(o, max_lr=base, total_steps=total, pct_start=0.5, div_factor=10,
                                                              final_div_factor=100, cycle_momentum=False), None),
        ("plateau:2:0.5:0", per, 0, lambda o: lr.ReduceLROnPlateau(o, factor=0.5, patience=2), lambda i: scores[i - 1]),
        ("plateau:1:0.1:0.05", per, 0, lambda o: lr.ReduceLROnPlateau(o, factor=0.1, patience=1, min_lr=0.005), lambda i: scores[i - 1]),
        ("constant", 1, 2, lambda o: warm(o, 2, lr.ConstantLR(o, factor=1.0, total_iters=1)), None),
        ("cosine", 1, 2, lambda o: warm(o, 2, lr.CosineAnnealingLR(o, T_max=total - 2 * per)), None),
        ("exponential:0.9", per, 3, lambda o: warm(o, 3, lr.StepLR(o, step_size=per, gamma=0.9)), None),
    ]
    out = []
    for name, every, warmup, make, tell in table:
        p = torch.zeros(1, requires_grad=True)
        opt = torch.optim.SGD([p], lr=base, momentum=0.0)
        sched = make(opt)
        by_update = every == 1 or warmup > 0
        rates = []
        for i in range(1, (total if by_update else epochs) + 1):
            if by_update and (i - 1) % every == 0 or not by_update:
                rates.append(opt.param_groups[0]["lr"])
            opt.step()
            if tell is None:
                sched.step()
            else:
                sched.step(tell(i))
        doc = {"name": name, "base": base, "epochs": epochs, "steps_per_epoch": per, "warmup": warmup, "rows": rows, "every": every}
        if name.startswith("plateau"):
            doc["scores"] = scores[:epochs]
        out.append(dict(doc, rates=rates))
    for power in (0.5, 0.75, 2.0):
        opt = SGDOptimizer([], learning_rate_init=base, lr_schedule="invscaling", power_t=power)
        rates = []
        for e in range(epochs):
            rates.append(float(opt.learning_rate))
            opt.iteration_ends((e + 1) * rows)  # as MLPClassifier calls it, with the samples seen
        out.append({"name": "inverse:%g" % power, "base": base, "epochs": epochs, "steps_per_epoch": per, "warmup": 0, "rows": rows,
                    "every": per, "rates": rates})
    return out


def dump(v, indent=0, width=118):
    """JSON with short lists on one line."""
    flat = json.dumps(v, allow_nan=False)
    if len(flat) + indent <= width or not isinstance(v, (dict, list)) or (isinstance(v, list) and not isinstance(v[0], (dict, list))):
        return flat
    pad = " " * (indent + 1)
    if isinstance(v, dict):
        return "{\n" + ",\n".join(pad + json.dumps(k) + ": " + dump(u, indent + 1, width) for k, u in v.items()) + "\n" + " " * indent + "}"
    return "[\n" + ",\n".join(pad + dump(u, indent + 1, width) for u in v) + "\n" + " " * indent + "]"


def main():
    doc = {
        "about": "Ten steps of torch.optim's rules and optax's lion, and learning rates of schedules; see oracle.py for the structure.",
        "versions": {"torch": torch.__version__.split("+")[0], "optax": optax.__version__, "sklearn": sklearn.__version__,
                     "mpmath": mp.__version__},
        "c": C, "m": M, "k": K, "start": START, "rules": rules(), "schedules": schedules(),
    }
    with open(os.path.join(HERE, "oracle.json"), "w", encoding="utf-8", newline="\n") as fh:
        fh.write(dump(doc) + "\n")


if __name__ == "__main__":
    main()
