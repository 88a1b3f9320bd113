"""`root`, `root_scalar`, `least_squares` and `curve_fit` agree with SciPy, and take nested parameters."""

import numpy as np
import pytest

import fastgrad as fg

so = pytest.importorskip("scipy.optimize")
root, least_squares = fg.optimize.root, fg.optimize.least_squares

T = np.linspace(0, 1, 20)
DATA = 2.0 * np.exp(-3.0 * T) + 0.1 * np.sin(40 * T)


def equations(x):
    return np.stack([x[0] + 0.5 * (x[0] - x[1]) ** 3 - 1.0, 0.5 * (x[1] - x[0]) ** 3 + x[1]])


def slopes(x):
    d = 1.5 * (x[0] - x[1]) ** 2
    return np.array([[1 + d, -d], [-d, 1 + d]])


@pytest.mark.parametrize("method", ["hybr", "lm"])
def test_the_jacobian_of_equations_is_filled_in(method):
    calls = []
    found = root(lambda x: calls.append(1) or equations(x), [0.0, 0.0], method=method)
    want = so.root(equations, [0.0, 0.0], method=method, jac=slopes)
    np.testing.assert_allclose(found.x, want.x, rtol=1e-7)
    assert (found.nfev, found.njev) == (want.nfev, want.njev) and isinstance(found, so.OptimizeResult)
    assert len(calls) <= found.nfev + 1  # and none for the Jacobian


@pytest.mark.parametrize("method", ["broyden1", "krylov", "df-sane", "hybr"])
def test_other_methods_get_no_jacobian(method):
    kinds = set()
    found = root(lambda x: kinds.add(type(x)) or equations(x), [0.0, 0.0], method=method, jac=False)
    np.testing.assert_array_equal(found.x, so.root(equations, [0.0, 0.0], method=method).x)
    assert kinds == {np.ndarray}


def test_unknowns_and_equations_may_be_nested():
    def f(p, total):
        return {"sum": p["x"].sum() + p["y"] - total, "rest": [p["x"] * p["y"] - np.array([1.0, 2.0])]}

    found = root(f, {"x": np.ones(2), "y": 1.0}, args=(5.0,))
    assert found.success
    np.testing.assert_allclose(found.x["x"] * found.x["y"], [1.0, 2.0])
    assert type(found.x["y"]) is float and found.x_flat.shape == (3,)


def test_jacobians_of_the_user_for_equations():
    for jac in slopes, True:
        f = (lambda x: (equations(x), slopes(x))) if jac is True else equations
        np.testing.assert_allclose(root(f, [0.0, 0.0], jac=jac).x, [0.8411639, 0.1588361], rtol=1e-6)


def test_a_root_of_one_number():
    f = lambda x, a: x**3 - a
    assert fg.optimize.root_scalar(f, (8.0,), x0=3).root == pytest.approx(2.0)
    want = so.root_scalar(f, (8.0,), x0=3.0, method="newton", fprime=lambda x, a: 3 * x * x)
    assert fg.optimize.root_scalar(f, (8.0,), x0=3.0).iterations == want.iterations
    want = so.root_scalar(f, (8.0,), x0=3.0, method="halley", fprime=lambda x, a: 3 * x * x, fprime2=lambda x, a: 6 * x)
    assert fg.optimize.root_scalar(f, (8.0,), "halley", x0=3.0).iterations == want.iterations
    assert fg.optimize.root_scalar(f, (8.0,), bracket=(0, 5)).method == "brentq"
    assert fg.optimize.root_scalar(f, (8.0,), x0=1.0, x1=3.0).root == pytest.approx(2.0)
    assert fg.optimize.root_scalar(lambda x: (x**2 - 4, 2 * x), fprime=True, x0=3.0).root == pytest.approx(2.0)


def residuals(p):
    return p[0] * np.exp(-p[1] * T) - DATA


def residual_slopes(p):
    e = np.exp(-p[1] * T)
    return np.stack([e, -p[0] * T * e], axis=1)


@pytest.mark.parametrize("method", ["trf", "dogbox", "lm"])
@pytest.mark.parametrize("loss", ["linear", "soft_l1"])
def test_the_jacobian_of_residuals_is_filled_in(method, loss):
    if method == "lm" and loss != "linear":
        return
    calls = []
    found = least_squares(lambda p: calls.append(1) or residuals(p), [1.0, 1.0], method=method, loss=loss)
    want = so.least_squares(residuals, [1.0, 1.0], residual_slopes, method=method, loss=loss)
    np.testing.assert_allclose(found.x, want.x, rtol=1e-6)
    assert (found.nfev, found.njev, found.status) == (want.nfev, want.njev, want.status)
    assert len(calls) <= found.nfev + 1


def test_parameters_of_least_squares_may_be_nested():
    def f(p, scale, *, data):
        return {"all": scale * (p["a"] * np.exp(-p["k"] * T) - data), "prior": 0.01 * p["k"]}

    start = {"a": 1.0, "k": np.ones(1)}
    found = least_squares(f, start, args=(2.0,), kwargs={"data": DATA}, bounds={"k": (0, 2.5)})
    np.testing.assert_allclose(found.x["k"], [2.5], rtol=1e-3)
    assert found.jac.shape == (21, 2) and type(found.x["a"]) is float
    for bounds in (0, 2.5), ({"a": None, "k": (None, 2.5)}):
        assert least_squares(f, start, args=(2.0,), kwargs={"data": DATA}, bounds=bounds).x["k"] <= 2.5
    found = least_squares(lambda p: residuals((p["a"], p["k"])), {"a": 1.0, "k": 1.0}, jac="2-point")
    np.testing.assert_allclose(found.x_flat, so.least_squares(residuals, [1.0, 1.0]).x, rtol=1e-5)
    found = least_squares(
        lambda p: residuals((p["a"], p["k"])), {"a": 1.0, "k": 1.0}, jac=lambda p: residual_slopes((p["a"], p["k"]))
    )
    np.testing.assert_allclose(found.x_flat, so.least_squares(residuals, [1.0, 1.0]).x, rtol=1e-5)


def test_a_curve_is_fitted():
    f = lambda t, a, k: a * np.exp(-k * t)
    slope = lambda t, a, k: residual_slopes((a, k))
    for settings in {}, {"p0": [1.5, 2.0]}, {"sigma": 1 + T}, {"bounds": (0, [2.0, 5.0])}:
        found, covariance = fg.optimize.curve_fit(f, T, DATA, **settings)
        want, want_covariance = so.curve_fit(f, T, DATA, jac=slope, **settings)
        np.testing.assert_allclose(found, want, rtol=1e-6)
        np.testing.assert_allclose(covariance, want_covariance, rtol=1e-4)


@pytest.mark.parametrize(
    ("value", "text"), [("no", "got str"), (None, "got None"), (1j * T, "got an array of complex128")]
)
def test_what_is_no_residual_is_named(value, text):
    with pytest.raises(fg.DTypeError, match=f"least_squares: the function must return real arrays or .*, {text}"):
        least_squares(lambda p: value, [1.0])
    with pytest.raises(ValueError, match="method 'lm' has no use for sparse derivatives"):
        least_squares(residuals, [1.0, 1.0], method="lm", sparse=True)


@pytest.mark.parametrize("solve", [root, least_squares])
def test_a_gradient_through_a_solver_is_an_error_rather_than_zero(solve):
    with pytest.raises(fg.NotDifferentiableError):
        fg.grad(lambda a: solve(lambda x: x**2 - a, [1.0]).x.sum())(2.0)
    with pytest.raises(fg.NotDifferentiableError):
        fg.grad(lambda a: fg.optimize.root_scalar(lambda x: x**2 - a, x0=1.0).root)(2.0)
