"""Made the files in foreign: small dense networks of scikit-learn (through skl2onnx), PyTorch and
Keras (on jax), and what they predict. foreign.py sklearn | torch | keras, each with the packages it names."""

import json
import os
import sys

import numpy as np

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "foreign")
x = np.random.default_rng(7).normal(size=(40, 4)).astype(np.float32)
rows = x[:8]


def keep(name, outputs):
    with open(os.path.join(folder, name + ".json"), "w") as f:
        json.dump({"rows": rows.tolist(), "outputs": np.asarray(outputs, dtype=np.float64).tolist()}, f)


if sys.argv[1] == "sklearn":
    from skl2onnx import to_onnx
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def save(name, m, y, predict):
        m.fit(x, y)
        with open(os.path.join(folder, name + ".onnx"), "wb") as f:
            f.write(to_onnx(m, x[:1], options={"zipmap": False} if predict == "predict_proba" else None).SerializeToString())
        keep(name, getattr(m, predict)(rows.astype(np.float64)))

    three = np.array(["a", "b", "c"])[(x[:, 0] > 0).astype(int) + (x[:, 1] > 0.5)]
    save("sklearn_three", MLPClassifier((5,), max_iter=60, random_state=1), three, "predict_proba")
    save("sklearn_two", make_pipeline(StandardScaler(), MLPClassifier((4, 3), activation="tanh", max_iter=60, random_state=1)), (x[:, 0] > 0).astype(int) * 2 + 1, "predict_proba")
    save("sklearn_number", make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(6,), activation="logistic", max_iter=60, random_state=1)), 3 * x[:, 0] - x[:, 2], "predict")
elif sys.argv[1] == "keras":
    os.environ["KERAS_BACKEND"] = "jax"
    import keras
    from safetensors.numpy import save_file

    keras.utils.set_random_seed(1)
    dense = keras.layers.Dense
    net = keras.Sequential([keras.Input((4,)), dense(5, activation="tanh"), dense(5, activation="tanh"), dense(3, activation="softmax")])
    net.compile("adam", "sparse_categorical_crossentropy")
    net.fit(x, (x[:, 0] > 0).astype(int) + (x[:, 1] > 0.5), epochs=5, verbose=0)
    weights = {w.path: np.asarray(w.value) for w in net.weights}  # sequential/dense_1/kernel and so on
    np.savez(os.path.join(folder, "keras.npz"), *net.get_weights())
    np.savez(os.path.join(folder, "keras_named.npz"), **{path.replace("/", "."): w for path, w in weights.items()})
    save_file(weights, os.path.join(folder, "keras.safetensors"))
    net.export(os.path.join(folder, "keras.onnx"), format="onnx", verbose=False)  # with jax2onnx
    for name in "keras", "keras_named":
        keep(name, net.predict(rows, verbose=0))
else:
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(1)
    net = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.LeakyReLU(0.2), torch.nn.Linear(6, 5), torch.nn.ELU(), torch.nn.Linear(5, 2))
    net.eval()
    torch.onnx.export(net, torch.from_numpy(rows), os.path.join(folder, "torch.onnx"), opset_version=13, dynamic_axes={"input": {0: "N"}}, input_names=["input"])
    save_file(net.state_dict(), os.path.join(folder, "torch.safetensors"))
    np.savez(os.path.join(folder, "torch.npz"), **{k: v.numpy() for k, v in net.state_dict().items()})
    with torch.no_grad():
        keep("torch", net(torch.from_numpy(rows)).numpy())
