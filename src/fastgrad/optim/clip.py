"""Gradient clipping by value, and by the norm of all gradients together. Modifies the gradients in place."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from fastgrad import _engine
from fastgrad._engine import Tensor, drawn, no_grad
from fastgrad.optim import messages
from fastgrad.tracebacks import boundary, outside_frame


def _gradients(parameters: Tensor | Iterable[Tensor], what: str) -> list[Tensor]:
    """Return the gradient of each parameter, once per parameter; two parameters may share a gradient."""
    given = [parameters] if isinstance(parameters, Tensor) else list({id(p): p for p in parameters}.values())
    if not given and isinstance(parameters, Iterator):
        warnings.warn(messages.used_up(what), stacklevel=outside_frame()[1])
    for k, p in enumerate(given):
        if not isinstance(p, Tensor):
            raise messages.clipped_type(what, k, type(p).__name__)
    return [p.grad for p in given if p.is_leaf and p.grad is not None]


def _each_once(gradients: list[Tensor]) -> list[Tensor]:
    """Return the gradients without those that share their memory with an earlier one, for in-place writes."""
    return list(
        {(g.detach().numpy().ctypes.data, g.shape, g.strides) if g.size else id(g): g for g in gradients}.values()
    )


@boundary
def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float | str = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scale all gradients by one factor, so that the norm of all of them together is at most `max_norm`.

    Parameters
    ----------
    parameters : Tensor, or iterable of Tensor
        Parameters without a gradient are ignored. A gradient that two parameters share counts twice, and is scaled
        once.
    max_norm : float
    norm_type : float
        The order p of the norm. Infinity, or "inf", is the largest magnitude, minus infinity the smallest, and 0 the
        number of gradients with a nonzero element. As in PyTorch, the result is the norm of the norms of the
        gradients, which differs from the norm of all elements for 0 only. Gradients without elements are ignored.
    error_if_nonfinite : bool
        Raise if the norm is NaN or infinite. Otherwise the gradients become NaN, as in PyTorch.

    Returns
    -------
    Tensor
        The norm before clipping, a 0-d float64.

    Raises
    ------
    ValueError
        If `max_norm` is negative or NaN, or `norm_type` is not a number.
    AnomalyError
        If the norm is NaN or infinite and `error_if_nonfinite` is set.
    """
    if not max_norm >= 0:
        raise messages.invalid("clip_grad_norm_", "max_norm", max_norm, "at least 0")
    norm_type = _order(norm_type)
    given = parameters
    if isinstance(parameters, Iterator):  # a program reads them in every call
        given = list(parameters)
        if not given:
            warnings.warn(messages.used_up("clip_grad_norm_"), stacklevel=outside_frame()[1])
    return drawn(lambda: _clip_norm(given, max_norm, norm_type, error_if_nonfinite))


def _clip_norm(parameters: Any, max_norm: float, norm_type: float, error_if_nonfinite: bool) -> np.ndarray:
    """Scale the gradients, and return the norm before."""
    found = _gradients(parameters, "clip_grad_norm_")
    squares = _engine.sum_of_squares(found) if norm_type == 2 and _engine.sum_of_squares is not None else None
    norm = math.sqrt(squares) if squares is not None else _norm(found, norm_type)
    if error_if_nonfinite and not math.isfinite(norm):
        raise messages.norm_not_finite(norm)
    factor = max_norm / (norm + 1e-6)
    if not factor >= 1:  # true for NaN
        found = _each_once(found)
        left = found if _engine.scale_in_place is None else _engine.scale_in_place(found, factor)
        with no_grad():
            for g in left or ():
                g *= factor
    return np.float64(norm)


def _order(norm_type: float | str) -> float:
    try:
        p = float(norm_type)
    except (TypeError, ValueError):
        p = math.nan
    if math.isnan(p):
        raise messages.invalid("clip_grad_norm_", "norm_type", norm_type, 'a number, "inf" or "-inf"')
    return p


def _norm(gradients: list[Tensor], p: float) -> float:
    norms = [_vector_norm(g.detach().numpy(), p) for g in gradients if g.size]
    return _vector_norm(np.array(norms), p) if norms else 0.0


def _vector_norm(array: np.ndarray, p: float) -> float:
    magnitudes = np.abs(array.ravel()).astype(float)
    with np.errstate(all="ignore"):  # negative powers of 0 are infinite, and NaN is allowed
        return float(np.linalg.norm(magnitudes, p))


@boundary
def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Clip every element of every gradient to the interval from `-clip_value` to `clip_value`, in place.

    Raises
    ------
    ValueError
        If `clip_value` is negative or NaN.
    """
    if not clip_value >= 0:
        raise messages.invalid("clip_grad_value_", "clip_value", clip_value, "at least 0")
    with no_grad():
        for g in _gradients(parameters, "clip_grad_value_"):
            g[...] = np.clip(g.detach().numpy(), -clip_value, clip_value)
