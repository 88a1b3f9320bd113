"""NumPy's functions that make arrays of other objects, with Tensors among them: `np.array([t1, 2.0, t2])`."""

import numpy as np

from fastgrad._engine import Tensor
from fastgrad.functions.arguments import as_tensor
from fastgrad.functions.shapes import reshape
from fastgrad.rules.rule import FUNCTIONS as OPS

_FLOAT64 = np.dtype(np.float64)
_stack = OPS["stack"]


def holds_tensor(x):
    """Return whether `x` is a Tensor, or a list or tuple with one inside."""
    return isinstance(x, Tensor) or (type(x) in (list, tuple) and any(map(holds_tensor, x)))


def joined(x):
    """Return a list or tuple with Tensors inside as one Tensor; return anything else unchanged."""
    return x if isinstance(x, Tensor) or not holds_tensor(x) else _stacked(x)


def _stacked(x):
    if type(x) not in (list, tuple):
        return as_tensor(x)
    parts = [part if isinstance(part, Tensor) else _number_or_stacked(part) for part in x]
    if int in map(type, parts):
        wide = any(isinstance(part, Tensor) and part.dtype == _FLOAT64 for part in parts)
        parts = [as_tensor(float(part) if wide else part) if type(part) is int else part for part in parts]
    return _stack(*parts, axis=0) if parts else as_tensor(np.array(()))


def _number_or_stacked(part):
    """Return an int as it is: among float64 it is one, which is faster than a conversion."""
    return part if type(part) is int else _stacked(part)


def array(object, dtype=None, *, copy=True, order="K", ndmin=0):
    """`numpy.array` of a Tensor, or of nested lists with Tensors inside. The memory order of the result is C."""
    made = object if isinstance(object, Tensor) else _stacked(object)
    if dtype is not None and made.dtype != np.dtype(dtype):
        made = OPS["astype"](made, np.dtype(dtype))
    elif made is object and copy:
        made = OPS["copy"](made)
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
