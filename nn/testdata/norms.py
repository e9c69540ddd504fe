#!/usr/bin/env python3
"""Writes norms.json: networks with batch and layer normalisation as torch has them, in float64.

Run:  python3 norms.py        (needs torch; writes norms.json beside this file)

Every case is a stack of torch.nn.Linear, BatchNorm1d or LayerNorm, activation. "weight" is [in, out], torch's transposed.
Two batches go through it in training mode, so that the running statistics move twice; outputs, loss (the squared error,
summed over the outputs, mean over the rows) and gradients are of the second. "inference" is the first batch in eval mode
after that.
"""
import json
import os

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
ACT = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid, "identity": torch.nn.Identity}


def case(name, seed, rows, sizes, norms, activations, bias):
    torch.manual_seed(seed)
    layers, stack = [], []
    for i, norm in enumerate(norms):
        lin = torch.nn.Linear(sizes[i], sizes[i + 1], bias=bias)
        stack.append(lin)
        n = None
        if norm == "batch":
            n = torch.nn.BatchNorm1d(sizes[i + 1])
        if norm == "layer":
            n = torch.nn.LayerNorm(sizes[i + 1])
        if n is not None:
            with torch.no_grad():
                n.weight.copy_(torch.randn(sizes[i + 1]) / 3 + 1)
                n.bias.copy_(torch.randn(sizes[i + 1]) / 3)
            stack.append(n)
        stack.append(ACT[activations[i]]())
        layers.append((lin, n))
    net = torch.nn.Sequential(*stack)
    first, x = torch.randn(rows + 3, sizes[0]) * 2 + 0.5, torch.randn(rows, sizes[0])
    y = torch.randn(rows, sizes[-1])
    net.train()
    net(first)
    out = net(x)
    loss = ((out - y) ** 2).sum(1).mean()
    loss.backward()
    tensors, grads, state = {}, {}, {}
    for i, (lin, n) in enumerate(layers):
        tensors["layers.%d.weight" % i] = lin.weight.detach().T.contiguous().flatten().tolist()
        grads["layers.%d.weight" % i] = lin.weight.grad.T.contiguous().flatten().tolist()
        if bias:
            tensors["layers.%d.bias" % i] = lin.bias.tolist()
            grads["layers.%d.bias" % i] = lin.bias.grad.tolist()
        if n is not None:
            tensors["layers.%d.norm.weight" % i] = n.weight.tolist()
            tensors["layers.%d.norm.bias" % i] = n.bias.tolist()
            grads["layers.%d.norm.weight" % i] = n.weight.grad.tolist()
            grads["layers.%d.norm.bias" % i] = n.bias.grad.tolist()
        if norms[i] == "batch":
            state["layers.%d.norm.mean" % i] = n.running_mean.tolist()
            state["layers.%d.norm.var" % i] = n.running_var.tolist()
    net.eval()
    return {
        "name": name, "sizes": sizes, "norms": norms, "activations": activations, "bias": bias, "tensors": tensors,
        "first": first.tolist(), "x": x.tolist(), "y": y.tolist(), "outputs": out.tolist(), "loss": loss.item(),
        "gradients": grads, "state": state, "inference": net(first).tolist(),
    }


def main():
    doc = {
        "about": "Networks with BatchNorm1d and LayerNorm by torch in float64; see norms.py.",
        "torch": torch.__version__.split("+")[0],
        "networks": [
            case("batch norm", 1, 7, [3, 5, 4, 2], ["batch", "batch", "none"], ["tanh", "relu", "identity"], True),
            case("batch norm without bias", 2, 2, [3, 6, 1], ["batch", "none"], ["sigmoid", "identity"], False),
            case("batch norm at the output", 3, 9, [4, 5, 3], ["none", "batch"], ["relu", "tanh"], True),
            case("batch norm over several chunks", 4, 300, [2, 3, 1], ["batch", "none"], ["relu", "identity"], True),
            case("layer norm", 5, 6, [3, 5, 4, 2], ["layer", "layer", "none"], ["tanh", "relu", "identity"], True),
            case("layer norm, wide", 6, 4, [3, 40, 1], ["layer", "none"], ["relu", "identity"], True),
            case("layer norm at the output, one row", 7, 1, [4, 5, 3], ["none", "layer"], ["relu", "sigmoid"], False),
            case("both", 8, 8, [4, 6, 5, 2], ["batch", "layer", "none"], ["relu", "tanh", "identity"], True),
        ],
    }
    with open(os.path.join(HERE, "norms.json"), "w", encoding="utf-8", newline="\n") as fh:
        rows = ",\n  ".join(json.dumps(n, allow_nan=False) for n in doc.pop("networks"))
        fh.write(json.dumps(doc)[:-1] + ",\n \"networks\": [\n  " + rows + "\n]}\n")


if __name__ == "__main__":
    main()
