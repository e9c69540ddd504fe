"""Writes temperature.json: the temperatures that scipy finds by minimizing the log loss.

    python temperature.py
"""

import json
import pathlib

import numpy as np
import scipy
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

random = np.random.default_rng(5)
cases = []
for rows, classes, sharpness, weighted in [(80, 2, 3.0, False), (60, 3, 0.4, False), (90, 5, 2.0, True), (50, 2, 1.0, True)]:
    z = random.normal(size=(rows, classes)) * 2
    p = np.exp(log_softmax(z, axis=1))
    y = np.array([random.choice(classes, p=row) for row in p])
    says = np.exp(log_softmax(z * sharpness, axis=1))
    w = random.uniform(0.2, 3, rows) if weighted else None

    def loss(log_t):
        q = log_softmax(np.log(says) / np.exp(log_t), axis=1)
        return np.average(-q[np.arange(rows), y], weights=w)

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded", options={"xatol": 1e-10})
    cases.append({
        "probabilities": says.tolist(), "classes": y.tolist(), "weights": None if w is None else w.tolist(),
        "temperature": float(np.exp(found.x)), "before": float(loss(0.0)), "after": float(found.fun),
    })
out = {"cases": cases, "made_with": {"scipy": scipy.__version__, "numpy": np.__version__}}
(pathlib.Path(__file__).parent / "temperature.json").write_text(json.dumps(out) + "\n")
