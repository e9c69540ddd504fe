"""Prints what scikit-learn's MLPs have and which callbacks Keras has, for docs_test.go.

    pip install scikit-learn pandas && pip install --no-deps keras
    python sklearn.py > sklearn.json

Keras is read, not imported, since that would need a backend.
"""
import importlib.metadata
import importlib.util
import inspect
import json
import pathlib
import re
import sys
import warnings

sys.path.pop(0)  # this file is not the library
warnings.simplefilter("ignore")
import numpy
import pandas
import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor

names = {"parameters": set(), "attributes": set(), "methods": set()}
x = pandas.DataFrame(numpy.arange(180).reshape(60, 3) % 7, columns=["a", "b", "c"])
for kind in (MLPClassifier, MLPRegressor):
    model = kind(early_stopping=True, max_iter=3).fit(x, x["a"] % 2)
    names["parameters"] |= set(model.get_params())
    names["attributes"] |= {a for a in vars(model) if a.endswith("_") and not a.startswith("_")}
    names["methods"] |= {n for n, v in inspect.getmembers(kind) if callable(v) and not n.startswith("_")}

keras = pathlib.Path(importlib.util.find_spec("keras").origin).parent / "callbacks" / "__init__.py"
callbacks = re.findall(r"(\w+) as \1", keras.read_text())
out = {"scikit-learn": sklearn.__version__, "keras": importlib.metadata.version("keras"),
       **{k: sorted(v) for k, v in names.items()}, "callbacks": callbacks}
json.dump(out, sys.stdout, indent=1)
print()
