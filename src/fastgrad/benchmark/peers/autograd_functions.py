"""What the rows of autograd's names compute: the functions of its micro-benchmarks, and of its users.

Each takes a NumPy module first. `CASES` says, by row, how a package with autograd's names is called.
"""

import numpy as np

from fastgrad.benchmark.peers import functions


def square(np, x):
    return x**2


def repeated_sine(np, x):
    for _ in range(50):
        x = np.sin(x)
    return x


def halved_sums(np, x):
    for _ in range(10_000):
        x = (x + x) / 2.0
    return np.sum(x)


def regression(np, inputs, labels, w):
    z = np.dot(inputs, w)
    return np.mean(np.log(1.0 + np.exp(-z)) + (1.0 - labels) * z)


def layer(np, a, x):
    return np.tanh(np.dot(a, x))


def _affine(np, w, *parts):
    return np.dot(np.hstack([*parts, np.ones((len(parts[0]), 1))]), w)


def _log_probabilities(np, scores):
    top = np.max(scores, axis=1, keepdims=True)
    return scores - top - np.log(np.sum(np.exp(scores - top), axis=1, keepdims=True))


def _gate(np, z):
    return 0.5 * (np.tanh(z) + 1.0)


def predicted_by_rnn(np, params, inputs):
    """Mean log-probability of the next one of a sequence of one-hot vectors: (time, sequence, letter)."""
    h = np.repeat(params["start"], inputs.shape[1], axis=0)
    total = 0.0
    for x in inputs:
        total = total + np.sum(_log_probabilities(np, _affine(np, params["out"], h)) * x)
        h = np.tanh(_affine(np, params["change"], x, h))
    return total / inputs[..., 0].size


def predicted_by_lstm(np, params, inputs):
    """The same with gates."""
    h = np.repeat(params["start"], inputs.shape[1], axis=0)
    c = np.repeat(params["cells"], inputs.shape[1], axis=0)
    total = 0.0
    for x in inputs:
        total = total + np.sum(_log_probabilities(np, _affine(np, params["out"], h)) * x)
        change = np.tanh(_affine(np, params["change"], x, h))
        forget, enter, leave = (_gate(np, _affine(np, params[name], x, h)) for name in ("forget", "enter", "leave"))
        c = c * forget + enter * change
        h = leave * np.tanh(c)
    return total / inputs[..., 0].size


def data(name):
    """Return the fixed arguments of the function of a row, before and after the differentiated one."""
    rng = np.random.default_rng(13)
    if name == "logistic":
        inputs, labels = rng.normal(size=(100, 20)), (rng.random(100) > 0.5).astype(float)
        return (inputs, labels), rng.normal(size=20), ()
    if name == "layer":
        return (rng.normal(size=(50, 10)),), rng.normal(size=10), ()
    if name == "mlp":
        shapes = ((64, 64), (64,), (64, 10), (10,))
        params = [0.1 * rng.normal(size=shape) for shape in shapes]
        return (), params, (rng.normal(size=(32, 64)), rng.integers(0, 10, 32))
    letters, hidden = 128, 40
    inputs = np.eye(letters)[rng.integers(0, letters, (30, 42))]
    sizes = {"change": letters + hidden + 1, "out": hidden + 1}
    if name == "lstm":
        sizes |= dict.fromkeys(("forget", "enter", "leave"), letters + hidden + 1)
    params = {key: 0.01 * rng.normal(size=(n, letters if key == "out" else hidden)) for key, n in sizes.items()}
    params |= {key: 0.01 * rng.normal(size=(1, hidden)) for key in ("start", "cells")[: 1 + (name == "lstm")]}
    return (), params, (inputs,)


def _of(function, name):
    before, x, after = data(name)
    return lambda ag, anp: (ag.value_and_grad(lambda x: function(anp, *before, x, *after)), (x,))


def _gradient(function, x):
    return lambda ag, anp: (ag.grad(lambda x: function(anp, x)), (x,))


def _jacobian():
    (a,), x, _ = data("layer")
    return lambda ag, anp: (ag.jacobian(lambda x: layer(anp, a, x)), (x,))


CASES = {
    "autograd-short": lambda: _gradient(square, 2.0),
    "autograd-long": lambda: _gradient(repeated_sine, 2.0),
    "autograd-fan": lambda: _gradient(halved_sums, 2.0),
    "autograd-rosenbrock": lambda: lambda ag, anp: (
        ag.value_and_grad(lambda x: functions.rosenbrock(anp, x)), (np.linspace(-1.0, 1.0, 10),)
    ),
    "autograd-logistic": lambda: _of(regression, "logistic"),
    "autograd-mlp": lambda: _of(functions.mlp_tanh, "mlp"),
    "autograd-jacobian": _jacobian,
    "autograd-rnn": lambda: _of(predicted_by_rnn, "rnn"),
    "autograd-lstm": lambda: _of(predicted_by_lstm, "lstm"),
}  # fmt: skip


def leaves(found):
    """Return the arrays of a result in order."""
    if isinstance(found, dict):
        found = [found[key] for key in sorted(found)]
    if isinstance(found, (tuple, list)):
        return [a for part in found for a in leaves(part)]
    return [np.asarray(found)]


def measured(name, ag, anp):
    """Return the step and the answer of a row, by a package with autograd's names and its NumPy module."""
    f, args = CASES[name]()(ag, anp)

    def answer():
        return {f"result {k}": a for k, a in enumerate(leaves(f(*args)))}

    return lambda: f(*args), answer


def boxed_exp(new_box, root, anp):
    """Return the step and the answer of the row of one call on a box."""
    box = new_box(2.0, 0, root)
    return lambda: anp.exp(box), lambda: {"value": np.asarray(anp.exp(box)._value)}
