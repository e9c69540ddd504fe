"""scikit-learn's MLPClassifier and MLPRegressor in float32, without penalty. MODE is one of

  fit      fit for whole epochs (warm_start, no early stop): one call shuffles, gathers and
           updates many times. The faster of the two.
  partial  partial_fit with one batch a call, gathered by the caller.

Its squared loss is half of the others', which is made good; the loss of fit is an epoch's mean.
"""

import warnings

from serve import Net, blas, mode, serve, workload

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor

warnings.filterwarnings("ignore")
net = Net()
common = dict(
    hidden_layer_sizes=tuple(net.sizes[1:-1]), alpha=0, batch_size=net.batch, learning_rate_init=net.rate, max_iter=1,
    tol=0, n_iter_no_change=10**9, warm_start=True, random_state=1,
)
if net.classify:
    y = net.labels
    model = MLPClassifier(solver="sgd", momentum=0.9 if net.rule == "momentum" else 0, nesterovs_momentum=False, **common)
else:
    y = net.y.ravel()
    model = MLPRegressor(solver="adam", **common)
epoch = net.rows // net.batch
whole = 1 if net.classify else 2
rng = np.random.default_rng(1)
at = {"order": None, "position": net.rows}


def fit(n):
    # n is one step only for the first loss, which is the first epoch's here.
    model.set_params(max_iter=max(1, n // epoch))
    model.fit(net.x, y)
    return model.loss_ * whole


def partial(n):
    for _ in range(n):
        if at["position"] + net.batch > net.rows:
            at["order"], at["position"] = rng.permutation(net.rows), 0
        rows = at["order"][at["position"] : at["position"] + net.batch]
        at["position"] += net.batch
        if net.classify:
            model.partial_fit(net.x[rows], y[rows], classes=np.arange(10))
        else:
            model.partial_fit(net.x[rows], y[rows])
    return model.loss_ * whole


def infer(n):
    for _ in range(n):
        z = model.predict(x)
    return z[0]


x = net.x[1:2].copy()
if workload == "inference":
    model.fit(net.x, y)
    steps, chunk = infer, 100
else:
    steps, chunk = (partial, 16) if mode == "partial" else (fit, epoch)
serve(steps, chunk, f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, {blas()}")
