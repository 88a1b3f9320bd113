"""Training steps of small networks: forward, backward, SGD. The rivals are hand-written NumPy."""

import numpy as np

import fastgrad as fg
from bench.results import row
from fastgrad.benchmark.networks import cross_entropy_by_hand, make_layers, small_network, training_race
from fastgrad.nn import functional

row("mlp-64-64-10", target=0.65, note="tanh, cross-entropy, batch 32, SGD step, float64")(
    lambda settings: small_network()
)


def mlp_relu_by_hand(x, labels):
    """Return a function that computes loss and gradients of x -> relu -> relu -> scores."""
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


def linear_svm_by_hand(x, labels, alpha):
    """Return a function that computes the multiclass hinge loss with L2 penalty, and its gradient. `x` has columns."""
    columns = np.arange(len(labels))

    def both(params):
        w = params[0]
        s = w @ x
        s -= s[labels, columns] - 1.0
        s[labels, columns] = 0.0
        np.maximum(s, 0.0, out=s)
        loss = s.sum() / len(labels)
        g = (s > 0.0) / len(labels)
        g[labels, columns] = -g.sum(axis=0)
        gw = g @ x.T
        flat = w.ravel()
        gw += (2.0 * alpha) * w
        return loss + alpha * (flat @ flat), [gw]

    return both


def micrograd_by_hand(x, y, alpha):
    """Return a function that computes hinge loss with L2 penalty, and its gradients. `y` contains -1 and 1."""
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


@row("mlp-784-256-128-10", target=0.9, note="relu, cross-entropy, batch 128, SGD step, float64")
def mlp_large(settings):
    """The larger network, dominated by BLAS."""
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
    return training_race("mlp-784-256-128-10", layers, loss_of, mlp_relu_by_hand(x, labels), x, labels)


@row("micrograd-2-16-16-1", target=0.4, note="the micrograd demo vectorised: 100 points, hinge loss and L2, SGD step")
def micrograd(settings):
    """The network of micrograd's demo: fifteen arrays of at most 1,600 elements."""
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

    return training_race(
        "micrograd-2-16-16-1", make_layers(rng, 2, 16, 16, 1), loss_of, micrograd_by_hand(x, y, alpha), x, y, alpha
    )


@row("linear-svm", target=0.68, note="10 classes, 3073 x 500 data: multiclass hinge loss and L2, SGD step, float64")
def linear_svm(settings):
    """The linear classifier of the lecture notes: two products with ten rows."""
    rng = np.random.default_rng(4)
    inputs = fg.tensor(rng.normal(size=(settings.size(3073, 20), settings.size(500, 30))))
    x = inputs.numpy()  # the same memory for all: two copies of 12 MB would displace each other from the cache
    labels, columns, alpha = rng.integers(0, 10, x.shape[1]), np.arange(x.shape[1]), 1e-3

    def loss_of(params):
        scores = params[0] @ inputs
        margins = (scores - scores[labels, columns] + 1.0).relu()
        return margins.sum() / len(labels) - 1.0 + alpha * (params[0] * params[0]).sum()

    w = 1e-3 * rng.normal(size=(10, len(x)))
    return training_race("linear-svm", [w], loss_of, linear_svm_by_hand(x, labels, alpha), x, labels, alpha)
