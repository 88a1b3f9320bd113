"""L-BFGS: it finds minima, resumes from a saved state, and its line search satisfies the strong Wolfe conditions."""

import copy
import math

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn, optim
from fastgrad.errors import BadSetting, StateError
from fastgrad.optim.line_search import Point, cubic_minimum, strong_wolfe


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def closure_of(opt, loss_of):
    def closure():
        opt.zero_grad()
        loss = loss_of()
        loss.backward()
        return loss

    return closure


def test_it_finds_the_end_of_the_valley():
    x = fg.tensor(np.array([0.5, 2.0, -0.5, 2.0]), requires_grad=True)
    opt = optim.LBFGS([x], line_search_fn="strong_wolfe", max_iter=100, tolerance_change=1e-14)
    first = opt.step(closure_of(opt, lambda: rosenbrock(x)))
    assert first.item() == pytest.approx(rosenbrock(np.array([0.5, 2.0, -0.5, 2.0])))
    np.testing.assert_allclose(x.detach().numpy(), 1, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_logistic_regression(dtype):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3)).astype(dtype)
    y = (x @ [1.0, -2.0, 0.5] + rng.normal(size=200) > 0)[:, None].astype(dtype)
    layer = nn.Linear(3, 1, dtype=dtype, rng=0)
    opt = optim.LBFGS(layer.parameters(), line_search_fn="strong_wolfe")
    loss = lambda: nn.functional.binary_cross_entropy_with_logits(layer(x), y)
    for _ in range(3):
        opt.step(closure_of(opt, loss))
    layer.zero_grad()
    loss().backward()
    assert max(np.abs(p.grad.numpy()).max() for p in layer.parameters()) < (1e-5 if dtype is np.float64 else 1e-3)


def test_without_a_search_steps_have_the_rate_as_length():
    x = fg.tensor([4.0], requires_grad=True)
    opt = optim.LBFGS([x], lr=0.5, max_iter=2, max_eval=10)
    opt.step(closure_of(opt, lambda: (x * x).sum()))
    # first min(1, 1/|g|) * lr along -g; then lr along the Newton direction, which ends in 0
    assert x.item() == pytest.approx((4 - 0.5) * 0.5)


def test_it_goes_on_from_a_saved_state():
    def made(values):
        x = fg.tensor(values, requires_grad=True)
        opt = optim.LBFGS([x], line_search_fn="strong_wolfe", max_iter=3)
        return x, opt, closure_of(opt, lambda: rosenbrock(x))

    x, opt, closure = made(np.array([-1.2, 1.0, 0.3]))
    opt.step(closure)
    y, again, closure_again = made(x.detach().numpy().copy())
    again.load_state_dict(copy.deepcopy(opt.state_dict()))
    opt.step(closure)
    again.step(closure_again)
    np.testing.assert_array_equal(y.detach().numpy(), x.detach().numpy())
    _, other, _ = made(np.ones(2))
    with pytest.raises(StateError, match=r"0.d: shape \(3,\) for \(2,\)"):
        other.load_state_dict(opt.state_dict())


def test_parameters_without_a_gradient_stay():
    x, unused = (fg.tensor(np.ones(2), requires_grad=True) for _ in range(2))
    opt = optim.LBFGS([unused, x], line_search_fn="strong_wolfe")
    opt.step(closure_of(opt, lambda: (x * x).sum()))
    assert unused.tolist() == [1, 1]
    np.testing.assert_allclose(x.detach().numpy(), 0, atol=1e-6)


def test_at_a_minimum_nothing_happens():
    x = fg.tensor([0.0], requires_grad=True)
    opt = optim.LBFGS([x])
    assert opt.step(closure_of(opt, lambda: (x * x).sum())).item() == 0
    assert x.item() == 0 and opt.state_dict()["state"] == {}


@pytest.mark.parametrize("length", [1e-3, 0.5, 1.0, 50.0])
@pytest.mark.parametrize("f", [
    lambda t: (t - 2) ** 2, lambda t: -t / (t * t + 2), lambda t: 0.1 * t * t - math.sin(3 * t),
])  # fmt: skip
def test_the_search_ends_where_the_strong_wolfe_conditions_hold(f, length):
    slope = lambda t: (f(t + 1e-6) - f(t - 1e-6)) / 2e-6
    along = lambda t: (f(t), np.array([slope(t)]))
    value, g, t, count = strong_wolfe(along, length, np.ones(1), f(0), np.array([slope(0)]), slope(0), 1e-9)
    assert value == f(t) <= f(0) + 1e-4 * t * slope(0)
    assert abs(g[0]) <= -0.9 * slope(0)
    assert count <= 26


def test_the_cubic_has_its_minimum_where_it_is_told():
    f, s = lambda t: t**3 - 3 * t, lambda t: 3 * t * t - 3  # least at 1
    at = lambda t: Point(t, f(t), np.zeros(1), s(t))
    assert cubic_minimum(at(0.0), at(3.0)) == pytest.approx(1)
    assert cubic_minimum(at(3.0), at(0.0)) == pytest.approx(1)
    assert cubic_minimum(at(0.0), at(3.0), (2.0, 4.0)) == 2
    assert cubic_minimum(Point(0, 0, np.zeros(1), math.nan), at(2.0)) == 1  # the middle


def test_a_loss_that_becomes_nan_ends_the_search():
    x = fg.tensor([0.5], requires_grad=True)
    opt = optim.LBFGS([x], line_search_fn="strong_wolfe", lr=1e6)
    opt.step(closure_of(opt, lambda: fg.sqrt(x).sum()))
    assert math.isfinite(x.item())


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
@pytest.mark.parametrize("most", [1, 2, 3, 5, 9])
def test_a_step_evaluates_no_more_often_than_it_may(search, most):
    rng = np.random.default_rng(0)
    for _ in range(20):
        x = fg.tensor(rng.normal(size=4) * 3, requires_grad=True)
        opt = optim.LBFGS([x], lr=1 if search else 1e-3, max_iter=20, max_eval=most, line_search_fn=search)
        count = 0
        inner = closure_of(opt, lambda: rosenbrock(x))  # noqa: B023

        def closure():
            nonlocal count
            count += 1
            return inner()  # noqa: B023

        for _ in range(4):
            before, count = rosenbrock(x.detach().numpy()), 0
            opt.step(closure)
            assert count <= most + (search is not None)  # a search looks at one point in any case
            assert rosenbrock(x.detach().numpy()) <= before


def test_settings_that_are_no_counts_are_refused():
    x = fg.tensor([1.0], requires_grad=True)
    for key in ("max_iter", "max_eval", "history_size"):
        for value in (0, -1, 2.5, "3", math.nan):
            with pytest.raises(BadSetting, match=f"LBFGS: {key} must be an int of at least 1"):
                optim.LBFGS([x], **{key: value})
