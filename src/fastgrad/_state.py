"""Shared by modules and optimizers: strict conversion of values in state dicts, and clearing of gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from fastgrad._engine import Tensor, no_grad


def converted(value: Any, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray | str:
    """Return a copy of `value` as an array of this shape and dtype, or a str that says why it does not fit.

    Floats may be rounded. A value does not fit if it would become a different number: a NaN among integers, 300 as an
    int8, or a complex number without its imaginary part.
    """
    try:
        given = value.detach().numpy() if isinstance(value, Tensor) else np.asarray(value)
    except Exception as error:  # ragged lists, and classes with an __array__ of their own
        return f"{type(value).__name__} is not an array: {error}"
    if given.shape != shape:
        return f"shape {given.shape} for {shape}"
    if given.dtype.kind not in ("biuf" if dtype.kind != "c" else "biufc"):
        return f"dtype {given.dtype} for {dtype}"
    with np.errstate(all="ignore"):
        made = given.astype(dtype)
        if dtype.kind in "biu":
            bad = made != given
            if given.dtype.kind == "f" and dtype.kind != "b":
                # Some CPUs convert 2.0**63 to the int64 below it, which as a float is 2.0**63 again.
                bad |= given >= 2.0 ** (np.iinfo(dtype).bits - (dtype.kind == "i"))
        else:
            bad = ~np.isfinite(made) & np.isfinite(given)
    if bad.any():
        return f"{given[bad].flat[0]} is not a number of {dtype}"
    return made


def whole_number(value: Any) -> int | None:
    """Return `value`, a number or an array with one element, as an int if it is a non-negative integer, else None."""
    try:
        array = value.detach().numpy() if isinstance(value, Tensor) else np.asarray(value)
    except Exception:
        return None
    if array.size != 1 or array.dtype.kind not in "iuf":
        return None
    number = array.item()
    return int(number) if 0 <= number < 2**53 and number % 1 == 0 else None


def plain_state(state: Any) -> Any:
    """Return the state of a bit generator with Tensors replaced by arrays, which NumPy accepts."""
    if isinstance(state, Mapping):
        return {key: plain_state(value) for key, value in state.items()}
    return state.numpy().copy() if isinstance(state, Tensor) else state


def clear_gradients(tensors: Iterable[Tensor], set_to_none: bool) -> None:
    """Set each `.grad` to None, or fill it with zeros."""
    if set_to_none:
        for p in tensors:
            p.zero_grad()
        return
    for p in tensors:
        if p.grad is None:
            continue
        if p.grad.requires_grad:  # made by create_graph: the zeros must not be recorded
            p.grad = p.grad.detach().copy()
        with no_grad():
            p.grad[...] = 0
