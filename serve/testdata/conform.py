"""Holds a server's answers to the protocol and to what the server says of itself: conform.py EXCHANGES.

EXCHANGES is a file of JSON: the server's openapi.json, and requests with their answers. Each answer must be
what the operation of openapi.json says for its status, a request that was answered with 200 what it says of
requests, and what the Open Inference Protocol has must also be what protocol.json says.
"""

import json
import pathlib
import sys

from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

with open(sys.argv[1]) as f:
    given = json.load(f)
openapi, exchanges = given["openapi"], given["exchanges"]
protocol = json.loads((pathlib.Path(__file__).parent / "protocol.json").read_text())
validate(openapi)


def check(what, schema, of, value):
    errors = sorted(Draft202012Validator({**of, **schema}).iter_errors(value), key=lambda e: e.json_path)
    assert not errors, "%s: %s: %s" % (what, errors[0].json_path, errors[0].message)


def own(schema, value, what):
    check(what, schema, {"components": openapi["components"]}, value)


def theirs(name, value, what):
    check(what + ", by the protocol", {"$ref": "#/$defs/" + name}, {"$defs": protocol["$defs"]}, value)


held, byprotocol, operations = 0, 0, set()
for e in exchanges:
    what = "%s %s: %d" % (e["method"], e["path"], e["status"])
    path = e["path"].split("?")[0].rstrip("/")
    parts = path.split("/")
    if "versions" in parts:  # described once, without a version
        at = parts.index("versions")
        path = "/".join(parts[:at] + parts[at + 2 :])
    operation = openapi["paths"].get(path, {}).get(e["method"].lower())
    if operation is not None:
        operations.add((path, e["method"].lower()))
        described = operation["responses"].get(str(e["status"]))
        assert described is not None, "%s: openapi.json has no such status" % what
        own(described["content"]["application/json"]["schema"], e["answer"], what)
        if "request" in e and e["status"] == 200:
            own(operation["requestBody"]["content"]["application/json"]["schema"], e["request"], what + ", the request")
            for name, value in e.get("query", {}).items():
                schemas = {p["name"]: p["schema"] for p in operation["parameters"]}
                own(schemas[name], json.loads(value) if schemas[name]["type"] != "string" else value, what + ", " + name)
        held += 1
    if e["path"].startswith("/v2"):
        if e["status"] != 200:
            theirs("error", e["answer"], what)
        elif path.endswith("/infer"):
            if e["protocol"]:  # null for a missing value, and bodies without data, are beyond it
                theirs("inference_request", e["request"], what)
            theirs("inference_response", e["answer"], what)
            assert e["answer"].get("id") == e["request"].get("id"), what
            for o in e["answer"]["outputs"]:
                n = 1
                for size in o["shape"]:
                    n *= size
                assert len(o["data"]) == n, "%s: %s has %d elements, not %d" % (what, o["name"], len(o["data"]), n)
        elif path.endswith("/live"):
            theirs("server_live", e["answer"], what)
        elif path.endswith("/ready"):
            if "models" in path:
                theirs("model_ready", e["answer"], what)
        elif "models" in path:
            theirs("model_metadata", e["answer"], what)
        else:
            theirs("server_metadata", e["answer"], what)
        byprotocol += 1
missed = {(path, method) for path in openapi["paths"] for method in openapi["paths"][path]} - operations - {("/metrics", "get")}
assert not missed, "nothing was asked of %s" % sorted(missed)
print("%d answers are what openapi.json says, %d what the protocol says; all %d operations were asked" % (held, byprotocol, len(operations)))
