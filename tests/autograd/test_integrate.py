"""`autograd.scipy.integrate.odeint`: derivatives of solutions, against formulas and finite differences."""

import numpy as onp
import pytest

import fastgrad.autograd.numpy as np
from fastgrad.autograd import grad, jacobian, make_jvp
from fastgrad.autograd.scipy import integrate
from fastgrad.autograd.test_util import check_grads
from fastgrad.errors import NotDifferentiableError

scipy_integrate = pytest.importorskip("scipy.integrate", reason="SciPy is not there")
TIMES = onp.array([0.1, 0.35, 0.4, 0.9])
PRECISE = {"rtol": 1e-13, "atol": 1e-13}


def decay(y, t, rate):
    return -rate * y


def test_without_boxes_it_is_scipys():
    got = integrate.odeint(decay, [1.0, 2.0], TIMES, (0.5,))
    onp.testing.assert_array_equal(got, scipy_integrate.odeint(decay, [1.0, 2.0], TIMES, (0.5,)))


def test_derivatives_of_an_exponential_in_closed_form():
    def last(y0, rate, times):
        return integrate.odeint(decay, y0, times, (rate,), **PRECISE)[-1, 0]

    y0, rate, elapsed = onp.array([2.0]), 0.7, 0.8
    y = 2.0 * onp.exp(-rate * elapsed)
    g_y0, g_rate, g_times = grad(last, argnum=(0, 1, 2))(y0, rate, TIMES)
    onp.testing.assert_allclose(g_y0, [y / 2], rtol=1e-8)
    onp.testing.assert_allclose(g_rate, -elapsed * y, rtol=1e-8)
    onp.testing.assert_allclose(g_times, [rate * y, 0, 0, -rate * y], rtol=1e-8, atol=1e-12)
    second = grad(grad(last, argnum=1), argnum=1)(y0, rate, TIMES)
    onp.testing.assert_allclose(second, elapsed**2 * y, rtol=1e-7)


def test_both_modes_twice_with_nested_arguments():
    def system(y, t, parameters, shift):
        return np.sin(t) - parameters["rates"] * y + shift[0] * np.mean(y**2) + parameters["constant"]

    rates, shift = onp.array([0.4, 0.9, 1.3]), onp.array([0.3])

    def solution(y0, times, rates, shift):
        return integrate.odeint(system, y0, times, ({"rates": rates, "constant": 0.1}, [shift]), **PRECISE)

    check_grads(solution, modes=["fwd", "rev"], order=2)(onp.array([1.0, 0.2, -0.5]), TIMES, rates, shift)


def test_systems_that_return_lists():
    def pendulum(y, t, length):
        return [y[1], -9.81 / length * np.sin(y[0])]

    check_grads(lambda y0, length: integrate.odeint(pendulum, y0, TIMES, (length,), **PRECISE), order=1)(
        onp.array([0.4, 0.0]), 1.3
    )
    forward = make_jvp(lambda length: integrate.odeint(pendulum, [0.4, 0.0], TIMES, (length,), **PRECISE))(1.3)(1.0)[1]
    reverse = jacobian(lambda length: integrate.odeint(pendulum, [0.4, 0.0], TIMES, (length,), **PRECISE))(1.3)
    onp.testing.assert_allclose(forward, reverse, rtol=1e-6, atol=1e-9)


def test_times_may_come_first_and_tolerances_be_vectors():
    def last(rate):
        options = {"tfirst": True, "rtol": [1e-9, 1e-10], "atol": [1e-10, 1e-9]}
        return integrate.odeint(lambda t, y, rate: -rate * y, [1.0, 2.0], TIMES, (rate,), **options)[-1, 0]

    onp.testing.assert_allclose(grad(last)(0.7), -0.8 * onp.exp(-0.56), rtol=1e-6)


def test_boxes_that_the_system_does_not_get_as_arguments_are_an_error():
    with pytest.raises(NotDifferentiableError, match="lose its gradient"):
        grad(lambda rate: np.sum(integrate.odeint(lambda y, t: -rate * y, onp.ones(1), TIMES)))(0.5)
    with pytest.raises(NotDifferentiableError, match="pass them in args"):
        grad(lambda rate: np.sum(integrate.odeint(lambda y, t, k: -rate * y * k, onp.ones(1), TIMES, (rate,))))(0.5)


def test_what_has_no_derivative():
    with pytest.raises(NotImplementedError, match="full_output"):
        grad(lambda rate: integrate.odeint(decay, [1.0], TIMES, (rate,), full_output=True)[0][-1, 0])(0.5)
    with pytest.raises(NotDifferentiableError, match="complex"):
        grad(lambda rate: integrate.odeint(decay, [1.0], TIMES, (rate * 1j,))[-1, 0])(0.5)
