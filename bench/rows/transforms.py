"""What transforms add to the same derivative written with Tensors, and what second derivatives cost."""

from functools import partial

import numpy as np

import fastgrad as fg
from bench.results import row
from bench.rows.derivatives import rosenbrock
from fastgrad.benchmark.networks import leaves, make_layers
from fastgrad.benchmark.peers import peers
from fastgrad.benchmark.peers.functions import staged
from fastgrad.benchmark.race import Contender, Race
from fastgrad.nn import functional

BY_TENSORS = "Tensors by hand"


def _contender(name, step, *names):
    """Return a contender whose answer is what its step returns, under these names."""

    def answer():
        found = step()
        return dict(zip(names, found if len(names) > 1 else (found,), strict=True))

    return Contender(name, step, answer)


# --- arguments of `grad`


@row("grad-float", note="fg.grad of a function of a Python float; leaf, backward and x.grad.item() by hand")
def grad_float(settings):
    """One number: arguments and results are the whole cost."""
    gradient = fg.grad(lambda x: x * x)

    def by_hand():
        x = fg.tensor(3.0, requires_grad=True)
        (x * x).backward()
        return x.grad.item()

    return Race(_contender("fastgrad", lambda: gradient(3.0), "dx"), [_contender(BY_TENSORS, by_hand, "dx")])


@row("grad-two-floats", note="fg.grad with argnums=(0, 1), of Python floats")
def grad_two_floats(settings):
    """Several argument numbers."""
    gradient = fg.grad(lambda x, y: x * y, (0, 1))

    def by_hand():
        x, y = fg.tensor(3.0, requires_grad=True), fg.tensor(-4.0, requires_grad=True)
        (x * y).backward()
        return x.grad.item(), y.grad.item()

    return Race(
        _contender("fastgrad", lambda: gradient(3.0, -4.0), "dx", "dy"), [_contender(BY_TENSORS, by_hand, "dx", "dy")]
    )


def _nested(make, read):
    """Return a race of `grad` of a product of two arrays that are in a container."""
    a, b = np.linspace(0.0, 1.0, 10), np.linspace(1.0, 2.0, 10)
    given = make(a, b)
    gradient = fg.grad(lambda p: (read(p)[0] * read(p)[1]).sum())

    def by_hand():
        x, y = fg.tensor(a, requires_grad=True), fg.tensor(b, requires_grad=True)
        (x * y).sum().backward()
        return x.grad.numpy(), y.grad.numpy()

    return Race(
        _contender("fastgrad", lambda: read(gradient(given)), "da", "db"), [_contender(BY_TENSORS, by_hand, "da", "db")]
    )


@row("grad-tuple", note="fg.grad of a function of a tuple of two arrays of ten numbers")
def grad_tuple(settings):
    """The argument is flattened, and the gradient nested as it is."""
    return _nested(lambda a, b: (a, b), lambda p: (p[0], p[1]))


@row("grad-dict", note="fg.grad of a function of a dict of two arrays of ten numbers")
def grad_dict(settings):
    """As above, with keys."""
    return _nested(lambda a, b: {"a": a, "b": b}, lambda p: (p["a"], p["b"]))


@row("staged-transform", note="the staged expression through value_and_grad of two floats; as `staged-written` by hand")
def staged_transform(settings):
    """The function of the lecture notes as a function."""
    both = fg.value_and_grad(partial(staged, fg), (0, 1))

    def step():
        f, (dx, dy) = both(3.0, -4.0)
        return f, dx, dy

    def by_hand():
        x, y = fg.tensor(3.0, requires_grad=True), fg.tensor(-4.0, requires_grad=True)
        f = staged(fg, x, y)
        f.backward()
        return f.item(), x.grad.item(), y.grad.item()

    names = ("f", "dx", "dy")
    return Race(_contender("fastgrad", step, *names), [_contender(BY_TENSORS, by_hand, *names)])


# --- forward mode and second order


def cubes(x):
    """The sum of the cubes of a NumPy array or Tensor."""
    return (x**3).sum()


@row("jvp-10", note="fg.jvp of (x**3).sum() over ten numbers; NumPy by hand")
def jvp_10(settings):
    """A derivative along one direction."""
    x, v = np.linspace(-1.0, 1.5, 10), np.linspace(0.5, 1.0, 10)

    def by_hand():
        square = x * x
        return square @ x, 3.0 * (square @ v)

    ours = _contender("fastgrad", lambda: fg.jvp(cubes, (x,), (v,)), "value", "tangent")
    return Race(ours, [_contender("NumPy by hand", by_hand, "value", "tangent"), *peers("jvp-10", x, v)])


@row("hvp-10", note="fg.hvp of (x**3).sum() over ten numbers; NumPy by hand")
def hvp_10(settings):
    """A product of the Hessian with one direction."""
    x, v = np.linspace(-1.0, 1.5, 10), np.linspace(0.5, 1.0, 10)
    ours = _contender("fastgrad", lambda: fg.hvp(cubes, (x,), (v,)), "hvp")
    return Race(ours, [_contender("NumPy by hand", lambda: 6.0 * x * v, "hvp"), *peers("hvp-10", x, v)])


@row("hvp-transform", note="fg.hvp of the 64-64-10 network; `gradients` twice, from the same arrays")
def hvp_transform(settings):
    """Forward over reverse against reverse over reverse."""
    rng = np.random.default_rng(1)
    x, labels = rng.normal(size=(32, 64)), rng.integers(0, 10, 32)
    arrays, direction = make_layers(rng, 64, 64, 10), make_layers(rng, 64, 64, 10)
    data = fg.tensor(x)

    def loss(w1, b1, w2, b2):
        return functional.cross_entropy((data @ w1 + b1).tanh() @ w2 + b2, labels)

    def twice():
        params = leaves(arrays)
        gradients = fg.gradients(loss(*params), params, create_graph=True)
        return [g.numpy() for g in fg.gradients(gradients, params, cotangents=tangents)]

    primals, tangents = tuple(arrays), tuple(direction)
    names = tuple(f"hvp {k}" for k in range(4))
    return Race(
        _contender("fastgrad", lambda: fg.hvp(loss, primals, tangents), *names),
        [_contender("gradients twice", twice, *names)],
    )


def hessian_by_hand(x):
    """Compute the Hessian of Rosenbrock's function from its three diagonals."""
    diagonal = np.full(len(x), 200.0)
    diagonal[0] = 0.0
    diagonal[:-1] += 1200.0 * x[:-1] ** 2 - 400.0 * x[1:] + 2.0
    beside = -400.0 * x[:-1]
    return np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)


@row("hessian-rosenbrock-10", note="dense Hessian of Rosenbrock's function, n = 10; its three diagonals by hand")
def hessian_rosenbrock(settings):
    """Ten directions at once."""
    x = np.linspace(-1.0, 1.5, 10)
    hessian = fg.hessian(rosenbrock)
    rivals = [_contender("NumPy by hand", lambda: hessian_by_hand(x), "hessian"), *peers("hessian-rosenbrock-10", x)]
    return Race(_contender("fastgrad", lambda: hessian(x), "hessian"), rivals)


@row("hessian-325", note="dense Hessian of a nonlinear least-squares problem with 325 parameters; NumPy by hand")
def hessian_325(settings):
    """Half the sum of squares of `tanh(A p) - b`."""
    rng = np.random.default_rng(2)
    n = settings.size(325, 12)
    a, b, p = rng.normal(size=(n + 75, n)) / np.sqrt(n), rng.normal(size=n + 75), rng.normal(size=n)

    def loss(p):
        r = fg.tanh(a @ p) - b
        return 0.5 * (r * r).sum()

    def by_hand():
        y = np.tanh(a @ p)
        slope = (1.0 - y) * (1.0 + y)
        return (a.T * (slope * (slope - 2.0 * y * (y - b)))) @ a

    hessian = fg.hessian(loss)
    rivals = [_contender("NumPy by hand", by_hand, "hessian"), *peers("hessian-325", a, b, p)]
    return Race(_contender("fastgrad", lambda: hessian(p), "hessian"), rivals)


# --- batches


@row("jacobian-batched", note="Jacobian of the scores of a network with respect to 32 inputs of 16; NumPy by hand")
def jacobian_batched(settings):
    """Eight scores per input: 256 rows, one batch of cotangents."""
    rng = np.random.default_rng(3)
    w, x = rng.normal(size=(16, 8)), rng.normal(size=(32, 16))
    jacobian = fg.jacobian(lambda x: fg.tanh(x @ w))

    def by_hand():
        y = np.tanh(x @ w)
        out = np.zeros((32, 8, 32, 16))
        out[np.arange(32), :, np.arange(32)] = ((1.0 - y) * (1.0 + y))[:, :, None] * w.T
        return out

    rivals = [_contender("NumPy by hand", by_hand, "jacobian"), *peers("jacobian-batched", w, x)]
    return Race(_contender("fastgrad", lambda: jacobian(x), "jacobian"), rivals)


@row("per-sample", note="per-sample gradients of a logistic regression, 256 samples of 20, by vmap of grad; by hand")
def per_sample(settings):
    """One gradient per row of the data."""
    rng = np.random.default_rng(4)
    w, x, t = rng.normal(size=20), rng.normal(size=(256, 20)), rng.integers(0, 2, 256).astype(float)
    gradients = fg.vmap(fg.grad(lambda w, x, t: functional.softplus(x @ w) - t * (x @ w)), in_axes=(None, 0, 0))

    def by_hand():
        return (1.0 / (1.0 + np.exp(-(x @ w))) - t)[:, None] * x

    rivals = [_contender("NumPy by hand", by_hand, "gradients"), *peers("per-sample", w, x, t)]
    return Race(_contender("fastgrad", lambda: gradients(w, x, t), "gradients"), rivals)


def _network(params, x, label):
    w1, b1, w2, b2 = params
    return functional.cross_entropy(np.tanh(x @ w1 + b1) @ w2 + b2, label)


def _per_sample_network(name, batch):
    """One gradient of all weights of a network per sample; the weights are the same for all samples."""
    rng = np.random.default_rng(5)
    params = [
        rng.normal(size=(64, 64)) / 8.0,
        rng.normal(size=64),
        rng.normal(size=(64, 10)) / 8.0,
        rng.normal(size=10),
    ]
    x, labels = rng.normal(size=(batch, 64)), rng.integers(0, 10, batch)
    names = [f"d{k}" for k in range(4)]
    gradient = fg.grad(_network)
    gradients = fg.vmap(gradient, in_axes=(None, 0, 0))

    def by_hand():
        w1, b1, w2, b2 = params
        h = np.tanh(x @ w1 + b1)
        z = h @ w2 + b2
        e = np.exp(z - z.max(axis=1, keepdims=True))
        e /= e.sum(axis=1, keepdims=True)
        e[np.arange(batch), labels] -= 1.0
        g = (e @ w2.T) * ((1.0 - h) * (1.0 + h))
        return x[:, :, None] * g[:, None, :], g, h[:, :, None] * e[:, None, :], e

    def looped():
        found = [gradient(params, *one) for one in zip(x, labels, strict=True)]
        return [np.stack(parts) for parts in zip(*found, strict=True)]

    rivals = [
        _contender("NumPy by hand", by_hand, *names),
        _contender("a loop over fg.grad", looped, *names),
        *peers(name, params, x, labels),
    ]
    return Race(_contender("fastgrad", lambda: gradients(params, x, labels), *names), rivals)


@row(
    "per-sample-mlp-32",
    note="per-sample gradients of a network 64-64-10, batch 32, by vmap of grad; by hand and by a loop",
)
def per_sample_mlp_32(settings):
    """A small batch: the fixed cost of each op inside vmap shows."""
    return _per_sample_network("per-sample-mlp-32", 32)


@row("per-sample-mlp-128", note="the same, batch 128")
def per_sample_mlp_128(settings):
    """A larger batch: the products of columns and rows, and writing 5 MB, are most of the work."""
    return _per_sample_network("per-sample-mlp-128", settings.size(128, 8))
