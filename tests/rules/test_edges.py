"""Numbers as operands, empty axes and narrow dtypes: NumPy's values and finite gradients."""

import operator
import warnings

import numpy as np
import pytest

import fastgrad as fg

AXES = (0, -1, 1, -2, None, (), (0,), (-1,), (0, -1))
REDUCTIONS = (
    "sum", "prod", "mean", "var", "std", "max", "min", "amax", "amin", "cumsum", "cumprod", "any", "all", "argmax",
    "argmin", "count_nonzero", "sort", "argsort", "flip", "squeeze", "expand_dims", "linalg.norm",
)  # fmt: skip
SPECIAL = {"logsumexp": np.logaddexp.reduce, "softmax": np.sort, "log_softmax": np.sort}  # NumPy's with the same axes
INTEGRAL = (np.bool, np.uint8, np.int8, np.int16, np.int64, np.uint64)


def outcome(function, *args, **kwargs):
    """Return the value, or the built-in class of the error."""
    try:
        return np.asarray(function(*args, **kwargs))
    except (TypeError, ValueError, IndexError) as error:
        return TypeError if isinstance(error, TypeError) else ValueError


def gradient(y, x):
    """Return the gradient of the sum of `y`, by kernel and by rule, which must agree."""
    ones = np.ones(y.shape, y.dtype)
    (plain,) = fg.gradients([y], [x], [ones], retain_graph=True)
    (recorded,) = fg.gradients([y], [x], [ones], create_graph=True)
    np.testing.assert_array_equal(plain.numpy(), recorded.numpy())
    return plain


# --- numbers along an axis ---


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_a_number_is_reduced_along_the_axes_that_numpy_allows(name, dtype):
    ours, theirs = getattr(fg, name.replace("linalg.", "")), np
    for part in name.split("."):
        theirs = getattr(theirs, part)
    for axis in AXES:
        if name == "linalg.norm" and axis == ():
            continue  # a norm over no axis is each element's magnitude; NumPy has none
        wanted = outcome(theirs, np.array(2, dtype), axis=axis)
        x = fg.tensor(2, dtype=dtype, requires_grad=True)
        got = outcome(lambda x, axis=axis: ours(x, axis=axis).detach(), x)
        if isinstance(wanted, type):
            assert got is wanted, axis
            continue
        assert got.shape == wanted.shape and got.dtype == wanted.dtype and got == wanted, axis
        y = ours(x, axis=axis)
        if y.requires_grad:
            g = gradient(y, x)
            assert g.shape == () and g.dtype == dtype and g.item() == {"var": 0, "std": 0}.get(name, 1)


@pytest.mark.parametrize(
    "name", ["sum", "prod", "max", "min", "cumsum", "cumprod", "logsumexp", "softmax", "log_softmax"]
)
@pytest.mark.parametrize("axis", [0, -1])
def test_second_order_of_a_number_along_an_axis(name, axis):
    function = getattr(fg, name)
    fg.testing.check_grads(lambda x: function(x * x, axis=axis), (np.array(1.5),), order=2)
    with pytest.raises(fg.ShapeError, match=r"axis 1 is out of bounds") as caught:
        function(fg.tensor(2.0), axis=1)
    assert isinstance(caught.value, IndexError)


def test_the_softmax_family_of_a_number_that_is_no_tensor():
    for x in 2, 2.5, True:
        assert fg.softmax(x).item() == 1
        assert fg.log_softmax(x).item() == 0
        assert fg.logsumexp(x).item() == x


def test_taking_and_sorting_numbers():
    x = fg.tensor(2.0, requires_grad=True)
    for axis in (0, -1, None):
        assert fg.take(x, [0, 0], axis=axis).tolist() == [2, 2]
        assert gradient(fg.take(x, [0, 0], axis=axis), x).item() == 2
        assert fg.argsort(x, axis=axis, descending=True).tolist() == [0]
    assert fg.cumulative_sum(x).tolist() == fg.cumulative_sum(x, axis=-1).tolist() == [2]
    with pytest.raises(fg.ShapeError, match=r"sort: axis -1 is out of bounds"):
        fg.sort(x)


def test_sorting_flattens_where_the_axis_is_none(rng):
    a = rng.normal(size=(2, 3))
    np.testing.assert_array_equal(fg.sort(a, axis=None).numpy(), np.sort(a, axis=None))
    np.testing.assert_array_equal(fg.argsort(a, axis=None).numpy(), np.argsort(a, axis=None))
    np.testing.assert_array_equal(fg.sort(a, axis=None, descending=True).numpy(), np.sort(a, axis=None)[::-1])
    np.testing.assert_array_equal(np.sort(fg.tensor(a), axis=None).numpy(), np.sort(a, axis=None))
    fg.testing.check_grads(lambda x: fg.sort(x, axis=None) ** 2 * np.arange(6), (a,))


@pytest.mark.parametrize("n", [1, 5, 64, 65, 200])
@pytest.mark.parametrize("axis", [0, 1])
def test_sorting_puts_nan_last_and_keeps_the_order_of_equal_elements(n, axis, rng):
    a = rng.integers(-3, 4, (n, 3)).astype(float)  # many are equal
    a[rng.random(a.shape) < 0.1] = np.nan
    a = a if axis == 0 else a.T.copy()
    x, g = fg.tensor(a, requires_grad=True), rng.normal(size=a.shape)
    y = fg.sort(x, axis=axis)
    np.testing.assert_array_equal(y.detach().numpy(), np.sort(a, axis))
    y.backward(g)
    expected = np.empty_like(a)
    np.put_along_axis(expected, np.argsort(a, axis, kind="stable"), g, axis)
    np.testing.assert_array_equal(x.grad.numpy(), expected)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 2), (1, 2)])
@pytest.mark.parametrize("ddof", [0, 1, 2.5, 7, 100])
def test_spreads_of_few_degrees_of_freedom(axis, ddof, dtype, rng):
    a = rng.normal(size=(2, 3, 4)).astype(dtype)
    for function, reference in ((fg.var, np.var), (fg.std, np.std)):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # degrees of freedom <= 0
            expected, found = reference(a, axis=axis, ddof=ddof), function(a, axis=axis, ddof=ddof)
        assert found.dtype == dtype
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5 if dtype == np.float32 else 1e-13)


# --- axes of length 0 ---


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
@pytest.mark.parametrize(("shape", "axis"), [((2, 0), -1), ((0,), 0), ((0, 3), 0), ((0, 3), 1), ((2, 0, 3), (0, 1))])
def test_the_softmax_family_over_nothing(shape, axis, dtype):
    for name in ("softmax", "log_softmax", "logsumexp"):
        x = fg.tensor(np.zeros(shape), dtype=dtype, requires_grad=True)
        y = getattr(fg, name)(x, axis=axis)
        assert y.dtype == dtype and y.shape == (np.sum(x.detach(), axis=axis).shape if name == "logsumexp" else shape)
        assert (y.detach().numpy() == -np.inf).all()
        assert gradient(y, x).shape == shape


@pytest.mark.parametrize("name", [
    "sum", "mean", "max", "prod", "var", "std", "logsumexp", "softmax", "log_softmax", "cumsum", "cumprod", "sort",
    "tril",
])  # fmt: skip
def test_arrays_without_elements_take_no_time(name):
    """A loop over the first axis would take an hour."""
    for shape in ((2**40, 3, 0),) if name != "tril" else ((2**40, 3, 0), (2**40, 0, 3)):
        x = fg.tensor(np.empty(shape), requires_grad=True)
        y = getattr(fg, name)(x, **({} if name == "tril" else {"axis": 1}))
        if fg.engine == "cython" or name != "sort":  # whose rule makes an index per matrix
            (gx,) = fg.gradients(y, [x], np.empty(y.shape))
            assert gx.shape == shape


@pytest.mark.parametrize("name", ["var", "std", "mean", "sum", "prod", "norm", "logsumexp"])
@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:Degrees of freedom")
def test_nothing_arrives_from_an_empty_axis_in_any_order(name):
    x = fg.tensor(np.zeros((0, 3)), requires_grad=True)
    c = fg.tensor(np.ones(3), requires_grad=True)
    y = getattr(fg, name)(x, axis=0)
    (gx,) = fg.gradients([y], [x], [c], create_graph=True)
    assert gx.shape == (0, 3)
    gc, gxx = fg.gradients([gx], [c, x], [np.ones((0, 3))], allow_unused=True)
    assert gc.tolist() == [0, 0, 0]
    assert gxx is None or gxx.shape == (0, 3)


# --- dtype= ---


@pytest.mark.parametrize("name", ["sum", "prod", "cumsum", "mean", "std", "var"])
@pytest.mark.parametrize("given", ["?", "u1", "i4", "f4", "f8", "c16"])
@pytest.mark.filterwarnings("ignore:Casting complex values", "ignore:invalid value")
def test_dtypes_asked_for_are_numpys(name, given):
    a = np.array([[2, 100, 1], [1, 0, 250]]).astype(given)
    a = a * (1.25 - 0.5j) if given == "c16" else a * 1.25 if given in ("f4", "f8") else a
    a = a.astype(given)
    for wanted_dtype in (*INTEGRAL, np.float32, np.float64, np.complex64, np.complex128):
        if given == "c16" and name in ("std", "var") and np.dtype(wanted_dtype).kind not in "c":
            continue  # NumPy drops the imaginary part of the mean, and of nothing else; here it is dropped at once
        for axis in (None, 1):
            wanted = outcome(getattr(np, name), a, axis=axis, dtype=wanted_dtype)
            x = fg.tensor(a, requires_grad=a.dtype.kind in "fc")
            for call in (getattr(fg, name), getattr(np, name), getattr(fg.Tensor, name)):
                got = outcome(lambda x, call=call, **kw: call(x, **kw).detach(), x, axis=axis, dtype=wanted_dtype)
                if isinstance(wanted, type):
                    assert got is wanted
                    continue
                assert got.dtype == wanted.dtype, (wanted_dtype, call)
                rounding = 0 if wanted.dtype.kind in "bui" else 2e-6 if wanted.dtype.char in "fF" else 1e-14
                np.testing.assert_allclose(got, wanted, rtol=rounding)
            if x.requires_grad and not isinstance(wanted, type):
                y = getattr(fg, name)(x, axis=axis, dtype=wanted_dtype)
                assert y.requires_grad == (y.dtype.kind in "fc")
                if y.requires_grad:
                    assert gradient(y, x).dtype == x.dtype
    with pytest.raises(TypeError, match=rf"{name}\(\) missing argument 'x'"):
        getattr(fg, name)(dtype=np.float64)


def test_products_of_bytes_stay_bytes():
    x = fg.tensor([200, 100], dtype=np.uint8)
    assert fg.vecdot(x, x).dtype == np.uint8
    assert fg.vecdot(x, x).item() == np.vecdot(x.numpy(), x.numpy())


@pytest.mark.parametrize("dtype", [np.bool, np.int8, np.uint8])
def test_where_numpy_answers_in_float16_the_answer_is_float32(dtype):
    a = np.array([0, 1, 1]) if dtype is np.bool else np.array([0, 1, 100])
    a = a.astype(dtype)
    for name in ("exp", "exp2", "expm1", "sqrt", "log1p", "sin", "tanh", "arctan", "cosh"):
        got = getattr(fg, name)(fg.tensor(a))
        assert got.dtype == np.float32
        with np.errstate(over="ignore"):
            np.testing.assert_allclose(got.numpy(), getattr(np, name)(a.astype(np.float32)), rtol=1e-6)
        assert getattr(np, name)(fg.tensor(a[2])).dtype == np.float32
    assert fg.arctan2(fg.tensor(a), fg.tensor(a)).dtype == np.float32
    with pytest.raises(fg.DTypeError, match="cannot hold float16"):
        fg.tensor(a).astype(np.float16)


# --- in-place ops ---

INPLACE = (
    "iadd", "isub", "imul", "itruediv", "ifloordiv", "imod", "ipow", "iand", "ior", "ixor", "ilshift", "irshift",
)  # fmt: skip
NUMBERS = (2, -1, 1.5, True, 1j)


@pytest.mark.parametrize("name", INPLACE)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_in_place_ops_cast_as_numpys_do(name):
    """Casts go to the same kind or a wider one: `uint8 &= int64` is a TypeError and leaves the target unchanged."""
    op = getattr(operator, name)
    for target in "?bBhiqQfdFD":
        for other in [np.array([2, 1], d) for d in "?bBhiqQfdFD"] + list(NUMBERS):
            a = np.array([3, 1]).astype(target)
            try:
                wanted = op(a.copy(), other)
            except (TypeError, ValueError, OverflowError) as error:
                wanted = error
            for operand in [other, fg.tensor(other)] if isinstance(other, np.ndarray) else [other]:
                t = fg.tensor(a)
                if isinstance(wanted, Exception):
                    # a negative power of integers is refused as such before its casting is looked at
                    kind = next(k for k in (OverflowError, TypeError, ValueError) if isinstance(wanted, k))
                    with pytest.raises((TypeError, ValueError, OverflowError) if name == "ipow" else kind):
                        op(t, operand)
                    wanted_now = a
                else:
                    op(t, operand)
                    wanted_now = wanted
                np.testing.assert_array_equal(t.numpy(), wanted_now)
                assert t.dtype == a.dtype


def test_in_place_shifts_and_bits_keep_their_shape():
    t = fg.tensor([1, 2])
    with pytest.raises(fg.ShapeError, match=r"in-place 'bitwise_and' gives shape \(2, 2\)"):
        t &= np.ones((2, 2), int)
    with pytest.raises(fg.DTypeError, match=r"in-place 'bitwise_or' gives int64, its target holds uint8"):
        operator.ior(fg.tensor([1], dtype=np.uint8), np.array([257]))
    with pytest.raises(TypeError, match="unsupported operand"):
        t ^= "a"


# --- powers ---


def test_every_corner_of_the_power():
    """As in PyTorch: the gradient of 0**p is 0 where the value is finite, and infinite for p < 0."""
    x = fg.tensor([0.0, 0.0, 0.0, np.nan, -2.0, np.inf, 0.0], requires_grad=True)
    p = fg.tensor([0.0, 2.0, -1.0, 0.0, 3.0, -1.0, np.nan], requires_grad=True)
    y = x**p
    gx, gp = fg.gradients([y], [x, p], [np.ones(7)], retain_graph=True)
    rx, rp = fg.gradients([y], [x, p], [np.ones(7)], create_graph=True)
    np.testing.assert_array_equal(gx.numpy(), [0, 0, -np.inf, 0, 12, -0.0, np.nan])
    np.testing.assert_array_equal(gp.numpy(), [0, 0, -np.inf, np.nan, np.nan, 0, np.nan][:4] + [np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(gx.numpy(), rx.numpy())
    np.testing.assert_array_equal(gp.numpy(), rp.numpy())
    for dtype in (np.float32, np.float64):
        p = fg.tensor([-1.0, -2.0, 0.0, 1.0], dtype=dtype, requires_grad=True)
        for base in (0.0, np.zeros(4, dtype), fg.tensor(np.zeros(4, dtype))):
            assert gradient(base**p, p).tolist() == [-np.inf, -np.inf, 0, 0]


# --- complex logarithms of sums ---


def test_complex_logsumexp_is_on_the_principal_branch():
    a = np.array([[1 + 4j, 0.5 + 4j], [-3 - 7j, 2 + 2j]])
    direct = np.log(np.sum(np.exp(a), axis=1))
    np.testing.assert_allclose(fg.logsumexp(a, axis=1).numpy(), direct, rtol=1e-14)
    np.testing.assert_allclose(
        fg.softmax(a, axis=1).numpy(), np.exp(a) / np.sum(np.exp(a), 1, keepdims=True), rtol=1e-14
    )
    np.testing.assert_allclose(np.exp(fg.log_softmax(a, axis=1).numpy()), fg.softmax(a, axis=1).numpy(), rtol=1e-14)
    np.testing.assert_allclose(fg.logsumexp(a + 1000, axis=1).numpy(), direct + 1000, rtol=1e-14)
    for name in ("logsumexp", "softmax", "log_softmax"):
        fg.testing.check_grads(lambda x, name=name: fg.real(getattr(fg, name)(x, axis=1)), (a,), order=1)
