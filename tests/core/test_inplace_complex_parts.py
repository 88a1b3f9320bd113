"""`x.real` and `x.imag` are views, as in NumPy: writes to them reach the tensor, with their gradients."""

import numpy as np
import pytest

import fastgrad as fg

RNG = np.random.default_rng(2)
AT = RNG.normal(size=(2, 3)) + 1j * RNG.normal(size=(2, 3))
WEIGHTS = RNG.normal(size=(2, 3)) + 1j * RNG.normal(size=(2, 3))


def scaled(y):
    y.real *= 2.0


def assigned(y):
    y.imag = y.real * 3.0


def crossed(y):
    v, w = y.real, y.imag
    v *= w.copy()
    w *= v


def item(y):
    part = y.imag
    part[0, 1:] = y.real[1, :2] ** 2
    part[1] *= 2.0
    part[np.array([True, False])] = 0.5


def through_views(y):
    y.T[1:].imag[::-1] -= y.real[:, :2].T
    np.add.at(y.real, 0, 1.5)


def reversed_view(y):
    v = y[::-1, ::2].real
    w = v.T
    v += w.T * 2.0
    y *= 0.5
    w /= 3.0


def one(y):
    y[0, 1, ...].imag = y.real.sum()


def nothing(y):
    y[2:].real *= y[:1].imag
    y.imag[:0] = 7.0


def whole(y):
    v, w = y.real, y.imag
    y *= 1j
    w += v * 2.0


WRITES = [scaled, assigned, crossed, item, through_views, reversed_view, one, nothing, whole]


def weighed(write, convert=lambda x: x * 1.0):
    def f(x):
        y = convert(x)
        write(y)
        z = y * y * WEIGHTS
        return (z.real + 2.0 * z.imag).sum()

    return f


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
def test_values_are_those_of_numpy(write, dtype):
    a = AT.astype(dtype)
    for y in (fg.tensor(a), fg.tensor(a, requires_grad=True) * 1.0):
        wanted = a.copy()
        write(wanted)
        write(y)
        assert y.dtype == dtype
        np.testing.assert_allclose(y.detach().numpy(), wanted, rtol=1e-6)


@pytest.mark.parametrize("write", WRITES)
def test_derivatives(write):
    f = weighed(write)
    g, d = np.asarray(fg.grad(f)(AT)), RNG.normal(size=AT.shape) + 1j * RNG.normal(size=AT.shape)

    def difference(h):
        return (np.asarray(h(AT + 1e-6 * d)) - np.asarray(h(AT - 1e-6 * d))) / 2e-6

    product = (g.conj() * d).real.sum()
    np.testing.assert_allclose(product, difference(f), rtol=1e-6)
    np.testing.assert_allclose(np.asarray(fg.jvp(f, (AT,), (d,))[1]), product, rtol=1e-10)
    np.testing.assert_allclose(np.asarray(fg.hvp(f, (AT,), (d,))), difference(fg.grad(f)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("write", WRITES)
def test_a_constant_is_written_with_gradients(write):
    """The views are taken before anything is recorded."""

    def f(x):
        y = fg.zeros((2, 3), dtype=complex)
        v, w = y.real, y.imag
        v[...] = x
        w += x * x
        write(y)
        return (v * 3.0 + w * v).sum()

    x, d = AT.real, AT.imag
    wanted = (np.asarray(f(x + 1e-6 * d)) - np.asarray(f(x - 1e-6 * d))) / 2e-6
    np.testing.assert_allclose((np.asarray(fg.grad(f)(x)) * d).sum(), wanted, rtol=1e-6)


def test_infinite_and_signed_parts_are_kept():
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    y = x * (1 + 0j)
    y.imag = np.array([np.inf, -0.0])
    y.real *= -0.0
    assert repr(y.detach().numpy().real.tolist()) == "[-0.0, -0.0]"
    assert repr(y.detach().numpy().imag.tolist()) == "[inf, -0.0]"
    y.real.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [-0.0, -0.0])


@pytest.mark.parametrize("key", [0, np.array([0]), np.array([True, False])])
def test_a_complex_value_does_not_lose_its_imaginary_part(key):
    x = fg.tensor(2.0, requires_grad=True)
    for view in ((x * np.ones(2) * (1 + 1j)).real, (x * np.ones(4))[::2]):
        with pytest.raises(fg.DTypeError, match="its target holds float64"):
            view[key] = x * 1j


def test_views_share_memory():
    x = fg.tensor(AT)
    for part in (x.real, np.real(x), fg.real(x), x.imag, np.imag(x), fg.imag(x)):
        assert np.shares_memory(part.numpy(), x.numpy())
    small = fg.tensor(np.complex64(1 + 2j))
    small.imag += 1
    assert small.item() == 1 + 3j


def test_the_other_part_survives_a_write():
    x = fg.tensor(AT, requires_grad=True)
    y = x * 1.0
    square = (y.imag * y.imag).sum()
    y.real = 0.0
    square.backward()
    np.testing.assert_allclose(x.grad.numpy(), 2j * AT.imag)
    y = x * 1.0
    square = (y.imag * y.imag).sum()
    y.imag[0] = 0.0
    with pytest.raises(fg.MutationError):
        square.backward()


def test_parts_of_a_real_tensor():
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1.0
    assert y.real is y
    y.real *= 3.0
    np.real(y)[0] = 5.0
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [0, 3])
    assert y.imag.tolist() == [0, 0]
    with pytest.raises(fg.FastgradError, match="read-only"):
        y.imag = 1.0
    with pytest.raises(fg.FastgradError, match="read-only"):
        fg.tensor([1.0, 2.0]).imag += 1.0


def test_a_leaf_is_written_under_no_grad_only():
    x = fg.tensor(AT, requires_grad=True)
    with pytest.raises(fg.FastgradError, match="leaf that requires a gradient"):
        x.real *= 2.0
    with fg.no_grad():
        x.real *= 2.0
    np.testing.assert_allclose(x.detach().numpy(), AT + AT.real)
