"""Single points: kinks, ties, zeros, and arguments at which a careless formula loses digits."""

import math

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.nn import functional as F


def slope(f, x, order=1):
    """The derivative of a function of one number."""
    x = fg.tensor(x, requires_grad=True)
    y = f(x)
    for _ in range(order):
        (y,) = fg.gradients(y, x, create_graph=True)
    return y.item()


def slopes(f, *arrays):
    xs = [fg.tensor(a, dtype=float, requires_grad=True) for a in arrays]
    return [g.numpy() for g in fg.gradients(f(*xs).sum(), xs, allow_unused=True)]


def test_kinks_have_the_documented_slopes():
    assert slope(fg.abs, 0.0) == 0
    assert slope(F.relu, 0.0) == 0
    assert slope(F.relu, -0.0) == 0
    assert slope(lambda x: F.leaky_relu(x, 0.1), 0.0) == 0.1
    assert slope(F.elu, 0.0) == slope(F.elu, 0.0, order=2) == slope(F.elu, 0.0, order=3) == 1  # the piece below 0
    assert slope(fg.sign, 0.0) == 0
    assert slope(fg.floor, 2.0) == slope(fg.ceil, 2.0) == slope(fg.round, 0.5) == slope(fg.trunc, 1.0) == 0


def test_a_tie_is_shared_equally():
    for f in fg.maximum, fg.minimum:
        assert [g.item() for g in slopes(f, 2.0, 2.0)] == [0.5, 0.5]
    for f in fg.max, fg.min:
        np.testing.assert_array_equal(slopes(f, [3.0, 3.0, 3.0])[0], [1 / 3] * 3)
    np.testing.assert_array_equal(
        slopes(lambda x: fg.max(x, axis=1), [[1.0, 4, 4], [2, 2, 0]])[0], [[0, 0.5, 0.5], [0.5, 0.5, 0]]
    )


def test_max_routes_the_gradient_to_the_winner_only():
    np.testing.assert_array_equal(slopes(fg.max, [1.0, 5.0, 2.0])[0], [0, 1, 0])
    assert [g.item() for g in slopes(fg.maximum, 1.0, 2.0)] == [0, 1]
    assert [g.item() for g in slopes(fg.minimum, 1.0, 2.0)] == [1, 0]


def test_nan_is_never_hidden_behind_a_gradient_of_zero():
    nan = math.nan
    assert slopes(F.relu, [nan, -1.0, 1.0])[0].tolist() == [1, 0, 1]
    for f in fg.maximum, fg.minimum:
        assert [g.tolist() for g in slopes(f, [nan, 1.0, nan], [1.0, nan, nan])] == [[1, 1, 1], [1, 1, 1]]
    for f in fg.max, fg.min:
        np.testing.assert_array_equal(slopes(f, [1.0, nan, 2.0])[0], [0, 1, 0])
        x = [[1.0, nan], [nan, 3.0], [nan, 2.0]]
        np.testing.assert_array_equal(slopes(lambda x, f=f: f(x, axis=0), x)[0], [[0, 1], [0.5, 0], [0.5, 0]])


def test_fmax_and_fmin_share_a_tie_and_ignore_nan():
    nan = math.nan
    for f in fg.fmax, fg.fmin:
        assert [g.tolist() for g in slopes(f, [2.0, nan, 1.0, nan], [2.0, 1.0, nan, nan])] == [
            [0.5, 0, 1, 0.5], [0.5, 1, 0, 0.5],
        ]  # fmt: skip
    assert [g.item() for g in slopes(fg.fmax, 1.0, 2.0)] == [g.item() for g in slopes(fg.fmin, 2.0, 1.0)] == [0, 1]


def test_steps_and_roots_of_numpys_namespace():
    assert [g.item() for g in slopes(fg.heaviside, 0.0, 0.25)] == [0, 1]
    assert [g.item() for g in slopes(fg.heaviside, 1.0, 0.25)] == [0, 0]
    assert slope(fg.fabs, 0.0) == slope(fg.rint, 0.5) == slope(fg.fix, 1.0) == slope(fg.sinc, 0.0) == 0
    assert slope(fg.cbrt, 0.0) == math.inf
    assert [slope(fg.sinc, 0.0, order) for order in (2, 4)] == pytest.approx([-(math.pi**2) / 3, math.pi**4 / 5])
    assert [slope(fg.i0, 0.0, order) for order in (1, 2, 3, 4)] == [0, 0.5, 0, 0.375]
    assert slope(fg.sinc, 1e-9) == pytest.approx(-(math.pi**2) / 3 * 1e-9, rel=1e-15)
    assert slope(fg.i0, 700.0) == pytest.approx(fg.i0(700.0).item() * (1 - 1 / 1400 - 1 / 8 / 700**2), rel=1e-9)
    assert slope(lambda x: fg.fmod(5.3, x), -0.7) == 7 and slope(lambda x: fg.fmod(-5.3, x), -0.7) == -7
    assert [g.item() for g in slopes(fg.logaddexp2, -np.inf, -np.inf)] == [0.5, 0.5]


def test_missing_elements_get_no_gradient_and_ties_share_it():
    x = [[math.nan, 3.0, 3.0], [0.1, 0.1, math.nan], [1.0, math.nan, 2.0]]
    for f, wanted in (
        (fg.nanmax, [[0, 0.5, 0.5], [0.5, 0.5, 0], [0, 0, 1]]), (fg.nanmin, [[0, 0.5, 0.5], [0.5, 0.5, 0], [1, 0, 0]]),
        (fg.nanstd, [[0, 0, 0], [0, 0, 0], [-0.5, 0, 0.5]]), (fg.nansum, [[0, 1, 1], [1, 1, 0], [1, 0, 1]]),
        (fg.nanmean, [[0, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5]]),
    ):  # fmt: skip
        np.testing.assert_array_equal(slopes(lambda x, f=f: f(x, axis=1), x)[0], wanted)
    with pytest.warns(RuntimeWarning, match="All-NaN"):
        np.testing.assert_array_equal(slopes(fg.nanmax, [math.nan, math.nan])[0], [0, 0])


def test_clip_passes_the_gradient_at_its_bounds_and_hands_it_to_the_bound_beyond():
    x, low, high = slopes(fg.clip, [-2.0, -1.0, 0.0, 1.0, 2.0], -1.0, 1.0)
    np.testing.assert_array_equal(x, [0, 1, 1, 1, 0])
    assert (low, high) == (1, 1)
    x, low, high = slopes(fg.clip, 0.0, 2.0, 1.0)  # bounds that cross: NumPy returns the upper one
    assert (x, low, high) == (0, 0, 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint64, np.bool_])
def test_exponents_of_any_integer_dtype(dtype):
    exponents = np.array([0, 1, 1 if dtype is np.bool_ else np.iinfo(dtype).min], dtype)
    x = fg.tensor([-300.0, 0.0, 1.5], requires_grad=True)
    (g,) = fg.gradients(x**exponents, x, np.ones(3))
    e = float(exponents[2])
    np.testing.assert_allclose(g.numpy(), [0, 1, e * 1.5 ** (e - 1)])


def test_sqrt_at_zero_has_the_slope_of_the_mathematics():
    assert slope(fg.sqrt, 0.0) == math.inf


def test_lengths_and_angles_at_the_origin_have_slope_zero():
    np.testing.assert_array_equal(slopes(fg.norm, [0.0, 0.0])[0], [0, 0])
    rows = slopes(lambda x: fg.norm(x, axis=1), [[0.0, 0.0], [3.0, 4.0]])[0]
    np.testing.assert_allclose(rows, [[0, 0], [0.6, 0.8]], rtol=1e-15)
    for order in (1, 1.5, 3, math.inf):
        np.testing.assert_array_equal(slopes(lambda x, order=order: fg.norm(x, order, axis=0), [0.0, 0.0])[0], [0, 0])
    assert [g.item() for g in slopes(fg.hypot, 0.0, 0.0)] == [0, 0]
    assert [g.item() for g in slopes(fg.arctan2, 0.0, 0.0)] == [0, 0]
    z = fg.tensor(0j, requires_grad=True)
    for f in fg.abs, fg.angle:
        assert fg.gradients(f(z), z)[0].item() == 0


def test_std_of_equal_elements_has_slope_zero():
    np.testing.assert_array_equal(slopes(fg.std, [2.0, 2.0, 2.0])[0], [0, 0, 0])


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, (0, -1)])
def test_std_of_equal_elements_has_slope_zero_where_their_mean_is_rounded_too(axis, keepdims):
    x = np.full((3, 2), 0.1)
    assert np.std(x, axis=axis).any()  # 1e-17 or so, of which a division would make slopes of order 1
    (gx,) = slopes(lambda x: fg.std(x, axis=axis, keepdims=keepdims), x)
    np.testing.assert_array_equal(gx, np.zeros((3, 2)))


def test_std_keeps_its_slope_beside_equal_elements():
    x = np.array([[0.1, 1.0, math.inf], [0.1, 2.0, math.inf], [0.1, 3.0, math.inf]])
    (gx,) = slopes(lambda x: fg.std(x, axis=0), x)
    np.testing.assert_allclose(gx[:, :2], np.array([[0, -1], [0, 0], [0, 1]]) / np.sqrt(6), rtol=1e-15)
    assert np.isnan(gx[:, 2]).all()
    assert np.isfinite(slopes(fg.std, [1e-200, 0.0])[0]).all()  # the squares underflow


def test_where_leaks_nothing_from_the_branch_not_taken():
    x, y = slopes(lambda x, y: fg.where(np.array([True, False]), x, y) * np.inf, [1.0, 2.0], [3.0, 4.0])
    np.testing.assert_array_equal(x, [np.inf, 0])
    np.testing.assert_array_equal(y, [0, np.inf])
    np.testing.assert_array_equal(slopes(lambda x: fg.maximum(x, 0) * np.inf, [-1.0, 1.0])[0], [0, np.inf])
    np.testing.assert_array_equal(slopes(lambda x: F.relu(x) * np.inf, [-1.0, 1.0])[0], [0, np.inf])


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
def test_prod_with_zeros_is_exact_to_third_order(zeros):
    values = np.array([2.0, -3.0, 0.5, 4.0, 1.5])
    values[:zeros] = 0
    x = fg.tensor(values, requires_grad=True)
    others = lambda *skip: np.prod(np.delete(values, skip))
    (first,) = fg.gradients(fg.prod(x), x, create_graph=True)
    np.testing.assert_allclose(first.numpy(), [others(i) for i in range(5)], rtol=1e-14)
    (second,) = fg.gradients(first[0], x, create_graph=True)
    np.testing.assert_allclose(second.numpy(), [0] + [others(0, i) for i in range(1, 5)], rtol=1e-14)
    (third,) = fg.gradients(second[1], x)
    np.testing.assert_allclose(third.numpy(), [0, 0] + [others(0, 1, i) for i in range(2, 5)], rtol=1e-14)


def test_prod_that_underflows_keeps_its_gradient():
    (g,) = slopes(fg.prod, [1e-200, 1e-200, 1e100])
    np.testing.assert_allclose(g, [1e-100, 1e-100, 0], rtol=1e-14)


def test_powers_at_zero_and_of_negative_numbers():
    assert slope(lambda x: x**0, 0.0) == 0
    assert slope(lambda x: x**1, 0.0) == 1
    assert slope(lambda x: x**2, 0.0) == 0
    assert slope(lambda x: x**3, -2.0) == 12
    assert slope(lambda x: x**2, -2.0, order=2) == 2
    base, exponent = slopes(fg.power, [0.0, 0.0, 0.0, 2.0], [0.0, 1.0, 2.0, 0.0])
    np.testing.assert_array_equal(base, [0, 1, 0, 0])
    np.testing.assert_allclose(exponent, [0, 0, 0, math.log(2)])
    base, exponent = slopes(fg.power, -2.0, 3.0)
    assert base == 12 and np.isnan(exponent)
    assert slope(lambda p: 0.0**p, 2.0) == 0
    assert slope(lambda p: 2**p, 3.0) == pytest.approx(8 * math.log(2), rel=1e-15)


def test_power_with_a_zero_exponent_keeps_its_mixed_derivative():
    x, p = (fg.tensor(v, requires_grad=True) for v in (2.0, 0.0))
    (gx,) = fg.gradients(x**p, x, create_graph=True)
    assert fg.gradients(gx, p)[0].item() == 0.5  # d/dp of p x**(p - 1) at p = 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "f", [F.sigmoid, F.logsigmoid, F.softplus, F.silu, F.gelu, F.elu, fg.erf, fg.tanh, fg.logaddexp]
)
def test_activations_are_finite_for_arguments_of_any_size(f, dtype):
    values = np.array([-1e4, -800, -90, -20, 0, 20, 90, 800, 1e4], dtype)
    x = fg.tensor(values, requires_grad=True)
    y = f(x, 0.0) if f is fg.logaddexp else f(x)
    (first,) = fg.gradients(y.sum(), x, create_graph=True)
    (second,) = fg.gradients(first.sum(), x)
    for t in y, first, second:
        assert t.dtype == dtype
        assert np.isfinite(t.numpy()).all()


def test_small_tails_keep_their_digits():
    assert slope(fg.expm1, -40.0) == pytest.approx(math.exp(-40), rel=1e-14)
    assert F.logsigmoid(-800.0).item() == -800
    assert F.softplus(-40.0).item() == pytest.approx(math.exp(-40), rel=1e-14)
    assert slope(F.logsigmoid, 40.0) == pytest.approx(math.exp(-40), rel=1e-14)
    assert slope(F.elu, -40.0) == pytest.approx(math.exp(-40), rel=1e-14)
    assert F.gelu(-10.0).item() == pytest.approx(-10 * math.erfc(10 / math.sqrt(2)) / 2, rel=1e-13)
    assert slope(fg.arcsin, 1 - 2**-50) == pytest.approx(1 / math.sqrt(2**-50 * (2 - 2**-50)), rel=1e-15)
    a, _ = slopes(fg.arctan2, 1e-200, 1e200)
    assert a == 1e-200
    assert [g.item() for g in slopes(fg.hypot, 3e200, 4e200)] == pytest.approx([0.6, 0.8])


def test_erf_and_erfc_to_the_last_digits():
    x = np.linspace(-6, 6, 2001)
    np.testing.assert_allclose(fg.erf(x).numpy(), [math.erf(v) for v in x], rtol=4e-16, atol=0)
    x = np.linspace(-6, 26, 2001)
    np.testing.assert_allclose(fg.erfc(x).numpy(), [math.erfc(v) for v in x], rtol=2e-15, atol=0)
    single = x.astype(np.float32)
    wanted = np.array([math.erf(float(v)) for v in single])
    got = fg.erf(single).numpy()
    assert got.dtype == np.float32
    np.testing.assert_array_max_ulp(got, wanted.astype(np.float32), 1)
    np.testing.assert_array_equal(fg.erf(np.array([np.inf, -np.inf, np.nan, 0.0])).numpy(), [1, -1, np.nan, 0])
    np.testing.assert_array_equal(fg.erfc(np.array([np.inf, -np.inf, np.nan, 0.0])).numpy(), [0, 2, np.nan, 1])


def test_logsumexp_and_softmax_of_extremes():
    assert fg.logsumexp(np.array([1000.0, 1000.0])).item() == pytest.approx(1000 + math.log(2))
    assert [g.item() for g in slopes(fg.logaddexp, -np.inf, -np.inf)] == [0.5, 0.5]
    assert fg.logsumexp(np.array([-np.inf, -np.inf])).item() == -np.inf
    np.testing.assert_array_equal(slopes(fg.logsumexp, [-np.inf, -np.inf])[0], [0, 0])
    np.testing.assert_array_equal(slopes(fg.logsumexp, [-np.inf, 3.0])[0], [0, 1])
    np.testing.assert_array_equal(fg.softmax(np.array([1e4, 0.0, -1e4])).numpy(), [1, 0, 0])
    np.testing.assert_array_equal(fg.log_softmax(np.array([1e4, 0.0])).numpy(), [0, -1e4])


def test_repeated_indices_add_up_and_the_last_write_counts():
    np.testing.assert_array_equal(slopes(lambda x: x[[0, 0, 2]], [1.0, 2.0, 3.0])[0], [2, 0, 1])
    written = fg.rules.FUNCTIONS["setitem"]
    x, value = slopes(lambda x, v: written(x, v, np.array([1, 1])), [1.0, 2.0, 3.0], [5.0, 6.0])
    np.testing.assert_array_equal(x, [1, 0, 1])
    np.testing.assert_array_equal(value, [0, 1])


def test_an_index_array_may_be_changed_after_the_forward_pass():
    x, key, counts = fg.tensor([1.0, 2.0, 3.0], requires_grad=True), np.array([0, 0]), np.array([2, 0, 1])
    y = x[key].sum() + fg.repeat(x, counts).sum()
    key[:] = 2
    counts[:] = 0
    np.testing.assert_array_equal(fg.gradients(y, x)[0].numpy(), [4, 0, 1])


def test_complex_conjugates_follow_the_two_real_parts():
    z = fg.tensor(3 + 4j, requires_grad=True)
    assert fg.gradients(fg.real(z * fg.conj(z)), z)[0].item() == 6 + 8j  # of |z|^2: 2 z
    assert fg.gradients(fg.abs(z), z)[0].item() == pytest.approx(0.6 + 0.8j)
    assert fg.gradients(fg.real(z**2), z)[0].item() == pytest.approx(6 - 8j)  # conj(2 z)
    assert fg.gradients(fg.imag(z), z)[0].item() == 1j


def test_python_numbers_never_widen():
    x = fg.tensor([1.0, 2.0], dtype=np.float32, requires_grad=True)
    for f in (fg.add, fg.multiply, fg.divide, fg.power, fg.maximum, fg.logaddexp, fg.arctan2, fg.hypot, fg.remainder):
        for y in f(x, 2), f(2.5, x), f(x, 0.5):
            assert y.dtype == np.float32, f
            assert fg.gradients(y.sum(), x)[0].dtype == np.float32
    assert fg.where(x > 1, x, 0.5).dtype == fg.clip(x, 0, 1.5).dtype == np.float32
    assert fg.std(x).dtype == fg.mean(x).dtype == fg.norm(x).dtype == fg.cumsum(x).dtype == np.float32


@pytest.mark.parametrize("f", [
    lambda z: fg.exp(z) * z, lambda z: fg.matmul(z, z), lambda z: fg.abs(z) ** 3, lambda z: fg.real(z * fg.conj(z)) * z,
    lambda z: fg.sign(z), lambda z: fg.angle(z), lambda z: fg.norm(z) * z, lambda z: fg.sqrt(z) / z,
    lambda z: fg.var(z) * z,
])  # fmt: skip
def test_second_order_of_complex_functions(f):
    """The gradient of <gradient, u> against differences of it, in a direction of the complex plane."""
    rng = np.random.default_rng(0)
    point, u, d = (rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2)) for _ in range(3))
    cotangent = f(fg.tensor(point)).numpy()

    def first(z):
        return fg.gradients(f(z), z, cotangent, create_graph=True)[0]

    def value(h):
        return np.real(np.vdot(u, first(fg.tensor(point + h * d, requires_grad=True)).numpy()))

    z = fg.tensor(point, requires_grad=True)
    (second,) = fg.gradients(first(z), z, u)
    np.testing.assert_allclose(np.real(np.vdot(second.numpy(), d)), (value(1e-5) - value(-1e-5)) / 2e-5, rtol=1e-7)
