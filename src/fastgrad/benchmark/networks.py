"""The training step of a network: forward, backward, SGD. The rival is hand-written NumPy.

The hand-written code computes nothing twice, overwrites temporaries and omits the gradients of the inputs. Both sides
allocate new results in every step.
"""

import numpy as np

import fastgrad as fg
from fastgrad.benchmark.peers import peers
from fastgrad.benchmark.race import Contender, Race
from fastgrad.nn import functional

RATE = 1e-3


def make_layers(rng, *widths):
    """Return weights and biases of a fully connected network."""
    pairs = ((rng.normal(size=(m, n)) / np.sqrt(m), 0.1 * rng.normal(size=n)) for m, n in zip(widths, widths[1:]))
    return [array for pair in pairs for array in pair]


def leaves(arrays):
    """Return the parameters as leaves."""
    return [fg.tensor(array, requires_grad=True) for array in arrays]


class FastgradTraining:
    """A training step with fastgrad. `loss_of(params)` returns the loss."""

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
    """A hand-written training step. `pass_of(params)` returns the loss and new gradients."""

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
    """Return the mean cross-entropy of the scores `s`, and overwrite `s` with its gradient."""
    s -= s.max(axis=1, keepdims=True)
    picked = s[rows, labels].sum()
    np.exp(s, out=s)
    total = s.sum(axis=1, keepdims=True)
    s /= total
    s[rows, labels] -= 1.0
    s /= len(s)
    return (np.log(total).sum() - picked) / len(s)


def mlp_tanh_by_hand(x, labels):
    """Return a function that computes loss and gradients of x -> tanh -> scores."""
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


def training_race(name, params, loss_of, pass_of, *data):
    rivals = [HandTraining(params, pass_of).contender(), *peers(name, params, *data)]
    return Race(FastgradTraining(params, loss_of).contender(), rivals)


def small_network():
    """Race a step of a 64-64-10 network with tanh, batch 32. Overhead and arithmetic take about the same time."""
    rng = np.random.default_rng(1)
    x, labels = rng.normal(size=(32, 64)), rng.integers(0, 10, 32)
    inputs = fg.asarray(x)

    def loss_of(params):
        w1, b1, w2, b2 = params
        return functional.cross_entropy((inputs @ w1 + b1).tanh() @ w2 + b2, labels)

    return training_race("mlp-64-64-10", make_layers(rng, 64, 64, 10), loss_of, mlp_tanh_by_hand(x, labels), x, labels)
