#!/usr/bin/env python3
"""Writes oracle.json: scikit-learn's metrics on fixed vectors, for the Go tests of package metrics.

Run:  python3 oracle.py        (needs scikit-learn; writes oracle.json beside this file)

A metric that does not exist for a case (the AUC of one class alone) is null. Confusion matrices have the true class by
row and the predicted class by column.

Structure of oracle.json:

  "about", "versions": {"scikit-learn", "numpy"}
  "binary": [
     {"name", "y": [0|1...], "p": [...]          the probability of class 1
      "predicted": [0|1...]                      1 where p > 0.5 (0.5 itself goes to class 0, as argmax of [1-p, p] does)
      "weights": [...] or absent                 sample weights; then every metric below is the weighted one
      "accuracy", "balanced_accuracy", "roc_auc", "log_loss", "confusion": 2x2,
      "precision", "recall", "f1",               of class 1; 0 where the divisor is 0
      "more": {name: value}}, ...]               metrics that are reported when they are named, under gradus's names; in every part.
                                                 calibration_error is computed here, as in the code of Guo et al.
  "multiclass": [
     {"name", "classes": K, "y": [...], "p": rows x K, "predicted": [...]    argmax, the first of equals
      "accuracy", "balanced_accuracy"            (mean recall over the classes that occur in y)
      "roc_auc_ovr_macro"                        one against the rest, mean over classes; null where a class is absent from y
      "roc_auc_ovr": [K]                         each class's own; null where absent
      "log_loss", "confusion": KxK, "f1_macro"}, ...]
  "multilabel": [
     {"name", "y": rows x L of 0|1, "p": rows x L, "predicted": rows x L     (p > 0.5)
      "subset_accuracy", "label_accuracy"        share of rows all right; mean of per-label accuracies = 1 - hamming loss
      "hamming_loss", "roc_auc_macro", "roc_auc": [L]}, ...]
  "regression": [
     {"name", "y": rows x outputs, "p": rows x outputs, "weights" as above,
      "rmse"                                     mean over the outputs of each one's RMSE (root_mean_squared_error)
      "rmse_pooled"                              square root of the mean squared error over all outputs together
      "mae", "r2"                                uniform averages over the outputs
      "rmse_each", "mae_each", "r2_each": [outputs]}, ...]
      r2 of a constant target: 1.0 when the prediction is perfect, else 0.0 (scikit-learn's force_finite); null for one row

log_loss clips probabilities to [eps, 1 - eps] with eps = 2.220446049250313e-16 (float64's), in the cases named "certain".
"""
import json
import math
import os
import random
import warnings

import numpy as np
import sklearn
from sklearn import metrics as sk

HERE = os.path.dirname(os.path.abspath(__file__))
warnings.simplefilter("ignore")


def clean(v):
    """Plain Python values; null for what is not finite."""
    if isinstance(v, np.ndarray):
        v = v.tolist()
    if isinstance(v, (list, tuple)):
        return [clean(u) for u in v]
    if isinstance(v, np.generic):
        v = v.item()
    if isinstance(v, float) and not math.isfinite(v):
        return None
    return v


def auc(y, p, w=None):
    return None if len(set(np.asarray(y).tolist())) < 2 else sk.roc_auc_score(y, p, sample_weight=w)


def ece(right, p, w=None):
    """The expected calibration error over 15 bins, as in Guo et al.'s code: lower < p <= upper."""
    w = np.ones(len(p)) if w is None else np.array(w)
    edges = np.linspace(0, 1, 16)
    total = 0.0
    for lower, upper in zip(edges[:-1], edges[1:]):
        at = (p > lower) & (p <= upper) if lower > 0 else p <= upper
        if w[at].sum() > 0:
            total += w[at].sum() / w.sum() * abs(np.average(right[at], weights=w[at]) - np.average(p[at], weights=w[at]))
    return total


def binary_case(name, y, p, w=None):
    y, p = np.array(y), np.array(p)
    pred = (p > 0.5).astype(int)
    kw = {"sample_weight": w}
    doc = {"name": name, "y": y, "p": p, "predicted": pred}
    if w is not None:
        doc["weights"] = w
    doc.update({
        "accuracy": sk.accuracy_score(y, pred, **kw), "balanced_accuracy": sk.balanced_accuracy_score(y, pred, **kw),
        "roc_auc": auc(y, p, w), "log_loss": sk.log_loss(y, p, labels=[0, 1], **kw),
        "confusion": sk.confusion_matrix(y, pred, labels=[0, 1], **kw),
        "precision": sk.precision_score(y, pred, zero_division=0, **kw), "recall": sk.recall_score(y, pred, zero_division=0, **kw),
        "f1": sk.f1_score(y, pred, zero_division=0, **kw),
        "more": {
            "precision": sk.precision_score(y, pred, zero_division=0, **kw), "recall": sk.recall_score(y, pred, zero_division=0, **kw),
            "precision_macro": sk.precision_score(y, pred, average="macro", zero_division=0, **kw),
            "recall_macro": sk.recall_score(y, pred, average="macro", zero_division=0, **kw),
            "f1": sk.f1_score(y, pred, zero_division=0, **kw), "f1_macro": sk.f1_score(y, pred, average="macro", zero_division=0, **kw),
            "f1_micro": sk.f1_score(y, pred, average="micro", zero_division=0, **kw),
            "average_precision": sk.average_precision_score(y, p, **kw) if y.any() else None,
            "brier": sk.brier_score_loss(y, p, labels=[0, 1], **kw), "calibration_error": ece(y, p, w),
        },
    })
    doc["more"] = {k: clean(v) for k, v in doc["more"].items()}
    return {k: clean(v) for k, v in doc.items()}


def binary():
    r = random.Random("gradus metrics binary")
    n = 40
    y = [int(r.random() < 0.4) for _ in range(n)]
    p = [round(min(0.98, max(0.02, 0.3 + 0.3 * t + r.uniform(-0.35, 0.35))), 3) for t in y]
    ties = [round(v * 5) / 5 * 0.9 + 0.05 for v in p]
    certain = [0.0, 1.0, 1.0, 0.0, 0.7]
    return [
        binary_case("random", y, p),
        binary_case("ties", y, ties),
        binary_case("one half exactly", [0, 1, 1, 0, 1, 0], [0.5, 0.5, 0.75, 0.25, 0.5, 0.5]),
        binary_case("class 1 never predicted", y, [round(0.45 * v, 4) for v in p]),
        binary_case("class 0 never predicted", y, [round(0.55 + 0.4 * v, 4) for v in p]),
        binary_case("constant scores", y, [0.375] * n),
        binary_case("perfect", y, [0.9 if t else 0.1 for t in y]),
        binary_case("reversed", y, [0.1 if t else 0.9 for t in y]),
        binary_case("certain", [0, 1, 0, 1, 1], certain),
        binary_case("one class alone", [1, 1, 1, 1], [0.9, 0.4, 0.6, 0.7]),
        binary_case("two rows", [0, 1], [0.3, 0.2]),
        binary_case("weighted", y, p, [round(r.uniform(0.1, 3), 2) for _ in range(n)]),
        binary_case("weighted, ties", y, ties, [float(r.randrange(1, 5)) for _ in range(n)]),
    ]


def multiclass_case(name, y, p, k):
    y, p = np.array(y), np.array(p)
    pred = p.argmax(1)
    labels = list(range(k))
    each = [auc((y == c).astype(int), p[:, c]) for c in labels]
    macro = None
    if len(set(y.tolist())) == k:
        macro = sk.roc_auc_score(y, p, multi_class="ovr", average="macro", labels=labels)
        assert abs(macro - np.mean(each)) < 1e-15
    doc = {
        "name": name, "classes": k, "y": y, "p": p, "predicted": pred,
        "accuracy": sk.accuracy_score(y, pred), "balanced_accuracy": sk.balanced_accuracy_score(y, pred),
        "roc_auc_ovr_macro": macro, "roc_auc_ovr": each, "log_loss": sk.log_loss(y, p, labels=labels),
        "confusion": sk.confusion_matrix(y, pred, labels=labels),
        "f1_macro": sk.f1_score(y, pred, labels=labels, average="macro", zero_division=0),
    }
    aps = [sk.average_precision_score(y == c, p[:, c]) for c in labels if (y == c).any()]
    doc["more"] = {k: clean(v) for k, v in {
        "precision_macro": sk.precision_score(y, pred, average="macro", zero_division=0),
        "recall_macro": sk.recall_score(y, pred, average="macro", zero_division=0),
        "f1_macro": sk.f1_score(y, pred, average="macro", zero_division=0), "f1_micro": sk.f1_score(y, pred, average="micro", zero_division=0),
        "average_precision": float(np.mean(aps)), "brier": sk.brier_score_loss(y, p, labels=labels, scale_by_half=False),
        "calibration_error": ece((pred == y).astype(float), p.max(1)),
    }.items()}
    return {key: clean(v) for key, v in doc.items()}


def rows64(r, y, k, strength, never=None):
    """Rows of 64ths that sum to one exactly."""
    out = []
    for t in y:
        w = [r.random() + (strength if c == t else 0.0) for c in range(k)]
        if never is not None:
            w[never] *= 0.2
        s = sum(w)
        n = [1 + int(60 * v / s) for v in w]
        if never is not None:
            n[never] = 1
        best = max((c for c in range(k) if c != never), key=lambda c: n[c])
        n[best] += 64 - sum(n)
        out.append([v / 64 for v in n])
    return out


def multiclass():
    r = random.Random("gradus metrics multiclass")
    y = [i % 4 for i in range(12)] + [r.choice([0, 0, 0, 1, 1, 2, 3]) for _ in range(28)]
    three = [c if c != 2 else 3 for c in y]
    return [
        multiclass_case("random", y, rows64(r, y, 4, 0.5), 4),
        multiclass_case("class 2 never predicted", y, rows64(r, y, 4, 0.6, never=2), 4),
        multiclass_case("class 2 absent from y", three, rows64(r, three, 4, 0.4), 4),
        multiclass_case("constant scores", y, [[0.5, 0.25, 0.125, 0.125]] * len(y), 4),
        multiclass_case("equal scores", y, [[0.25] * 4] * len(y), 4),
        multiclass_case("certain", [0, 1, 2, 3, 0], [[1.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 0, 1.0], [0, 0, 0.5, 0.5], [0.25, 0.25, 0.5, 0.0]], 4),
        multiclass_case("three classes, six rows", [0, 1, 2, 2, 1, 0], rows64(r, [0, 1, 2, 2, 1, 0], 3, 0.3), 3),
    ]


def multilabel_case(name, y, p):
    y, p = np.array(y), np.array(p)
    pred = (p > 0.5).astype(int)
    each = [auc(y[:, j], p[:, j]) for j in range(y.shape[1])]
    doc = {
        "name": name, "y": y, "p": p, "predicted": pred, "subset_accuracy": sk.accuracy_score(y, pred),
        "label_accuracy": float(np.mean([sk.accuracy_score(y[:, j], pred[:, j]) for j in range(y.shape[1])])),
        "hamming_loss": sk.hamming_loss(y, pred),
        "roc_auc_macro": None if None in each else sk.roc_auc_score(y, p, average="macro"), "roc_auc": each,
    }
    doc["more"] = {k: clean(v) for k, v in {
        "precision_macro": sk.precision_score(y, pred, average="macro", zero_division=0),
        "recall_macro": sk.recall_score(y, pred, average="macro", zero_division=0),
        "f1_macro": sk.f1_score(y, pred, average="macro", zero_division=0), "f1_micro": sk.f1_score(y, pred, average="micro", zero_division=0),
        "average_precision": sk.average_precision_score(y, p, average="macro"),
        "brier": float(np.mean([sk.brier_score_loss(y[:, j], p[:, j], labels=[0, 1]) for j in range(y.shape[1])])),
        "calibration_error": float(np.mean([ece(y[:, j], p[:, j]) for j in range(y.shape[1])])),
    }.items()}
    return {k: clean(v) for k, v in doc.items()}


def multilabel():
    r = random.Random("gradus metrics multilabel")
    y = [[int(r.random() < q) for q in (0.5, 0.3, 0.7)] for _ in range(20)]
    p = [[round(min(0.97, max(0.03, 0.3 + 0.35 * t + r.uniform(-0.3, 0.3))), 2) for t in row] for row in y]
    return [
        multilabel_case("random", y, p),
        multilabel_case("label 1 has constant scores", y, [[a, 0.4, c] for a, _, c in p]),
        multilabel_case("label 2 always true", [[a, b, 1] for a, b, _ in y], p),
        multilabel_case("all right", y, [[0.9 if t else 0.2 for t in row] for row in y]),
    ]


def regression_case(name, y, p, w=None):
    y, p = np.array(y), np.array(p)
    kw = {"sample_weight": w}
    doc = {"name": name, "y": y, "p": p}
    if w is not None:
        doc["weights"] = w
    one = len(y) < 2
    doc.update({
        "rmse": sk.root_mean_squared_error(y, p, **kw), "rmse_pooled": math.sqrt(sk.mean_squared_error(y, p, **kw)),
        "mae": sk.mean_absolute_error(y, p, **kw), "r2": None if one else sk.r2_score(y, p, **kw),
        "rmse_each": sk.root_mean_squared_error(y, p, multioutput="raw_values", **kw),
        "mae_each": sk.mean_absolute_error(y, p, multioutput="raw_values", **kw),
        "r2_each": [None] * y.shape[1] if one else sk.r2_score(y, p, multioutput="raw_values", **kw),
    })
    doc["more"] = {"mape": clean(sk.mean_absolute_percentage_error(y, p, **kw)),
                   "pinball": sk.mean_pinball_loss(y, p, **kw), "pinball:0.9": sk.mean_pinball_loss(y, p, alpha=0.9, **kw)}
    if y.shape[1] == 1 and y.max() < 1e6:  # beyond, the deviances are what rounding leaves
        doc["more"].update({"poisson_deviance": None, "gamma_deviance": None, "tweedie_deviance": None, "tweedie_deviance:1.2": None})
        if (p > 0).all() and (y >= 0).all():
            doc["more"].update({"poisson_deviance": sk.mean_poisson_deviance(y, p, **kw),
                                "tweedie_deviance": sk.mean_tweedie_deviance(y, p, power=1.5, **kw),
                                "tweedie_deviance:1.2": sk.mean_tweedie_deviance(y, p, power=1.2, **kw)})
            if (y > 0).all():
                doc["more"]["gamma_deviance"] = sk.mean_gamma_deviance(y, p, **kw)
    return {k: clean(v) for k, v in doc.items()}


def regression():
    r = random.Random("gradus metrics regression")
    y = [[round(r.uniform(-3, 7), 3)] for _ in range(25)]
    p = [[round(v + r.uniform(-1.5, 1.5), 3)] for (v,) in y]
    y3 = [[round(r.uniform(-1, 1), 3), round(r.uniform(100, 900), 1), round(r.uniform(0, 5), 2)] for _ in range(15)]
    p3 = [[round(a + r.uniform(-0.5, 0.5), 3), round(b + r.uniform(-90, 90), 1), round(c + r.uniform(-3, 3), 2)] for a, b, c in y3]
    big = [[1e8 + i] for i in range(8)]
    return [
        regression_case("random", y, p),
        regression_case("worse than the mean", y, [[-v] for (v,) in y]),
        regression_case("perfect", y, y),
        regression_case("three outputs", y3, p3),
        regression_case("three outputs, the second constant", [[a, 5.0, c] for a, _, c in y3], [[a, 5.0 + c, c + 0.5] for a, _, c in p3]),
        regression_case("constant target", [[2.5]] * 6, [[2.0], [2.5], [3.0], [2.25], [2.5], [2.75]]),
        regression_case("constant target, perfect", [[2.5]] * 6, [[2.5]] * 6),
        regression_case("one row", [[1.0]], [[1.5]]),
        regression_case("large offset", big, [[v + (0.5 if i % 2 else -0.25)] for i, (v,) in enumerate(big)]),
        regression_case("weighted", y, p, [round(r.uniform(0.1, 3), 2) for _ in range(25)]),
        regression_case("amounts", [[abs(v)] for (v,) in y], [[abs(v) + 0.25] for (v,) in p]),
        regression_case("amounts, some 0, weighted", [[max(v, 0.0)] for (v,) in y], [[abs(v) + 0.5] for (v,) in p],
                        [round(r.uniform(0.1, 3), 2) for _ in range(25)]),
    ]


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
        "about": "scikit-learn's metrics on fixed vectors; see oracle.py for the structure.",
        "versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__},
        "binary": binary(), "multiclass": multiclass(), "multilabel": multilabel(), "regression": regression(),
    }
    with open(os.path.join(HERE, "oracle.json"), "w", encoding="utf-8", newline="\n") as fh:
        fh.write(dump(doc) + "\n")


if __name__ == "__main__":
    main()
