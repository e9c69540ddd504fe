"""Trains scikit-learn's MLP on a table, once a seed, and leaves each seed's rows for gradus.

    python mlp.py TABLE.csv classifier|regressor SEEDS FOLDER

The last column is the target; all others are numbers. For each seed it writes
FOLDER/SEED-train.csv and FOLDER/SEED-test.csv (a fifth of the rows, stratified for classes)
and prints the score on the test rows, accuracy or R2, one JSON object a line.
"""
import json
import sys
import warnings

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

# The defaults of both classes, but for what scikit-learn has and gradus has not, or the
# other way round: alpha 0 instead of 1e-4, and all 200 epochs instead of an end when the
# training loss moves by less than tol.
SETTINGS = dict(hidden_layer_sizes=(100,), activation="relu", solver="adam", alpha=0, batch_size=200,
                learning_rate_init=0.001, max_iter=200, n_iter_no_change=1000)


def main(path, kind, seeds, folder):
    table = pd.read_csv(path)
    x, y = table.iloc[:, :-1].to_numpy(float), table.iloc[:, -1]
    for seed in range(1, int(seeds) + 1):
        rows, held = train_test_split(np.arange(len(y)), test_size=0.2, random_state=seed,
                                      stratify=y if kind == "classifier" else None)
        table.iloc[rows].to_csv(f"{folder}/{seed}-train.csv", index=False)
        table.iloc[held].to_csv(f"{folder}/{seed}-test.csv", index=False)
        scale = StandardScaler().fit(x[rows])
        settings = dict(SETTINGS, batch_size=min(200, len(rows)), random_state=seed)
        if kind == "classifier":
            target, model = y.to_numpy(str), MLPClassifier(**settings)
        else:
            known = y.to_numpy(float)
            target, model = (known - known[rows].mean()) / known[rows].std(), MLPRegressor(**settings)
        model.fit(scale.transform(x[rows]), target[rows])
        score = model.score(scale.transform(x[held]), target[held])
        print(json.dumps({"seed": seed, "score": score, "loss": model.loss_, "epochs": model.n_iter_}), flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
