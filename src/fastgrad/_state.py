"""Values of state dicts, read strictly, and gradients cleared: what modules and optimisers share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from fastgrad._engine import Tensor, no_grad


def fitted(value: Any, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray | str:
    """A copy of `value` as an array of this shape and dtype; or, as a str, why it does not fit.

    A float may be rounded. What would become another number, a NaN among integers, 300 in an int8, or a complex
    number without its imaginary part, does not fit.
    """
    try:
        given = value.detach().numpy() if isinstance(value, Tensor) else np.asarray(value)
    except Exception as error:  # of lists of several lengths, and of classes with an __array__ of their own
        return f"{type(value).__name__} is not an array: {error}"
    if given.shape != shape:
        return f"shape {given.shape} for {shape}"
    if given.dtype.kind not in ("biuf" if dtype.kind != "c" else "biufc"):
        return f"dtype {given.dtype} for {dtype}"
    with np.errstate(all="ignore"):
        made = given.astype(dtype)
        if dtype.kind in "biu":
            bad = made != given
        else:
            bad = ~np.isfinite(made) & np.isfinite(given)
    if bad.any():
        return f"{given[bad].flat[0]} is not a number of {dtype}"
    return made


def whole_number(value: Any) -> int | None:
    """`value`, a number or an array of one, as a count: a whole number of at least 0. None if it is not one."""
    try:
        array = value.detach().numpy() if isinstance(value, Tensor) else np.asarray(value)
    except Exception:
        return None
    if array.size != 1 or array.dtype.kind not in "iuf":
        return None
    number = array.item()
    return int(number) if 0 <= number < 2**53 and number % 1 == 0 else None


def clear_gradients(tensors: Iterable[Tensor], set_to_none: bool) -> None:
    """Make `.grad` None, or fill it with zeros where it is."""
    if set_to_none:
        for p in tensors:
            p.zero_grad()
        return
    for p in tensors:
        if p.grad is None:
            continue
        if p.grad.requires_grad:  # create_graph made it: the zeros have no history
            p.grad = p.grad.detach().copy()
        with no_grad():
            p.grad[...] = 0
