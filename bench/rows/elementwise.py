"""Chains of elementwise ops: arithmetic, memory traffic, and the pages of fresh results."""

from functools import partial

import numpy as np

import fastgrad as fg
from bench.harness import Contender, Race, row
from bench.peers import peers


def mixed_by_hand(x, buffers=(None, None, None, None)):
    """Value and gradient of `sum(tanh(x) * sigmoid(x) + exp(-x * x))`, in fresh arrays or in those of `buffers`."""
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


def centred_by_hand(x):
    """Value and gradient of `mean((x - mean(x))**2 / (1 + abs(x)))`."""
    n = x.size
    c = x - x.mean()
    d = np.abs(x)
    d += 1.0
    q = c / d
    c *= q
    value = c.mean()
    # through c: 2 q / n, less its own mean; through abs: -q^2 sign(x) / n
    g = np.sign(x)
    g *= q
    g *= q
    q *= 2.0
    q -= q.mean()
    q -= g
    q /= n
    return value, q


def _race(x, function, by_hand, name):
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


def mixed(x):
    """`sum(tanh(x) * sigmoid(x) + exp(-x * x))` as a user writes it."""
    return fg.sum(fg.tanh(x) * fg.sigmoid(x) + fg.exp(-x * x))


def centred(x):
    """`mean((x - mean(x))**2 / (1 + abs(x)))` as a user writes it."""
    return ((x - x.mean()) ** 2 / (1.0 + abs(x))).mean()


def _mixed_row(power, target):
    name = f"mixed-1e{power}"

    @row(name, target=target, note="sum(tanh(x) * sigmoid(x) + exp(-x * x)), per element, forward and backward")
    def mixed_row(settings):
        x = np.random.default_rng(5).normal(size=settings.size(10**power, 1000))
        return _race(x, mixed, mixed_by_hand, name)


for _power, _target in ((3, 0.6), (5, 1.0), (7, 1.0)):
    _mixed_row(_power, _target)


@row("mixed-1e5-kept", note="the same against by hand with its buffers kept from call to call: no fresh pages")
def mixed_kept(settings):
    """What the page faults of fresh results are worth in the row `mixed-1e5`."""
    x = np.random.default_rng(5).normal(size=settings.size(10**5, 1000))
    buffers = [np.empty_like(x) for _ in range(4)]
    return _race(x, mixed, partial(mixed_by_hand, buffers=buffers), "")


@row("centred-1e5", target=0.7, note="mean((x - mean(x))**2 / (1 + abs(x))), per element, fresh results each time")
def centred_row(settings):
    """Large enough that every fresh result is fresh pages for NumPy."""
    x = np.random.default_rng(6).normal(size=settings.size(10**5, 1000))
    return _race(x, centred, centred_by_hand, "centred-1e5")
