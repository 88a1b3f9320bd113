"""`root` and `root_scalar`: solve equations, with the derivatives that the method uses."""

import numpy as np

from fastgrad.optimize.derivatives import Memo, Residuals, number, of_flat, of_flat_with_derivative
from fastgrad.optimize.nest import Nest, flat_tensor, scipy_optimize
from fastgrad.tracebacks import boundary
from fastgrad.transforms import grad, value_and_grad

_USES_JACOBIAN = ("hybr", "lm")


@boundary
def root(fun, x0, args=(), method="hybr", jac=None, tol=None, callback=None, options=None):
    """Solve a system of equations by `scipy.optimize.root`, with the Jacobian filled in.

    Parameters
    ----------
    fun : function
        Takes the unknowns, nested as `x0`, and `args`. Returns what should be zero: an array, or a nested tuple, list
        or dict of arrays and numbers, with as many elements as the unknowns.
    x0 : array, number, or a nested tuple, list or dict of them
        Where to start. A list or tuple of numbers alone is an array, as in SciPy. All values are float64.
    args, method, tol, callback, options : optional
        As in SciPy. The callback gets the unknowns nested as `x0`.
    jac : function or bool, optional
        The Jacobian of the flat arrays, a function of the unknowns nested as `x0`, or True if `fun` returns it beside
        the value. By default it is computed by fastgrad for the methods "hybr" and "lm", which use it; False leaves it
        to SciPy's finite differences.

    Returns
    -------
    scipy.optimize.OptimizeResult
        `x` is nested as `x0`, and `x_flat` is the flat array.

    Notes
    -----
    The Jacobian is computed from what the last call of `fun` recorded.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> found = fg.optimize.root(lambda x: np.stack([x[0] + x[1] - 3, x[0] * x[1] - 2]), [0.0, 3.0])
    >>> print(found.x.round(6))
    [1. 2.]
    """
    scipy = scipy_optimize("root")
    nest = Nest("root", x0)
    residuals = Residuals(nest, fun)
    called = residuals.value
    if jac is True:
        value, jac = of_flat_with_derivative(nest, fun)
        called = lambda x, *rest: np.asarray(flat_tensor("root", value(x, *rest)))
    elif callable(jac):
        jac = of_flat(nest, jac)
    elif jac is None and method in _USES_JACOBIAN:
        called, jac = residuals.pair()
    elif method not in _USES_JACOBIAN:
        jac = None
    return nest.result(scipy.root(called, nest.start, args, method, jac, tol, nest.callback(callback), options))


@boundary
def root_scalar(
    f, args=(), method=None, bracket=None, fprime=None, fprime2=None, x0=None, x1=None, xtol=None, rtol=None,
    maxiter=None, options=None,
):  # fmt: skip
    """Find a root of a function of one number by `scipy.optimize.root_scalar`, with derivatives filled in.

    Parameters
    ----------
    f : function
        Takes a number and `args`, and returns one real number.
    method : str, optional
        A method of SciPy. By default "newton" if `x0` is given without a bracket or `x1`.
    fprime, fprime2 : function or bool, optional
        The first derivative, for "newton" and "halley", and the second, for "halley". By default they are computed by
        fastgrad.
    args, bracket, x0, x1, xtol, rtol, maxiter, options : optional
        As in SciPy.

    Returns
    -------
    scipy.optimize.RootResults

    Examples
    --------
    >>> import fastgrad as fg
    >>> print(round(fg.optimize.root_scalar(lambda x: x * x - 2, x0=1.0).root, 6))
    1.414214
    """
    scipy = scipy_optimize("root_scalar")
    if method is None and bracket is None and x1 is None and x0 is not None and not fprime2:
        method = "newton"
    word = method.lower() if isinstance(method, str) else method
    called = lambda x, *rest: number("root_scalar", f(x, *rest))
    if fprime is None and word in ("newton", "halley"):
        pair = Memo(value_and_grad(f))
        called = lambda x, *rest: number("root_scalar", pair(float(x), *rest)[0])
        fprime = lambda x, *rest: pair(float(x), *rest)[1]
    elif fprime is True or fprime2 is True:  # `f` returns derivatives too
        called = f
    if fprime2 is None and word == "halley" and called is not f:
        second = grad(grad(f))
        fprime2 = lambda x, *rest: second(float(x), *rest)
    return scipy.root_scalar(
        called, args, method, bracket, fprime, fprime2, None if x0 is None else float(x0), x1, xtol, rtol, maxiter,
        options,
    )  # fmt: skip
