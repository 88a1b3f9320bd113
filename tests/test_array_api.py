"""`fastgrad` as a namespace of the Python array API standard, 2024.12: names, signatures, inspection, dtypes."""

import copy
import inspect
import pickle

import numpy as np
import pytest

import fastgrad as fg
from tests.support.arrays import has_own_loop

# The signatures of the standard, without annotations: what code for any library passes by position or by name.
FUNCTIONS = """
    arange(start, /, stop=None, step=1, *, dtype=None, device=None)
    asarray(obj, /, *, dtype=None, device=None, copy=None)
    empty(shape, *, dtype=None, device=None)
    empty_like(x, /, *, dtype=None, device=None)
    eye(n_rows, n_cols=None, /, *, k=0, dtype=None, device=None)
    from_dlpack(x, /, *, device=None, copy=None)
    full(shape, fill_value, *, dtype=None, device=None)
    full_like(x, /, fill_value, *, dtype=None, device=None)
    linspace(start, stop, /, num, *, dtype=None, device=None, endpoint=True)
    meshgrid(*arrays, indexing='xy')
    ones(shape, *, dtype=None, device=None)
    ones_like(x, /, *, dtype=None, device=None)
    tril(x, /, *, k=0)
    triu(x, /, *, k=0)
    zeros(shape, *, dtype=None, device=None)
    zeros_like(x, /, *, dtype=None, device=None)
    astype(x, dtype, /, *, copy=True, device=None)
    broadcast_arrays(*arrays)
    broadcast_to(x, /, shape)
    can_cast(from_, to, /)
    finfo(type, /)
    iinfo(type, /)
    isdtype(dtype, kind)
    result_type(*arrays_and_dtypes)
    take(x, indices, /, *, axis=None)
    take_along_axis(x, indices, /, *, axis=-1)
    matmul(x1, x2, /)
    matrix_transpose(x, /)
    tensordot(x1, x2, /, *, axes=2)
    vecdot(x1, x2, /, *, axis=-1)
    broadcast_to(x, /, shape)
    concat(arrays, /, *, axis=0)
    expand_dims(x, /, *, axis=0)
    flip(x, /, *, axis=None)
    moveaxis(x, source, destination, /)
    permute_dims(x, /, axes)
    repeat(x, repeats, /, *, axis=None)
    reshape(x, /, shape, *, copy=None)
    roll(x, /, shift, *, axis=None)
    squeeze(x, /, axis)
    stack(arrays, /, *, axis=0)
    tile(x, repetitions, /)
    unstack(x, /, *, axis=0)
    argmax(x, /, *, axis=None, keepdims=False)
    argmin(x, /, *, axis=None, keepdims=False)
    count_nonzero(x, /, *, axis=None, keepdims=False)
    nonzero(x, /)
    searchsorted(x1, x2, /, *, side='left', sorter=None)
    where(condition, x1, x2, /)
    unique_all(x, /)
    unique_counts(x, /)
    unique_inverse(x, /)
    unique_values(x, /)
    argsort(x, /, *, axis=-1, descending=False, stable=True)
    sort(x, /, *, axis=-1, descending=False, stable=True)
    cumulative_prod(x, /, *, axis=None, dtype=None, include_initial=False)
    cumulative_sum(x, /, *, axis=None, dtype=None, include_initial=False)
    max(x, /, *, axis=None, keepdims=False)
    mean(x, /, *, axis=None, keepdims=False)
    min(x, /, *, axis=None, keepdims=False)
    prod(x, /, *, axis=None, dtype=None, keepdims=False)
    std(x, /, *, axis=None, correction=0.0, keepdims=False)
    sum(x, /, *, axis=None, dtype=None, keepdims=False)
    var(x, /, *, axis=None, correction=0.0, keepdims=False)
    all(x, /, *, axis=None, keepdims=False)
    any(x, /, *, axis=None, keepdims=False)
    diff(x, /, *, axis=-1, n=1, prepend=None, append=None)
    clip(x, /, min=None, max=None)
"""
UNARY = """
    abs acos acosh asin asinh atan atanh bitwise_invert ceil conj cos cosh exp expm1 floor imag isfinite isinf isnan log
    log1p log2 log10 logical_not negative positive real reciprocal round sign signbit sin sinh square sqrt tan tanh
    trunc
"""
BINARY = """
    add atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor copysign divide equal
    floor_divide greater greater_equal hypot less less_equal logaddexp logical_and logical_or logical_xor maximum
    minimum multiply nextafter not_equal pow remainder subtract
"""
DTYPES = ["bool"] + [f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)]
DTYPES += ["float32", "float64", "complex64", "complex128"]
METHODS = """
    T device dtype mT ndim shape size to_device __abs__ __add__ __and__ __array_namespace__ __bool__ __complex__
    __dlpack__ __dlpack_device__ __eq__ __float__ __floordiv__ __ge__ __getitem__ __gt__ __index__ __int__ __invert__
    __le__ __lshift__ __lt__ __matmul__ __mod__ __mul__ __ne__ __neg__ __or__ __pos__ __pow__ __rshift__ __setitem__
    __sub__ __truediv__ __xor__
"""
REFLECTED = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift"
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def stub(line):
    """Return the signature that a line of `FUNCTIONS` writes."""
    scope = {}
    exec(f"def {line}: ...", scope)
    return inspect.signature(scope[line.partition("(")[0]])


@pytest.mark.parametrize("line", [line.strip() for line in FUNCTIONS.strip().splitlines()])
def test_functions_accept_the_arguments_of_the_standard(line):
    function = getattr(fg, line.partition("(")[0])
    ours = list(inspect.signature(function).parameters.values())
    variadic = any(p.kind is p.VAR_POSITIONAL and k == 0 for k, p in enumerate(ours))
    for at, wanted in enumerate(stub(line).parameters.values()):
        if wanted.kind is wanted.VAR_POSITIONAL or (variadic and wanted.kind is wanted.POSITIONAL_ONLY):
            assert variadic
        elif wanted.kind in POSITIONAL:
            assert ours[at].kind in POSITIONAL
            if wanted.kind is wanted.POSITIONAL_OR_KEYWORD:
                assert (ours[at].name, ours[at].kind) == (wanted.name, wanted.kind)
        else:
            found = next((p for p in ours if p.name == wanted.name), None)
            assert found is not None or any(p.kind is p.VAR_KEYWORD for p in ours), wanted.name
            assert found is None or found.kind in (found.KEYWORD_ONLY, found.POSITIONAL_OR_KEYWORD)


@pytest.mark.parametrize("name", UNARY.split() + BINARY.split())
def test_elementwise_functions_are_numpys(name):
    integers = name.startswith("bitwise")
    operands = [np.array([1, 3, 2]), np.array([2, 1, 3])] if integers else [np.array([0.5, 0.25]), np.array([0.25, 2])]
    operands = [x + 1 if name == "acosh" else x for x in operands[: 1 if name in UNARY.split() else 2]]
    wanted = getattr(np, name)(*operands)
    for given in (operands, [fg.asarray(x) for x in operands]):
        got = getattr(fg, name)(*given)
        assert isinstance(got, fg.Tensor) and got.dtype == wanted.dtype
        np.testing.assert_allclose(got.numpy(), wanted, rtol=4e-16 if has_own_loop(name) else 0, atol=0)
    if len(operands) == 2:  # a Python scalar takes the dtype of the array
        x, scalar = operands[0].astype(np.int16 if integers else np.float32), operands[1][0].item()
        for args in ((x, scalar), (scalar, x)):
            got, wanted = getattr(fg, name)(*map(fg.asarray, args[:1]), *args[1:]), getattr(np, name)(*args)
            got = getattr(fg, name)(*(fg.asarray(a) if a is x else a for a in args))
            assert got.dtype == wanted.dtype
            np.testing.assert_array_equal(got.numpy(), wanted)


def test_every_name_of_the_standard_is_there():
    assert fg.__array_api_version__ == "2024.12"
    for name in (*DTYPES, "e", "inf", "nan", "newaxis", "pi", "__array_namespace_info__"):
        assert hasattr(fg, name), name
    x = fg.asarray([[1.0]])
    operators = [f"__{side}{word}__" for word in REFLECTED.split() for side in ("r", "i")]
    for name in (*METHODS.split(), *operators):
        assert hasattr(x, name), name
    assert x.__array_namespace__() is x.__array_namespace__(api_version="2024.12") is fg


def test_inspection_of_the_namespace():
    info = fg.__array_namespace_info__()
    assert info.capabilities() == {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}
    assert fg.zeros((1,) * 64).ndim == 64
    assert info.devices() == [info.default_device()] == [fg.asarray(1).device] == ["cpu"]
    made = {
        "real floating": fg.asarray(1.0), "complex floating": fg.asarray(1j), "integral": fg.asarray(1),
        "indexing": fg.argmax(fg.ones(2)),
    }  # fmt: skip
    assert info.default_dtypes(device="cpu") == {kind: x.dtype for kind, x in made.items()}
    assert list(info.dtypes()) == DTYPES and info.dtypes()["int8"] == np.int8
    assert list(info.dtypes(kind="integral")) == DTYPES[1:9]
    assert list(info.dtypes(kind=("bool", "complex floating"), device="cpu")) == ["bool", "complex64", "complex128"]
    assert list(info.dtypes(kind=("numeric", "real floating"))) == DTYPES[1:]
    with pytest.raises(ValueError, match="there is no kind 'float': use one of 'bool'"):
        info.dtypes(kind="float")
    for call in (info.dtypes, info.default_dtypes):
        with pytest.raises(fg.DeviceError, match="computes on the CPU, got device 'cuda'"):
            call(device="cuda")


@pytest.mark.parametrize("dtype", DTYPES[9:])
def test_limits_of_floating_dtypes(dtype):
    wanted = np.finfo(dtype)
    for x in (getattr(fg, dtype), np.dtype(dtype), fg.ones(2, dtype=dtype), np.ones((), dtype)[()], dtype):
        found = fg.finfo(x)
        for name in ("eps", "max", "min", "smallest_normal"):
            assert type(getattr(found, name)) is float and getattr(found, name) == getattr(wanted, name)
        assert type(found.bits) is int and found.bits == wanted.bits
        assert found.dtype == wanted.dtype and isinstance(found.dtype, np.dtype)
        assert found.tiny == wanted.tiny and found.resolution == wanted.resolution  # NumPy's other attributes
        assert found == fg.finfo(dtype) == copy.copy(found) == pickle.loads(pickle.dumps(found))
        assert len({found, fg.finfo(dtype)}) == 1
    assert repr(fg.finfo("float32")).startswith("finfo(bits=32, eps=1.1920928955078125e-07, max=3.4028234")


@pytest.mark.parametrize("dtype", DTYPES[1:9])
def test_limits_of_integer_dtypes(dtype):
    wanted = np.iinfo(dtype)
    for x in (getattr(fg, dtype), np.dtype(dtype), fg.ones(2, dtype=dtype), np.ones((), dtype)[()], dtype):
        found = fg.iinfo(x)
        assert (found.bits, found.max, found.min, found.dtype) == (wanted.bits, wanted.max, wanted.min, wanted.dtype)
        assert {type(found.bits), type(found.max), type(found.min)} == {int}
    assert repr(fg.iinfo(fg.int8)) == "iinfo(bits=8, max=127, min=-128, dtype=int8)"
    assert fg.iinfo(dtype) != wanted


def test_limits_of_another_kind_of_dtype_raise_as_in_numpy():
    for ours, dtype in ((fg.finfo, fg.int8), (fg.iinfo, fg.float32), (fg.iinfo, fg.bool), (fg.finfo, fg.ones(2) > 0)):
        with pytest.raises(ValueError, match=r"not inexact|nvalid integer data type|not compatible"):
            ours(dtype)
    with pytest.raises(AttributeError, match="wrong"):
        _ = fg.finfo(fg.float32).wrong


def test_device_arguments():
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    assert x.to_device("cpu") is x.to_device(x.device, stream=None) is x
    assert fg.asarray(x, device="cpu") is x and fg.astype(x, fg.float64, copy=False, device="cpu") is x
    calls = (
        lambda: x.to_device("cuda:0"), lambda: fg.asarray([1], device="cuda"), lambda: fg.zeros(2, device="cuda"),
        lambda: fg.astype(x, fg.float32, device="cuda"), lambda: fg.from_dlpack(np.ones(2), device="cuda"),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(fg.DeviceError, match="computes on the CPU, got device 'cuda"):
            call()
    with pytest.raises(fg.DeviceError, match="the CPU has no streams, got 1"):
        x.to_device("cpu", stream=1)


def test_copy_arguments():
    x = fg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    assert fg.astype(x, "float64") is not x and fg.astype(x, "float64").op == "astype"
    assert fg.astype(np.ones(2), "float32", copy=False).dtype == np.float32
    view, copied = fg.reshape(x, (3, 2), copy=False), fg.reshape(x, (3, 2), copy=True)
    assert np.shares_memory(view.detach().numpy(), x.detach().numpy())
    assert not np.shares_memory(copied.detach().numpy(), x.detach().numpy())
    assert fg.reshape(x.T, (6,), copy=True).tolist() == fg.reshape(x.T, 6).tolist() == x.T.ravel().tolist()
    with pytest.raises(fg.ShapeError, match=r"the strides of x do not allow a view of shape \(6,\)"):
        fg.reshape(x.T, (6,), copy=False)
    assert fg.reshape(fg.zeros((0, 2)).T, (0,), copy=False).shape == (0,)
    for made in (view, copied):
        assert fg.gradients(made.sum(), x)[0].tolist() == [[1] * 3] * 2


def test_shapes_may_be_given_by_name_or_as_several_lengths():
    for make in (fg.zeros, fg.ones, fg.empty):
        assert make((2, 3)).shape == make(2, 3).shape == make(shape=(2, 3)).shape == (2, 3)
        assert make(3).shape == make(shape=3).shape == (3,) and make().shape == make(()).shape == ()
        assert make(3, np.float32).dtype == np.float32 and make((2, 3), "complex64").shape == (2, 3)
        with pytest.raises(fg.DTypeError, match="got a dtype: pass it by keyword"):
            make(3, np.float32, dtype=np.float32)
        with pytest.raises(fg.DTypeError, match="got a dtype: pass it by keyword"):
            make(3, 2, np.float32)
        with pytest.raises(TypeError, match="multiple values for argument 'shape'"):
            make(2, 3, shape=(2, 3))


def test_sets_select_the_first_of_equal_elements():
    x = fg.tensor([2.0, 1.0, np.nan, 2.0, np.nan], requires_grad=True)
    constant = x.detach().numpy()
    for name in ("unique_all", "unique_counts", "unique_inverse"):
        got, wanted = getattr(fg, name)(x), getattr(np, name)(constant)
        assert got._fields == getattr(fg, name)(constant)._fields == wanted._fields
        for ours, theirs in zip(got, wanted, strict=True):
            np.testing.assert_array_equal(ours.detach().numpy(), theirs)
        assert fg.gradients(got.values[:2] @ [3.0, 5.0], x)[0].tolist() == [5, 3, 0, 0, 0]
    assert sorted(fg.unique_values(x[:2]).tolist()) == [1, 2]
    values, index, inverse, counts = fg.unique(x, True, True, True)
    assert values.requires_grad and (index.tolist(), counts.tolist()) == ([1, 0, 2], [1, 2, 2])
    np.testing.assert_array_equal(values[inverse].detach().numpy(), constant)
    assert fg.unique(x, equal_nan=False).shape == (4,) and fg.unique(x, return_counts=True)[1].tolist() == [1, 2, 2]


def test_unique_subarrays():
    rows = fg.tensor([[3.0, 1.0], [0.0, 1.0], [3.0, 1.0]], requires_grad=True)
    found, counts = fg.unique(rows, axis=0, return_counts=True)
    assert found.tolist() == [[0, 1], [3, 1]] and counts.tolist() == [1, 2]
    assert fg.gradients((found * [[1, 2], [3, 4]]).sum(), rows)[0].tolist() == [[3, 4], [1, 2], [0, 0]]
    columns = fg.unique(rows, axis=1)
    assert columns.tolist() == np.unique(rows.detach().numpy(), axis=1).tolist()


def test_take_with_indices_out_of_bounds():
    x = fg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    a = x.detach().numpy()
    for mode in ("wrap", "clip"):
        for indices, axis in (([-4, 7, 1], 1), ([[5, -1]], 0), (9, None)):
            y = fg.take(x, indices, axis, mode=mode)
            np.testing.assert_array_equal(y.detach().numpy(), np.take(a, indices, axis, mode=mode))
            fg.testing.check_grads(lambda t, i=indices, k=axis, m=mode: fg.take(t, i, k, mode=m), (a,))
        assert fg.take(fg.zeros(0), [], mode=mode).shape == (0,)
        with pytest.raises(IndexError, match="take: there is no element at index 1 of 0 elements"):
            fg.take(fg.zeros(0), [1], mode=mode)
    with pytest.raises(TypeError, match="take: indices must be integers, got float64"):
        fg.take(x, np.array([1.0]), mode="wrap")
    with pytest.raises(ValueError, match='mode must be "raise", "wrap" or "clip", got \'skip\''):
        fg.take(x, 0, mode="skip")


def test_differences_raise_as_numpys():
    for ours, wanted, text in (
        (lambda: fg.diff(fg.ones(3), -1), ValueError, "n must not be negative, got -1"),
        (lambda: fg.diff(fg.asarray(1.0)), fg.ShapeError, "needs at least one axis, got a scalar"),
        (lambda: fg.diff(fg.ones(3), axis=1), IndexError, "axis 1 is out of bounds"),
        (lambda: fg.diff(fg.ones((3, 2)), prepend=[1.0]), fg.ShapeError, "concat"),
    ):
        with pytest.raises(wanted, match=text):
            ours()
    x = fg.asarray([1.0, 3.0])
    assert fg.diff(x, 0) is x and fg.diff(x, 3).shape == (0,)
    ends = fg.tensor([0.5], requires_grad=True), fg.tensor(7.0, requires_grad=True)
    y = fg.diff(x, prepend=ends[0], append=ends[1])
    assert y.tolist() == [0.5, 2, 4] and [g.tolist() for g in fg.gradients(y @ [2, 3, 5], ends)] == [[-2], 5]


def test_cumulative_products():
    x = np.array([[2.0, 0.0, 3.0], [1.0, 4.0, 0.5]])
    for axis in (0, 1):
        y = fg.cumulative_prod(x, axis=axis, include_initial=True)
        np.testing.assert_array_equal(y, np.cumprod(np.insert(x, 0, 1, axis=axis), axis=axis))
        fg.testing.check_grads(lambda t, k=axis: fg.cumulative_prod(t, axis=k, include_initial=True), (x,))
    assert fg.cumulative_prod(fg.asarray([2, 3], dtype=fg.int8), dtype=fg.float32).dtype == np.float32
    assert fg.cumulative_prod(fg.asarray(5.0)).tolist() == [5]
    with pytest.raises(fg.ShapeError, match=r"cumulative_prod: x has shape \(2, 3\): select the axis"):
        fg.cumulative_prod(x)


def test_arrays_of_other_libraries_come_and_go_through_dlpack():
    a = np.arange(4.0)
    shared, copied = fg.from_dlpack(a), fg.from_dlpack(a, copy=True)
    a[0] = 9
    assert shared.tolist() == [9, 1, 2, 3] and copied.tolist() == [0, 1, 2, 3]
    own = fg.tensor(a)
    assert np.from_dlpack(own).tolist() == fg.from_dlpack(own, copy=False, device="cpu").tolist() == a.tolist()
    assert shared.__dlpack_device__() == (1, 0) and memoryview(np.asarray(shared)).readonly
    x = fg.tensor([1.0], requires_grad=True)
    with pytest.raises(fg.NotDifferentiableError, match=r"x\.detach\(\)"):
        np.from_dlpack(x)
    assert np.from_dlpack(x.detach()).tolist() == [1] and fg.from_dlpack(x) is x
    assert fg.from_dlpack(x, copy=True).op == "copy"


def test_broadcast_arrays_leaves_objects_as_arrays():
    x = fg.tensor([[1.0], [2.0]], requires_grad=True)
    wide, numbers, none, text = fg.broadcast_arrays(x, [1, 2, 3], None, "a")
    assert wide.requires_grad and numbers.tolist() == [[1, 2, 3]] * 2 and numbers.dtype == np.int_
    assert isinstance(none, np.ndarray) and none.tolist() == [[None] * 3] * 2 and text.tolist() == [["a"] * 3] * 2
    with pytest.raises(fg.ShapeError, match=r"broadcast_arrays: shapes \(2, 1\) and \(3, 2\) do not broadcast"):
        fg.broadcast_arrays(x, fg.ones((3, 2)))


def test_copies_are_in_c_order():
    x = fg.asarray(np.arange(6.0).reshape(2, 3)).T
    for order in ("C", "F", "A", "K"):
        assert x.copy(order).strides == x.copy(order=order).strides == (16, 8) and x.copy(order).tolist() == x.tolist()
    with pytest.raises(ValueError, match='order must be "C", "F", "A" or "K", got \'B\''):
        x.copy("B")


def test_windows_are_views():
    x = fg.tensor(np.arange(5.0), requires_grad=True)
    y = fg.lib.stride_tricks.sliding_window_view(x, 3)
    assert y.tolist() == [[0, 1, 2], [1, 2, 3], [2, 3, 4]] and np.shares_memory(y.detach().numpy(), x.detach().numpy())
    assert np.lib.stride_tricks.sliding_window_view(x, 3).op == "sliding_window_view"
    with pytest.raises(fg.errors.ReadOnlyError):
        y.detach()[0, 0] = 1
    assert fg.gradients(y.sum(), x)[0].tolist() == [1, 2, 3, 2, 1]


def test_sequences_of_tensors_are_stacked():
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    for parts, wanted in (
        ([x[0], x[1] * x[0]], [1, 2]), ([[x[1], 3.0], (0, x[0])], [[2, 3], [0, 1]]), ((x, [5, 6]), [[1, 2], [5, 6]]),
    ):  # fmt: skip
        y = fg.asarray(parts)
        assert y.requires_grad and y.dtype == np.float64 and y.tolist() == wanted
        assert fg.asarray(parts, dtype=fg.float32).dtype == np.float32
        fg.testing.check_grads(lambda t: fg.asarray([t[0], [t[1] * t[0]] * 2, 3.0][:1]), (x.detach().numpy(),))
    assert fg.grad(lambda t: fg.asarray([t, 2 * t]).sum())(3.0) == 3
    with pytest.raises(fg.ShapeError, match="stack"):
        fg.asarray([x, x[0]])
    with pytest.raises(fg.NotDifferentiableError, match=r"fg\.stack"):
        fg.asarray([x, x], copy=False)
    with pytest.raises(fg.NotDifferentiableError, match=r"fg\.stack"):
        fg.tensor([x, x])


def test_broadcast_shapes():
    assert fg.broadcast_shapes((2, 1), 3, ()) == (2, 3) and fg.broadcast_shapes() == ()
    with pytest.raises(fg.ShapeError, match=r"broadcast_shapes: shapes \(2,\) and \(3,\) do not broadcast"):
        fg.broadcast_shapes((2,), (3,))
