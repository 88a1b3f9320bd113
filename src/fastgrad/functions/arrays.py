"""NumPy's functions that make arrays of other objects, with Tensors among them: `np.array([t1, 2.0, t2])`."""

import numpy as np

from fastgrad import errors
from fastgrad._engine import Tensor
from fastgrad.functions.arguments import as_tensor
from fastgrad.functions.shapes import reshape, stack
from fastgrad.rules.rule import FUNCTIONS as OPS


def holds_tensor(x):
    """Return whether `x` is a Tensor, or a list or tuple with one inside."""
    return isinstance(x, Tensor) or (type(x) in (list, tuple) and any(map(holds_tensor, x)))


def joined(x):
    """Return a list or tuple with Tensors inside as one Tensor; return anything else unchanged."""
    return x if isinstance(x, Tensor) or not holds_tensor(x) else _stacked(x)


def _stacked(x):
    parts = [_stacked(part) if type(part) in (list, tuple) else as_tensor(part) for part in x]
    if len({part.shape for part in parts}) > 1:
        raise errors.ShapeError(
            f"an array of {len(parts)} parts of different shapes, {parts[0].shape} and "
            f"{next(p.shape for p in parts if p.shape != parts[0].shape)}: they must be equal"
        )
    return stack(parts) if parts else as_tensor(np.array(()))


def _in_dtype(x, dtype):
    return x if dtype is None or x.dtype == np.dtype(dtype) else OPS["astype"](x, np.dtype(dtype))


def array(object, dtype=None, *, copy=True, order="K", ndmin=0):
    """`numpy.array` of a Tensor, or of nested lists with Tensors inside. The memory order of the result is C."""
    made = _in_dtype(joined(object), dtype)
    made = OPS["copy"](made) if made is object and copy else made
    return made if made.ndim >= ndmin else reshape(made, (1,) * (ndmin - made.ndim) + made.shape)


def asarray(a, dtype=None, order=None, *, device=None, copy=None):
    """`numpy.asarray`: a Tensor stays as it is, unless its dtype differs."""
    return array(a, dtype, copy=bool(copy))


def ascontiguousarray(a, dtype=None):
    """`numpy.ascontiguousarray`: at least one axis, and C order."""
    return array(a, dtype, copy=False, ndmin=1)


FUNCTIONS = {
    "array": array,
    "asarray": asarray,
    "asanyarray": asarray,
    "asarray_chkfinite": asarray,
    "ascontiguousarray": ascontiguousarray,
    "asfortranarray": ascontiguousarray,
}
