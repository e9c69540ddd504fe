"""Asks a server by tritonclient and kserve's InferenceRESTClient: clients.py URL CASES TOKEN.

CASES is a file of JSON: for each model its rows by column, and what gradus predicts of them. A
line is printed for everything that was asked; the first thing that is wrong ends it.
"""

import asyncio
import json
import sys

import numpy as np
import tritonclient
import tritonclient.http as triton
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from prometheus_client.parser import text_string_to_metric_families
from importlib.metadata import version

import httpx

url, path, token = sys.argv[1:4]
with open(path) as f:
    cases = json.load(f)
headers = {"Authorization": "Bearer " + token} if token else {}


def array(column):
    if column["kind"] == "number":
        return np.array([np.nan if v is None else v for v in column["values"]], dtype=np.float64).reshape(-1, 1)
    return np.array([("" if v is None else v).encode() for v in column["values"]], dtype=object).reshape(-1, 1)


def check(what, case, outputs):
    key = "variable" if "variable" in outputs else "probabilities"
    want = np.array(case["outputs"])
    got = np.array(outputs[key], dtype=np.float64).reshape(want.shape)
    assert np.array_equal(got, want), (what, got, want)
    if "label" in outputs:
        labels = [v.decode() if isinstance(v, bytes) else str(v) for v in np.array(outputs["label"]).ravel().tolist()]
        assert labels == case["labels"], (what, labels, case["labels"])
    print("%s: %s: %d rows, the same bits%s" % (what, case["model"], len(want), ", the same labels" if "label" in outputs else ""))


def with_triton():
    name = "tritonclient " + version("tritonclient")
    c = triton.InferenceServerClient(url.removeprefix("http://"))
    assert c.is_server_live(headers=dict(headers)) and c.is_server_ready(headers=dict(headers))
    meta = c.get_server_metadata(headers=dict(headers))
    print("%s: server %s, extensions %s" % (name, meta["name"], meta["extensions"]))
    print("%s: index %s" % (name, [m["name"] for m in c.get_model_repository_index(headers=dict(headers))]))
    for case in cases:
        model = case["model"]
        assert c.is_model_ready(model, headers=dict(headers)) and not c.is_model_ready("none", headers=dict(headers))
        meta = c.get_model_metadata(model, headers=dict(headers))
        assert [i["name"] for i in meta["inputs"]] == [i["name"] for i in case["columns"]], meta
        for binary in (True, False):
            for packed in (None, "gzip", "deflate"):
                inputs = []
                for column in case["columns"]:
                    a = array(column)
                    i = triton.InferInput(column["name"], a.shape, "FP64" if column["kind"] == "number" else "BYTES")
                    if binary:
                        i.set_data_from_numpy(a, binary_data=True)
                    else:
                        i.set_data_from_numpy(np.nan_to_num(a, nan=0) if column["kind"] == "number" else a, binary_data=False)
                        if column["kind"] == "number":  # JSON has no NaN
                            i._data = [[None if np.isnan(v) else float(v)] for v in a[:, 0]]
                    inputs.append(i)
                outputs = [triton.InferRequestedOutput(o["name"], binary_data=binary) for o in meta["outputs"]]
                r = c.infer(model, inputs, outputs=outputs, request_id="r1", headers=dict(headers), request_compression_algorithm=packed)
                assert r.get_response()["id"] == "r1"
                check("%s, %s%s" % (name, "binary" if binary else "JSON", ", " + packed if packed else ""), case, {o["name"]: r.as_numpy(o["name"]) for o in meta["outputs"]})
    try:
        c.infer("none", inputs, headers=dict(headers))
        raise AssertionError("a model that there is not")
    except Exception as e:
        print("%s: %s" % (name, e))
    c.close()


async def with_kserve():
    name = "kserve " + version("kserve")
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as c:
        assert await c.is_server_live(url, headers=dict(headers)) and await c.is_server_ready(url, headers=dict(headers))
        for case in cases:
            assert await c.is_model_ready(url, case["model"], headers=dict(headers))
            for binary in (False, True):
                inputs = []
                for column in case["columns"]:
                    a = array(column)
                    kind = "FP64" if column["kind"] == "number" else "BYTES"
                    i = InferInput(column["name"], list(a.shape), kind)
                    if binary:
                        i.set_data_from_numpy(a, binary_data=True)
                    else:
                        i.data = [None if v is None else v for v in column["values"]] if column["kind"] == "number" else ["" if v is None else v for v in column["values"]]
                    inputs.append(i)
                r = await c.infer(url, InferRequest(model_name=case["model"], infer_inputs=inputs), model_name=case["model"], headers=dict(headers))
                check("%s v2, %s" % (name, "binary" if binary else "JSON"), case, {o.name: (o.as_numpy() if binary else o.data) for o in r.outputs})
        try:
            await c.infer(url, {"inputs": []}, model_name=cases[0]["model"], headers=dict(headers))
            raise AssertionError("a request without inputs")
        except httpx.HTTPStatusError as e:
            print("%s v2: %s" % (name, e))
    async with InferenceRESTClient(RESTConfig(protocol="v1")) as c:
        for case in cases:
            assert await c.is_model_ready(url, case["model"], headers=dict(headers))
            rows = [{col["name"]: col["values"][i] for col in case["columns"]} for i in range(len(case["outputs"]))]
            r = await c.infer(url, {"instances": rows}, model_name=case["model"], headers=dict(headers))
            assert r["predictions"] == case["short"], (r, case["short"])
            print("%s v1: %s: %d rows, the same" % (name, case["model"], len(rows)))


with_triton()
asyncio.run(with_kserve())
families = list(text_string_to_metric_families(httpx.get(url + "/metrics", headers=dict(headers)).text))
print("prometheus_client %s: %d families, among them %s" % (version("prometheus_client"), len(families), [f.name for f in families][:3]))
try:
    from openapi_spec_validator import validate

    validate(httpx.get(url + "/openapi.json", headers=dict(headers)).json())
    print("openapi-spec-validator %s: openapi.json is valid" % version("openapi-spec-validator"))
except ImportError:
    print("openapi-spec-validator is not here")
