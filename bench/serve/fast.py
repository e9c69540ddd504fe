"""What many write: FastAPI with onnxruntime and what gradus export writes. fast.py ONNX PORT."""

import sys

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI, Request

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options)
names = [i.name for i in session.get_inputs()]
app = FastAPI()


@app.get("/ready")
def ready():
    return True


@app.post("/predict")
async def predict(request: Request):
    rows = np.array((await request.json())["inputs"], dtype=np.float64)
    return {"predictions": session.run(["variable"], {n: rows[:, i : i + 1] for i, n in enumerate(names)})[0].tolist()}


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), access_log=False, log_level="warning")
