"""Gradients by reverse mode: `grad`, `value_and_grad`, `vjp`, `elementwise_grad`."""

import functools

import numpy as np
from numpy import ndarray

from fastgrad import _tree, leaving
from fastgrad._engine import (
    Tensor,
    asarray,
    gradients,
    is_grad_enabled,
    is_traced,
    scalar_gradient,
    tensor,
    trace,
    traced_leaf,
    untrace,
)
from fastgrad.errors import BackwardError, DTypeError, NotDifferentiableError, ShapeError
from fastgrad.tracebacks import boundary, shorten
from fastgrad.transforms.lift import (
    Run,
    argument_numbers,
    derivative_of,
    is_derivative,
    level,
    own_array,
    own_gradient,
    require_function,
    require_output,
)


@boundary
def grad(f, argnums=0, has_aux=False):
    """Return the function that computes the gradient of a scalar function.

    Parameters
    ----------
    f : function
        Returns one real number as a Tensor of one element. With `has_aux`, a pair of it and any other object.
    argnums : int or tuple of ints
        The positional arguments to differentiate. Each is a floating or complex array, number or Tensor, or a nested
        tuple, list or dict of them. Other arguments are passed to `f` unchanged.
    has_aux : bool
        Whether `f` returns a pair `(value, aux)`.

    Returns
    -------
    function
        Takes the arguments of `f`. Returns the gradient, with the nesting, shapes, dtypes and types of the argument
        (a tuple of gradients if `argnums` is a tuple), or `(gradient, aux)`. The gradient is zero where `f` does not
        depend on the argument.

    Raises
    ------
    NotDifferentiableError
        If a differentiated value is an integer or boolean, or the result is complex or an integer.
    ShapeError
        If the result has more than one element: see `jacobian` and `elementwise_grad`.
    """
    require_function("grad", f)
    argnums = argument_numbers("grad", argnums)
    direct = argnums == 0 and not has_aux

    def gradient(*args, **kwargs):
        try:
            if direct and len(args) == 1 and type(args[0]) is ndarray and not kwargs and not level.depth:
                pair = _direct("grad", f, args[0])
                if pair is not None:
                    return pair[1]
            _, aux, gs = _scalar(Run("grad", args, argnums, kwargs), f, has_aux)
            return (gs, aux) if has_aux else gs
        except Exception as error:
            shorten(error)
            raise

    return derivative_of(f, gradient)


@boundary
def value_and_grad(f, argnums=0, has_aux=False):
    """Return the function that computes the value and the gradient of a scalar function in one call.

    As `grad`, but the function returns `(value, gradient)`, or `((value, aux), gradient)` with `has_aux`.
    """
    require_function("value_and_grad", f)
    argnums = argument_numbers("value_and_grad", argnums)
    direct = argnums == 0 and not has_aux

    @functools.wraps(f)
    def value_and_gradient(*args, **kwargs):
        try:
            if direct and len(args) == 1 and type(args[0]) is ndarray and not kwargs and not level.depth:
                pair = _direct("value_and_grad", f, args[0])
                if pair is not None:
                    return pair
            value, aux, gs = _scalar(Run("value_and_grad", args, argnums, kwargs), f, has_aux)
            return ((value, aux), gs) if has_aux else (value, gs)
        except Exception as error:
            shorten(error)
            raise

    return value_and_gradient


def _direct(verb, f, array):
    """Return `(value, gradient)` for a call with one array, or None if the general path is needed."""
    if not is_grad_enabled():
        return None
    try:
        x = traced_leaf(array) if traced_leaf else _traced_leaf(array)
    except DTypeError:
        return None
    level.depth = 1
    try:
        y = f(x)
    except BaseException as error:
        untrace((x,))
        refusal = leaving.unwrapped(error) if isinstance(error, Exception) else None
        if refusal is not None:
            raise refusal from None
        raise
    finally:
        level.depth = 0
    if scalar_gradient:
        pair = scalar_gradient(y, x)
        if pair is not None:
            return pair
    else:
        untrace((x,))
    if type(y) is Tensor and is_traced(y):  # by a transform around this one, in another thread
        require_scalar(verb, y)
        (g,) = gradients((y,), (x,), create_graph=True, allow_unused=True)
        return y, np.zeros(x.shape, x.dtype) if g is None else g if g.requires_grad else own_gradient(g)
    if type(y) is not Tensor or y.ndim or not y.requires_grad:
        require_scalar(verb, y)
        if not isinstance(y, Tensor):
            return y, _no_gradient(verb, f, x)
    value = own_array(y) if y.ndim else y.detach().numpy()[()]
    if not y.requires_grad:
        return value, _no_gradient(verb, f, x)
    try:
        g = gradients((y,), (x,), allow_unused=True)[0]
    except BackwardError:
        require_scalar(verb, y)  # raises a specific error for a complex result
        raise
    return value, _no_gradient(verb, f, x) if g is None else own_gradient(g)


def _no_gradient(verb, f, x):
    if not is_derivative(f):
        leaving.warn_independent(verb, "argument 0")
    return np.zeros(x.shape, x.dtype)


def _traced_leaf(array):
    """As `traced_leaf` of the compiled engine."""
    x = tensor(array, requires_grad=True)
    trace((x,))
    return x


def require_scalar(verb, y):
    """Raise unless the result is one real number."""
    require_output(verb, y)
    if isinstance(y, (float, int)):
        return
    dtype = np.dtype(complex) if isinstance(y, complex) else y.dtype
    if not isinstance(y, complex) and y.size != 1:
        raise ShapeError(
            f"{verb}: the function must return one number, got shape {y.shape}. "
            "Sum or average it, or use jacobian, or elementwise_grad if it works element by element."
        )
    if dtype.kind == "c" or (isinstance(y, Tensor) and dtype.kind != "f"):
        raise NotDifferentiableError(
            f"{verb}: the function must return a real floating number, got {dtype}. "
            + ("Take its abs, real or imag, or use jacobian." if dtype.kind == "c" else "Convert it first.")
        )


def _scalar(run, f, has_aux):
    out = run.call(f)
    aux = None
    if has_aux:
        out, aux = _pair(run, out)
    require_scalar(run.verb, out)
    recorded = isinstance(out, Tensor) and out.requires_grad
    gs = run.gradients((out,)) if recorded else [None] * len(run.inputs)
    run.warn_unreached(gs)
    gs = run.pack(gs)
    return run.value(out), aux, gs


def _pair(run, out):
    if not isinstance(out, tuple) or len(out) != 2:
        raise TypeError(f"{run.verb}: with has_aux=True the function must return a pair (value, aux), got {out!r}")
    return out[0], run.value(out[1])


@boundary
def elementwise_grad(f, argnums=0):
    """Return the function that computes the derivative of an elementwise function at every element.

    `f` must map each element independently, as `np.tanh` does; the derivative is computed as the gradient of the sum
    of its values. For other functions use `jacobian`.
    """
    require_function("elementwise_grad", f)
    argnums = argument_numbers("elementwise_grad", argnums)

    @boundary
    def derivative(*args, **kwargs):
        run = Run("elementwise_grad", args, argnums, kwargs)
        y = require_output(run.verb, run.call(f))
        if not isinstance(y, Tensor) or not y.requires_grad:
            run.warn_unreached([None] * len(run.inputs))
            return run.pack([None] * len(run.inputs))
        if y.dtype.kind == "c":
            raise NotDifferentiableError(f"{run.verb}: the function must return real values, got {y.dtype}")
        gs = run.gradients((y,), (asarray(np.ones(y.shape, y.dtype)),))
        run.warn_unreached(gs)
        return run.pack(gs)

    return derivative_of(f, derivative)


@boundary
def vjp(f, *primals, has_aux=False):
    """Return the value of a function and its pullback, which maps a cotangent of the value to the arguments.

    Parameters
    ----------
    f : function
        Returns a Tensor or a nested tuple, list or dict of them. With `has_aux`, a pair of it and any other object.
    *primals
        All arguments of `f`; all are differentiated.

    Returns
    -------
    value
        The result of `f`.
    pullback : function
        Takes a cotangent nested as `value` and returns a tuple with one cotangent per primal. It may be called any
        number of times.
    aux
        Only with `has_aux`.
    """
    require_function("vjp", f)
    run = Run("vjp", primals)
    out = run.call(f)
    if has_aux:
        out, aux = _pair(run, out)
    ys = [require_output("vjp", y) for y in _tree.leaves(out)]
    live = [k for k, y in enumerate(ys) if isinstance(y, Tensor) and y.requires_grad]

    @boundary
    def pullback(cotangent):
        gs = run.match("cotangents", cotangent, out, ys)
        xs = [None] * len(run.inputs)
        if live:
            tracked = is_grad_enabled() and (run.tracked or any(g.requires_grad for g in gs))
            xs = run.gradients([ys[k] for k in live], [gs[k] for k in live], retain_graph=True, tracked=tracked)
        run.warn_unreached(xs, each=False)
        return run.pack(xs)

    value = run.value(out)
    return (value, pullback, aux) if has_aux else (value, pullback)
