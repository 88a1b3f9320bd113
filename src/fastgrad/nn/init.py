"""Initializers with PyTorch's definitions. Each overwrites a Tensor in place, without recording, and returns it.

All accept `rng`, a `numpy.random.Generator` or a seed. By default they use the generator of the package, which
`fg.nn.seed` seeds. `fan_in` and `fan_out` refer to a weight of shape (out, in, ...).
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np

from fastgrad._engine import Tensor, no_grad
from fastgrad.nn import messages
from fastgrad.nn.random import generator
from fastgrad.tracebacks import boundary

Rng: TypeAlias = np.random.Generator | int | None

GAINS = {"linear": 1.0, "conv1d": 1.0, "conv2d": 1.0, "conv3d": 1.0, "sigmoid": 1.0, "tanh": 5 / 3,
         "relu": math.sqrt(2), "selu": 3 / 4}  # fmt: skip


def _shape(name: str, x: Tensor) -> tuple[int, ...]:
    """Return the shape of the Tensor that an initializer fills; raise if it is none."""
    if not isinstance(x, Tensor):
        raise messages.not_initialized(name, type(x).__name__)
    return x.shape


def _write(x: Tensor, values: Any) -> Tensor:
    with no_grad():
        x[...] = values
    return x


def _fans(name: str, x: Tensor) -> tuple[int, int]:
    """Return fan_in and fan_out of a weight of shape (out, in, ...): the numbers of inputs and outputs of a unit."""
    shape = _shape(name, x)
    if len(shape) < 2:
        raise messages.too_few_axes(name, shape)
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the recommended gain of a nonlinearity: sqrt(2) for "relu", 5/3 for "tanh", ...

    Parameters
    ----------
    nonlinearity : str
        "linear", "conv1d", "conv2d", "conv3d", "sigmoid", "tanh", "relu", "selu" or "leaky_relu".
    param : float, optional
        The negative slope of "leaky_relu", by default 0.01.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the nonlinearity is unknown.
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in GAINS:
        raise messages.bad_choice("calculate_gain", "nonlinearity", nonlinearity, (*GAINS, "leaky_relu"))
    return GAINS[nonlinearity]


@boundary
def uniform_(x: Tensor, a: float = 0.0, b: float = 1.0, *, rng: Rng = None) -> Tensor:
    """Fill `x` with samples from U(a, b)."""
    return _write(x, generator(rng).uniform(a, b, _shape("uniform_", x)))


@boundary
def normal_(x: Tensor, mean: float = 0.0, std: float = 1.0, *, rng: Rng = None) -> Tensor:
    """Fill `x` with samples from N(mean, std^2)."""
    return _write(x, generator(rng).normal(mean, std, _shape("normal_", x)))


@boundary
def constant_(x: Tensor, value: float) -> Tensor:
    """Fill `x` with `value`."""
    _shape("constant_", x)
    return _write(x, value)


@boundary
def zeros_(x: Tensor) -> Tensor:
    """Fill `x` with 0."""
    _shape("zeros_", x)
    return _write(x, 0)


@boundary
def ones_(x: Tensor) -> Tensor:
    """Fill `x` with 1."""
    _shape("ones_", x)
    return _write(x, 1)


@boundary
def xavier_uniform_(x: Tensor, gain: float = 1.0, *, rng: Rng = None) -> Tensor:
    """Fill `x` with samples from U(-a, a), `a = gain * sqrt(6 / (fan_in + fan_out))` (Glorot and Bengio, 2010)."""
    bound = gain * math.sqrt(6 / sum(_fans("xavier_uniform_", x)))
    return uniform_(x, -bound, bound, rng=rng)


@boundary
def xavier_normal_(x: Tensor, gain: float = 1.0, *, rng: Rng = None) -> Tensor:
    """Fill `x` with samples from N(0, std^2), `std = gain * sqrt(2 / (fan_in + fan_out))` (Glorot and Bengio, 2010)."""
    return normal_(x, 0, gain * math.sqrt(2 / sum(_fans("xavier_normal_", x))), rng=rng)


def _kaiming(name: str, x: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise messages.bad_choice(name, "mode", mode, ("fan_in", "fan_out"))
    fan = _fans(name, x)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan) if fan else 0.0


@boundary
def kaiming_uniform_(
    x: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", *, rng: Rng = None
) -> Tensor:
    """Fill `x` with samples from U(-b, b), `b = gain * sqrt(3 / fan)` (He et al., 2015).

    Parameters
    ----------
    x : Tensor, shape (out, in, ...)
    a : float
        The negative slope if `nonlinearity` is "leaky_relu".
    mode : {"fan_in", "fan_out"}
    nonlinearity : str
        As for `calculate_gain`.
    rng : numpy.random.Generator or int, optional
    """
    bound = math.sqrt(3) * _kaiming("kaiming_uniform_", x, a, mode, nonlinearity)
    return uniform_(x, -bound, bound, rng=rng)


@boundary
def kaiming_normal_(
    x: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", *, rng: Rng = None
) -> Tensor:
    """Fill `x` with samples from N(0, std^2), `std = gain / sqrt(fan)` (He et al., 2015). See `kaiming_uniform_`."""
    return normal_(x, 0, _kaiming("kaiming_normal_", x, a, mode, nonlinearity), rng=rng)


@boundary
def orthogonal_(x: Tensor, gain: float = 1.0, *, rng: Rng = None) -> Tensor:
    """Fill `x`, as a matrix (out, rest), with `gain` times orthonormal rows, or columns if it has more rows."""
    shape = _shape("orthogonal_", x)
    if len(shape) < 2:
        raise messages.too_few_axes("orthogonal_", shape)
    rows, columns = shape[0], math.prod(shape[1:])
    draw = generator(rng).normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(draw)
    q = q * np.sign(np.diagonal(r))  # makes the distribution uniform (Mezzadri, 2007)
    return _write(x, gain * (q if rows >= columns else q.T).reshape(shape))


@boundary
def trunc_normal_(
    x: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, *, rng: Rng = None
) -> Tensor:
    """Fill `x` with samples from N(mean, std^2), redrawn if outside [a, b]. These are values, not multiples of std.

    Raises
    ------
    ValueError
        If [a, b] is empty, or contains almost nothing of the distribution.
    """
    shape = _shape("trunc_normal_", x)
    inside = 0.5 * (math.erfc((a - mean) / std / math.sqrt(2)) - math.erfc((b - mean) / std / math.sqrt(2)))
    if not inside > 1e-4:
        raise ValueError(
            f"trunc_normal_: [{a}, {b}] contains {inside:.1g} of N({mean}, {std}**2): use a wider interval, or move it"
        )
    rng = generator(rng)
    values = rng.normal(mean, std, x.size)
    while (out := np.flatnonzero((values < a) | (values > b))).size:
        values[out] = rng.normal(mean, std, out.size)
    return _write(x, values.reshape(shape))
