"""Fourier transforms against `numpy.fft`: values, dtypes, errors, gradients of every order, and NumPy's dispatch."""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.rules import pocketfft

ONE_AXIS = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
SEVERAL = ("fftn", "ifftn", "rfftn", "irfftn", "fft2", "ifft2", "rfft2", "irfft2")
FROM_REAL = ("rfft", "ihfft", "rfftn", "rfft2")
NORMS = (None, "backward", "ortho", "forward")
DTYPES = ("f4", "f8", "c8", "c16", "i4", "?")
SEVERAL_CASES = (
    {}, {"axes": (0, 2)}, {"axes": [1]}, {"axes": (-1, -3)}, {"axes": (1, 2), "s": (4, 3)},
    {"axes": (2, 0), "s": [5, -1]}, {"axes": (1, 1)},
    {"axes": (0, 1, 0)}, {"axes": (1, 1), "s": (3, 6)}, {"axes": (0, 1), "s": (1, 2)},
)  # fmt: skip


def drawn(name, shape, rng, dtype=None):
    """Real elements for transforms of real data, complex ones for the others."""
    x = rng.normal(size=shape) + (0 if name in FROM_REAL else 1j * rng.normal(size=shape))
    if dtype is None:
        return x
    return (x.real if np.dtype(dtype).kind != "c" else x).astype(dtype)


def both(name, *args, **kwargs):
    """The result of fastgrad's function and of NumPy's."""
    return getattr(fg.fft, name)(*args, **kwargs), getattr(np.fft, name)(*args, **kwargs)


def same(got, wanted):
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got.detach().numpy(), wanted)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ONE_AXIS)
def test_transforms_along_one_axis_are_numpys(name, dtype, norm, rng):
    if name in FROM_REAL and np.dtype(dtype).kind == "c":
        for module in (fg.fft, np.fft):
            with pytest.raises(TypeError):
                getattr(module, name)(np.ones(3, dtype))
        return
    for shape, n, axis in (((6,), None, -1), ((3, 5), 4, 0), ((3, 4, 2), 9, 1), ((0, 3), None, -1), ((4,), 1, 0)):
        same(*both(name, drawn(name, shape, rng, dtype), n, axis, norm))
        same(*both(name, drawn(name, shape, rng, dtype)[::-1], n=n, axis=axis, norm=norm))


@pytest.mark.parametrize("case", SEVERAL_CASES, ids=str)
@pytest.mark.parametrize("name", SEVERAL)
def test_transforms_along_several_axes_are_numpys(name, case, rng):
    for norm in NORMS:
        same(*both(name, drawn(name, (2, 4, 3), rng), **case, norm=norm))
    for dtype in ("f4", "i4") if name in FROM_REAL else DTYPES:
        same(*both(name, drawn(name, (2, 4, 3), rng, dtype), **case))


@pytest.mark.parametrize("case", SEVERAL_CASES, ids=str)
@pytest.mark.parametrize("name", SEVERAL)
def test_gradients_along_several_axes(name, case, rng):
    fg.testing.check_grads(lambda x: getattr(fg.fft, name)(x, **case, norm="ortho"), (drawn(name, (2, 4, 3), rng),))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ONE_AXIS)
def test_gradients_of_products_of_transforms(name, norm, rng):
    transform = getattr(fg.fft, name)
    f = lambda x: transform(x, 5, 0, norm) * fg.conj(transform(x * x, 5, 0, norm))
    fg.testing.check_grads(f, (drawn(name, (4, 2), rng),), order=2)
    fg.testing.check_grads(lambda x: fg.abs(transform(fg.sin(x), axis=-1)) ** 2, (rng.normal(size=(2, 5)),), order=2)


@pytest.mark.parametrize("transform", [fg.fft.fft, fg.fft.ifft])
def test_the_gradient_of_parsevals_sum_is_the_operand(transform, rng):
    x = rng.normal(size=8)
    grad = fg.grad(lambda x: fg.sum(fg.abs(transform(x, norm="ortho")) ** 2) / 2)(x)
    np.testing.assert_allclose(grad, x, rtol=1e-14)


@pytest.mark.parametrize("n", [6, 7])
def test_frequencies_that_are_their_own_conjugates_get_real_gradients(n, rng):
    """irfft ignores their imaginary parts, and counts every other frequency twice."""
    x = fg.tensor(drawn("irfft", 4, rng), requires_grad=True)
    g = rng.normal(size=n)
    (fg.fft.irfft(x, n) * g).sum().backward()
    columns = [np.fft.irfft(e, n) @ g + 1j * (np.fft.irfft(1j * e, n) @ g) for e in np.eye(4)]
    np.testing.assert_allclose(x.grad.numpy(), columns, atol=1e-15)
    assert x.grad.numpy()[0].imag == 0 and (n == 7 or x.grad.numpy()[3].imag == 0)


LOOPS = [name for name, value in vars(pocketfft).items() if isinstance(value, np.ufunc)]


@pytest.mark.parametrize("with_loops", [True, False])
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft"])
def test_the_short_way_to_numpys_loops_gives_numpys_bits(name, with_loops, rng, monkeypatch):
    for loop in () if with_loops else LOOPS:
        monkeypatch.setattr(pocketfft, loop, None)
    short, public = getattr(pocketfft, name), getattr(np.fft, name)
    for shape in ((1,), (2,), (7,), (3, 8), (2, 3, 5)):
        for x in (drawn(name, shape, rng), drawn(name, shape, rng)[..., ::-1], drawn(name, shape, rng).real):
            for norm in NORMS:
                for n, axis in ((None, -1), (None, len(shape) - 1), (None, 0), (5, -1)):
                    if n or name != "irfft" or shape[axis] > 1:
                        got, wanted = short(x, n, axis, norm), public(x, n, axis, norm)
                        np.testing.assert_array_equal(got, wanted, strict=True)


def test_only_loops_with_the_expected_interface_are_used():
    assert pocketfft._loop("fft", "Dd->D") is not None
    assert pocketfft._loop("fft", "dd->d") is None and pocketfft._loop("no_such_loop", "Dd->D") is None


def test_float32_keeps_its_precision_in_both_directions():
    for name in ONE_AXIS:
        x = fg.tensor(np.ones(5, "f4" if name in FROM_REAL else "c8"), requires_grad=True)
        y = getattr(fg.fft, name)(x)
        assert y.dtype in (np.float32, np.complex64)
        (g,) = fg.gradients(y, [x], np.ones(y.shape, y.dtype))
        assert g.dtype == x.dtype


def test_long_transforms_use_weights_that_are_not_kept(rng):
    x = rng.normal(size=3000)
    v = rng.normal(size=3000)
    fg.testing.check_grads(lambda c: fg.sum(fg.fft.irfft(c * fg.fft.rfft(x)) * v) / 3000, (0.5,))


@pytest.mark.parametrize("name", ["fftshift", "ifftshift"])
def test_shifts_are_numpys(name, rng):
    x = rng.normal(size=(4, 3, 5))
    for axes in (None, 0, -1, (0, 2), [1, 1], ()):
        same(*both(name, x, axes))
    fg.testing.check_grads(lambda x: getattr(fg.fft, name)(x, (0, 2)), (x,))
    for axes in (3, (0, -4)):
        with pytest.raises(IndexError):
            getattr(fg.fft, name)(x, axes)
    with pytest.raises(ValueError, match="not enough values"):
        getattr(np.fft, name)(np.float64(2.0))
    with pytest.raises(fg.ShapeError):
        getattr(fg.fft, name)(2.0)


@pytest.mark.parametrize("name", ["fftfreq", "rfftfreq"])
def test_frequencies_are_numpys(name):
    for n in (1, 4, 5):
        same(*both(name, n))
        same(*both(name, n, 0.1))
    assert getattr(fg.fft, name)(4, dtype=np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="should be an integer"):
        getattr(fg.fft, name)(2.5)
    fg.testing.check_grads(lambda d: getattr(fg.fft, name)(5, d), (0.3,))


@pytest.mark.parametrize("name", ONE_AXIS + SEVERAL)
def test_numpys_functions_record_these(name, rng):
    x = fg.tensor(drawn(name, (4, 6), rng), requires_grad=True)
    y = getattr(np.fft, name)(x, norm="forward")
    assert isinstance(y, fg.Tensor) and y.requires_grad
    same(y, getattr(np.fft, name)(x.detach().numpy(), norm="forward"))
    assert np.fft.fftshift(x, axes=1).op == "roll"


@pytest.mark.parametrize(("name", "args", "kind"), [
    ("fft", (np.ones((3, 0)),), ValueError), ("fft", (np.ones(3), 0), ValueError), ("irfft", (np.ones(1),), ValueError),
    ("fft", (np.ones(3), -2), ValueError), ("fft", (np.ones(3), None, 1), IndexError),
    ("hfft", (np.ones(1),), ValueError), ("fft", (np.ones(3), None, -1, "no"), ValueError),
    ("ihfft", (np.ones(3), None, -1, "no"), ValueError),
    ("fft", (1.0,), IndexError), ("fft", (np.ones(3), 2.5), TypeError), ("rfftn", (1.0,), IndexError),
    ("rfftn", (np.ones(3), None, ()), IndexError), ("irfftn", (np.ones(3), None, ()), IndexError),
    ("fftn", (np.ones((2, 2)), (2,), (0, 1)), ValueError), ("fftn", (np.ones(2), None, (1,)), IndexError),
    ("fftn", (np.ones((2, 0)),), ValueError), ("fft2", (np.ones(3),), IndexError),
    ("rfft", (np.ones(3) * 1j,), TypeError),
    ("fftn", (np.ones(2), 3, (0,)), TypeError),
])  # fmt: skip
def test_errors_are_raised_where_numpy_raises(name, args, kind):
    for module in (np.fft, fg.fft):
        with pytest.raises(kind) as found:
            getattr(module, name)(*args)
    assert isinstance(found.value, fg.FastgradError) or kind is TypeError


def test_axes_are_passed_together_with_lengths(rng):
    with pytest.warns(DeprecationWarning, match="pass axes together with s"):
        got = fg.fft.fftn(rng.normal(size=(2, 3)), s=(2,))
    assert got.shape == (2, 2)
    with pytest.warns(DeprecationWarning, match="a length for each"):
        assert fg.fft.fft2(np.ones((2, 3)), s=(None, 4)).shape == (2, 4)


@pytest.mark.parametrize("name", ["irfft", "hfft"])
def test_data_without_frequencies_transform_to_zeros(name):
    """NumPy 2.4 reads beyond the array."""
    y, dy = fg.jvp(lambda x: getattr(fg.fft, name)(x, 4), (np.ones((2, 0)),), (np.ones((2, 0)),))
    np.testing.assert_array_equal(y, np.zeros((2, 4)))
    np.testing.assert_array_equal(dy, np.zeros((2, 4)))
    with pytest.raises(ValueError, match="0"):
        getattr(fg.fft, name)(np.ones((2, 0)))
