"""Array creation and inspection: functions whose results are constants.

Only the fill value of `full` and `full_like`, and the ends of `linspace`, are recorded.
"""

import functools
import sys

import numpy as np

from fastgrad import errors, leaving, parameters
from fastgrad._engine import Tensor, constant_call, is_capturing, tensor
from fastgrad._lazy import lazy_module
from fastgrad.batching import Batched, VmapError, holds
from fastgrad.functions.arguments import has_gradient, plain, records
from fastgrad.rules.rule import FUNCTIONS
from fastgrad.tracebacks import shorten

batches = lazy_module("fastgrad.functions.batches")
spaces = lazy_module("fastgrad.functions.spaces")

# --- creation ---


def _made(array, requires_grad, device=None):
    return tensor(array, requires_grad=requires_grad, device=device)


def _read(name, shape, lengths, dtype):
    """Return shape and dtype of a new Tensor: `f((2, 3))`, `f(2, 3)`, `f(shape=(2, 3))` or `f((2, 3), int)`."""
    if lengths and isinstance(lengths[-1], (type, np.dtype, str)):
        if len(lengths) > 1 or dtype is not None:
            raise errors.DTypeError(f"{name}() takes lengths, got a dtype: pass it by keyword, dtype=...")
        (dtype,), lengths = lengths, ()
    return (shape, *lengths) if lengths else () if shape is None else shape, dtype


def _model(x):
    """Return an array of the shape, dtype and strides of `x`. In a program its elements are not known, and not read."""
    if isinstance(x, Tensor) and is_capturing():
        return np.lib.stride_tricks.as_strided(np.empty((), x.dtype), x.shape, x.strides)
    return plain(x)


def zeros(shape=None, *lengths, dtype=None, requires_grad=False, device=None):
    """Return a new Tensor of zeros: `zeros((2, 3))`, `zeros(2, 3)` or, with a dtype, `zeros((2, 3), int)`."""
    return _made(np.zeros(*_read("zeros", shape, lengths, dtype)), requires_grad, device)


def ones(shape=None, *lengths, dtype=None, requires_grad=False, device=None):
    """Return a new Tensor of ones: `ones((2, 3))`, `ones(2, 3)` or, with a dtype, `ones((2, 3), int)`."""
    return _made(np.ones(*_read("ones", shape, lengths, dtype)), requires_grad, device)


def full(shape, fill_value, dtype=None, *, requires_grad=False, device=None):
    """Return a new Tensor filled with `fill_value`. The gradient flows to a `fill_value` that requires one.

    Parameters
    ----------
    shape : int or tuple of int
    fill_value : number, Tensor or array
        Broadcast to `shape`.
    dtype : dtype, optional
        By default that of `fill_value`.
    requires_grad : bool
    device : "cpu", optional

    Returns
    -------
    Tensor
    """
    shape = parameters.shape(shape)
    if records(fill_value):
        return _recorded(shape, fill_value, dtype)
    return _made(np.full(shape, plain(fill_value), dtype), requires_grad, device)


def _recorded(shape, x, dtype):
    """Return a recorded Tensor filled with `x`."""
    x = FUNCTIONS["broadcast_to"](x, shape)
    return FUNCTIONS["copy"](x) if dtype is None else FUNCTIONS["astype"](x, np.dtype(dtype))


def empty(shape=None, *lengths, dtype=None, requires_grad=False, device=None):
    """Return a new Tensor without initializing its elements: `empty((2, 3))`, `empty(2, 3)` or `empty((2, 3), int)`."""
    return _made(np.empty(*_read("empty", shape, lengths, dtype)), requires_grad, device)


def zeros_like(x, /, dtype=None, *, requires_grad=False, device=None):
    """Return a new Tensor of zeros with the shape and dtype of `x`."""
    if type(x) is Batched:  # so that values of the batch can be written to it
        return Batched(zeros_like(x.value, dtype, requires_grad=requires_grad, device=device), x.level)
    return _made(np.zeros_like(_model(x), dtype), requires_grad, device)


def ones_like(x, /, dtype=None, *, requires_grad=False, device=None):
    """Return a new Tensor of ones with the shape and dtype of `x`."""
    if type(x) is Batched:  # so that values of the batch can be written to it
        return Batched(ones_like(x.value, dtype, requires_grad=requires_grad, device=device), x.level)
    return _made(np.ones_like(_model(x), dtype), requires_grad, device)


def full_like(x, /, fill_value, dtype=None, *, requires_grad=False, device=None):
    """Return a new Tensor filled with `fill_value`, with the shape and dtype of `x`."""
    if type(x) is Batched and not records(fill_value):  # so that values of the batch can be written to it
        filled = full_like(x.value, fill_value, dtype, requires_grad=requires_grad, device=device)
        return Batched(filled, x.level)
    if type(x) is Batched:
        base = zeros_like(x, dtype)
        return FUNCTIONS["where"](True, FUNCTIONS["astype"](fill_value, base.dtype), base)
    if records(fill_value):
        x = np.asarray(_model(x))
        return _recorded(x.shape, fill_value, dtype or x.dtype)
    return _made(np.full_like(_model(x), plain(fill_value), dtype), requires_grad, device)


def empty_like(x, /, dtype=None, *, requires_grad=False, device=None):
    """Return a new Tensor with the shape and dtype of `x`, without initializing its elements."""
    if type(x) is Batched:  # so that values of the batch can be written to it
        return Batched(empty_like(x.value, dtype, requires_grad=requires_grad, device=device), x.level)
    return _made(np.empty_like(_model(x), dtype), requires_grad, device)


def arange(start, /, stop=None, step=1, dtype=None, *, requires_grad=False, device=None):
    """Return evenly spaced values from `start` to `stop` (exclusive). With one argument, from 0 to that argument.

    Parameters
    ----------
    start, stop, step : number
    dtype : dtype, optional
    requires_grad : bool
    device : "cpu", optional

    Returns
    -------
    Tensor, 1-d
    """
    start, stop = (0, start) if stop is None else (start, stop)
    if np.ndim(step) == 0 and step == 0:
        raise errors.BadSetting("arange: step must not be 0")
    return _made(np.arange(start, stop, step, dtype), requires_grad, device)


def linspace(
    start, stop, /, num=50, *, dtype=None, endpoint=True, retstep=False, axis=0, requires_grad=False, device=None,
    steps=None,
):  # fmt: skip
    """Return `num` evenly spaced values from `start` to `stop`, which is included if `endpoint` is True.

    Parameters
    ----------
    start, stop : number, Tensor or array
        The gradient flows to Tensors that require one.
    num, steps : int
        `steps` is PyTorch's name.
    dtype : dtype, optional
        By default a floating or complex dtype.
    endpoint : bool
    retstep : bool
        Whether to return the distance of the values, too.
    axis : int
        The axis of the result for the values.
    requires_grad : bool
    device : "cpu", optional

    Returns
    -------
    Tensor, or pair of Tensor
    """
    num = parameters.either(num, steps, 50)
    if records((start, stop)):
        return spaces.between(start, stop, num, endpoint, retstep, dtype, axis)
    y = np.linspace(plain(start), plain(stop), num, endpoint, retstep, dtype, axis)
    return (_made(y[0], requires_grad, device), tensor(y[1])) if retstep else _made(y, requires_grad, device)


def eye(n_rows, n_cols=None, /, *, k=0, dtype=None, requires_grad=False, device=None):
    """Return a matrix with ones on diagonal `k` and zeros elsewhere.

    Parameters
    ----------
    n_rows : int
    n_cols : int, optional
        By default `n_rows`.
    k : int
        0 is the main diagonal; positive diagonals are above it, negative ones below.
    dtype : dtype, optional
        By default float64.
    requires_grad : bool
    device : "cpu", optional

    Returns
    -------
    Tensor, shape (n_rows, n_cols)
    """
    return _made(np.eye(n_rows, n_cols, k, dtype or float), requires_grad, device)


# --- NumPy's own functions ---


def wrapped(result):
    """Convert arrays to Tensors, in tuples too."""
    if isinstance(result, (np.ndarray, np.generic)) or type(result) is int:  # count_nonzero before NumPy 2.3
        return tensor(result)
    if isinstance(result, tuple):
        parts = map(wrapped, result)
        return type(result)(*parts) if hasattr(result, "_fields") else tuple(parts)
    return result


_NUMBERS = (int, bool, type(None))
_KEYWORDS = {"axis", "keepdims", "out", "side", "sorter", "where"}  # of methods of ndarray
_CONSTANT = """
    Notes
    -----
    The result is a constant: no gradient flows through it.
    """


def constant(numpy_function, described=None, method=None, name=None):
    """Return NumPy's function, applied to the values of Tensors. Its results are constants.

    It raises NotDifferentiableError if a floating result depends on a Tensor that requires a gradient. It has the
    signature and the docstring of `described`, if given. A `method` of ndarray that does the same saves half the time.
    The caller is a module that gives the result the `name`, by default that of NumPy's function.
    """

    def function(*args, **kwargs):
        try:
            if is_capturing() and numpy_function is not np.nonzero and Tensor in map(type, args):
                return _as_step(numpy_function, args, kwargs)
            call = method if method is not None and args and isinstance(args[0], Tensor) else numpy_function
            if kwargs:
                kwargs = parameters.keywords(kwargs)
                if not kwargs.keys() <= _KEYWORDS:  # an error, which NumPy's function words by its own name
                    call = numpy_function
                plain_kwargs = {
                    key: value if type(value) in _NUMBERS else plain(value) for key, value in kwargs.items()
                }
                result = call(*map(plain, args), **plain_kwargs)
            else:
                result = call(*map(plain, args))
            if getattr(getattr(result, "dtype", None), "kind", "f") in "biu":  # the usual case
                return tensor(result)
            if call is np.ndarray.nonzero:
                return tuple(map(tensor, result))
            if has_gradient(result) and records((args, kwargs)):
                raise leaving.no_numpy_rule(f"fg.{numpy_function.__name__}")
            return wrapped(result)
        except VmapError:
            if not holds(args) and not holds(kwargs):
                raise
            return batches.constant(function, numpy_function, args, kwargs)
        except Exception as error:
            shorten(error)
            worded = errors.forward_failed(function.__name__, error, args)
            if worded is error:
                raise
            raise worded from None

    function.__name__, function.__qualname__ = numpy_function.__name__, name or numpy_function.__name__
    function.__module__ = sys._getframe(1).f_globals["__name__"]
    function.passes_on = True  # its signature is NumPy's: see `call_plans`
    if described is not None:
        function.__wrapped__ = described
        function.__doc__ = described.__doc__ + _CONSTANT
        return function
    function.__doc__ = (
        f"Apply `numpy.{numpy_function.__name__}` to Tensors. The result is a constant: no gradient flows through it."
    )
    return function


def _as_step(numpy_function, args, kwargs):
    """Return the result as a step of the program that is recorded."""
    kwargs = {
        key: value if type(value) in _NUMBERS else plain(value) for key, value in parameters.keywords(kwargs).items()
    }
    return constant_call(numpy_function.__name__, functools.partial(numpy_function, **kwargs), args)


isnan = constant(np.isnan)
isinf = constant(np.isinf)
isfinite = constant(np.isfinite)
isclose = constant(np.isclose)
allclose = constant(np.allclose)
array_equal = constant(np.array_equal)
logical_and = constant(np.logical_and)
logical_or = constant(np.logical_or)
logical_xor = constant(np.logical_xor)
logical_not = constant(np.logical_not)
bitwise_and = constant(np.bitwise_and)
bitwise_or = constant(np.bitwise_or)
bitwise_xor = constant(np.bitwise_xor)
bitwise_invert = constant(np.bitwise_invert, name="bitwise_invert")
bitwise_left_shift = constant(np.bitwise_left_shift, name="bitwise_left_shift")
bitwise_right_shift = constant(np.bitwise_right_shift, name="bitwise_right_shift")
nonzero = constant(np.nonzero, method=np.ndarray.nonzero)
result_type = constant(np.result_type)
can_cast = constant(np.can_cast)


def _all(x, /, axis=None, *, keepdims=False, dim=None):
    """Return whether all elements over `axis` are nonzero.

    Parameters
    ----------
    x : Tensor or array
    axis, dim : int or tuple of int, optional
        By default all axes.
    keepdims : bool
        Whether to keep the reduced axes with length 1.

    Returns
    -------
    Tensor of bool
    """


def _any(x, /, axis=None, *, keepdims=False, dim=None):
    """Return whether any element over `axis` is nonzero.

    Parameters
    ----------
    x : Tensor or array
    axis, dim : int or tuple of int, optional
        By default all axes.
    keepdims : bool
        Whether to keep the reduced axes with length 1.

    Returns
    -------
    Tensor of bool
    """


def _argmax(x, /, axis=None, *, keepdims=False, dim=None):
    """Return the index of the largest element along `axis`; of several, the first.

    Parameters
    ----------
    x : Tensor or array
    axis, dim : int, optional
        By default, `x` is flattened.
    keepdims : bool
        Whether to keep the axis with length 1.

    Returns
    -------
    Tensor of int
    """


def _argmin(x, /, axis=None, *, keepdims=False, dim=None):
    """Return the index of the smallest element along `axis`; of several, the first.

    Parameters
    ----------
    x : Tensor or array
    axis, dim : int, optional
        By default, `x` is flattened.
    keepdims : bool
        Whether to keep the axis with length 1.

    Returns
    -------
    Tensor of int
    """


def _count_nonzero(x, /, axis=None, *, keepdims=False, dim=None):
    """Return the number of nonzero elements over `axis`.

    Parameters
    ----------
    x : Tensor or array
    axis, dim : int or tuple of int, optional
        By default all axes.
    keepdims : bool
        Whether to keep the reduced axes with length 1.

    Returns
    -------
    Tensor of int
    """


def _searchsorted(x1, x2, /, side="left", sorter=None):
    """Return the positions in `x1`, which is sorted, where the elements of `x2` keep it sorted.

    Parameters
    ----------
    x1 : Tensor or array, shape (n,)
    x2 : Tensor or array
    side : {"left", "right"}
        Whether to return the first or the last of several possible positions.
    sorter : array of int, optional
        Indices that sort `x1`, if it is not sorted.

    Returns
    -------
    Tensor of int
        Of the shape of `x2`, with values from 0 to n.
    """


all, any = constant(np.all, _all, np.ndarray.all), constant(np.any, _any, np.ndarray.any)
argmax = constant(np.argmax, _argmax, np.ndarray.argmax)
argmin = constant(np.argmin, _argmin, np.ndarray.argmin)
count_nonzero = constant(np.count_nonzero, _count_nonzero)
searchsorted = constant(np.searchsorted, _searchsorted, np.ndarray.searchsorted)


def constants():
    """Return the functions of this module that are NumPy's, applied to the values of Tensors, by name."""
    return {name: value for name, value in globals().items() if getattr(value, "passes_on", False)}


def isdtype(dtype, kind):
    """Return whether `dtype` has a kind of the array API standard: "bool", "integral", "real floating", ..."""
    return np.isdtype(np.dtype(dtype), kind)
