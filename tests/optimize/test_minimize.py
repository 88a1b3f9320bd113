"""`minimize` agrees with SciPy where SciPy is given analytic derivatives, and takes nested parameters."""

import subprocess
import sys

import numpy as np
import pytest

import fastgrad as fg

so = pytest.importorskip("scipy.optimize")
minimize = fg.optimize.minimize

START = [1.3, 0.7, 0.8, 1.2]
GRADIENT = ("CG", "BFGS", "L-BFGS-B", "TNC", "SLSQP")
PRODUCTS = ("Newton-CG", "trust-ncg", "trust-krylov")
MATRIX = ("dogleg", "trust-exact")
# Beyond 0.9 the Hessian of Rosenbrock's function is positive definite, as dogleg requires.
NEAR = [1.0, 1.01, 1.02, 1.05]


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def same(ours, scipys):
    np.testing.assert_allclose(ours.x_flat, scipys.x, rtol=1e-6, atol=1e-7)
    for key in "nfev", "njev", "nhev", "nit", "status":
        assert ours.get(key) == scipys.get(key), key


@pytest.mark.parametrize("method", [None, *GRADIENT])
def test_the_gradient_is_filled_in(method):
    want = so.minimize(so.rosen, START, method=method, jac=so.rosen_der)
    found = minimize(rosenbrock, START, method=method)
    if method == "TNC":  # ends far from the minimum, at a point that depends on rounding
        assert found.fun < 1e-7 and want.fun < 1e-7 and found.nfev < 2 * want.nfev
    else:
        same(found, want)


@pytest.mark.parametrize("method", PRODUCTS)
def test_products_with_the_hessian_are_filled_in(method):
    want = so.minimize(so.rosen, START, method=method, jac=so.rosen_der, hessp=so.rosen_hess_prod)
    same(minimize(rosenbrock, START, method=method), want)


@pytest.mark.parametrize("method", MATRIX)
def test_the_hessian_is_filled_in(method):
    want = so.minimize(so.rosen, NEAR, method=method, jac=so.rosen_der, hess=so.rosen_hess)
    same(minimize(rosenbrock, NEAR, method=method), want)


@pytest.mark.parametrize("method", ["Nelder-Mead", "Powell", "COBYQA"])
def test_methods_without_derivatives_get_none(method):
    kinds = set()
    found = minimize(lambda x: kinds.add(type(x)) or rosenbrock(x), START, method=method)
    assert kinds == {np.ndarray}
    same(found, so.minimize(so.rosen, START, method=method))


def test_trust_constr_gets_products():
    want = so.minimize(so.rosen, START, method="trust-constr", jac=so.rosen_der, hessp=so.rosen_hess_prod)
    same(minimize(rosenbrock, START, method="trust-constr"), want)


def test_the_value_and_the_gradient_come_from_one_call():
    calls = []
    found = minimize(lambda x: calls.append(1) or rosenbrock(x), START, method="BFGS")
    assert len(calls) == found.nfev == found.njev


def test_the_gradient_is_recorded_once_per_point():
    calls = []
    found = minimize(lambda x: calls.append(1) or rosenbrock(x), START, method="trust-ncg")
    assert found.nhev > found.njev and len(calls) <= found.nfev + found.njev


def test_nested_parameters_are_restored():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(30, 3)), rng.normal(size=(3, 2))
    y = x @ w + np.array([0.5, -0.25])
    seen = []

    def loss(p, x, y):
        seen.append((np.shape(p["w"]), np.shape(p["b"][0]), np.shape(p["c"])))
        return np.mean((x @ p["w"] + p["b"][0] - y + p["c"]) ** 2) + p["c"] ** 2

    start = {"w": np.zeros((3, 2), np.float32), "b": (np.zeros(2), None), "c": 1}
    for method in "BFGS", "Newton-CG", "trust-exact", "Powell":
        found = minimize(loss, start, (x, y), method)
        tolerance = 1e-2 if method == "Powell" else 1e-4
        np.testing.assert_allclose(found.x["w"], w, atol=tolerance)
        np.testing.assert_allclose(found.x["b"][0], [0.5, -0.25], atol=tolerance)
        assert found.x["w"].dtype == np.float64 and found.x["b"][1] is None and type(found.x["c"]) is float
        assert found.x_flat.shape == (9,) and isinstance(found, so.OptimizeResult)
    assert set(seen) == {((3, 2), (2,), ())}


@pytest.mark.parametrize("start", [3.0, 3, np.float64(3.0), np.array(3.0)])
def test_one_number(start):
    found = minimize(lambda x: (x - 1) ** 2, start)
    assert abs(found.x - 1) < 1e-6 and np.shape(found.x) == () and found.x_flat.shape == (1,)


def test_tensors_stay_tensors():
    found = minimize(lambda p: ((p[0] - 1) ** 2).sum() + p[1] ** 2, (fg.tensor([3.0, 4.0]), 2.0))
    assert isinstance(found.x[0], fg.Tensor) and type(found.x[1]) is float


def test_a_list_of_numbers_is_an_array_as_in_scipy():
    assert type(minimize(rosenbrock, (1.3, 0.7)).x) is np.ndarray
    with pytest.raises(ValueError, match="only have one dimension"):
        so.minimize(so.rosen, np.ones((2, 2)))
    assert minimize(lambda x: np.sum((x - 2) ** 2), [[1.0, 1.0], [3.0, 3.0]]).x.round(4).tolist() == [[2, 2], [2, 2]]


def test_bounds():
    square = lambda p: ((p["w"] - 2) ** 2).sum() + (p["b"] + 2) ** 2
    found = minimize(square, {"w": np.zeros((2, 2)), "b": 0.0}, bounds={"w": (None, [0.5, 1.0]), "b": (-1, None)})
    np.testing.assert_allclose(found.x["w"], [[0.5, 1.0], [0.5, 1.0]])
    assert found.x["b"] == -1.0
    found = minimize(square, {"w": np.zeros((2, 2)), "b": 0.0}, bounds={"b": (0, 1)}, method="TNC")
    np.testing.assert_allclose(found.x["w"], 2.0, rtol=1e-5)
    for bounds in [(0, 0.5)] * 2, so.Bounds([0, 0], [0.5, 0.5]):
        np.testing.assert_allclose(minimize(rosenbrock, [0.1, 0.1], bounds=bounds).x, [0.5, 0.25], rtol=1e-5)
    for bounds in (0, 0.5), [(0, 0.5)]:
        assert minimize(lambda x: (x - 2) ** 2, 0.0, bounds=bounds).x == 0.5
    for bounds, text in (
        ({"w": (0, 1, 2)}, r"bounds of x0\['w'\] must be a pair"),
        ({"v": (0, 1)}, "bounds must be nested as x0"),
        ({"w": (np.zeros(3), None)}, r"a bound of x0\['w'\] has shape \(3,\), the parameter has \(2, 2\)"),
        ([(0, 1)] * 5, "bounds must be nested as x0"),
    ):
        with pytest.raises(fg.FastgradError, match=text):
            minimize(square, {"w": np.zeros((2, 2)), "b": 0.0}, bounds=bounds)


CIRCLE = -np.sqrt(0.5)


@pytest.mark.parametrize("method", [None, "SLSQP", "trust-constr", "COBYQA"])
def test_constraints_are_functions_of_nested_parameters(method):
    on_circle = lambda p: p["x"] ** 2 + p["y"] ** 2 - 1
    for constraint in (
        {"type": "eq", "fun": on_circle},
        {"type": "eq", "fun": on_circle, "jac": lambda p: np.array([2 * p["x"], 2 * p["y"]])},
        so.NonlinearConstraint(on_circle, 0, 0),
        [so.NonlinearConstraint(lambda p: {"a": [on_circle(p)]}, 0, 0), so.LinearConstraint([[1.0, 0.0]], -2, 2)],
    ):
        found = minimize(
            lambda p: p["x"] + p["y"], {"x": 0.5, "y": -0.5}, method=method, constraints=constraint, tol=1e-8
        )
        np.testing.assert_allclose([found.x["x"], found.x["y"]], CIRCLE, rtol=1e-3)


def test_derivatives_of_the_user():
    gradients = []

    def gradient(p):
        gradients.append(1)
        return {"b": 2.0 * p["b"], "a": 2 * (p["a"] - 1)}

    square = lambda p: ((p["a"] - 1) ** 2).sum() + p["b"] ** 2
    start = {"a": np.zeros(2), "b": 3.0}
    found = minimize(square, start, jac=gradient)
    assert len(gradients) == found.njev and abs(found.x["b"]) < 1e-6
    found = minimize(lambda p: (square(p), gradient(p)), start, jac=True, method="CG")
    assert abs(found.x["b"]) < 1e-6
    found = minimize(square, start, jac="3-point")
    assert abs(found.x["b"]) < 1e-6 and found.nfev > 2 * found.njev
    found = minimize(square, start, method="trust-ncg", hess=lambda p: 2 * np.eye(3))
    assert abs(found.x["b"]) < 1e-6
    found = minimize(square, start, method="trust-ncg", hessp=lambda p, v: 2 * v)
    assert abs(found.x["b"]) < 1e-6
    with pytest.raises(fg.DTypeError, match="minimize: the gradient must be nested as x0"):
        minimize(square, start, jac=lambda p: np.zeros(3))
    with pytest.raises(fg.ShapeError, match=r"the gradient of x0\['a'\] has shape \(3,\), the parameter has \(2,\)"):
        minimize(square, start, jac=lambda p: {"a": np.zeros(3), "b": 0.0})


def test_callbacks_get_nested_parameters():
    seen = []

    def stop(p):
        seen.append(p["a"])
        raise StopIteration

    found = minimize(lambda p: (p["a"] - 1) ** 4, {"a": 5.0}, callback=stop)
    assert len(seen) == 1 and type(seen[0]) is float and found.status == 99

    def whole(intermediate_result):
        seen.append((intermediate_result.x["a"], intermediate_result.fun))

    minimize(lambda p: (p["a"] - 1) ** 2, {"a": 5.0}, callback=whole)
    assert isinstance(seen[-1][0], float) and seen[-1][1] < 1e-8
    minimize(lambda p: (p["a"] - 1) ** 2, {"a": 5.0}, method="trust-constr", callback=lambda p, state: seen.append(p))
    assert type(seen[-1]["a"]) is float


def test_a_solver_of_the_user_gets_all_derivatives():
    def newton(fun, x0, args=(), jac=None, hess=None, hessp=None, **rest):
        x = x0
        for _ in range(8):
            np.testing.assert_allclose(hess(x) @ np.ones(2), hessp(x, np.ones(2)))
            x = x - np.linalg.solve(hess(x), jac(x))
        return so.OptimizeResult(x=x, fun=fun(x), success=True)

    np.testing.assert_allclose(minimize(rosenbrock, [1.1, 1.2], method=newton).x, 1.0)


def test_what_cannot_be_minimized_is_named():
    for start, text in (
        ({"a": 1j}, r"x0\['a'\] is complex; parameters are real numbers and arrays"),
        ({"a": np.array(["b"])}, r"x0\['a'\] is <U1"),
        ([None], "x0 has no elements"),
        (np.zeros(0), "x0 has no elements"),
    ):
        with pytest.raises(fg.FastgradError, match=text):
            minimize(lambda p: 1.0, start)
    with pytest.raises(fg.ShapeError, match="must return one number"):
        minimize(lambda x: x * 2, [1.0, 2.0])
    with pytest.raises(fg.ShapeError, match="minimize: the function must return one real number, got str"):
        minimize(lambda x: "no", [1.0, 2.0], method="Powell")
    with pytest.raises(ValueError, match="Unknown solver"):
        minimize(rosenbrock, START, method="magic")


@pytest.mark.parametrize("method", ["BFGS", "Powell", "trust-ncg"])
def test_a_gradient_through_a_solver_is_an_error_rather_than_zero(method):
    with pytest.raises(fg.NotDifferentiableError):
        fg.grad(lambda a: minimize(lambda x: (x[0] - a) ** 2, [1.0], method=method).x_flat.sum())(2.0)
    with pytest.raises(fg.NotDifferentiableError):
        fg.grad(lambda a: minimize(lambda x, a: (x[0] - a) ** 2, [1.0], (a,), method=method).x_flat.sum())(2.0)
    with pytest.raises(fg.NotDifferentiableError):
        fg.grad(lambda a: minimize(lambda x: (x - 1) ** 2, a).x)(2.0)


def test_without_scipy_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match=r"fg\.optimize\.minimize needs SciPy: pip install scipy"):
        minimize(rosenbrock, START)


def test_scipy_is_imported_by_the_first_call_only():
    code = """
import sys, fastgrad as fg
assert "fastgrad.optimize" not in sys.modules
fg.optimize.minimize
assert not [name for name in sys.modules if name.startswith("scipy")]
fg.optimize.minimize(lambda x: (x - 1) ** 2, 0.0)
assert "scipy.optimize" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
