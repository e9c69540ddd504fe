#!/usr/bin/env python3
"""Writes shape.json: ten full-batch updates of a small net by PyTorch in float64, with penalties, clipping, decay, a bound on
norms, a running average and label smoothing, for TestShapeAgainstTorch; and the least value of
its loss that scipy finds, for TestSolversAgainstScipy.

Run:  python3 shape.py         (needs torch, numpy and scipy; writes shape.json beside this file)

The net is 3 - 5 tanh - 3, identity with the sum of squares over outputs or softmax with cross-entropy, both averaged over
rows. Structure of shape.json: "x" [6][3], "y" [6][3] (regression), "classes" [6], "w1" [3][5], "b1" [5], "w2" [5][3], "b2" [3] at
the start, and "cases": {"name", "lr", "momentum", "l1", "l2", "clip_value", "clip_norm", "weight_decay", "max_norm", "ema",
"label_smoothing", "classify", "params": all parameters at the end, layer by layer, weights row by row and then the bias}.

"minimum": {"l2", "lbfgs", "cg"}: the least value of the regression's loss with an L2 penalty, by scipy.optimize.minimize from the same
start with L-BFGS-B and CG, to a gradient of 1e-9.

PyTorch gives gradients, losses (label smoothing included) and the momentum rule; the rest is written out in its tensors.
"""
import json
import os

import numpy as np
import scipy
import torch
from scipy.optimize import minimize

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = 10

gen = torch.Generator().manual_seed(7)


def draw(*shape):
    return (torch.rand(*shape, generator=gen) * 2 - 1).mul(1024).round().div(1024)  # short in JSON


X, Y = draw(6, 3), draw(6, 3) * 2
CLASSES = [0, 2, 1, 1, 0, 2]
START = [draw(3, 5), draw(5), draw(5, 3), draw(3)]
NONE = dict(momentum=0.0, l1=0.0, l2=0.0, clip_value=0.0, clip_norm=0.0, weight_decay=0.0, max_norm=0.0, ema=0.0, label_smoothing=0.0,
            classify=False)
CASES = [
    dict(name="plain", lr=0.1),
    dict(name="l1", lr=0.1, l1=0.05),
    dict(name="l2", lr=0.1, l2=0.3),
    dict(name="clip value", lr=0.1, clip_value=0.1),
    dict(name="clip norm", lr=0.1, clip_norm=0.4),
    dict(name="weight decay", lr=0.1, momentum=0.9, weight_decay=0.5),
    dict(name="max norm", lr=0.1, max_norm=0.8),
    dict(name="average", lr=0.1, ema=0.8),
    dict(name="label smoothing", lr=0.5, label_smoothing=0.2, classify=True),
    dict(name="all", lr=0.2, momentum=0.8, l1=0.01, l2=0.1, clip_value=0.3, clip_norm=0.4, weight_decay=0.2, max_norm=0.9, ema=0.6,
         label_smoothing=0.1, classify=True),
]


def run(c):
    p = [t.clone().requires_grad_() for t in START]
    opt = torch.optim.SGD(p, lr=c["lr"], momentum=c["momentum"])
    path = []
    for _ in range(STEPS):
        out = torch.tanh(X @ p[0] + p[1]) @ p[2] + p[3]
        if c["classify"]:
            loss = torch.nn.functional.cross_entropy(out, torch.tensor(CLASSES), label_smoothing=c["label_smoothing"])
        else:
            loss = ((out - Y) ** 2).sum(1).mean()
        loss = loss + sum(c["l1"] * w.abs().sum() + c["l2"] / 2 * (w ** 2).sum() for w in (p[0], p[2]))
        opt.zero_grad()
        loss.backward()
        with torch.no_grad():
            if c["clip_value"]:
                torch.nn.utils.clip_grad_value_(p, c["clip_value"])
            if c["clip_norm"]:
                norm = torch.nn.utils.get_total_norm([w.grad for w in p])
                for w in p:
                    w.grad *= min(1.0, c["clip_norm"] / norm)
            for w in p:
                w *= 1 - c["lr"] * c["weight_decay"]
            opt.step()
            if c["max_norm"]:
                for w in (p[0], p[2]):
                    w *= (c["max_norm"] / w.norm(dim=0)).clamp(max=1.0)
        path.append([w.detach().clone() for w in p])
    if c["ema"]:
        weights = [c["ema"] ** (STEPS - 1 - n) for n in range(STEPS)]
        return [sum(k * step[i] for k, step in zip(weights, path)) / sum(weights) for i in range(4)]
    return path[-1]


L2 = 0.1


def objective(flat):
    p, at = [], 0
    for t in START:
        p.append(torch.tensor(flat[at:at + t.numel()]).reshape(t.shape).requires_grad_())
        at += t.numel()
    out = torch.tanh(X @ p[0] + p[1]) @ p[2] + p[3]
    loss = ((out - Y) ** 2).sum(1).mean() + L2 / 2 * ((p[0] ** 2).sum() + (p[2] ** 2).sum())
    loss.backward()
    return loss.item(), np.concatenate([t.grad.numpy().ravel() for t in p])


def least(method, options):
    start = np.concatenate([t.numpy().ravel() for t in START])
    return minimize(objective, start, jac=True, method=method, options=options).fun


def main():
    cases = []
    for c in CASES:
        c = {**NONE, **c}
        cases.append(dict(c, params=[v for t in run(c) for v in t.flatten().tolist()]))
    doc = {"versions": {"torch": torch.__version__.split("+")[0], "scipy": scipy.__version__}, "x": X.tolist(), "y": Y.tolist(), "classes": CLASSES,
           "w1": START[0].tolist(), "b1": START[1].tolist(), "w2": START[2].tolist(), "b2": START[3].tolist(), "cases": cases,
           "minimum": {"l2": L2, "lbfgs": least("L-BFGS-B", {"maxiter": 5000, "maxfun": 50000, "gtol": 1e-9, "ftol": 0}),
                       "cg": least("CG", {"maxiter": 5000, "gtol": 1e-9})}}
    with open(os.path.join(HERE, "shape.json"), "w", encoding="utf-8", newline="\n") as fh:
        json.dump(doc, fh, allow_nan=False)
        fh.write("\n")


if __name__ == "__main__":
    main()
