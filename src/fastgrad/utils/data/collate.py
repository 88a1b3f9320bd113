"""Joins the examples of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastgrad._engine import Tensor, asarray, tensor
from fastgrad.functions.joining import stack
from fastgrad.utils.data import messages


def default_collate(batch: Sequence[Any]) -> Any:
    """Join examples along a new first axis.

    Parameters
    ----------
    batch : list of examples
        Tensors and arrays are stacked; numbers become a Tensor, of float64 or int64; text stays a list. Tuples, lists
        and dicts of these are joined entry by entry.

    Returns
    -------
    Tensor, list, tuple or dict

    Raises
    ------
    DTypeError
        If examples are of another type.
    ShapeError
        If examples have different shapes or lengths.
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(list(batch))
    if isinstance(first, (np.ndarray, np.generic)):
        if np.asarray(first).dtype.kind not in "biufc":
            raise messages.not_collated(f"an array of {np.asarray(first).dtype}")
        return asarray(np.stack(batch))
    if isinstance(first, (bool, int, float, complex)):
        return tensor(list(batch))
    if isinstance(first, (str, bytes)):
        return list(batch)
    if isinstance(first, Mapping):
        return {key: default_collate([example[key] for example in batch]) for key in first}
    if isinstance(first, (tuple, list)):
        lengths = {len(example) for example in batch}
        if len(lengths) > 1:
            raise messages.ragged(sorted(lengths))
        joined = [default_collate(column) for column in zip(*batch)]
        return type(first)(*joined) if hasattr(first, "_fields") else joined
    raise messages.not_collated(type(first).__name__)
