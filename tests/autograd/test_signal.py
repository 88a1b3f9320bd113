"""`autograd.scipy.signal`: convolutions with SciPy's values, and their derivatives."""

import numpy as onp
import pytest

import fastgrad as fg
from fastgrad.autograd import grad
from fastgrad.autograd.scipy import signal
from fastgrad.autograd.test_util import check_grads

scipy_signal = pytest.importorskip("scipy.signal", reason="SciPy is not there")
RNG = onp.random.default_rng(0)
MODES = ("full", "valid", "same")
SHAPES = (((5,), (3,)), ((5,), (4,)), ((6, 7), (3, 2)), ((2,), (4,)), ((4,), (4,)), ((3, 4), (5, 6)))


def boxed(function, a, b, **kwargs):
    y, _ = fg.vjp(lambda a: function(a, b, **kwargs), fg.tensor(a, requires_grad=True))
    return y.detach().numpy()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("name", ["convolve", "fftconvolve", "correlate"])
def test_values_are_those_of_scipy_and_both_operands_have_derivatives(name, shapes, mode):
    a, b = (RNG.normal(size=shape) for shape in shapes)
    function, reference = getattr(signal, name), getattr(scipy_signal, name)
    want = reference(a, b, mode=mode)
    onp.testing.assert_allclose(function(a, b, mode=mode), want, atol=1e-13)
    onp.testing.assert_allclose(boxed(function, a, b, mode=mode), want, atol=1e-13)
    check_grads(lambda a, b: function(a, b, mode=mode), modes=["fwd", "rev"], order=2)(a, b)


@pytest.mark.parametrize("mode", MODES)
def test_axes_are_convolved_summed_or_kept(mode):
    a, b = RNG.normal(size=(2, 5, 4, 3)), RNG.normal(size=(2, 4, 2, 3, 2))
    axes, dot_axes = ([1, 2], [1, 4]), ([0, 3], [0, 3])
    want = sum(
        onp.stack([scipy_signal.convolve(a[i, :, :, j], b[i, :, k, j], mode) for k in range(2)])
        for i in range(2)
        for j in range(3)
    )
    got = signal.convolve(a, b, axes=axes, dot_axes=dot_axes, mode=mode)
    onp.testing.assert_allclose(got, want, rtol=1e-12)
    check_grads(lambda a, b: signal.convolve(a, b, axes, dot_axes, mode), modes=["fwd", "rev"], order=2)(a, b)


def test_without_axes_to_convolve_it_is_a_product():
    a, b = RNG.normal(size=(3, 5)), RNG.normal(size=(3, 4))
    got = signal.convolve(a, b, axes=([], []), dot_axes=([0], [0]))
    onp.testing.assert_allclose(got, onp.tensordot(a, b, ([0], [0])))


def test_long_signals_are_convolved_in_blocks():
    a, b = RNG.normal(size=40_000), RNG.normal(size=300)
    onp.testing.assert_allclose(signal.convolve(a, b), onp.convolve(a, b), atol=1e-11)


def test_complex_signals():
    a, b = RNG.normal(size=5) + 1j * RNG.normal(size=5), RNG.normal(size=3) + 1j * RNG.normal(size=3)
    for name in ("convolve", "fftconvolve", "correlate"):
        onp.testing.assert_allclose(boxed(getattr(signal, name), a, b), getattr(scipy_signal, name)(a, b), atol=1e-13)
        check_grads(getattr(signal, name), modes=["rev"], order=1)(a, b)


def test_functions_without_derivative_return_scipys_values():
    x = onp.arange(6.0)
    onp.testing.assert_array_equal(signal.detrend(x + x**2), scipy_signal.detrend(x + x**2))
    with pytest.raises(NotImplementedError, match="detrend"):
        grad(lambda x: signal.detrend(x).sum())(x)


def test_wrong_calls_are_errors():
    with pytest.raises(ValueError, match="mode must be"):
        signal.convolve([1.0], [1.0], mode="half")
    with pytest.raises(ValueError, match="at least as long"):
        signal.convolve(onp.ones((2, 3)), onp.ones((3, 2)), mode="valid")
    with pytest.raises(ValueError, match="as many axes"):
        signal.convolve(onp.ones((2, 3)), onp.ones((3, 2)), axes=([0], [0, 1]))
