"""Reads exported tensors back: tensors_proof.py FOLDER.

FOLDER/cases.json lists the cases: the file, its layout, its modules as PyTorch has them, the
encoded inputs and the network's outputs. numpy predicts by hand from .npz, PyTorch (where it is
installed) from .safetensors. One line of JSON is printed for each: how far the outputs are away.
"""

import base64
import json
import os
import sys

import numpy as np

try:
    import torch
    from torch.nn import *  # noqa: F403, the modules are given by their names
    from safetensors.torch import load_file
except ImportError:
    torch = None


def matrix(text, rows):
    return np.frombuffer(base64.b64decode(text), dtype=np.float64).reshape(rows, -1)


def by_hand(tensors, x, layout):
    """Dense layers with relu between them."""
    names = sorted({int(n.split(".")[-2]) for n in tensors})
    prefix = "layers." if layout == "gradus" else ""
    for i, k in enumerate(names):
        w, b = tensors["%s%d.weight" % (prefix, k)], tensors["%s%d.bias" % (prefix, k)]
        x = x @ (w if layout == "gradus" else w.T) + b
        if i < len(names) - 1:
            x = np.maximum(x, 0)
    return x


with open(os.path.join(sys.argv[1], "cases.json")) as f:
    cases = json.load(f)
for case in cases:
    path = os.path.join(sys.argv[1], case["file"])
    x, want = matrix(case["x"], case["rows"]), matrix(case["y"], case["rows"])
    if path.endswith(".npz"):
        with np.load(path) as z:
            got = by_hand({n: z[n].astype(np.float64) for n in z.files}, x, case["layout"])
        by = "numpy"
    elif torch:
        net = eval(case["modules"]).double()
        net.load_state_dict({n: t.double() for n, t in load_file(path).items()}, strict=True)
        with torch.no_grad():
            got = net.eval()(torch.from_numpy(x.copy())).numpy()
        by = "PyTorch " + torch.__version__
    else:
        continue
    print(json.dumps({"case": case["file"], "by": by, "worst": float(np.abs(got - want).max())}), flush=True)
