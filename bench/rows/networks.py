"""Training steps of small networks: forward, backward, SGD. The rivals are NumPy by hand, as an expert writes it.

By hand nothing is computed twice, temporaries are overwritten as soon as they are dead, and the gradients of the inputs
are left out. Results are fresh in every step, on both sides.
"""

import numpy as np

import fastgrad as fg
from bench.harness import Contender, Race, row
from bench.peers import peers
from fastgrad.nn import functional

RATE = 1e-3


def make_layers(rng, *widths):
    """Weights and biases of a fully connected network."""
    pairs = ((rng.normal(size=(m, n)) / np.sqrt(m), 0.1 * rng.normal(size=n)) for m, n in zip(widths, widths[1:]))
    return [array for pair in pairs for array in pair]


def leaves(arrays):
    """Parameters, as a user makes them."""
    return [fg.tensor(array, requires_grad=True) for array in arrays]


class FastgradTraining:
    """A training step with fastgrad: `loss_of(params)` gives the loss."""

    def __init__(self, params, loss_of):
        self.params, self.loss_of = leaves(params), loss_of

    def step(self):
        loss = self.loss_of(self.params)
        loss.backward()
        with fg.no_grad():
            for p in self.params:
                p -= RATE * p.grad
                p.grad = None
        return loss

    def answer(self):
        params = leaves([p.numpy() for p in self.params])
        loss = self.loss_of(params)
        loss.backward()
        out = {"loss": loss.numpy()} | {f"gradient {k}": p.grad.numpy() for k, p in enumerate(params)}
        self.step()
        return out | {f"parameter {k}": p.numpy().copy() for k, p in enumerate(self.params)}

    def contender(self):
        return Contender("fastgrad", self.step, self.answer)


class HandTraining:
    """A training step by hand: `pass_of(params)` gives the loss and the gradients, which the step may overwrite."""

    def __init__(self, params, pass_of):
        self.params, self.pass_of = [p.copy() for p in params], pass_of

    def step(self):
        loss, gradients = self.pass_of(self.params)
        for p, g in zip(self.params, gradients):
            g *= RATE
            p -= g
        return loss

    def answer(self):
        loss, gradients = self.pass_of(self.params)
        out = {"loss": loss} | {f"gradient {k}": g for k, g in enumerate(gradients)}
        self.step()
        return out | {f"parameter {k}": p.copy() for k, p in enumerate(self.params)}

    def contender(self):
        return Contender("NumPy by hand", self.step, self.answer)


def cross_entropy_by_hand(s, rows, labels):
    """Mean cross-entropy of the scores `s`, and its gradient, which takes the place of `s`."""
    s -= s.max(axis=1, keepdims=True)
    picked = s[rows, labels].sum()
    np.exp(s, out=s)
    total = s.sum(axis=1, keepdims=True)
    s /= total
    s[rows, labels] -= 1.0
    s /= len(s)
    return (np.log(total).sum() - picked) / len(s)


def mlp_tanh_by_hand(x, labels):
    """Loss and gradients of x -> tanh -> scores."""
    rows = np.arange(len(x))

    def both(params):
        w1, b1, w2, b2 = params
        h = x @ w1
        h += b1
        np.tanh(h, out=h)
        s = h @ w2
        s += b2
        loss = cross_entropy_by_hand(s, rows, labels)
        gw2, gb2 = h.T @ s, s.sum(axis=0)
        g = s @ w2.T
        h *= h
        np.subtract(1.0, h, out=h)
        g *= h
        return loss, (x.T @ g, g.sum(axis=0), gw2, gb2)

    return both


def mlp_relu_by_hand(x, labels):
    """Loss and gradients of x -> relu -> relu -> scores."""
    rows = np.arange(len(x))

    def both(params):
        w1, b1, w2, b2, w3, b3 = params
        h1 = x @ w1
        h1 += b1
        np.maximum(h1, 0.0, out=h1)
        h2 = h1 @ w2
        h2 += b2
        np.maximum(h2, 0.0, out=h2)
        s = h2 @ w3
        s += b3
        loss = cross_entropy_by_hand(s, rows, labels)
        gw3, gb3 = h2.T @ s, s.sum(axis=0)
        g2 = s @ w3.T
        g2 *= h2 > 0.0
        gw2, gb2 = h1.T @ g2, g2.sum(axis=0)
        g1 = g2 @ w2.T
        g1 *= h1 > 0.0
        return loss, (x.T @ g1, g1.sum(axis=0), gw2, gb2, gw3, gb3)

    return both


def micrograd_by_hand(x, y, alpha):
    """Hinge loss with L2 over every parameter of 2-16-16-1 with relu, and its gradients; `y` holds -1 and 1."""
    minus_y_over_n = -y / len(y)

    def both(params):
        w1, b1, w2, b2, w3, b3 = params
        h1 = x @ w1
        h1 += b1
        np.maximum(h1, 0.0, out=h1)
        h2 = h1 @ w2
        h2 += b2
        np.maximum(h2, 0.0, out=h2)
        s = h2 @ w3
        s += b3
        s *= y
        margin = np.subtract(1.0, s, out=s)
        np.maximum(margin, 0.0, out=margin)
        g = (margin > 0.0) * minus_y_over_n
        gradients = [None, None, None, None, h2.T @ g, g.sum(axis=0)]
        g2 = g @ w3.T
        g2 *= h2 > 0.0
        gradients[2:4] = h1.T @ g2, g2.sum(axis=0)
        g1 = g2 @ w2.T
        g1 *= h1 > 0.0
        gradients[0:2] = x.T @ g1, g1.sum(axis=0)
        penalty = 0.0
        for p, gp in zip(params, gradients):
            flat = p.ravel()
            penalty += flat @ flat
            gp += (2.0 * alpha) * p
        return margin.mean() + alpha * penalty, gradients

    return both


def _race(name, params, loss_of, pass_of, *data):
    rivals = [HandTraining(params, pass_of).contender(), *peers(name, params, *data)]
    return Race(FastgradTraining(params, loss_of).contender(), rivals)


@row("mlp-64-64-10", target=0.65, note="tanh, cross-entropy, batch 32, SGD step, float64")
def mlp_small(settings):
    """The small network: overhead and arithmetic in equal parts."""
    rng = np.random.default_rng(1)
    x, labels = rng.normal(size=(32, 64)), rng.integers(0, 10, 32)
    inputs = fg.asarray(x)

    def loss_of(params):
        w1, b1, w2, b2 = params
        return functional.cross_entropy((inputs @ w1 + b1).tanh() @ w2 + b2, labels)

    return _race("mlp-64-64-10", make_layers(rng, 64, 64, 10), loss_of, mlp_tanh_by_hand(x, labels), x, labels)


@row("mlp-784-256-128-10", target=0.9, note="relu, cross-entropy, batch 128, SGD step, float64")
def mlp_large(settings):
    """The larger network: mostly BLAS."""
    rng = np.random.default_rng(2)
    wide = settings.size(784, 20)
    x, labels = rng.normal(size=(128, wide)), rng.integers(0, 10, 128)
    inputs = fg.asarray(x)

    def loss_of(params):
        w1, b1, w2, b2, w3, b3 = params
        h = (inputs @ w1 + b1).relu()
        h = (h @ w2 + b2).relu()
        return functional.cross_entropy(h @ w3 + b3, labels)

    layers = make_layers(rng, wide, settings.size(256, 16), settings.size(128, 12), 10)
    return _race("mlp-784-256-128-10", layers, loss_of, mlp_relu_by_hand(x, labels), x, labels)


@row("micrograd-2-16-16-1", target=0.4, note="the micrograd demo vectorised: 100 points, hinge loss and L2, SGD step")
def micrograd(settings):
    """The demo network: fifteen arrays, none of more than 1,600 elements."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(100, 2))
    y = np.where(x[:, :1] * x[:, 1:] > 0, 1.0, -1.0)
    alpha = 1e-4
    inputs, signs = fg.asarray(x), fg.asarray(y)

    def loss_of(params):
        w1, b1, w2, b2, w3, b3 = params
        h = (inputs @ w1 + b1).relu()
        h = (h @ w2 + b2).relu()
        scores = h @ w3 + b3
        penalty = sum((p * p).sum() for p in params)
        return (1.0 - signs * scores).relu().mean() + alpha * penalty

    return _race(
        "micrograd-2-16-16-1", make_layers(rng, 2, 16, 16, 1), loss_of, micrograd_by_hand(x, y, alpha), x, y, alpha
    )
