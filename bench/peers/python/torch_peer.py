"""PyTorch. MODE is one of

  eager     nn.Sequential, autograd, torch.optim; the optimizer fused where it has a kernel
            for this device (foreach and the plain loop were slower); zero_grad(set_to_none).
  compile   torch.compile of the model with its loss; the optimizer as in eager.
  graph     the whole step (gather, forward, loss, backward by torch.func, update in place) as
            one graph under torch.compile, with the C++ wrapper, so that nothing but one call
            is left to Python.
  tune      graph with max-autotune, which also tries Inductor's own products in C++.

Batches are rows taken with index_select(out=) into tensors made once, from a permutation made
once an epoch. "reduce-overhead" is for CUDA graphs and changes nothing on a CPU. Inference:
eager under inference_mode, torch.jit.freeze of a trace, and compile with freezing.
"""

from serve import Net, mode, notebook_x, notebook_y, serve, threads, workload

import torch
from torch import nn

torch.manual_seed(1)
torch.set_num_threads(threads)
torch.set_num_interop_threads(1)
torch.backends.mkldnn.enabled = True

compiled = mode in ("compile", "graph", "tune")
if compiled:
    import torch._inductor.config as inductor

    inductor.compile_threads = 1
    inductor.cpp_wrapper = mode != "compile"
    if mode == "tune":
        inductor.max_autotune = True
        inductor.max_autotune_gemm_backends = "CPP,ATEN"


class Data:
    """The workload: the model as a module, its loss, its rows."""

    def __init__(self):
        if workload == "notebook":
            self.x, self.y = torch.from_numpy(notebook_x), torch.from_numpy(notebook_y)
            self.model = nn.Sequential(nn.Linear(3, 4, bias=False), nn.Sigmoid(), nn.Linear(4, 1, bias=False), nn.Sigmoid()).double()
            for p in self.model.parameters():
                nn.init.uniform_(p, -1, 1)
            self.rows = self.batch = 4
            self.loss = lambda z, t: 0.5 * (z - t).square().sum()
            self.rule, self.rate = "sgd", 5.0
            return
        net = Net()
        self.x = torch.from_numpy(net.x)
        layers = []
        for n, m in zip(net.sizes, net.sizes[1:]):
            layers += [nn.Linear(n, m), nn.ReLU()]
            nn.init.uniform_(layers[-2].weight, -((6 / n) ** 0.5), (6 / n) ** 0.5)
            nn.init.zeros_(layers[-2].bias)
        self.model = nn.Sequential(*layers[:-1])
        self.rows, self.batch, self.rule, self.rate = net.rows, net.batch, net.rule, net.rate
        if net.classify:  # labels are less to gather than rows of ten
            self.y = torch.from_numpy(net.labels.astype("int64"))
            self.loss = nn.functional.cross_entropy
        else:
            self.y = torch.from_numpy(net.y)
            self.loss = nn.functional.mse_loss


def optimizer(d):
    if d.rule == "adam":
        return torch.optim.Adam(d.model.parameters(), lr=d.rate, fused=True)
    return torch.optim.SGD(d.model.parameters(), lr=d.rate, momentum=0.9 if d.rule == "momentum" else 0, fused=d.rows > 4)


def batches(d):
    """Yields the rows of the next batch, for ever; None stands for all of them."""
    if d.rows == d.batch:
        while True:
            yield None
    while True:
        order = torch.randperm(d.rows)
        yield from order.split(d.batch)


def by_module(d):
    opt = optimizer(d)

    def forward(x, y):
        return d.loss(d.model(x), y)

    if mode == "compile":
        forward = torch.compile(forward, dynamic=False)
    source = batches(d)
    x = torch.empty(d.batch, *d.x.shape[1:], dtype=d.x.dtype)
    y = torch.empty(d.batch, *d.y.shape[1:], dtype=d.y.dtype)

    def steps(n):
        for _ in range(n):
            rows = next(source)
            if rows is None:
                loss = forward(d.x, d.y)
            else:
                torch.index_select(d.x, 0, rows, out=x)
                torch.index_select(d.y, 0, rows, out=y)
                loss = forward(x, y)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
        return loss.item()

    return steps


def by_graph(d):
    names = [n for n, _ in d.model.named_parameters()]
    params = [p.detach().clone() for p in d.model.parameters()]
    slots = [torch.zeros_like(p) for p in params]
    squares = [torch.zeros_like(p) for p in params]
    count = torch.zeros((), dtype=torch.float32)

    def value(params, x, y):
        z = torch.func.functional_call(d.model, dict(zip(names, params)), (x,))
        return d.loss(z, y)

    def step(params, slots, squares, count, x, y, rows):
        if rows is not None:
            x, y = x.index_select(0, rows), y.index_select(0, rows)
        grads, loss = torch.func.grad_and_value(value)(params, x, y)
        if d.rule == "adam":
            count += 1
            a, c = d.rate / (1 - 0.9**count), (1 - 0.999**count).rsqrt()
            for p, g, m, v in zip(params, grads, slots, squares):
                m.mul_(0.9).add_(g, alpha=0.1)
                v.mul_(0.999).addcmul_(g, g, value=0.001)
                p.sub_(a * m / (v.sqrt() * c + 1e-8))
        else:
            for p, g, m in zip(params, grads, slots):
                if d.rule == "momentum":
                    g = m.mul_(0.9).add_(g)
                p.sub_(g, alpha=d.rate)
        return loss

    step = torch.compile(step, fullgraph=True, dynamic=False)
    source = batches(d)

    def steps(n):
        with torch.no_grad():
            for _ in range(n):
                loss = step(params, slots, squares, count, d.x, d.y, next(source))
        return loss.item()

    return steps


def inference(d):
    x = d.x[1:2].clone()
    model = d.model.eval()
    with torch.inference_mode():
        if mode == "jit":
            model = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(model, x)))
        elif compiled:
            inductor.freezing = True
            model = torch.compile(model, dynamic=False)

    def calls(n):
        with torch.inference_mode():
            for _ in range(n):
                z = model(x)
        return z.item()

    return calls


d = Data()
if workload == "inference":
    steps = inference(d)
elif mode in ("graph", "tune"):
    steps = by_graph(d)
else:
    steps = by_module(d)
chunk = {"notebook": 200, "inference": 500, "tabular": 256}.get(workload, 32)
serve(steps, chunk, f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}")
