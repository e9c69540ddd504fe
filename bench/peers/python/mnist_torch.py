"""MNIST's IDX files to 98 % of the test images with PyTorch, as a whole process: the same net,
batches and descent as bench/peers/mnist.

  mnist_torch.py DIR THREADS SEED RATE EPOCHS MODE      MODE is eager or compile

Images become float32 once, batches are index_select into a tensor made once, the optimizer
is the fused one. compile pays for itself only if its cache is warm, if at all.
"""

import gzip
import json
import os
import sys

folder, threads, seed, rate, epochs, mode = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]), sys.argv[6]
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

torch.manual_seed(seed)
torch.set_num_threads(threads)


def idx(name, offset):
    with gzip.open(os.path.join(folder, name)) as f:
        return np.frombuffer(f.read(), np.uint8, offset=offset)


def read(part):
    labels = torch.from_numpy(idx(part + "-labels-idx1-ubyte.gz", 8).astype(np.int64))
    images = torch.from_numpy(idx(part + "-images-idx3-ubyte.gz", 16).reshape(len(labels), -1).astype(np.float32))
    return images.div_(255), labels


x, y = read("train")
test_x, test_y = read("t10k")
model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))
for layer in model:
    if isinstance(layer, nn.Linear):
        nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)
optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, fused=True)


def forward(x, y):
    return nn.functional.cross_entropy(model(x), y)


if mode == "compile":
    forward = torch.compile(forward)
batch_x = torch.empty(128, 784)
step, steps = 0, epochs * ((len(x) + 127) // 128)
for epoch in range(1, epochs + 1):
    total = 0.0
    for rows in torch.randperm(len(x)).split(128):
        bx = torch.index_select(x, 0, rows, out=batch_x) if len(rows) == 128 else x[rows]
        loss = forward(bx, y[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
        optimizer.step()
        step += 1
        total += loss.detach() * len(rows)
    with torch.inference_mode():
        accuracy = (model(test_x).argmax(1) == test_y).float().mean().item()
    if accuracy >= 0.98:
        break
print(json.dumps({"accuracy": accuracy, "epochs": epoch, "loss": float(total) / len(x)}))
