"""The two models of the demo, each with fastgrad and with hand-written NumPy gradients.

Both versions of a model start from the same arrays, take the same steps and must reach the same parameters. A step is
momentum SGD: v = MOMENTUM * v + dloss/dp, then p = p - rate * v.
"""

import numpy as np

import fastgrad as fg
from fastgrad.nn import functional as F

MOMENTUM = 0.9
HIDDEN = 64
PENALTY = 1e-3  # lambda in the SVM's  mean hinge + lambda * sum(W * W)


def initial_svm(seed):
    """A linear classifier that starts from zeros: W of shape (64, 10), b of shape (10,)."""
    return {"W": np.zeros((64, 10)), "b": np.zeros(10)}


def initial_network(seed):
    """64 inputs, HIDDEN units, 10 scores; weights are scaled to give the initial scores unit variance."""
    draw = np.random.default_rng(seed)
    return {
        "W1": draw.normal(size=(64, HIDDEN)) / np.sqrt(64),
        "b1": np.zeros(HIDDEN),
        "W2": draw.normal(size=(HIDDEN, 10)) / np.sqrt(HIDDEN),
        "b2": np.zeros(10),
    }


class _ByFastgrad:
    """Base of both fastgrad models: parameters that require gradients, and the training step.

    Batches are NumPy arrays; they are wrapped as Tensors (without a copy) before `@`.
    """

    def __init__(self, initial):
        self.parameters = {name: fg.tensor(value, requires_grad=True) for name, value in initial.items()}
        self.velocities = {name: fg.tensor(np.zeros_like(value)) for name, value in initial.items()}

    def step(self, x, labels, rate):
        """One step of momentum SGD on one batch; returns the loss before it."""
        loss = self.loss(x, labels)
        loss.backward()
        with fg.no_grad():
            for p, v in zip(self.parameters.values(), self.velocities.values(), strict=True):
                v *= MOMENTUM
                v += p.grad
                p -= rate * v
                p.grad = None
        return loss.item()

    def predict(self, x):
        with fg.no_grad():
            return self.scores(x).numpy().argmax(axis=1)

    def arrays(self):
        return {name: p.numpy().copy() for name, p in self.parameters.items()}


class Svm(_ByFastgrad):
    """Linear multiclass support vector machine: mean multiclass hinge loss and an L2 penalty on W."""

    def scores(self, x):
        return fg.asarray(x) @ self.parameters["W"] + self.parameters["b"]

    def loss(self, x, labels):
        w = self.parameters["W"]
        return F.multiclass_hinge_loss(self.scores(x), labels) + PENALTY * (w * w).sum()


class Network(_ByFastgrad):
    """Two layers, relu between them, cross-entropy on top."""

    def scores(self, x):
        p = self.parameters
        return F.relu(fg.asarray(x) @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]

    def loss(self, x, labels):
        return F.cross_entropy(self.scores(x), labels)


class _ByHand:
    """Base of both NumPy models: momentum in place, and no avoidable allocations."""

    def __init__(self, initial):
        self.parameters = {name: value.copy() for name, value in initial.items()}
        self.velocities = {name: np.zeros_like(value) for name, value in initial.items()}

    def step(self, x, labels, rate):
        loss, gradients = self.loss_and_gradients(x, labels)
        for name, gradient in gradients.items():
            v = self.velocities[name]
            v *= MOMENTUM
            v += gradient
            self.parameters[name] -= rate * v
        return float(loss)

    def arrays(self):
        return {name: p.copy() for name, p in self.parameters.items()}


class SvmByHand(_ByHand):
    def loss_and_gradients(self, x, labels):
        w, b = self.parameters.values()
        n = len(labels)
        rows = np.arange(n)
        margins = x @ w
        margins += b
        margins += 1.0 - margins[rows, labels][:, None]
        margins[rows, labels] = 0.0
        np.maximum(margins, 0.0, out=margins)
        loss = margins.sum() / n + PENALTY * np.vdot(w, w)
        g = (margins > 0.0) / n
        g[rows, labels] = -g.sum(axis=1)
        gw = x.T @ g
        gw += 2.0 * PENALTY * w
        return loss, {"W": gw, "b": g.sum(axis=0)}


class NetworkByHand(_ByHand):
    def loss_and_gradients(self, x, labels):
        w1, b1, w2, b2 = self.parameters.values()
        n = len(labels)
        rows = np.arange(n)
        h = x @ w1
        h += b1
        np.maximum(h, 0.0, out=h)
        z = h @ w2
        z += b2
        z -= z.max(axis=1, keepdims=True)
        right = z[rows, labels]
        g = np.exp(z, out=z)
        total = g.sum(axis=1, keepdims=True)
        loss = (np.log(total[:, 0]) - right).sum() / n
        g /= total
        g[rows, labels] -= 1.0
        g /= n
        gh = g @ w2.T
        gh *= h > 0.0
        return loss, {"W1": x.T @ gh, "b1": gh.sum(axis=0), "W2": h.T @ g, "b2": g.sum(axis=0)}


class Kind:
    """One of the two models in both versions, with the learning rate and the input noise of its training.

    The noise is a standard deviation, in units of full ink.
    """

    def __init__(self, key, title, initial, by_fastgrad, by_hand, rate, noise):
        self.key, self.title, self.initial = key, title, initial
        self.by_fastgrad, self.by_hand, self.rate, self.noise = by_fastgrad, by_hand, rate, noise


SVM = Kind("svm", "linear SVM", initial_svm, Svm, SvmByHand, rate=0.02, noise=0.0)
NETWORK = Kind("network", "two-layer network", initial_network, Network, NetworkByHand, rate=0.1, noise=0.2)
KINDS = {kind.key: kind for kind in (SVM, NETWORK)}
