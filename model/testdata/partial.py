"""Writes partial.json: what scikit-learn's partial_dependence (method "brute", kind "both") says of two
models of shapley.py.

    python partial.py GRADUS EXAMPLES    (a built gradus, and the folder examples/data)

The estimator asks `gradus predict`. Categories go through scikit-learn as numbers.
"""

import csv
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.inspection import partial_dependence

gradus, examples = sys.argv[1], pathlib.Path(sys.argv[2])
here = pathlib.Path(__file__).parent
ROWS = 30


class Gradus(BaseEstimator):
    def __init__(self, table=None, words=None, columns=None):
        self.table, self.words, self.columns = table, words, columns
        self.fitted_ = True

    def fit(self, x, y):
        return self

    def ask(self, x):
        with tempfile.TemporaryDirectory() as d:
            d = pathlib.Path(d)
            with open(d / "in.csv", "w", newline="") as out:
                w = csv.writer(out)
                w.writerow(self.columns)
                for row in x:
                    w.writerow(self.words[j][int(v)] if self.words[j] else repr(float(v)) for j, v in enumerate(row))
            run = [gradus, "predict", here / f"shapley_{self.table}.safetensors", d / "in.csv", "-o", d / "out.csv"]
            subprocess.run(run, check=True, capture_output=True)
            with open(d / "out.csv") as said:
                said = list(csv.reader(said))[1:]
        return said


class Classifier(ClassifierMixin, Gradus):
    classes_ = np.array(["Adelie", "Chinstrap", "Gentoo"])

    def predict(self, x):
        return np.array([row[0] for row in self.ask(x)])

    def predict_proba(self, x):
        return np.array([[float(v) for v in row[1:]] for row in self.ask(x)])


class Regressor(RegressorMixin, Gradus):
    def predict(self, x):
        return np.array([float(row[0]) for row in self.ask(x)])


out = {}
for kind, table, column in [
    (Classifier, "penguins", "island"), (Classifier, "penguins", "bill_length_mm"), (Regressor, "diabetes", "bmi"),
]:
    with open(examples / f"{table}.csv") as f:
        rows = list(csv.DictReader(f))
    columns = list(rows[0])[:-1]
    rows = [r for r in rows if all(r[c] for c in columns)][:: len(rows) // ROWS][:ROWS]
    words = [sorted({r[c] for r in rows}) if c in ("island", "sex") and table == "penguins" else None for c in columns]
    x = np.array([[words[j].index(r[c]) if words[j] else float(r[c]) for j, c in enumerate(columns)] for r in rows])
    j = columns.index(column)
    values = np.unique(x[:, j]) if words[j] else np.linspace(*np.percentile(x[:, j], [5, 95]), 9)
    found = partial_dependence(
        kind(table, words, columns), x, [j], custom_values={j: values}, method="brute", kind="both",
        response_method="predict_proba" if kind is Classifier else "auto",
    )
    out[f"{table} {column}"] = {
        "columns": columns,
        "rows": [[r[c] for c in columns] for r in rows],
        "cells": [words[j][int(v)] if words[j] else None for v in values],
        "at": values.tolist(),
        "mean": found["average"].tolist(),
        "lines": found["individual"].tolist(),
    }
out["made_with"] = {"sklearn": sklearn.__version__, "numpy": np.__version__}
(here / "partial.json").write_text(json.dumps(out) + "\n")
