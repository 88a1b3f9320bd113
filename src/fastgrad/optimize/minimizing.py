"""`minimize`: a scalar function of nested parameters, with the derivatives that the method uses."""

from fastgrad.optimize import messages
from fastgrad.optimize.derivatives import Objective, Residuals, number, of_flat, of_flat_with_derivative
from fastgrad.optimize.nest import Nest, scipy_optimize
from fastgrad.tracebacks import boundary
from fastgrad.transforms import hessian

# Which derivatives each method uses. Those with both a Hessian and its products get the products, unless sparse.
_USES = {
    "nelder-mead": (), "powell": (), "cobyla": (), "cobyqa": (),
    "cg": ("jac",), "bfgs": ("jac",), "l-bfgs-b": ("jac",), "tnc": ("jac",), "slsqp": ("jac",),
    "newton-cg": ("jac", "hessp"), "trust-ncg": ("jac", "hessp"), "trust-krylov": ("jac", "hessp"),
    "trust-constr": ("jac", "hessp"),
    "dogleg": ("jac", "hess"), "trust-exact": ("jac", "hess"),
}  # fmt: skip
_TAKES_SPARSE = ("trust-constr", "newton-cg")


@boundary
def minimize(
    fun, x0, args=(), method=None, jac=None, hess=None, hessp=None, bounds=None, constraints=(), tol=None,
    callback=None, options=None, *, sparse=False,
):  # fmt: skip
    """Minimize a scalar function by `scipy.optimize.minimize`, with derivatives filled in.

    Parameters
    ----------
    fun : function
        Takes the parameters, nested as `x0`, and `args`. Returns one real number.
    x0 : array, number, or a nested tuple, list or dict of them
        Where to start. A list or tuple of numbers alone is an array, as in SciPy. All values are float64.
    args : tuple
        Other arguments of `fun`, its derivatives and the functions of old-style constraints.
    method : str or callable, optional
        A method of SciPy, or a solver with its interface.
    jac, hess, hessp : optional
        As in SciPy, for parameters nested as `x0`, where they are not to be computed by fastgrad: the gradient is
        nested as `x0`; the Hessian and its products are those of the flat array. `jac=True` means that `fun` returns
        the value and the gradient; "2-point" and similar are finite differences.
    bounds : optional
        As in SciPy; or nested as `x0`, with a pair (lower, upper) in place of each leaf, each None, a number, or an
        array that broadcasts to the leaf.
    constraints : optional
        As in SciPy. Their functions take the parameters nested as `x0`, and return arrays or nests of them; their
        Jacobians and Hessians are filled in. `LinearConstraint` is for the flat array.
    tol, callback, options : optional
        As in SciPy. The callback gets the parameters nested as `x0`.
    sparse : bool
        Whether Hessians and Jacobians of constraints are computed as sparse matrices, see `fastgrad.hessian`. For
        "trust-constr" and "Newton-CG".

    Returns
    -------
    scipy.optimize.OptimizeResult
        `x` is nested as `x0`, and `x_flat` is the flat array, to which `jac`, `hess` and similar belong.

    Notes
    -----
    The value and the gradient are computed together. Hessian-vector products push forward along the recorded gradient,
    which is recorded once per point.

    Examples
    --------
    >>> import fastgrad as fg
    >>> found = fg.optimize.minimize(lambda p: (p["a"] - 3) ** 2 + (p["b"] + 1) ** 2, {"a": 0.0, "b": 0.0})
    >>> print({name: round(value, 4) for name, value in found.x.items()})
    {'a': 3.0, 'b': -1.0}
    """
    scipy = scipy_optimize("minimize")
    nest = Nest("minimize", x0)
    objective = Objective(nest, fun, sparse)
    word = method.lower() if isinstance(method, str) else method
    constraints = _constraints(scipy, nest, constraints, sparse, hess=callable(word) or word == "trust-constr")
    if word is None:
        word = "slsqp" if constraints else "bfgs"  # L-BFGS-B with bounds, which uses the same
    uses = ("jac", "hess", "hessp") if callable(word) else _USES.get(word, ())
    if sparse and "hessp" in uses:
        uses = ("jac", "hess")
    if sparse and not callable(word) and word not in _TAKES_SPARSE:
        raise messages.sparse_method("minimize", method)
    called = objective.value
    if jac is True:
        value, gradient = of_flat_with_derivative(nest, fun)
        called = lambda x, *rest: number("minimize", value(x, *rest))
    elif callable(jac):
        gradient = of_flat(nest, jac)
    if jac is True or callable(jac):
        jac = lambda x, *rest: nest.flatten("the gradient", gradient(x, *rest))
    elif jac is None and "jac" in uses:
        called, jac = objective.value_and_grad, True
    if hess is None and hessp is None:
        hess = objective.hess if "hess" in uses else None
        hessp = objective.hessp if "hessp" in uses else None
    else:
        hess, hessp = (of_flat(nest, f) if callable(f) else f for f in (hess, hessp))
    found = scipy.minimize(
        called, nest.start, args, method, jac=jac, hess=hess, hessp=hessp, bounds=_bounds(scipy, nest, bounds),
        constraints=constraints, tol=tol, callback=nest.callback(callback), options=options,
    )  # fmt: skip
    return nest.result(found)


def _bounds(scipy, nest, bounds):
    if bounds is None or nest.single or isinstance(bounds, scipy.Bounds):
        return bounds
    return scipy.Bounds(*nest.bounds(bounds))


def _constraints(scipy, nest, constraints, sparse, hess):
    """Return constraints for the flat array, with Jacobians, and with Hessians where the method uses them."""
    if isinstance(constraints, (dict, scipy.NonlinearConstraint, scipy.LinearConstraint)):
        return _constraint(scipy, nest, constraints, sparse, hess)
    return [_constraint(scipy, nest, one, sparse, hess) for one in constraints]


def _constraint(scipy, nest, one, sparse, fill_hess):
    if isinstance(one, dict):
        if not callable(one.get("fun")):
            return one  # SciPy's error is specific
        value, derivative = Residuals(nest, one["fun"]).pair()
        given = one.get("jac")
        if given is not None:
            derivative = of_flat(nest, given) if callable(given) else given
        return {**one, "fun": value, "jac": derivative}
    if not isinstance(one, scipy.NonlinearConstraint):
        return one
    residuals = Residuals(nest, one.fun, sparse)
    value, derivative = residuals.pair()
    if callable(one.jac):
        derivative = of_flat(nest, one.jac)
    elif one.jac != "2-point":  # the default
        derivative = one.jac
    hess = one.hess
    if fill_hess and (hess is None or isinstance(hess, scipy.BFGS)):  # the default
        along = lambda x, v: residuals.flat(x) @ v
        hess = hessian(along, sparse=sparse) if sparse else hessian(along)
    elif callable(hess):
        hess = of_flat(nest, hess)
    return scipy.NonlinearConstraint(
        value, one.lb, one.ub, jac=derivative, hess=hess, keep_feasible=one.keep_feasible,
        finite_diff_rel_step=one.finite_diff_rel_step, finite_diff_jac_sparsity=one.finite_diff_jac_sparsity,
    )  # fmt: skip
