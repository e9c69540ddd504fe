"""Writes shapley.json: what PyPI shap's exact and permutation explainers say of three models.

    python shapley.py GRADUS EXAMPLES    (a built gradus, and the folder examples/data)

The models, small and trained for few epochs, stand beside the script. shap sees nothing of them but
what `gradus predict` answers. Categories go through shap as numbers.
"""

import csv
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import shap

gradus, examples = sys.argv[1], pathlib.Path(sys.argv[2])
here = pathlib.Path(__file__).parent
BACKGROUND = 20


def run(*args):
    subprocess.run([gradus, *map(str, args)], check=True, stdout=subprocess.DEVNULL)


def model(table, *flags):
    path = here / f"shapley_{table}.safetensors"
    run("train", examples / f"{table}.csv", "--hidden", "8", "--quiet", "-o", path, *flags)
    info = subprocess.run([gradus, "info", path, "--json"], check=True, capture_output=True, text=True)
    info = json.loads(info.stdout)
    columns = info["columns"]
    with open(examples / f"{table}.csv") as f:
        rows = [[row[c] for c in columns] for row in csv.DictReader(f)]
    words = [sorted(set(column)) for column in zip(*rows)]
    x = np.array([[words[j].index(cell) for j, cell in enumerate(row)] for row in rows], float)

    def f(x):
        with tempfile.TemporaryDirectory() as d:
            d = pathlib.Path(d)
            with open(d / "in.csv", "w", newline="") as out:
                w = csv.writer(out)
                w.writerow(columns)
                w.writerows([words[j][int(v)] for j, v in enumerate(row)] for row in x)
            run("predict", path, d / "in.csv", "-o", d / "out.csv")
            with open(d / "out.csv") as said:
                said = list(csv.reader(said))
        first = 0 if info["task"] == "regression" else 2 if info["task"] == "binary" else 1
        return np.array([[float(v) for v in row[first:]] for row in said[1:]])

    return f, x


def values(explainer, x, **more):
    e = explainer(x, silent=True, **more) if more else explainer(x)
    v = e.values if e.values.ndim == 3 else e.values[:, :, None]
    return v.transpose(0, 2, 1), np.broadcast_to(e.base_values.reshape(len(x), -1), (len(x), v.shape[2]))


out = {}
for table, rows, flags in [
    ("penguins", [0, 10, 200, 340], ["--target", "species", "--epochs", "20"]),
    ("diabetes", [3, 100], ["--epochs", "20"]),
]:
    f, x = model(table, *flags)
    masker = shap.maskers.Independent(x[:BACKGROUND], max_samples=BACKGROUND)
    v, base = values(shap.explainers.Exact(f, masker), x[rows])
    out[table] = {"background": BACKGROUND, "rows": rows, "base": base[0].tolist(), "values": v.tolist()}

f, x = model("breast_cancer", "--epochs", "5")
masker = shap.maskers.Independent(x[:BACKGROUND], max_samples=BACKGROUND)
runs, rows = [], [0, 50]
for seed in range(10):
    v, base = values(shap.explainers.Permutation(f, masker, seed=seed), x[rows], max_evals=10 * (2 * x.shape[1] + 1))
    runs.append(v)
runs = np.array(runs)
out["breast_cancer"] = {
    "background": BACKGROUND, "rows": rows, "base": base[0].tolist(), "values": runs.mean(0).tolist(),
    "errors": (runs.std(0, ddof=1) / np.sqrt(len(runs))).tolist(),
}
out["made_with"] = {"shap": shap.__version__, "numpy": np.__version__}
(here / "shapley.json").write_text(json.dumps(out, indent=1) + "\n")
