"""JAX on the CPU. MODE is one of

  step  one jitted step a call, its arguments donated so that it updates in place; the epoch's
        order lies on the device and the step takes its rows from it by a counter of its own,
        so that nothing is transferred.
  scan  one jitted call an epoch: lax.scan over the epoch's permuted rows (gathered inside).

Threads: XLA's pool has as many as there are processors for it to see (NPROC), and the runner
pins the process to so many cores.
"""

import os
import sys
from functools import partial

os.environ["NPROC"] = sys.argv[2]
os.environ["JAX_PLATFORMS"] = "cpu"
if sys.argv[2] == "1":
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"

from serve import Net, mode, notebook_x, notebook_y, serve, workload  # noqa: E402

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

if workload == "notebook":
    jax.config.update("jax_enable_x64", True)
    X, Y = jnp.asarray(notebook_x), jnp.asarray(notebook_y)
    rng = np.random.default_rng(1)
    params = [jnp.asarray(2 * rng.random((3, 4)) - 1), jnp.asarray(2 * rng.random((4, 1)) - 1)]
    rows = batch = 4
    rule, rate = "sgd", 5.0

    def apply(params, x):
        return jax.nn.sigmoid(jax.nn.sigmoid(x @ params[0]) @ params[1])

    def loss_of(params, x, y):
        return 0.5 * jnp.square(apply(params, x) - y).sum()

else:
    net = Net()
    X, Y = jnp.asarray(net.x), jnp.asarray(net.y)
    params = [jnp.asarray(p) for p in net.weights(np.random.default_rng(1))]
    rows, batch, rule, rate = net.rows, net.batch, net.rule, net.rate

    def apply(params, x):
        for l in range(0, len(params), 2):
            x = x @ params[l] + params[l + 1]
            if l + 2 < len(params):
                x = jax.nn.relu(x)
        return x

    def loss_of(params, x, y):
        z = apply(params, x)
        if net.classify:
            return -(jax.nn.log_softmax(z) * y).sum(axis=1).mean()
        return jnp.square(z - y).mean()


def take(a, rows):
    return a.at[rows].get(mode="promise_in_bounds", unique_indices=True)


def step(state, chosen):
    params, m, v, n = state
    x, y = (X, Y) if chosen is None else (take(X, chosen), take(Y, chosen))
    loss, grads = jax.value_and_grad(loss_of)(params, x, y)
    n = n + 1
    if rule == "adam":
        k = n.astype(jnp.float32)
        a, c = rate / (1 - 0.9**k), 1 / jnp.sqrt(1 - 0.999**k)
        m = [0.9 * s + 0.1 * g for s, g in zip(m, grads)]
        v = [0.999 * s + 0.001 * g * g for s, g in zip(v, grads)]
        params = [p - a * s / (jnp.sqrt(q) * c + 1e-8) for p, s, q in zip(params, m, v)]
    elif rule == "momentum":
        m = [0.9 * s + g for s, g in zip(m, grads)]
        params = [p - rate * s for p, s in zip(params, m)]
    else:
        params = [p - rate * g for p, g in zip(params, grads)]
    return (params, m, v, n), loss


zeros = [jnp.zeros_like(p) for p in params]
state = (params, zeros, [jnp.zeros_like(p) for p in params], jnp.int32(0))
rng = np.random.default_rng(2)

if workload == "inference":
    x, apply = X[1:2], jax.jit(apply)

    def steps(n):
        for _ in range(n):
            z = apply(params, x)
            z.block_until_ready()
        return z[0, 0]

    chunk = 500
elif mode == "scan":
    chunk = 10000 if rows == batch else rows // batch

    @partial(jax.jit, donate_argnums=0)
    def epoch(state, order):
        if order is None:
            state, losses = jax.lax.scan(step, state, None, length=chunk)
        else:
            state, losses = jax.lax.scan(step, state, order.reshape(-1, batch))
        return state, losses[0], losses[-1]

    def steps(n):
        global state
        order = None if rows == batch else jnp.asarray(rng.permutation(rows).astype(np.int32))
        state, first, last = epoch(state, order)
        last = float(last)
        return first if n == 1 else last

else:
    chunk = 1000 if rows == batch else rows // batch

    @partial(jax.jit, donate_argnums=0)
    def one(state, order):
        return step(state, None if order is None else order[state[3] % order.shape[0]])

    def steps(n):
        global state
        order = None if rows == batch else jnp.asarray(rng.permutation(rows).astype(np.int32).reshape(-1, batch))
        for _ in range(n):
            state, loss = one(state, order)
        return float(loss)


serve(steps, chunk, f"jax {jax.__version__}")
