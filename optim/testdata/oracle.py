#!/usr/bin/env python3
"""Writes oracle.json: ten steps of torch.optim's rules and learning-rate schedules, for the Go tests of package optim.

Run:  python3 oracle.py        (needs torch and mpmath; writes oracle.json beside this file)

The function: parameters w[0..4], with c, m and k from the JSON,

    gradient[i] = c[i]*(w[i] - m[i]) + k*w[(i+1) % 5]          in float64, evaluated in this order, no fma

(the coupling makes it no gradient of any function, which a rule cannot notice).

Structure of oracle.json:

  "about", "versions": {"torch", "mpmath"}
  "c", "m", "start": [5], "k": X
  "rules": [
     {"name": "adamw 0.3", "rule": "sgd" | "momentum" | "nesterov" | "adam" | "adamw",
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
  "schedules": [
     {"name": "step" | "exponential" | "cosine", "base": 0.1, "gamma": X, "step_size": N, "t_max": N, "eta_min": X,
      "rates": [11]}, ...]         the rate in epochs 0..10: by formula in 50 digits, rounded once; torch agrees to 1e-16
     step         base*gamma^floor(epoch/step_size)
     exponential  base*gamma^epoch
     cosine       eta_min + (base - eta_min)*(1 + cos(pi*epoch/t_max))/2

The parameters and gradients are torch's own float64 results (its plain, single-tensor implementation). The script also
runs the formulas above in 50 digits with torch's gradients and stops unless every parameter agrees to 1e-13 relative.
Another machine's torch may differ in the last digit or two.
"""
import json
import os

import mpmath as mp
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
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
    {"name": "sgd l2", "rule": "sgd", "lr": 0.1, "l2": 0.2},
    {"name": "momentum l2", "rule": "momentum", "lr": 0.05, "momentum": 0.8, "l2": 0.2},
    {"name": "adam l2", "rule": "adam", "lr": 0.1, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "l2": 0.2},
]


def build(r, p):
    plain = {"foreach": False}
    if r["rule"] in ("sgd", "momentum", "nesterov"):
        return torch.optim.SGD([p], lr=r["lr"], momentum=r.get("momentum", 0.0), dampening=0.0,
                               nesterov=r["rule"] == "nesterov", weight_decay=r.get("l2", 0.0), **plain)
    kind = torch.optim.AdamW if r["rule"] == "adamw" else torch.optim.Adam
    return kind([p], lr=r["lr"], betas=(r["beta1"], r["beta2"]), eps=r["epsilon"],
                weight_decay=r.get("weight_decay", r.get("l2", 0.0)), **plain)


def by_formula(r, gradients):
    """The rule in 50 digits, hyper-parameters taken as the float64 they are."""
    f = {k: mp.mpf(v) for k, v in r.items() if isinstance(v, float)}
    w = [mp.mpf(v) for v in START]
    v, s = [mp.mpf(0)] * 5, [mp.mpf(0)] * 5
    out = []
    for t, gs in enumerate(gradients, 1):
        for i in range(5):
            g = mp.mpf(gs[i]) + f.get("l2", 0) * w[i]
            if r["rule"] == "sgd":
                w[i] -= f["lr"] * g
            elif r["rule"] in ("momentum", "nesterov"):
                v[i] = f["momentum"] * v[i] + g
                w[i] -= f["lr"] * (v[i] if r["rule"] == "momentum" else g + f["momentum"] * v[i])
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
    base = 0.1
    b = mp.mpf(base)
    table = [
        ({"name": "step", "base": base, "step_size": 3, "gamma": 0.5}, lambda e: b * mp.mpf(0.5) ** (e // 3),
         lambda o: torch.optim.lr_scheduler.StepLR(o, step_size=3, gamma=0.5)),
        ({"name": "exponential", "base": base, "gamma": 0.9}, lambda e: b * mp.mpf(0.9) ** e,
         lambda o: torch.optim.lr_scheduler.ExponentialLR(o, gamma=0.9)),
        ({"name": "cosine", "base": base, "t_max": 10, "eta_min": 0.0}, lambda e: b * (1 + mp.cos(mp.pi * e / 10)) / 2,
         lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=10, eta_min=0.0)),
    ]
    out = []
    for doc, formula, make in table:
        p = torch.zeros(1, requires_grad=True)
        opt = torch.optim.SGD([p], lr=base)
        sched = make(opt)
        rates = []
        for epoch in range(11):
            lr = opt.param_groups[0]["lr"]
            want = formula(epoch)
            if abs(lr - want) > mp.mpf("1e-16"):
                raise ValueError("%s epoch %d: torch %r" % (doc["name"], epoch, lr))
            rates.append(float(want) if abs(want) > mp.mpf("1e-40") else 0.0)
            opt.step()
            sched.step()
        out.append(dict(doc, rates=rates))
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
        "about": "Ten steps of torch.optim's rules, and three learning-rate schedules; see oracle.py for the structure.",
        "versions": {"torch": torch.__version__.split("+")[0], "mpmath": mp.__version__},
        "c": C, "m": M, "k": K, "start": START, "rules": rules(), "schedules": schedules(),
    }
    with open(os.path.join(HERE, "oracle.json"), "w", encoding="utf-8", newline="\n") as fh:
        fh.write(dump(doc) + "\n")


if __name__ == "__main__":
    main()
