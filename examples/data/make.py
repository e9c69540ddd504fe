#!/usr/bin/env python3
"""Regenerates iris.csv, wine.csv, breast_cancer.csv, diabetes.csv, digits.csv (from scikit-learn's own copies) and
notebook.csv. Nothing is downloaded. Run: python3 make.py (needs scikit-learn; see README.md for the version used).

Format: UTF-8, a header row, commas, lines ended by a line feed, the target in the last column, an empty cell for a missing
value. Rows keep scikit-learn's order. A number has the shortest digits that read back as the same float64; a column of
whole numbers is written without a decimal point. Column names are scikit-learn's in lower case with underscores.
"""
import csv
import os
import re

from sklearn import datasets

HERE = os.path.dirname(os.path.abspath(__file__))


def column(name):
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def write(name, header, rows):
    with open(os.path.join(HERE, name), "w", encoding="utf-8", newline="") as fh:
        w = csv.writer(fh, lineterminator="\n")
        w.writerow(header)
        w.writerows(rows)


def table(name, features, data, target, values):
    """One CSV; values are the target's cells (text, or numbers)."""
    columns = [[float(v) for v in col] for col in zip(*data.tolist())]
    if not isinstance(values[0], str):
        columns.append([float(v) for v in values])
        values = None
    cells = []
    for col in columns:
        whole = all(v == int(v) for v in col)
        cells.append([str(int(v)) if whole else repr(v) for v in col])
    if values is not None:
        cells.append(list(values))
    write(name, [column(f) for f in features] + [target], zip(*cells))


def classes(bunch):
    return [str(bunch.target_names[t]) for t in bunch.target]


def main():
    d = datasets.load_iris()
    table("iris.csv", d.feature_names, d.data, "species", classes(d))
    d = datasets.load_wine()
    table("wine.csv", d.feature_names, d.data, "cultivar", classes(d))
    d = datasets.load_breast_cancer()
    table("breast_cancer.csv", d.feature_names, d.data, "diagnosis", classes(d))
    d = datasets.load_diabetes(scaled=False)
    table("diabetes.csv", d.feature_names, d.data, "progression", d.target.tolist())
    d = datasets.load_digits()
    table("digits.csv", d.feature_names, d.data, "digit", d.target.tolist())
    write("notebook.csv", ["x1", "x2", "x3", "y"], [
        ["0.2", "0.4", "0.6", "0.8"],
        ["0.3", "0.3", "0.1", "0.2"],
        ["0.5", "0.4", "0.7", "0.4"],
        ["0.8", "0.4", "0.1", "0.6"],
    ])


if __name__ == "__main__":
    main()
