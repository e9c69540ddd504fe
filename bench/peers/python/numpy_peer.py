"""numpy: the notebook's own loop, and a dense net written by hand for the other workloads.

notebook  MODE "loop" is the notebook's loop as it stands, with its test of convergence
          (np.isclose) after every epoch; "step" is the same without the test and with the
          sum of the loss instead, which is what the other peers do. The test takes longer
          than the rest.
others    every product and pass writes into arrays made once (out=).
"""

from serve import Net, blas, mode, notebook_x, notebook_y, serve, workload

import numpy as np


def notebook():
    X, Y, gamma = notebook_x, notebook_y, 5
    rng = np.random.default_rng(1)
    w = [2 * rng.random((3, 4)) - 1, 2 * rng.random((4, 1)) - 1]

    def Sigmoid(z):
        return 1 / (1 + np.exp(-z))

    def One_Epoch(w_1, w_2):
        h_in = np.dot(X, w_1)
        h_out = Sigmoid(h_in)
        y_in = np.dot(h_out, w_2)
        y_out = Sigmoid(y_in)
        delta_y = -(Y - y_out) * (y_out * (1 - y_out))
        error_w2 = h_out.T.dot(delta_y)
        delta_h = delta_y.dot(w_2.T) * (h_out * (1 - h_out))
        error_w1 = X.T.dot(delta_h)
        w_2 = w_2 - gamma * error_w2
        w_1 = w_1 - gamma * error_w1
        return w_1, w_2, y_out

    def loop(n):
        w_1, w_2 = w
        for _ in range(n):
            w_1, w_2, y = One_Epoch(w_1, w_2)
            Converged = np.isclose(Y, y, 0.001)
            Converged.all()
        w[:] = w_1, w_2
        return 0.5 * ((Y - y) ** 2).sum()

    def step(n):
        w_1, w_2 = w
        for _ in range(n):
            w_1, w_2, y = One_Epoch(w_1, w_2)
            e = Y - y
            loss = 0.5 * (e * e).sum()
        w[:] = w_1, w_2
        return loss

    return loop if mode == "loop" else step


def dense():
    net, rng = Net(), np.random.default_rng(1)
    params = list(net.weights(rng))
    grads = [np.zeros_like(p) for p in params]
    slots = [np.zeros_like(p) for p in params]
    squares = [np.zeros_like(p) for p in params]
    scratch = [np.zeros_like(p) for p in params]
    depth = len(net.sizes) - 1
    B = net.batch
    acts = [np.zeros((B, n), np.float32) for n in net.sizes]
    deltas = [np.zeros((B, n), np.float32) for n in net.sizes]
    target = np.zeros((B, net.sizes[-1]), np.float32)
    at = {"order": None, "position": net.rows, "n": 0}

    def step():
        if at["position"] + B > net.rows:
            at["order"], at["position"] = rng.permutation(net.rows), 0
        rows = at["order"][at["position"] : at["position"] + B]
        at["position"] += B
        at["n"] += 1
        np.take(net.x, rows, axis=0, out=acts[0], mode="clip")
        np.take(net.y, rows, axis=0, out=target, mode="clip")
        for l in range(depth):
            z = acts[l + 1]
            np.matmul(acts[l], params[2 * l], out=z)
            z += params[2 * l + 1]
            if l + 1 < depth:
                np.maximum(z, 0, out=z)
        z, d = acts[-1], deltas[-1]
        if net.classify:
            z -= z.max(axis=1, keepdims=True)
            np.exp(z, out=d)
            total = d.sum(axis=1, keepdims=True)
            loss = (np.log(total).sum() - np.vdot(z, target)) / B
            d /= total
            d -= target
            d *= np.float32(1 / B)
        else:
            np.subtract(z, target, out=d)
            loss = np.vdot(d, d) / B
            d *= np.float32(2 / B)
        for l in reversed(range(depth)):
            np.matmul(acts[l].T, deltas[l + 1], out=grads[2 * l])
            deltas[l + 1].sum(axis=0, out=grads[2 * l + 1])
            if l:
                np.matmul(deltas[l + 1], params[2 * l].T, out=deltas[l])
                deltas[l] *= acts[l] > 0
        if net.rule == "adam":
            n = at["n"]
            a, c = np.float32(net.rate / (1 - 0.9**n)), np.float32(1 / (1 - 0.999**n) ** 0.5)
            for p, g, m, v, t in zip(params, grads, slots, squares, scratch):
                m *= np.float32(0.9)
                np.multiply(g, np.float32(0.1), out=t)
                m += t
                v *= np.float32(0.999)
                np.multiply(g, g, out=t)
                t *= np.float32(0.001)
                v += t
                np.sqrt(v, out=t)
                t *= c
                t += np.float32(1e-8)
                np.divide(m, t, out=t)
                t *= a
                p -= t
        else:
            for p, g, m, t in zip(params, grads, slots, scratch):
                if net.rule == "momentum":
                    m *= np.float32(net.momentum)
                    m += g
                    g = m
                np.multiply(g, np.float32(net.rate), out=t)
                p -= t
        return loss

    def steps(n):
        for _ in range(n):
            loss = step()
        return loss

    x = net.x[1:2].copy()

    def infer(n):
        for _ in range(n):
            z = x
            for l in range(depth):
                z = z @ params[2 * l]
                z += params[2 * l + 1]
                if l + 1 < depth:
                    np.maximum(z, 0, out=z)
        return z[0, 0]

    return infer if workload == "inference" else steps


steps = notebook() if workload == "notebook" else dense()
chunk = {"notebook": 200, "inference": 200, "tabular": 64}.get(workload, 8)
serve(steps, chunk, f"numpy {np.__version__}, {blas()}")
