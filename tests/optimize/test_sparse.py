"""Sparse derivatives in the solvers: the same results as dense ones, from few products per point."""

import numpy as np
import pytest

import fastgrad as fg

so = pytest.importorskip("scipy.optimize")
sparse = pytest.importorskip("scipy.sparse")

START = {"a": np.full(30, 1.2)}


def rosenbrock(p):
    x = p["a"]
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def residuals(p):
    x = p["a"]
    return {"bends": 10 * (x[1:] - x[:-1] ** 2), "ends": 1 - x[:-1]}


@pytest.mark.parametrize("method", ["trust-constr", "Newton-CG"])
def test_minimize_with_a_sparse_hessian(method):
    found = fg.optimize.minimize(rosenbrock, START, method=method, sparse=True)
    want = so.minimize(so.rosen, START["a"], method=method, jac=so.rosen_der, hess=so.rosen_hess)
    np.testing.assert_allclose(found.x["a"], want.x, rtol=1e-6)
    assert found.nit == want.nit


def test_constraints_with_sparse_derivatives():
    seen = []

    def steps(p):
        seen.append(p["a"])
        return p["a"][1:] * p["a"][:-1]

    limits = so.NonlinearConstraint(steps, -np.inf, 0.9)
    found = [
        fg.optimize.minimize(rosenbrock, START, method="trust-constr", constraints=limits, sparse=is_sparse)
        for is_sparse in (True, False)
    ]
    assert found[0].fun == pytest.approx(found[1].fun, rel=1e-4)  # the methods for dense and sparse matrices differ
    assert (found[0].x["a"][1:] * found[0].x["a"][:-1]).max() < 0.9 + 1e-6


@pytest.mark.parametrize("method", ["trf", "dogbox"])
def test_least_squares_with_a_sparse_jacobian(method):
    found = fg.optimize.least_squares(residuals, START, method=method, sparse=True)
    assert sparse.issparse(found.jac) and found.jac.nnz == 29 * 3
    np.testing.assert_allclose(found.x["a"], 1.0, rtol=1e-6)


@pytest.mark.parametrize("method", ["L-BFGS-B", "trust-ncg", "dogleg"])
def test_methods_that_take_dense_derivatives_say_so(method):
    with pytest.raises(ValueError, match=f"minimize: method '{method}' has no use for sparse derivatives"):
        fg.optimize.minimize(rosenbrock, START, method=method, sparse=True)
