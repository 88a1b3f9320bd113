"""The rows in PyTorch (eager, float64, one thread)."""

from functools import partial

import torch
from torch.nn.functional import cross_entropy

from fastgrad.benchmark.peers import named

RATE = 1e-3
torch.set_num_threads(1)


def leaves(arrays):
    return [torch.tensor(a, requires_grad=True) for a in arrays]


def add(x1, x2):
    a, b = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (x1, x2))

    def answer():
        y = a + b
        parts = (y, *torch.autograd.grad(y, (a, b), torch.ones_like(y)))
        return named(("y", "ga", "gb"), (part.detach() for part in parts))

    return "a + b", answer, {"a": a, "b": b}


def neuron():
    def step():
        w1, w2, b = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (2.0, -3.0, -3.0))
        y = torch.relu(w1 * -1.0 + w2 * -2.0 + b) ** 2
        y.backward()
        return y.detach(), w1.grad, w2.grad, b.grad

    return step, lambda: named(("y", "dw1", "dw2", "db"), step())


def staged():
    def step():
        x = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
        y = torch.tensor(-4.0, dtype=torch.float64, requires_grad=True)
        f = (x + torch.sigmoid(y)) / (torch.sigmoid(x) + (x + y) ** 2)
        f.backward()
        return f.detach(), x.grad, y.grad

    return step, lambda: named(("f", "dx", "dy"), step())


def mlp_tanh(params, x, labels):
    w1, b1, w2, b2 = params
    return cross_entropy(torch.tanh(x @ w1 + b1) @ w2 + b2, labels)


def hidden_relu(params, x):
    w1, b1, w2, b2, w3, b3 = params
    return torch.relu(torch.relu(x @ w1 + b1) @ w2 + b2) @ w3 + b3


def mlp_relu(params, x, labels):
    return cross_entropy(hidden_relu(params, x), labels)


def micrograd(params, x, y, alpha):
    return torch.relu(1.0 - y * hidden_relu(params, x)).mean() + alpha * sum((p * p).sum() for p in params)


def linear_svm(params, x, labels, alpha):
    scores = params[0] @ x
    margins = torch.relu(scores - scores[labels, torch.arange(len(labels))] + 1.0)
    return margins.sum() / len(labels) - 1.0 + alpha * (params[0] * params[0]).sum()


def trained(function, arrays, *data):
    data = [torch.as_tensor(d) for d in data]
    params = leaves(arrays)

    def step():
        for p in params:
            p.grad = None
        loss = function(params, *data)
        loss.backward()
        with torch.no_grad():
            for p in params:
                p -= RATE * p.grad
        return loss.detach()

    def answer():
        out = {"loss": step().numpy()} | {f"gradient {k}": p.grad.numpy() for k, p in enumerate(params)}
        return out | {f"parameter {k}": p.detach().numpy().copy() for k, p in enumerate(params)}

    return step, answer


def mlp_adam(arrays, x, labels, rate):
    w1, b1, w2, b2 = map(torch.as_tensor, arrays)
    model = torch.nn.Sequential(torch.nn.Linear(*w1.shape), torch.nn.Tanh(), torch.nn.Linear(*w2.shape)).double()
    with torch.no_grad():
        for p, a in zip(model.parameters(), (w1.T, b1, w2.T, b2)):
            p.copy_(a)
    optimizer = torch.optim.Adam(model.parameters(), rate, fused=True)
    x, labels = torch.as_tensor(x), torch.as_tensor(labels)

    def step():
        optimizer.zero_grad()
        loss = cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss.detach()

    def answer():
        losses = [step().item() for _ in range(3)]
        return {"losses": losses} | {
            f"parameter {k}": p.detach().numpy().copy() for k, p in enumerate(model.parameters())
        }

    return step, answer


def adam(start, gradient, rate):
    p = torch.tensor(start, requires_grad=True)
    p.grad = torch.tensor(gradient)
    optimizer = torch.optim.Adam([p], rate, fused=True)

    def answer():
        for _ in range(3):
            optimizer.step()
        kept = optimizer.state[p]
        return named(("p", "m", "v"), (a.detach().numpy().copy() for a in (p, kept["exp_avg"], kept["exp_avg_sq"])))

    return optimizer.step, answer


def rnn(arrays, x):
    params, inputs = leaves(arrays), torch.as_tensor(x)
    wx, wh, b = params
    start = torch.zeros(inputs.shape[1], len(b), dtype=torch.float64)

    def step():
        for p in params:
            p.grad = None
        h = start
        for u in (inputs @ wx + b).unbind(0):
            h = torch.tanh(h @ wh + u)
        loss = (h * h).mean()
        loss.backward()
        return loss.detach()

    return step, lambda: named(("loss", "gwx", "gwh", "gb"), (step(), *(p.grad for p in params)))


def lstm(arrays, x):
    model, inputs = torch.nn.LSTM(x.shape[2], arrays[1].shape[1]).double(), torch.as_tensor(x)
    with torch.no_grad():
        for p, a in zip(model.parameters(), arrays):
            p.copy_(torch.as_tensor(a))

    def step():
        model.zero_grad()
        output, _ = model(inputs)
        loss = (output[-1] ** 2).mean()
        loss.backward()
        return loss.detach()

    return step, lambda: {"loss": step().numpy()} | {n: p.grad.numpy() for n, p in model.named_parameters()}


def conv_digits(arrays, x, labels):
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 10),
    ).double()  # fmt: skip
    with torch.no_grad():
        for p, a in zip(model.parameters(), arrays):
            p.copy_(torch.as_tensor(a))
    optimizer = torch.optim.SGD(model.parameters(), RATE)
    inputs, labels = torch.as_tensor(x), torch.as_tensor(labels)

    def step():
        optimizer.zero_grad()
        loss = cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()
        return loss.detach()

    def answer():
        out = {"loss": step().numpy()} | {f"gradient {k}": p.grad.numpy() for k, p in enumerate(model.parameters())}
        return out | {f"parameter {k}": p.detach().numpy().copy() for k, p in enumerate(model.parameters())}

    return step, answer


def rosenbrock(x):
    a, b = x[:-1], x[1:]
    return (100.0 * (b - a * a) ** 2 + (1.0 - a) ** 2).sum()


def mixed(x):
    return (torch.tanh(x) * torch.sigmoid(x) + torch.exp(-x * x)).sum()


def centred(x):
    return ((x - x.mean()) ** 2 / (1.0 + torch.abs(x))).mean()


def of_one(function, x):
    leaf = torch.tensor(x, requires_grad=True)

    def step():
        leaf.grad = None
        y = function(leaf)
        y.backward()
        return y.detach(), leaf.grad

    return step, lambda: named(("value", "gradient"), step())


def hvp(arrays, direction, x, labels):
    params, data, labels = leaves(arrays), torch.as_tensor(x), torch.as_tensor(labels)
    cotangents = [torch.as_tensor(v) for v in direction]

    def step():
        gradients = torch.autograd.grad(mlp_tanh(params, data, labels), params, create_graph=True)
        return torch.autograd.grad(gradients, params, grad_outputs=cotangents)

    return step, lambda: {f"hvp {k}": h.numpy() for k, h in enumerate(step())}


def matmul(a, b, g):
    x1, x2, cotangent = *leaves((a, b)), torch.as_tensor(g)

    def step():
        x1.grad = x2.grad = None
        y = x1 @ x2
        y.backward(cotangent)
        return y.detach(), x1.grad, x2.grad

    return step, lambda: named(("y", "g1", "g2"), step())


def per_sample_mlp(arrays, x, labels):
    params, data, targets = tuple(map(torch.as_tensor, arrays)), torch.as_tensor(x), torch.as_tensor(labels)

    def loss(params, x, label):
        return mlp_tanh(params, x[None], label[None])

    gradients = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))
    names = [f"d{k}" for k in range(len(arrays))]
    return lambda: gradients(params, data, targets), lambda: named(names, gradients(params, data, targets))


MAKERS = {
    "per-sample-mlp-32": per_sample_mlp,
    "per-sample-mlp-128": per_sample_mlp,
    "add-0d": add,
    "add-4x4": add,
    "neuron": neuron,
    "staged": staged,
    "mlp-64-64-10": partial(trained, mlp_tanh),
    "mlp-784-256-128-10": partial(trained, mlp_relu),
    "micrograd-2-16-16-1": partial(trained, micrograd),
    "linear-svm": partial(trained, linear_svm),
    "mlp-adam": mlp_adam,
    "adam-1e6": adam,
    "rnn-100": rnn,
    "lstm-100": lstm,
    "conv-digits": conv_digits,
    "rosenbrock-10": partial(of_one, rosenbrock),
    "hvp-mlp": hvp,
    **{f"mixed-1e{n}": partial(of_one, mixed) for n in (3, 5, 7)},
    "centred-1e5": partial(of_one, centred),
    **{f"matmul-{n}": matmul for n in (1024, 256, 64)},
}
