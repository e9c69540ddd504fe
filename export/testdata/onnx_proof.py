"""Holds exported ONNX files to onnx's checker and reference evaluator and to onnxruntime.

onnx_proof.py FOLDER: FOLDER/cases.json lists the cases, each with its model's file, the values
of its inputs by column, and what gradus says of them. One line of JSON is printed for each case
and engine: how many encoded inputs have other bits, how far the outputs are at most, in units,
and how many labels differ. Without the package onnx, onnxruntime alone is asked.
"""

import base64
import json
import os
import sys

import numpy as np
import onnxruntime as ort

try:
    import onnx
    from onnx.reference import ReferenceEvaluator
except ImportError:
    onnx = None

TYPES = {"number": np.float64, "date": np.int64, "boolean": str, "category": str}


def column(kind, values):
    if kind == "number":
        values = [np.nan if v is None else v for v in values]
    if TYPES[kind] is str:
        return np.array(values, dtype=object).reshape(-1, 1)
    return np.array(values, dtype=TYPES[kind]).reshape(-1, 1)


def real(case, text):
    dtype = np.float32 if case["precision"] == "float32" else np.float64
    return np.frombuffer(base64.b64decode(text), dtype=dtype).reshape(case["rows"], -1)


def compare(case, got):
    answer = {"case": case["name"], "bound": case["bound"]}
    if "encoded" in got:
        want = real(case, case["encoded"])
        bits = np.uint32 if want.dtype == np.float32 else np.uint64
        assert got["encoded"].dtype == want.dtype and got["encoded"].shape == want.shape, (got["encoded"].dtype, got["encoded"].shape, want.shape)
        answer["cells"] = want.size
        differ = got["encoded"].view(bits) != want.view(bits)
        if case["near"]:
            differ &= ~(np.abs(got["encoded"] - want) <= case["near"])
        answer["cells_differ"] = int(differ.sum())
    want = np.frombuffer(base64.b64decode(case["outputs"]), dtype=np.float64).reshape(case["rows"], -1)
    have = got[case["output"]].astype(np.float64)
    assert have.shape == want.shape, (have.shape, want.shape)
    with np.errstate(invalid="ignore", over="ignore"):
        unit = np.array(case["units"])
        away = np.abs(have - want) / (unit if case["output"] == "probabilities" else np.abs(want) + unit)
    away[(have == want) | (np.isnan(have) & np.isnan(want))] = 0
    answer["worst"] = float(np.nan_to_num(away, nan=1e300).max())
    if "label" in got:
        labels = got["label"]
        assert list(labels.shape) == list(np.array(case["labels"]).shape), (labels.shape, np.array(case["labels"]).shape)
        answer["labels"] = int(labels.size)
        answer["labels_differ"] = sum(str(a) != b for a, b in zip(labels.ravel().tolist(), np.array(case["labels"]).ravel().tolist()))
    return answer


def main(folder):
    with open(os.path.join(folder, "cases.json")) as f:
        cases = json.load(f)
    for case in cases:
        path = os.path.join(folder, case["file"])
        if case["net"]:
            feeds = {"encoded": real(case, case["encoded"])}
        else:
            feeds = {c["name"]: column(c["kind"], c["values"]) for c in case["columns"]}
        names = case["named"]
        engines = []
        if onnx:
            onnx.checker.check_model(path, full_check=True)
            model = onnx.load(path)
            if not case["net"]:
                assert [i.name for i in model.graph.input] == list(feeds), "inputs"
            meta = {p.key: p.value for p in model.metadata_props}
            assert meta["weights_sha256"] == case["weights_sha256"], "weights_sha256"
            with np.errstate(all="ignore"):
                engines.append(("reference " + onnx.__version__, ReferenceEvaluator(model).run(names, feeds)))
        session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
        engines.append(("onnxruntime " + ort.__version__, session.run(names, feeds)))
        for engine, outputs in engines:
            answer = compare(case, dict(zip(case["roles"], outputs)))
            answer["engine"] = engine
            print(json.dumps(answer), flush=True)


ort.set_default_logger_severity(3)
main(sys.argv[1])
