"""The gradient of Rosenbrock's function, from and to NumPy, and a Hessian-vector product."""

import numpy as np

import fastgrad as fg
from bench.results import row
from fastgrad.benchmark.networks import leaves, make_layers
from fastgrad.benchmark.peers import peers
from fastgrad.benchmark.race import Contender, Race
from fastgrad.nn import functional


def rosenbrock(x):
    """Rosenbrock's function of a NumPy array or Tensor."""
    a, b = x[:-1], x[1:]
    return (100.0 * (b - a * a) ** 2 + (1.0 - a) ** 2).sum()


def rosenbrock_by_hand(x):
    """Compute value and gradient of Rosenbrock's function."""
    a = x[:-1]
    d = x[1:] - a * a
    e = 1.0 - a
    value = 100.0 * (d @ d) + e @ e
    g = np.zeros_like(x)
    d *= 200.0
    g[1:] = d
    d *= a
    d += e
    d *= 2.0
    # d is now 2 (200 d a + 1 - a): the gradient through a = x[:-1], negated.
    g[:-1] -= d
    return value, g


@row("rosenbrock-10", target=0.6, note="n = 10, value and gradient, NumPy in and out")
def rosenbrock_10(settings):
    """Ten numbers, dominated by overhead on both sides."""
    x = np.linspace(-1.0, 1.5, 10)
    both = fg.value_and_grad(rosenbrock)

    def contender(name, function):
        return Contender(name, lambda: function(x), lambda: dict(zip(("value", "gradient"), function(x))))

    rivals = [contender("NumPy by hand", rosenbrock_by_hand), *peers("rosenbrock-10", x)]
    return Race(contender("fastgrad", both), rivals)


def hvp_by_hand(x, labels):
    """Return a function for Hessian-vector products of the loss, by Pearlmutter's R-operator. `r` marks tangents."""
    rows, n = np.arange(len(x)), len(x)

    def product(params, direction):
        w1, b1, w2, b2 = params
        v1, c1, v2, c2 = direction
        h = x @ w1
        h += b1
        np.tanh(h, out=h)
        slope = h * h
        np.subtract(1.0, slope, out=slope)
        rh = x @ v1
        rh += c1
        rh *= slope
        p = h @ w2
        p += b2
        rs = h @ v2
        rs += rh @ w2
        rs += c2
        p -= p.max(axis=1, keepdims=True)
        np.exp(p, out=p)
        p /= p.sum(axis=1, keepdims=True)
        rs -= (p * rs).sum(axis=1, keepdims=True)
        rs *= p
        rs /= n  # the tangent of the scores' gradient
        p[rows, labels] -= 1.0
        p /= n  # the scores' gradient
        gh = p @ w2.T
        rgh = rs @ w2.T
        rgh += p @ v2.T
        rgw2 = rh.T @ p
        rgw2 += h.T @ rs
        # d(gh (1 - h^2)) = rgh (1 - h^2) - 2 gh h rh
        rgh *= slope
        gh *= h
        gh *= rh
        gh *= 2.0
        rgh -= gh
        return x.T @ rgh, rgh.sum(axis=0), rgw2, rs.sum(axis=0)

    return product


@row(
    "hvp-mlp",
    target=1.5,
    note="Hessian-vector product of the 64-64-10 network by create_graph; NumPy's R-operator by hand",
)
def hvp(settings):
    """Second order: a recorded sweep, and the sweep of its result."""
    rng = np.random.default_rng(1)
    x, labels = rng.normal(size=(32, 64)), rng.integers(0, 10, 32)
    arrays, direction = make_layers(rng, 64, 64, 10), make_layers(rng, 64, 64, 10)
    params, cotangents, data = leaves(arrays), [fg.tensor(v) for v in direction], fg.tensor(x)

    def step():
        w1, b1, w2, b2 = params
        loss = functional.cross_entropy((data @ w1 + b1).tanh() @ w2 + b2, labels)
        gradients = fg.gradients(loss, params, create_graph=True)
        return fg.gradients(gradients, params, cotangents=cotangents)

    by_hand = hvp_by_hand(x, labels)

    def answer(run):
        return lambda: {f"hvp {k}": np.asarray(h) for k, h in enumerate(run())}

    def hand():
        return by_hand(arrays, direction)

    rivals = [Contender("R-operator by hand", hand, answer(hand)), *peers("hvp-mlp", arrays, direction, x, labels)]
    return Race(Contender("fastgrad", step, answer(step)), rivals)
