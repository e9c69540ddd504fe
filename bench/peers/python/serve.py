"""What the peers in Python share: the protocol and the workloads' data.

A peer is called "PEER.py WORKLOAD THREADS MODE", prints one JSON line when it is ready, then
reads lines of seconds from standard input and answers each with one JSON line
{"ns": time of a step, "first_loss": .., "last_loss": .., "steps": ..}.
"""

import json
import os
import statistics
import sys
import time

# Libraries read these when they are imported.
workload, threads, mode = sys.argv[1], int(sys.argv[2]), (sys.argv + [""])[3]
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = str(threads)

import numpy as np  # noqa: E402


class Net:
    """A workload's sizes and data, as cmd/gradus/internal/bench has them."""

    def __init__(self):
        mnist = workload.startswith("mnist")
        self.sizes = [784, 512, 256, 10] if mnist else [20, 64, 64, 1]
        self.rows, self.batch = (4096, 128) if mnist else (8192, 32)
        self.rate, self.momentum = 0.001, 0.9
        self.classify = mnist
        self.rule = {"mnist": "momentum", "mnist-sgd": "sgd"}.get(workload, "adam")
        row = np.arange(self.rows, dtype=np.uint32)[:, None]
        h = (row * np.uint32(7919) + np.arange(self.sizes[0], dtype=np.uint32)) * np.uint32(2654435761)
        h ^= h >> np.uint32(15)
        h *= np.uint32(2246822519)
        h ^= h >> np.uint32(13)
        self.x = (h >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
        self.labels = np.arange(self.rows) % 10
        if mnist:
            self.y = np.eye(10, dtype=np.float32)[self.labels]
        else:
            self.x = 2 * self.x - 1
            self.y = self.x.sum(axis=1, keepdims=True, dtype=np.float32) / 4

    def weights(self, rng):
        """He's uniform weights [in, out] and zero biases, layer by layer."""
        for n, m in zip(self.sizes, self.sizes[1:]):
            yield rng.uniform(-1, 1, (n, m)).astype(np.float32) * np.float32((6 / n) ** 0.5)
            yield np.zeros(m, np.float32)


notebook_x = np.array([[0.2, 0.4, 0.6], [0.3, 0.3, 0.1], [0.5, 0.4, 0.7], [0.8, 0.4, 0.1]])
notebook_y = np.array([[0.8], [0.2], [0.4], [0.6]])


def blas():
    """Which kernels the process's matrix libraries chose."""
    from threadpoolctl import threadpool_info

    return ", ".join(sorted({f"{i['internal_api']} {i.get('version')} {i.get('architecture', '')}".strip() for i in threadpool_info()}))


def serve(steps, chunk, detail):
    """steps(n) makes n steps and returns the last one's loss, when all of it is done."""
    first = float(steps(1))
    made = 1 + chunk
    steps(chunk)
    print(json.dumps({"ready": True, "detail": detail, "first_loss": first}), flush=True)
    for line in sys.stdin:
        pieces, times = 7, []
        each = float(line) / pieces
        steps(chunk)
        made += chunk
        for _ in range(pieces):
            n, start = 0, time.perf_counter()
            while True:
                last = steps(chunk)
                n += chunk
                took = time.perf_counter() - start
                if took >= each:
                    break
            times.append(took / n * 1e9)
            made += n
        print(json.dumps({"ns": statistics.median(times), "first_loss": first, "last_loss": float(last), "steps": made}), flush=True)
