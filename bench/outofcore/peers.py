"""Trains on the table of bench/outofcore without holding it: scikit-learn by partial_fit, XGBoost from its disk cache.

    pip install scikit-learn xgboost-cpu pandas
    python peers.py sklearn|xgboost TABLE.csv

Both read the table in pieces of 262,144 rows; the last piece is held out for the score. scikit-learn's net is 64-64 with adam,
batches of 128 and one pass, after a pass that fits the scaling. XGBoost grows 100 trees of depth 6 from ExtMemQuantileDMatrix.
It prints the version, seconds, seconds of processor time, the most memory that the process took in MB, and R2.
"""
import resource
import sys
import tempfile
import time

import numpy as np
import pandas as pd

ROWS = 1 << 18  # of a piece


def pieces(path):
    """Yields inputs and target of each piece: eight numbers, the category as five columns of 0 and 1, and y."""
    kinds = {**{name: np.float32 for name in "abcdefghy"}, "color": pd.CategoricalDtype([f"color{i}" for i in range(5)])}
    for piece in pd.read_csv(path, chunksize=ROWS, dtype=kinds):
        color = np.eye(5, dtype=np.float32)[piece.color.cat.codes]
        yield np.hstack([piece[list("abcdefgh")].to_numpy(np.float32), color]), piece.y.to_numpy(np.float32)


def but_the_last(items):
    """Yields all items but the last."""
    before = None
    for item in items:
        if before is not None:
            yield before
        before = item


def last(path):
    for piece in pieces(path):
        pass
    return piece


def r2(y, guess):
    y = y.astype(float)
    return 1 - ((y - guess) ** 2).sum() / ((y - y.mean()) ** 2).sum()


def sklearn(path):
    import sklearn as package
    from sklearn.neural_network import MLPRegressor
    from sklearn.preprocessing import StandardScaler

    inputs, target = StandardScaler(), StandardScaler()
    for x, y in but_the_last(pieces(path)):
        inputs.partial_fit(x)
        target.partial_fit(y[:, None])
    net = MLPRegressor(hidden_layer_sizes=(64, 64), batch_size=128, alpha=0, random_state=0)
    for x, y in but_the_last(pieces(path)):
        net.partial_fit(inputs.transform(x), target.transform(y[:, None])[:, 0])
    x, y = last(path)
    return package.__version__, r2(y, target.inverse_transform(net.predict(inputs.transform(x))[:, None])[:, 0])


def xgboost(path):
    import xgboost as package

    class Pieces(package.DataIter):
        def __init__(self, folder):
            self.reset()
            super().__init__(cache_prefix=f"{folder}/cache")

        def reset(self):
            self.rest = but_the_last(pieces(path))

        def next(self, input_data):
            piece = next(self.rest, None)
            if piece is not None:
                input_data(data=piece[0], label=piece[1])
            return piece is not None

    with tempfile.TemporaryDirectory() as folder:
        rows = package.ExtMemQuantileDMatrix(Pieces(folder))
        trees = package.train({"max_depth": 6, "eta": 0.3, "nthread": 2}, rows, num_boost_round=100)
        del rows  # before its folder
    x, y = last(path)
    return package.__version__, r2(y, trees.inplace_predict(x))


def main(name, path):
    start = time.time()
    version, score = {"sklearn": sklearn, "xgboost": xgboost}[name](path)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"{name} {version}: {time.time() - start:.0f} s, {used.ru_utime + used.ru_stime:.0f} s of processor time, "
          f"{used.ru_maxrss * 1024 / 1e6:.0f} MB, R2 {score:.4f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
