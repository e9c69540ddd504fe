"""Writes bounds.json: conformalized quantile regression as in Romano, Patterson and Candes (2019), equations 6 to 9, by
numpy, and the pinball losses of the same bounds by scikit-learn. For conformal.go and bounds.go.

    python bounds.py   (numpy 2.4.6, scikit-learn 1.9.1)
"""
import json

import numpy as np
from sklearn.metrics import mean_pinball_loss

level = 0.9
r = np.random.default_rng(4)
n, fresh = 150, 12  # fewer than 200 rows: one group, all scores kept
middle, half = r.normal(size=n + fresh) * 3, r.uniform(0.1, 2, size=n + fresh)
lower, upper = middle - half, middle + half
lower[n + 3], upper[n + 3] = upper[n + 3], lower[n + 3]  # two that cross
lower[5], upper[5] = upper[5], lower[5]
y = middle + r.normal(size=n + fresh) * half * 0.7
low, high = np.minimum(lower, upper), np.maximum(lower, upper)
score = np.maximum(low[:n] - y[:n], y[:n] - high[:n])

intervals = {}
for at in (0.6, 0.9, 0.95):
    k = int(np.ceil((n + 1) * at))
    q = np.sort(score)[k - 1]
    a, b = low[n:] - q, high[n:] + q
    empty = a > b
    mid = low[n:] + (high[n:] - low[n:]) / 2
    intervals[str(at)] = np.stack([np.where(empty, mid, a), np.where(empty, mid, b)], 1).tolist()

with open("bounds.json", "w") as f:
    json.dump({
        "level": level,
        "says": np.stack([lower[:n], upper[:n]], 1).ravel().tolist(),
        "truth": y[:n].tolist(),
        "new": np.stack([lower[n:], upper[n:]], 1).ravel().tolist(),
        "intervals": intervals,
        "pinball": [mean_pinball_loss(y[:n], lower[:n], alpha=(1 - level) / 2), mean_pinball_loss(y[:n], upper[:n], alpha=(1 + level) / 2)],
    }, f)
    f.write("\n")
