"""Gradients by one sweep backward: `grad`, `value_and_grad`, `vjp`, `elementwise_grad`."""

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
    lean_harvest,
    lean_leaf,
    tensor,
    trace,
    untrace,
)
from fastgrad.errors import BackwardError, DTypeError, NotDifferentiableError, ShapeError
from fastgrad.transforms.lift import (
    Run,
    argument_numbers,
    derivative_of,
    is_derivative,
    level,
    need_function,
    need_output,
    own_array,
    own_gradient,
)


def grad(f, argnums=0, has_aux=False):
    """The function that computes the gradient of a scalar function.

    Parameters
    ----------
    f : function
        Returns one real number: a Tensor of one element. With `has_aux`, a pair of it and anything else.
    argnums : int or tuple of ints
        The positional arguments to differentiate: each a floating or complex array, number or Tensor, or a nested
        tuple, list or dict of them. The others, and keyword arguments, reach `f` as they are.
    has_aux : bool
        Whether `f` returns a pair `(value, aux)`.

    Returns
    -------
    function
        With `f`'s arguments. Returns what has the nest, shapes, dtypes and kinds of the argument (of a tuple of
        them, if `argnums` is a tuple), or `(gradient, aux)`. Zeros where `f` does not depend on an argument.

    Raises
    ------
    NotDifferentiableError
        An integer or boolean in a differentiated place; a complex or integer result.
    ShapeError
        A result of more than one element: see `jacobian` and `elementwise_grad`.
    """
    need_function("grad", f)
    argnums = argument_numbers("grad", argnums)
    lean = argnums == 0 and not has_aux

    def gradient(*args, **kwargs):
        if lean and len(args) == 1 and type(args[0]) is ndarray and not kwargs and not level.depth:
            pair = _lean("grad", f, args[0])
            if pair is not None:
                return pair[1]
        _, aux, gs = _scalar(Run("grad", args, argnums, kwargs), f, has_aux)
        return (gs, aux) if has_aux else gs

    return derivative_of(f, gradient)


def value_and_grad(f, argnums=0, has_aux=False):
    """The function that computes a scalar function's value and gradient together: what optimisers take.

    As `grad`, but returns `(value, gradient)`, or `((value, aux), gradient)` with `has_aux`.
    """
    need_function("value_and_grad", f)
    argnums = argument_numbers("value_and_grad", argnums)
    lean = argnums == 0 and not has_aux

    @functools.wraps(f)
    def value_and_gradient(*args, **kwargs):
        if lean and len(args) == 1 and type(args[0]) is ndarray and not kwargs and not level.depth:
            pair = _lean("value_and_grad", f, args[0])
            if pair is not None:
                return pair
        value, aux, gs = _scalar(Run("value_and_grad", args, argnums, kwargs), f, has_aux)
        return ((value, aux), gs) if has_aux else (value, gs)

    return value_and_gradient


def _lean(verb, f, array):
    """`(value, gradient)` for one array and nothing outside, no tree walked; None if the general way must be taken."""
    if not is_grad_enabled():
        return None
    try:
        x = lean_leaf(array) if lean_leaf else _traced_leaf(array)
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
    if lean_harvest:
        pair = lean_harvest(y, x)
        if pair is not None:
            return pair
    else:
        untrace((x,))
    if type(y) is Tensor and is_traced(y):  # by a transform around this one, in another thread
        need_scalar(verb, y)
        (g,) = gradients((y,), (x,), create_graph=True, allow_unused=True)
        return y, np.zeros(x.shape, x.dtype) if g is None else g if g.requires_grad else own_gradient(g)
    if type(y) is not Tensor or y.ndim or not y.requires_grad:
        need_scalar(verb, y)
        if not isinstance(y, Tensor):
            return y, _no_gradient(verb, f, x)
    value = own_array(y) if y.ndim else y.detach().numpy()[()]
    if not y.requires_grad:
        return value, _no_gradient(verb, f, x)
    try:
        g = gradients((y,), (x,), allow_unused=True)[0]
    except BackwardError:
        need_scalar(verb, y)  # a complex result has an error of its own
        raise
    return value, _no_gradient(verb, f, x) if g is None else own_gradient(g)


def _no_gradient(verb, f, x):
    if not is_derivative(f):
        leaving.warn_independent(verb, "argument 0")
    return np.zeros(x.shape, x.dtype)


def _traced_leaf(array):
    """What `lean_leaf` gives."""
    x = tensor(array, requires_grad=True)
    trace((x,))
    return x


def need_scalar(verb, y):
    """Refuse a result that has no gradient: not one element, not real, no number at all."""
    need_output(verb, y)
    if isinstance(y, (float, int)):
        return
    dtype = np.dtype(complex) if isinstance(y, complex) else y.dtype
    if not isinstance(y, complex) and y.size != 1:
        raise ShapeError(
            f"{verb}: the function must return one number, got shape {y.shape}. "
            "Sum or average it; or take jacobian, or elementwise_grad if it works element by element."
        )
    if dtype.kind == "c" or (isinstance(y, Tensor) and dtype.kind != "f"):
        raise NotDifferentiableError(
            f"{verb}: the function must return a real floating number, got {dtype}. "
            + ("Take its abs, real or imag part; or jacobian." if dtype.kind == "c" else "Convert it first.")
        )


def _scalar(run, f, has_aux):
    out = run.call(f)
    aux = None
    if has_aux:
        out, aux = _pair(run, out)
    need_scalar(run.verb, out)
    recorded = isinstance(out, Tensor) and out.requires_grad
    gs = run.gradients((out,)) if recorded else [None] * len(run.inputs)
    run.warn_unreached(gs)
    gs = run.hand_back(gs)
    return run.value(out), aux, gs


def _pair(run, out):
    if not isinstance(out, tuple) or len(out) != 2:
        raise TypeError(f"{run.verb}: with has_aux=True the function must return a pair (value, aux), got {out!r}")
    return out[0], run.value(out[1])


def elementwise_grad(f, argnums=0):
    """The function that computes the derivative of an elementwise function at every element.

    It is the gradient of the sum of the values: for `f` that maps each element by itself, as `np.tanh` does. For
    other functions there is `jacobian`.
    """
    need_function("elementwise_grad", f)
    argnums = argument_numbers("elementwise_grad", argnums)

    def derivative(*args, **kwargs):
        run = Run("elementwise_grad", args, argnums, kwargs)
        y = need_output(run.verb, run.call(f))
        if not isinstance(y, Tensor) or not y.requires_grad:
            run.warn_unreached([None] * len(run.inputs))
            return run.hand_back([None] * len(run.inputs))
        if y.dtype.kind == "c":
            raise NotDifferentiableError(f"{run.verb}: the function must return real values, got {y.dtype}")
        gs = run.gradients((y,), (asarray(np.ones(y.shape, y.dtype)),))
        run.warn_unreached(gs)
        return run.hand_back(gs)

    return derivative_of(f, derivative)


def vjp(f, *primals, has_aux=False):
    """The value of a function, and the function that pulls a cotangent of it back to its arguments.

    Parameters
    ----------
    f : function
        Returns a Tensor or a nested tuple, list or dict of them. With `has_aux`, a pair of it and anything else.
    *primals
        All of `f`'s arguments; all are differentiated.

    Returns
    -------
    value
        What `f` returned.
    pullback : function
        Takes a cotangent nested as `value`, returns a tuple with one cotangent per primal. May be called again and
        again.
    aux
        Only with `has_aux`.
    """
    need_function("vjp", f)
    run = Run("vjp", primals)
    out = run.call(f)
    if has_aux:
        out, aux = _pair(run, out)
    ys = [need_output("vjp", y) for y in _tree.leaves(out)]
    live = [k for k, y in enumerate(ys) if isinstance(y, Tensor) and y.requires_grad]

    def pullback(cotangent):
        gs = run.match("cotangents", cotangent, out, ys)
        xs = [None] * len(run.inputs)
        if live:
            tracked = is_grad_enabled() and (run.tracked or any(g.requires_grad for g in gs))
            xs = run.gradients([ys[k] for k in live], [gs[k] for k in live], retain_graph=True, tracked=tracked)
        run.warn_unreached(xs, each=False)
        return run.hand_back(xs)

    value = run.value(out)
    return (value, pullback, aux) if has_aux else (value, pullback)
