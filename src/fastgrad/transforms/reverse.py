"""Gradients by reverse mode: `grad`, `value_and_grad`, `vjp`, `elementwise_grad`."""

import functools

import numpy as np

from fastgrad import _tree, batching, transform_arguments
from fastgrad._engine import Tensor, asarray, gradient_function, is_grad_enabled
from fastgrad.batching import running
from fastgrad.errors import NotDifferentiableError
from fastgrad.made_functions import remember
from fastgrad.tracebacks import boundary
from fastgrad.transforms import inside_vmap
from fastgrad.transforms.lift import Run, argument_numbers, derivative_of, require_function, require_output


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
    made = functools.wraps(f)(gradient_function("grad", f, argnums, has_aux, False))
    made._is_derivative = True
    return remember(made, grad, f, argnums=argnums, has_aux=has_aux)


@boundary
def value_and_grad(f, argnums=0, has_aux=False):
    """Return the function that computes the value and the gradient of a scalar function in one call.

    As `grad`, but the function returns `(value, gradient)`, or `((value, aux), gradient)` with `has_aux`.
    """
    require_function("value_and_grad", f)
    argnums = argument_numbers("value_and_grad", argnums)
    made = functools.wraps(f)(gradient_function("value_and_grad", f, argnums, has_aux, True))
    return remember(made, value_and_grad, f, argnums=argnums, has_aux=has_aux)


def require_scalar(verb, y):
    """Raise unless the result is one real number."""
    transform_arguments.require_scalar(verb, y, Tensor)


@boundary
def elementwise_grad(f, argnums=0):
    """Return the function that computes the derivative of an elementwise function at every element.

    `f` must map each element independently, as `np.tanh` does; the derivative is computed as the gradient of the sum
    of its values. For other functions use `jacobian`.
    """
    require_function("elementwise_grad", f)
    argnums = argument_numbers("elementwise_grad", argnums)

    def derivative(*args, **kwargs):
        if running.levels:
            return inside_vmap.elementwise_grad(f, argnums, args, kwargs)
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

    return derivative_of(f, derivative, elementwise_grad, argnums=argnums)


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
    if running.levels:
        return inside_vmap.vjp(f, primals, has_aux)
    run = Run("vjp", primals)
    out = run.call(f)
    if has_aux:
        out, aux = transform_arguments.pair("vjp", out)
        aux = run.value(aux)
    ys = [require_output("vjp", y) for y in _tree.leaves(out)]
    live = [k for k, y in enumerate(ys) if isinstance(y, Tensor) and y.requires_grad]

    @boundary
    def pullback(cotangent):
        if running.levels and batching.holds(cotangent):
            return inside_vmap.pulled(pullback, cotangent)
        gs = run.match("cotangents", cotangent, out, ys)
        xs = [None] * len(run.inputs)
        if live:
            tracked = is_grad_enabled() and (run.tracked or any(g.requires_grad for g in gs))
            xs = run.gradients([ys[k] for k in live], [gs[k] for k in live], retain_graph=True, tracked=tracked)
        run.warn_unreached(xs, each=False)
        return run.pack(xs)

    value = run.value(out)
    return (value, pullback, aux) if has_aux else (value, pullback)
