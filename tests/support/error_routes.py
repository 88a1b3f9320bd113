"""Wrong calls by every public way, as source code, and what a user sees of their errors.

`python -m tests.support.error_routes` prints the table.
"""

import traceback
import warnings
from typing import NamedTuple

import fastgrad as fg

SETUP = """
import copy, pickle
import numpy as np
import fastgrad as fg
from fastgrad import nn, optim
from fastgrad.micrograd.engine import Value

x = fg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
w = fg.tensor(np.ones((4, 5)), requires_grad=True)
v = fg.tensor([1.0, 2.0], requires_grad=True)
a = np.ones(4)
k = fg.tensor([1, 2])
image = fg.tensor(np.ones((1, 2, 4, 4)))
model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
adam = optim.Adam(model.parameters(), lr=0.1)

class Net(nn.Module):
    def __init__(self):
        self.inner = nn.Sequential(nn.Linear(3, 4))
    def forward(self, x):
        return self.inner(x)

def freed():
    y = (x * x).sum()
    y.backward()
    return y

def mutated():
    z = x * 2
    y = (z * z).sum()
    z[0] = 1.0
    return y

@fg.primitive(vjp=lambda g, x: g.reshape(1))
def odd(x):
    return x * 2

@fg.primitive(vjp=lambda g, x: g / 0 + {}["missing"])
def failing(x):
    if x.shape == (2, 3):
        raise ZeroDivisionError("user")
    return x * 2

def hook(g):
    raise ZeroDivisionError("user")

hooked = v * 2
hooked.register_hook(hook)
"""

ROUTES = {
    "function": [
        "fg.add(x, w)", "fg.matmul(x, w)", "fg.tanh(x, 1)", "fg.tanh(y=1)", "fg.tanh('a')", "fg.sum(x, axis=5)",
        "fg.sum(x, axis=True)", "fg.reshape(x, 4)", "fg.concat([x, w])", "fg.stack([x, w])", "fg.einsum('ij,jk', x, w)",
        "fg.where(x > 0, x, w)", "fg.softmax(x, axis=3)", "fg.norm(x, ord='no')", "fg.clip(x, a, a)", "fg.take(x, 9)",
        "fg.svdvals(v)", "fg.broadcast_to(x, (4, 4))", "fg.squeeze(x, 0)", "fg.pad(x, -1)", "fg.sort(x, axis=4)",
        "fg.permute_dims(x, (0, 0))", "fg.tensordot(x, w)", "fg.cumsum(x, axis=9)", "fg.max(fg.zeros((0,)))",
        "fg.split(x, 4)", "fg.diagonal(v)", "fg.zeros(-1)", "fg.tensor('a')", "fg.tensor(np.array(['a']))",
        "fg.tensor([[1.0], [1.0, 2.0]])", "fg.tensor([1], requires_grad=True)",
        "fg.asarray([1.0], dtype=int, copy=False)",
        "fg.arange(1, 2, 0)", "fg.cumprod(x, axis=5)", "fg.argmax(x, axis=4)", "fg.expand_dims(x, 7)",
        "fg.logsumexp(x, axis=(0, 0))", "fg.var(x, axis=3)", "fg.outer(x, x, x)", "fg.power(x, w)",
    ],
    "method": [
        "x.reshape(4)", "x.sum(axis=4)", "x.transpose(0, 0)", "x.matmul(w)", "x.tanh(1)", "x.item()",
        "x.softmax(axis=4)",
        "x.squeeze(0)", "x.swapaxes(0, 5)", "x.astype('U3')", "x.repeat(-1)", "x.clip(a, a)", "x.dot(w)", "v.mT",
        "x.max(axis=3)", "x.permute_dims((0, 0))", "x.expand_dims(5)", "x.cumsum(axis=3)", "x.register_hook(1)",
        "x.detach().register_hook(hook)", "k.requires_grad_()", "(x * 2).requires_grad_(False)", "x.numpy(1)",
        "np.asarray(x)", "x.grad.item()",
    ],
    "operator": [
        "x + w", "x - a", "a * x", "x / a", "x @ w", "a @ x", "x ** w", "x > w", "x == w", "x % w", "x // w",
        "divmod(x, w)",
        "x & x", "x + 'a'", "x @ 2", "-fg.tensor([True])", "1 << x", "x + [1, 2]",
    ],
    "in place": [
        "x += 1", "y = x * 2; y += w", "y = x * 2; y[9] = 1", "y = x * 2; y[0] = a", "x[0] = 1", "y = x * 2; y @= w",
        "k += 1.5", "y = x * 2; y[0] = 'a'", "np.add(x, 1, out=x)", "x.detach()[5] = 1",
    ],
    "index": ["x[9]", "x[0, 0, 0]", "x['a']", "x[1.5]", "x[[5]]", "x[np.ones(4, bool)]", "x[:, 7]", "x[x]"],
    "number": ["float(x)", "int(x)", "bool(x)", "len(fg.tensor(1.0))", "iter(fg.tensor(1.0))", "[1][v]", "f'{x:.3f}'",
               "complex(x)"],
    "NumPy": [
        "np.add(x, w)", "np.sum(x, axis=5)", "np.concatenate([x, w])", "np.histogramdd(x)", "np.spacing(x)",
        "np.matmul(x, w)", "np.reshape(x, 4)", "np.einsum('ij,jk', x, w)", "np.linalg.norm(x, ord='no')",
        "np.tanh(x, 1, 2)",
        "np.where(x > 0, x, w)", "np.copyto(x, 1)", "np.add.reduce(x, axis=9)", "np.sum(x, where=[1, 0, 1])",
    ],
    "backward": [
        "x.backward()", "(x * 2).backward()", "fg.tensor(1.0).backward()", "freed().backward()", "mutated().backward()",
        "v.sum().backward(np.ones(3))", "v.sum().backward(1j)", "odd(v).sum().backward()", "hooked.sum().backward()",
        "failing(v).sum().backward()", "fg.gradients([v.sum()], [x])", "fg.gradients([v.sum()], [k])",
        "fg.gradients([1], [v])", "fg.gradients([v.sum()], [v], [1, 2])", "(v * 1j).sum().backward()", "v.grad = w",
        "v.sum().backward(create_graph=True, nothing=1)",
    ],
    "user's op": ["failing(x)", "odd(x, 1)", "fg.primitive(3)", "fg.primitive(vjp=lambda g, q: g)(lambda x: x)"],
    "anomaly": ["with fg.detect_anomaly(): fg.log(fg.tensor(-1.0, requires_grad=True))",
                "with fg.detect_anomaly(): fg.sqrt(fg.tensor(0.0, requires_grad=True)).backward()"],
    "transform": [
        "fg.grad(lambda x: x @ w)(a[:3])", "fg.grad(lambda x: x)(a)", "fg.grad(lambda x: x)(1)", "fg.grad(3)",
        "fg.grad(lambda x: x, argnums=4)(1.0)", "fg.grad(lambda x: float(x))(1.0)", "fg.value_and_grad(lambda x: x)(a)",
        "fg.jacobian(lambda x: x + np.ones(3))(a)", "fg.hessian(lambda x: (x @ w).sum())(a[:3])",
        "fg.jvp(lambda x: x, (a,), (1.0,))", "fg.vjp(lambda x: x, a)[1](np.ones(3))",
        "fg.hvp(lambda x: x.sum(), a, a[:2])",
        "fg.elementwise_grad(lambda x: x * 1j)(a)", "fg.checkpoint(lambda x: x @ w)(x)",
        "fg.grad(fg.grad(lambda x: (x @ w).sum()))(a[:3])", "fg.grad(lambda x: np.linalg.solve(a, a))(1.0)",
        "fg.grad(lambda x: {}['missing'])(a)", "fg.grad(lambda x: {}['missing'])(1.0)",
        "fg.testing.check_grads(lambda x: x @ w, (x,))",
    ],
    "nn": [
        "model(w)", "Net()(w)", "nn.Linear(3, 4)(w)", "nn.Conv2d(3, 4, 3)(image)", "nn.MaxPool2d(9)(image)",
        "nn.functional.cross_entropy(x, w)", "nn.functional.cross_entropy(x, [5, 5])", "nn.functional.dropout(x, 2)",
        "nn.LSTM(3, 4)(w)", "model.load_state_dict({})", "nn.Module()(x)", "nn.BatchNorm1d(4)(x)",
        "nn.Embedding(3, 2)(k + 5)",
        "nn.functional.mse_loss(x, w)", "model.weight", "model.register_buffer('a.b', a)", "nn.LayerNorm(4)(x)",
        "nn.functional.linear(x, w)", "nn.Sequential(3)", "nn.init.uniform_(3)",
    ],
    "optim": [
        "optim.SGD([], lr=0.1)", "optim.SGD(model.parameters(), lr=-1)", "optim.Adam([3], lr=0.1)",
        "adam.load_state_dict({})",
        "optim.SGD(model.parameters(), lr=0.1, nothing=1)", "optim.clip_grad_norm_([3], 1)",
        "optim.StepLR(adam, step_size=0)", "optim.LBFGS(model.parameters()).step()",
    ],
    "copy": ["copy.deepcopy(x * 2)", "pickle.dumps(x * 2)"],
    "micrograd": ["Value(1.0) + 'a'", "Value(2.0) ** 'a'", "Value(-1.0).log()", "Value(0.0) ** Value(-2.0)"],
    "drawing": ["fg.draw(3)", "fg.explain(3)", "fg.draw((x * 2).sum()).save('a.xyz')"],
    "data": ["fg.data.TensorDataset(x, w)", "fg.nothing", "x.nothing", "fg.set_cache_limit('a')"],
}  # fmt: skip

USER = "<the user's program>"


class Seen(NamedTuple):
    """What Python prints of an error: the files of frames behind the user's last line and between the user's lines."""

    error: Exception
    after: list
    between: list
    before: list  # errors that are printed before it


def seen(source):
    """Run `source` and return a Seen of its error."""
    space = {}
    exec(compile(SETUP, USER, "exec"), space)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(source, USER, "exec"), space)
    except Exception as error:
        files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)][1:]  # without this function
        last = len(files) - 1 - files[::-1].index(USER)
        between = [name for name in files[:last] if name != USER]
        return Seen(error, files[last + 1 :], between, _printed_before(error))
    raise AssertionError(f"no error: {source}")


def _printed_before(error):
    found = []
    while error is not None:
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        found += [] if error is None else [error]
    return found


def table():
    """Return the lines of the table: the number of errors, frames after and between the user's, errors before."""
    rows, total = {}, []
    for route, sources in ROUTES.items():
        rows[route] = [(len(s.after), len(s.between), len(s.before)) for s in map(seen, sources)]
        total += rows[route]
    lines = [f"{fg.engine:<12}{'errors':>8}{'after, mean':>13}{'max':>5}{'between':>9}{'chained':>9}"]
    for route, counts in [*rows.items(), ("all", total)]:
        after, between, before = zip(*counts, strict=True)
        mean = sum(after) / len(after)
        lines.append(f"{route:<12}{len(counts):>8}{mean:>13.1f}{max(after):>5}{sum(between):>9}{sum(before):>9}")
    return lines


if __name__ == "__main__":
    print("\n".join(table()))
