"""Stochastic gradient descent, RMSProp and Adam, for nested parameters."""

import numpy as np

from fastgrad.autograd.misc.flatten import flatten
from fastgrad.autograd.wrap_util import wraps


def unflatten_optimizer(optimize):
    """Return an optimizer of nested parameters, made of one of vectors."""

    @wraps(optimize)
    def optimize_nested(grad, x0, callback=None, *args, **kwargs):
        start, unflatten = flatten(x0)

        def gradient(x, i):
            return flatten(grad(unflatten(x), i))[0]

        def report(x, i, g):
            callback(unflatten(x), i, unflatten(g))

        return unflatten(optimize(gradient, start, report if callback else None, *args, **kwargs))

    return optimize_nested


@unflatten_optimizer
def sgd(grad, x, callback=None, num_iters=200, step_size=0.1, mass=0.9):
    """Minimize by stochastic gradient descent with momentum. `grad(x, i)` is the gradient in step number `i`."""
    velocity = np.zeros(len(x))
    for i in range(num_iters):
        g = _gradient(grad, x, i, callback)
        velocity = mass * velocity - (1.0 - mass) * g
        x = x + step_size * velocity
    return x


@unflatten_optimizer
def rmsprop(grad, x, callback=None, num_iters=100, step_size=0.1, gamma=0.9, eps=10**-8):
    """Minimize with steps divided by a running mean of the squared gradient.

    References
    ----------
    Hinton, Srivastava and Swersky, "Neural networks for machine learning", lecture 6a, 2012.
    """
    mean_square = np.ones(len(x))
    for i in range(num_iters):
        g = _gradient(grad, x, i, callback)
        mean_square = mean_square * gamma + g**2 * (1 - gamma)
        x = x - step_size * g / (np.sqrt(mean_square) + eps)
    return x


@unflatten_optimizer
def adam(grad, x, callback=None, num_iters=100, step_size=0.001, b1=0.9, b2=0.999, eps=10**-8):
    """Minimize with running means of the gradient and of its square, corrected for their start at zero.

    References
    ----------
    Kingma and Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980.
    """
    first, second = np.zeros(len(x)), np.zeros(len(x))
    for i in range(num_iters):
        g = _gradient(grad, x, i, callback)
        first = (1 - b1) * g + b1 * first
        second = (1 - b2) * (g**2) + b2 * second
        unbiased, spread = first / (1 - b1 ** (i + 1)), second / (1 - b2 ** (i + 1))
        x = x - step_size * unbiased / (np.sqrt(spread) + eps)
    return x


def _gradient(grad, x, i, callback):
    g = grad(x, i)
    if callback:
        callback(x, i, g)
    return g
