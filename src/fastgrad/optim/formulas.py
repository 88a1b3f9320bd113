"""The update formulas on Tensors, in place and unrecorded: what the compiled steps do in one pass.

The pure-Python engine uses them for all steps, the compiled engine for parameters that are not contiguous.
"""

from __future__ import annotations

import math

from fastgrad._engine import Tensor
from fastgrad.functions.constants import full_like, zeros_like
from fastgrad.rules.comparison import maximum


def sgd(
    p: Tensor, g: Tensor, b: Tensor | None, lr: float, momentum: float, dampening: float, decay: float, nesterov: bool
) -> Tensor | None:
    """`b = momentum * b + (1 - dampening) * g; p -= lr * b`. Returns `b`, which is initialized to `g`."""
    if decay != 0:
        g = g + decay * p
    if momentum != 0:
        if b is None:
            b = g.copy()
        else:
            b *= momentum
            b += (1 - dampening) * g
        g = g + momentum * b if nesterov else b
    p -= lr * g
    return b


def _moments(
    p: Tensor, g: Tensor, m: Tensor | None, v: Tensor | None, lr: float, beta1: float, beta2: float, decay: float,
    decoupled: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Update the estimates of the first and second moment, after the decay of the weights. Returns them."""
    m, v = zeros_like(g) if m is None else m, zeros_like(g) if v is None else v
    if decoupled:
        p *= 1 - lr * decay
    elif decay != 0:
        g = g + decay * p
    m += (1 - beta1) * (g - m)
    v *= beta2
    v += (1 - beta2) * (g * g)
    return m, v


def adam(
    p: Tensor, g: Tensor, m: Tensor | None, v: Tensor | None, t: int, lr: float, beta1: float, beta2: float,
    eps: float, decay: float, decoupled: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`p -= lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)`. Returns the moment estimates `m` and `v`."""
    m, v = _moments(p, g, m, v, lr, beta1, beta2, decay, decoupled)
    p -= lr / (1 - beta1**t) * (m / (v.sqrt() * (1 / math.sqrt(1 - beta2**t)) + eps))
    return m, v


def rmsprop(
    p: Tensor, g: Tensor, v: Tensor | None, m: Tensor | None, b: Tensor | None, lr: float, alpha: float, eps: float,
    momentum: float, decay: float, centered: bool,
) -> tuple[Tensor, Tensor | None, Tensor | None]:  # fmt: skip
    """`b = momentum * b + g / (sqrt(v - m^2) + eps); p -= lr * b`, with `m` if centered. Returns `v`, `m`, `b`."""
    if decay != 0:
        g = g + decay * p
    v = zeros_like(g) if v is None else v
    v *= alpha
    v += (1 - alpha) * (g * g)
    variance = v
    if centered:
        m = zeros_like(g) if m is None else m
        m += (1 - alpha) * (g - m)
        variance = v - m * m
    g = g / (variance.sqrt() + eps)
    if momentum != 0:
        b = zeros_like(g) if b is None else b
        b *= momentum
        b += g
        g = b
    p -= lr * g
    return v, m, b


def adam_amsgrad(
    p: Tensor, g: Tensor, m: Tensor | None, v: Tensor | None, most: Tensor | None, t: int, lr: float, beta1: float,
    beta2: float, eps: float, decay: float, decoupled: bool,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """As `adam`, with the largest `v` so far in place of `v`. Returns `m`, `v` and this largest value."""
    m, v = _moments(p, g, m, v, lr, beta1, beta2, decay, decoupled)
    most = zeros_like(v) if most is None else most
    most[...] = maximum(most, v)
    p -= lr / (1 - beta1**t) * (m / (most.sqrt() * (1 / math.sqrt(1 - beta2**t)) + eps))
    return m, v, most


def adagrad(p: Tensor, g: Tensor, s: Tensor | None, lr: float, first: float, eps: float, decay: float) -> Tensor:
    """`s += g^2; p -= lr * g / (sqrt(s) + eps)`. Returns `s`, whose first value is `first`."""
    if decay != 0:
        g = g + decay * p
    s = full_like(g, first) if s is None else s
    s += g * g
    p -= lr * (g / (s.sqrt() + eps))
    return s


def adadelta(
    p: Tensor, g: Tensor, v: Tensor | None, d: Tensor | None, lr: float, rho: float, eps: float, decay: float
) -> tuple[Tensor, Tensor]:
    """`delta = sqrt((d + eps) / (v + eps)) * g; p -= lr * delta`. Returns the mean squares `v` and `d`."""
    if decay != 0:
        g = g + decay * p
    v, d = zeros_like(g) if v is None else v, zeros_like(g) if d is None else d
    v *= rho
    v += (1 - rho) * (g * g)
    delta = (d + eps).sqrt() / (v + eps).sqrt() * g
    d *= rho
    d += (1 - rho) * (delta * delta)
    p -= lr * delta
    return v, d


def adamax(
    p: Tensor, g: Tensor, m: Tensor | None, u: Tensor | None, t: int, lr: float, beta1: float, beta2: float,
    eps: float, decay: float,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`u = max(beta2 * u, abs(g) + eps); p -= lr / (1 - beta1^t) * m / u`. Returns `m` and `u`."""
    if decay != 0:
        g = g + decay * p
    m, u = zeros_like(g) if m is None else m, zeros_like(g) if u is None else u
    m += (1 - beta1) * (g - m)
    u[...] = maximum(u * beta2, g.abs() + eps)
    p -= lr / (1 - beta1**t) * (m / u)
    return m, u


def radam(
    p: Tensor, g: Tensor, m: Tensor | None, v: Tensor | None, t: int, lr: float, beta1: float, beta2: float,
    eps: float, decay: float, decoupled: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Adam, times the rectification `r` of the variance; `p -= lr * m` where it does not exist. Returns `m` and `v`."""
    m, v = _moments(p, g, m, v, lr, beta1, beta2, decay, decoupled)
    rate, bias = lr / (1 - beta1**t), 1 - beta2**t
    longest = 2 / (1 - beta2) - 1  # the length of the average of a moving average, and that at step t
    length = longest - 2 * t * beta2**t / bias
    if length > 5:
        r = math.sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length))
        p -= rate * r * math.sqrt(bias) * (m / (v.sqrt() + eps))
    else:
        p -= rate * m
    return m, v
