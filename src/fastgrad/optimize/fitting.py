"""`least_squares` and `curve_fit`: minimize sums of squares, with the Jacobian filled in."""

import math

import numpy as np

from fastgrad.optimize import messages
from fastgrad.optimize.derivatives import Residuals, of_flat
from fastgrad.optimize.nest import Nest, scipy_optimize
from fastgrad.tracebacks import boundary


@boundary
def least_squares(fun, x0, jac=None, bounds=None, method="trf", *, sparse=False, **settings):
    """Solve a nonlinear least-squares problem by `scipy.optimize.least_squares`, with the Jacobian filled in.

    Parameters
    ----------
    fun : function
        Takes the parameters, nested as `x0`, and `args`. Returns the residuals: an array, or a nested tuple, list or
        dict of arrays and numbers.
    x0 : array, number, or a nested tuple, list or dict of them
        Where to start. A list or tuple of numbers alone is an array, as in SciPy. All values are float64.
    jac : function or str, optional
        The Jacobian of the flat arrays, a function of the parameters nested as `x0`, or "2-point" and similar for
        finite differences. By default it is computed by fastgrad.
    bounds : optional
        As in SciPy; or nested as `x0`, with a pair (lower, upper) in place of each leaf, each None, a number, or an
        array that broadcasts to the leaf.
    method : str
        "trf", "dogbox" or "lm".
    sparse : bool
        Whether the Jacobian is computed as a sparse matrix, see `fastgrad.jacobian`. Not for "lm".
    **settings
        The other parameters of SciPy's function: `ftol`, `xtol`, `gtol`, `x_scale`, `loss`, `f_scale`, `diff_step`,
        `tr_solver`, `tr_options`, `jac_sparsity`, `max_nfev`, `verbose`, `args`, `kwargs`, `callback` and others.

    Returns
    -------
    scipy.optimize.OptimizeResult
        `x` is nested as `x0`, and `x_flat` is the flat array, to which `jac`, `grad` and similar belong.

    Notes
    -----
    The Jacobian is computed from what the last call of `fun` recorded; a sparse one calls `fun` once more.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> t = np.linspace(0, 1, 20)
    >>> data = 2 * np.exp(-3 * t)
    >>> found = fg.optimize.least_squares(lambda p: p["a"] * np.exp(-p["k"] * t) - data, {"a": 1.0, "k": 1.0})
    >>> print({name: round(value, 4) for name, value in found.x.items()})
    {'a': 2.0, 'k': 3.0}
    """
    scipy = scipy_optimize("least_squares")
    nest = Nest("least_squares", x0)
    if sparse and method == "lm":
        raise messages.sparse_method("least_squares", method)
    residuals = Residuals(nest, fun, sparse)
    called = residuals.value
    if jac is None:
        called, jac = residuals.pair()
    elif callable(jac):
        jac = of_flat(nest, jac)
    if "callback" in settings:
        settings["callback"] = nest.callback(settings["callback"])
    if bounds is None:
        bounds = (-math.inf, math.inf)
    elif not (nest.single or isinstance(bounds, scipy.Bounds) or _is_plain_pair(bounds)):
        bounds = nest.bounds(bounds)
    return nest.result(scipy.least_squares(called, nest.start, jac, bounds, method, **settings))


def _is_plain_pair(bounds):
    """Return whether bounds are two numbers or None, which hold for all parameters."""
    return isinstance(bounds, (tuple, list)) and len(bounds) == 2 and all(np.isscalar(b) for b in bounds)


@boundary
def curve_fit(f, xdata, ydata, p0=None, sigma=None, absolute_sigma=False, *, jac=None, **settings):
    """Fit a function to data by `scipy.optimize.curve_fit`, with the Jacobian filled in.

    Parameters
    ----------
    f : function
        The model, `f(xdata, *params)`, with real parameters. Returns an array of the shape of `ydata`.
    xdata, ydata : arrays
        The data.
    p0 : array, optional
        Where to start. By default ones, as many as the parameters that the signature of `f` names.
    jac : function or str, optional
        As in SciPy. By default the Jacobian is computed by fastgrad.
    sigma, absolute_sigma, **settings
        As in SciPy.

    Returns
    -------
    popt, pcov : ndarray
        The parameters and their covariance, and more with `full_output`, as in SciPy.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> t = np.linspace(0, 1, 20)
    >>> found, covariance = fg.optimize.curve_fit(lambda t, a, k: a * np.exp(-k * t), t, 2 * np.exp(-3 * t))
    >>> print(found.round(4))
    [2. 3.]
    """
    scipy = scipy_optimize("curve_fit")
    if jac is None:
        name = "curve_fit"

        def jac(x, *params):
            residuals = Residuals(Nest(name, params), lambda p: f(x, *p))
            return residuals.pair()[1](np.asarray(params, np.float64))

    return scipy.curve_fit(f, xdata, ydata, p0, sigma, absolute_sigma, jac=jac, **settings)
