"""Fits scikit-learn's MLP of the measured shape and lays it down for MLServer: net.py CSV FOLDER PORT GRPC METRICS."""

import json
import os
import sys

import joblib
import numpy as np
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

table, folder, port, grpc, metrics = sys.argv[1:6]
rows = np.genfromtxt(table, delimiter=",", skip_header=1)
net = make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(64, 32), max_iter=20))
net.fit(rows[:, :-1], rows[:, -1])
os.makedirs(os.path.join(folder, "net"), exist_ok=True)
joblib.dump(net, os.path.join(folder, "net", "model.joblib"))
with open(os.path.join(folder, "net", "model-settings.json"), "w") as f:
    json.dump({"name": "net", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": "./model.joblib"}}, f)
with open(os.path.join(folder, "settings.json"), "w") as f:
    # No process of its own for inference and no access log: the fastest there is on one core.
    json.dump({"debug": False, "host": "127.0.0.1", "http_port": int(port), "grpc_port": int(grpc), "metrics_port": int(metrics),
               "parallel_workers": 0, "root_path": "", "metrics_endpoint": None}, f)
