"""Gradient clipping, by the norm of all gradients together and by value. Writes the gradients in place."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator

import numpy as np

from fastgrad import _engine
from fastgrad._engine import Tensor, no_grad, tensor
from fastgrad.optim import messages


def _gradients(parameters: Tensor | Iterable[Tensor], what: str) -> list[Tensor]:
    """The gradient of each parameter, of one that is given twice once. Of two that share theirs it is there twice."""
    given = [parameters] if isinstance(parameters, Tensor) else list({id(p): p for p in parameters}.values())
    if not given and isinstance(parameters, Iterator):
        warnings.warn(messages.used_up(what), stacklevel=3)
    return [p.grad for p in given if p.is_leaf and p.grad is not None]


def _each_once(gradients: list[Tensor]) -> list[Tensor]:
    """Gradients that are written in place: of those over the same memory, one."""
    return list(
        {(g.detach().numpy().ctypes.data, g.shape, g.strides) if g.size else id(g): g for g in gradients}.values()
    )


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float | str = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scale all gradients by one factor, so that their norm, as if they were one vector, is at most `max_norm`.

    Parameters
    ----------
    parameters : Tensor, or iterable of Tensor
        Those without a gradient are passed over. A gradient that two of them share counts twice, and is scaled once.
    max_norm : float
    norm_type : float
        2; any other p; infinity, which may be written "inf", for the largest magnitude; minus infinity for the
        smallest; 0 for the number of gradients that are not zero throughout. As in PyTorch, it is the norm of the
        gradients' norms, which makes a difference for 0 alone. Gradients without elements are passed over.
    error_if_nonfinite : bool
        Raise where the norm is NaN or infinite; otherwise NaN gradients follow, as in PyTorch.

    Returns
    -------
    Tensor
        The norm before, float64, 0-d.

    Raises
    ------
    ValueError
        For a `max_norm` that is negative or NaN, and a `norm_type` that is no number.
    """
    if not max_norm >= 0:
        raise messages.bad_setting("clip_grad_norm_", "max_norm", max_norm, 0, math.inf)
    norm_type = _order(norm_type)
    found = _gradients(parameters, "clip_grad_norm_")
    squares = _engine.sum_of_squares(found) if norm_type == 2 and _engine.sum_of_squares is not None else None
    norm = math.sqrt(squares) if squares is not None else _norm(found, norm_type)
    if error_if_nonfinite and not math.isfinite(norm):
        raise messages.norm_not_finite(norm)
    factor = max_norm / (norm + 1e-6)
    if not factor >= 1:  # NaN included
        found = _each_once(found)
        left = found if _engine.scale_in_place is None else _engine.scale_in_place(found, factor)
        with no_grad():
            for g in left or ():
                g *= factor
    return tensor(float(norm))


def _order(norm_type: float | str) -> float:
    try:
        p = float(norm_type)
    except (TypeError, ValueError):
        p = math.nan
    if math.isnan(p):
        raise messages.bad_norm_type(norm_type)
    return p


def _norm(gradients: list[Tensor], p: float) -> float:
    norms = [_vector_norm(g.detach().numpy(), p) for g in gradients if g.size]
    return _vector_norm(np.array(norms), p) if norms else 0.0


def _vector_norm(array: np.ndarray, p: float) -> float:
    magnitudes = np.abs(array.ravel()).astype(float)
    with np.errstate(all="ignore"):  # a negative power of 0 is infinite, and a NaN stays one
        return float(np.linalg.norm(magnitudes, p))


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Bring every element of every gradient between `-clip_value` and `clip_value`.

    Raises
    ------
    ValueError
        For a `clip_value` that is negative or NaN.
    """
    if not clip_value >= 0:
        raise messages.bad_setting("clip_grad_value_", "clip_value", clip_value, 0, math.inf)
    with no_grad():
        for g in _gradients(parameters, "clip_grad_value_"):
            g[...] = np.clip(g.detach().numpy(), -clip_value, clip_value)
