"""The update formulas on Tensors, in place and unrecorded: what the compiled steps do in one pass.

The pure-Python engine uses them for all steps, the compiled engine for parameters that are not contiguous.
"""

from __future__ import annotations

import math

from fastgrad._engine import Tensor
from fastgrad.functions.constants import zeros_like


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


def adam(
    p: Tensor, g: Tensor, m: Tensor | None, v: Tensor | None, t: int, lr: float, beta1: float, beta2: float,
    eps: float, decay: float, decoupled: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`p -= lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)`. Returns the moment estimates `m` and `v`."""
    m, v = zeros_like(g) if m is None else m, zeros_like(g) if v is None else v
    if decoupled:
        p *= 1 - lr * decay
    elif decay != 0:
        g = g + decay * p
    m += (1 - beta1) * (g - m)
    v *= beta2
    v += (1 - beta2) * (g * g)
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
