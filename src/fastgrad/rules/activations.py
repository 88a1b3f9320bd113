"""Activation functions of neural networks. Values and gradients are accurate for arguments of any size."""

import math

import numpy as np

from fastgrad.rules.checks import real_only
from fastgrad.rules.comparison import where
from fastgrad.rules.draws import signed
from fastgrad.rules.erf import erfc_array
from fastgrad.rules.exponential import exp
from fastgrad.rules.logic import greater, less_equal
from fastgrad.rules.rule import RULES, ops, rule


@rule(
    vjp=lambda g, y: g * y * (1 - y),  # reads the result only, so the operand need not be saved
    elementwise=True,
    holomorphic=False,
    domain=(-6, 6),
    numpy=(),
)
def sigmoid(x, /):
    """`1 / (1 + exp(-x))`, computed without overflow."""
    e = np.exp(-np.abs(real_only("sigmoid", x)))
    return np.where(np.greater_equal(x, 0), 1, e) / (1 + e)


@rule(vjp=lambda g, x: g * sigmoid(-x), elementwise=True, holomorphic=False, domain=(-6, 6), numpy=())
def logsigmoid(x, /):
    """`log(sigmoid(x))`, accurate where sigmoid underflows."""
    return np.minimum(real_only("logsigmoid", x), 0) - np.log1p(np.exp(-np.abs(x)))


@rule(vjp=lambda g, x: g * sigmoid(x), elementwise=True, holomorphic=False, domain=(-6, 6), numpy=())
def softplus(x, /):
    """`log(1 + exp(x))` without overflow."""
    return np.maximum(real_only("softplus", x), 0) + np.log1p(np.exp(-np.abs(x)))


@rule(
    vjp=lambda g, y: where(less_equal(y, 0), 0, g),  # y > 0 where x > 0, so x need not be saved. NaN passes g
    elementwise=True,
    holomorphic=False,
    domain=(0.3, 3),
    samples=signed(0.3, 3, ((3, 4), {})),
    numpy=(),
)
def relu(x, /):
    """`maximum(x, 0)`; its gradient at 0 is 0."""
    return np.maximum(x, 0)


@rule(
    vjp=lambda g, x, negative_slope: where(greater(x, 0), g, negative_slope * g),
    elementwise=True,
    holomorphic=False,
    domain=(-3, -0.3),
    samples=signed(0.3, 3, ((3, 4), {}), ((3, 4), {"negative_slope": 0.2})),
    numpy=(),
)
def leaky_relu(x, /, negative_slope=0.01):
    """`x` if `x > 0`, else `negative_slope * x`; its gradient at 0 is `negative_slope`."""
    return np.where(np.greater(x, 0), x, np.multiply(x, negative_slope))


@rule(
    # alpha * exp(x), since y + alpha cancels far below 0; exp(0) for x > 0, where exp(x) would overflow
    vjp=lambda g, x, alpha: where(greater(x, 0), g, g * (alpha * exp(where(greater(x, 0), 0, x)))),
    elementwise=True,
    holomorphic=False,
    domain=(-3, -0.3),
    samples=signed(0.3, 3, ((3, 4), {}), ((3, 4), {"alpha": 0.5})),
    numpy=(),
)
def elu(x, /, alpha=1.0):
    """`x` if `x > 0`, else `alpha * (exp(x) - 1)`."""
    return np.where(np.greater(real_only("elu", x), 0), x, np.multiply(np.expm1(np.minimum(x, 0)), alpha))


@rule(
    vjp=lambda g, x: g * _silu_slope(x, sigmoid(x)),
    elementwise=True,
    holomorphic=False,
    domain=(-4, 4),
    numpy=(),
    aliases=("swish",),
)
def silu(x, /):
    """`x * sigmoid(x)`."""
    return x * RULES["sigmoid"].forward(x)


def _silu_slope(x, s):
    """`s + x * s'` with `s = sigmoid(x)`."""
    return s * (1 + x * (1 - s))


_SQRT_HALF, _INV_SQRT_2PI = math.sqrt(0.5), 1 / math.sqrt(2 * math.pi)


@rule(
    # Phi(x) + x * phi(x); erfc is accurate far below 0, where 1 + erf cancels
    vjp=lambda g, x: g * (0.5 * ops.erfc(x * -_SQRT_HALF) + x * (exp(x * x * -0.5) * _INV_SQRT_2PI)),
    elementwise=True,
    holomorphic=False,
    domain=(-4, 4),
    numpy=(),
)
def gelu(x, /):
    """`x * Phi(x)`, where `Phi` is the normal distribution function: the exact form, not the approximation by tanh."""
    return 0.5 * x * erfc_array(np.multiply(x, -_SQRT_HALF))
