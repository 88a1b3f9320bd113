"""Value and gradient of a function of one array, against hand-written NumPy."""

import numpy as np

import fastgrad as fg
from fastgrad.benchmark.peers import peers
from fastgrad.benchmark.race import Contender, Race


def mixed_by_hand(x, buffers=(None, None, None, None)):
    """Compute value and gradient of `sum(tanh(x) * sigmoid(x) + exp(-x * x))`, in new arrays or in `buffers`."""
    s, e, t, g = buffers
    s = np.negative(x, out=s)
    e = np.multiply(s, x, out=e)
    np.exp(e, out=e)
    np.exp(s, out=s)
    s += 1.0
    np.reciprocal(s, out=s)
    t = np.tanh(x, out=t)
    value = t @ s + e.sum()
    # d(t s) = s (1 - t^2) + t s (1 - s) = s (1 + t (1 - s - t))
    g = np.add(t, s, out=g)
    np.subtract(1.0, g, out=g)
    g *= t
    g += 1.0
    g *= s
    e *= x
    e *= 2.0
    g -= e
    return value, g


def mixed(x):
    """Compute `sum(tanh(x) * sigmoid(x) + exp(-x * x))` with fastgrad."""
    return fg.sum(fg.tanh(x) * fg.sigmoid(x) + fg.exp(-x * x))


def array_race(x, function, by_hand, name):
    """Race `function` of a Tensor against `by_hand` of an array, per element."""
    leaf = fg.tensor(x, requires_grad=True)

    def step():
        leaf.grad = None
        y = function(leaf)
        y.backward()
        return y

    def answer():
        y = step()
        return {"value": y.numpy(), "gradient": leaf.grad.numpy()}

    def hand():
        return by_hand(x)

    def hand_answer():
        return dict(zip(("value", "gradient"), hand()))

    rivals = [Contender("NumPy by hand", hand, hand_answer), *peers(name, x)]
    return Race(Contender("fastgrad", step, answer), rivals, per=x.size)


def mixed_race(n):
    """Race `mixed` with n elements."""
    return array_race(np.random.default_rng(5).normal(size=n), mixed, mixed_by_hand, f"mixed-1e{len(str(n)) - 1}")
