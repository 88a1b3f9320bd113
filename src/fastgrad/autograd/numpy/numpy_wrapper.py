"""`autograd.numpy.numpy_wrapper`: NumPy's names for boxes, and autograd's own functions beside them."""

import builtins
import functools
from warnings import warn

import numpy as _np
from numpy._core.einsumfunc import _parse_einsum_input

import fastgrad.numpy as _fnp
from fastgrad._engine import Tensor as _Tensor
from fastgrad.autograd.numpy import _functions, _roots
from fastgrad.autograd.numpy._functions import wrap_namespace
from fastgrad.call_plans import Plan as _Plan

numpy_version = _np.__version__

wrap_namespace(vars(_np), globals())
vectorize, r_, c_ = _fnp.vectorize, _fnp.r_, _fnp.c_
r_class, c_class = type(r_), type(c_)
_primitive_mean, _primitive_std, _primitive_var, _astype = mean, std, var, astype  # noqa: F821
notrace_functions = [_np.ndim, _np.shape, _np.iscomplexobj, _np.result_type]


def _own(name, counterpart):
    """Return NumPy's function with a counterpart of this module behind it."""
    function = getattr(_np, name)
    plan = _Plan(function, counterpart, "np." + name)
    return _functions.made(function, counterpart, plan, _functions.recorded, __name__)


# --- integers ---


def wrap_intdtype(cls):
    """Return a subclass of one of NumPy's integers that converts the values of boxes.

    As in autograd, NumPy's own integers are no instances of it: programs tell values that they converted from others.

    Parameters
    ----------
    cls : type
        Such as `numpy.int64`.
    """

    def convert(kind, *args, **kwargs):
        return cls.__new__(kind, *_functions.values(args), **kwargs)

    return type(cls.__name__, (cls,), {"__new__": convert, "__module__": __name__, "__slots__": ()})


int8, int16, int32, int64 = map(wrap_intdtype, (_np.int8, _np.int16, _np.int32, _np.int64))


# --- functions whose results are boxes for some arguments and NumPy's values for others ---


def _full_like(a, fill_value, dtype=None, order="K", subok=True, shape=None, *, device=None):
    if isinstance(fill_value, _Tensor):
        return _fnp.full_like(a, fill_value, dtype=dtype, shape=shape)
    return _np.full_like(_functions.values(a), fill_value, dtype, order, subok, shape, device=device)


def _arange(function, args, kwargs):
    """`numpy.arange` of boxes: the start plus multiples of the step, whose number is a constant."""
    numbers = _np.arange(*_functions.values(args), **_functions.values(kwargs))
    given = (
        dict(zip(("start", "stop", "step"), args if len(args) > 1 or "stop" in kwargs else (0, *args), strict=False))
        | kwargs
    )
    if not isinstance(given.get("start"), _Tensor) and not isinstance(given.get("step"), _Tensor):
        return numbers
    start, step = given["start"], given.get("step")
    return (start + (1 if step is None else step) * _np.arange(len(numbers))).astype(numbers.dtype)


def _require(a, dtype=None, requirements=None, *, like=None):
    return asarray(a, dtype)  # noqa: F821


sqrt = _own("sqrt", _roots.sqrt)
full_like, require = _own("full_like", _full_like), _own("require", _require)
arange = _functions.made(_np.arange, None, None, _arange, __name__)
_original_where = where  # noqa: F821


def _holds_array(x):
    if isinstance(x, (_Tensor, _np.ndarray, _np.generic)):
        return True
    return isinstance(x, (list, tuple)) and builtins.any(map(_holds_array, x))


def custom_where(condition, *args, **kwargs):
    """`numpy.where`, whose result is a list or a number if no argument is an array or a box.

    Parameters
    ----------
    condition : array_like of bool
    x, y : array_like, optional
        Both or neither.

    Returns
    -------
    array, list or number
        Without `x` and `y`: the indices of the true elements, as a tuple of arrays.
    """
    if isinstance(condition, _np.ndarray) and len(args) == 2 and not kwargs:  # most calls
        return _original_where(condition, *args)
    given = (*args, *(kwargs[name] for name in ("x", "y") if name in kwargs))
    if not given:
        return _np.where(_functions.values(condition))
    if len(given) != 2 or len(args) + len(kwargs) != 2:
        raise ValueError("where takes both x and y, or neither: pass values for both")
    found = _original_where(condition, *given)
    return found if _holds_array((condition, *given)) else found.tolist()


where = custom_where


# --- functions of several arrays ---


def _of_iterables(name):
    """Return the function `name`, which takes any iterable of arrays: `stack(map(f, xs))`, `stack(params.values())`."""
    function = globals()[name]

    @functools.wraps(function, updated=())
    def joined(*args, **kwargs):
        if args and not hasattr(args[0], "__getitem__"):
            args = (list(args[0]), *args[1:])
        return function(*args, **kwargs)

    return joined


concatenate, stack, vstack, hstack, dstack, column_stack = map(
    _of_iterables, ("concatenate", "stack", "vstack", "hstack", "dstack", "column_stack")
)
row_stack = vstack
if hasattr(_np, "concat"):  # NumPy 2.1
    concat = concatenate


# --- autograd's own functions ---


def concatenate_args(axis, *args):
    """`numpy.concatenate` with the arrays as arguments."""
    return concatenate(args, axis)


def array_from_args(array_args, array_kwargs, *args):
    """`numpy.array` of a list with the elements as arguments."""
    return array(list(args), *array_args, **array_kwargs)  # noqa: F821


def _array_from_scalar_or_array(array_args, array_kwargs, scalar):
    return array(scalar, *array_args, **array_kwargs)  # noqa: F821


def wrap_if_boxes_inside(raw_array, slow_op_name=None):
    """Return an array of objects as a box if there are boxes among its elements."""
    if raw_array.dtype != _np.dtype("O"):
        return raw_array
    if slow_op_name:
        warn(f"{slow_op_name} of single numbers is slow: np.concatenate of arrays is faster", stacklevel=2)
    return array(raw_array.ravel().tolist()).reshape(raw_array.shape)  # noqa: F821


def make_diagonal(D, offset=0, axis1=0, axis2=1):
    """Return zeros with `D` on a diagonal: the array whose `numpy.diagonal` is `D`.

    Parameters
    ----------
    D : array_like
        The elements of the diagonals are along the last axis.
    offset : int
        The diagonal: 0 is the main diagonal, positive numbers are above it, negative ones below.
    axis1, axis2 : int
        The axes of the result along which the matrices are.

    Returns
    -------
    array
        With one more axis than `D`. Matrices are square, as small as possible.
    """
    D = D if isinstance(D, _Tensor) else _np.asarray(D)
    n = D.shape[-1] + builtins.abs(offset)
    on = _np.eye(n, k=offset, dtype=bool)
    rows, columns = _np.nonzero(on)
    index = _np.zeros((n, n), dtype=int)
    index[rows, columns] = _np.arange(D.shape[-1])
    out = where(on, D[..., index], _np.zeros((), D.dtype))
    return moveaxis(out, (-2, -1), (axis1, axis2))  # noqa: F821


def metadata(A):
    """Return shape, number of axes, dtype, and whether the dtype is complex."""
    if isinstance(A, (_Tensor, _np.ndarray)):
        return A.shape, A.ndim, A.dtype, A.dtype.kind == "c"
    return _np.shape(A), _np.ndim(A), _np.result_type(A), _np.iscomplexobj(A)


def parse_einsum_input(*args):
    """Return the subscripts of the operands and of the result of `numpy.einsum`, and the operands' values."""
    return _parse_einsum_input(_functions.values(args))
