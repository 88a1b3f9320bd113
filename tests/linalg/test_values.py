"""`fastgrad.linalg` against `numpy.linalg`: values, dtypes, shapes, names of results, dispatch and errors."""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import linalg

DTYPES = ("f4", "f8", "c8", "c16", "i4")
SQUARE = ((3, 3), (1, 1), (2, 3, 3), (2, 1, 2, 2), (0, 0), (0, 2, 2), (2, 0, 0))
OBLONG = (*SQUARE, (4, 2), (2, 4), (3, 2, 4), (0, 3), (3, 0), (2, 0, 3), (0, 3, 2))


def drawn(shape, dtype, rng, regular=2):
    """A matrix, with `regular` added to its diagonal."""
    x = rng.normal(size=shape) + 1j * rng.normal(size=shape) + regular * np.eye(*shape[-2:])
    return (x if np.dtype(dtype).kind == "c" else x.real * (5 if dtype == "i4" else 1)).astype(dtype)


def positive(shape, dtype, rng):
    x = drawn(shape, dtype, rng)
    return (x @ np.conj(np.swapaxes(x, -1, -2)) + 2 * np.eye(shape[-1])).astype(dtype)


def tolerance(dtype):
    return 1e-5 if np.dtype(dtype) in (np.float32, np.complex64) else 1e-12


def same(got, wanted):
    """Assert that results, or tuples of them, are equal, of the same dtypes and the same names."""
    if isinstance(wanted, tuple):
        assert len(got) == len(wanted)
        if hasattr(wanted, "_fields"):
            assert type(got).__name__ == type(wanted).__name__ and got._fields == wanted._fields
        for one, other in zip(got, wanted, strict=True):
            same(one, other)
        return
    wanted = np.asarray(wanted)
    assert np.shape(got) == wanted.shape
    got = got.detach().numpy() if isinstance(got, fg.Tensor) else np.asarray(got, wanted.dtype)
    assert got.dtype == wanted.dtype
    rounding = tolerance(wanted.dtype)
    np.testing.assert_allclose(got, wanted, rtol=rounding, atol=rounding)


SQUARE_CALLS = {
    "inv": lambda m, a: m.inv(a), "det": lambda m, a: m.det(a), "slogdet": lambda m, a: m.slogdet(a),
    "eigh": lambda m, a: m.eigh(a), "eigh U": lambda m, a: m.eigh(a, "U"), "eigvalsh": lambda m, a: m.eigvalsh(a),
    "eigvalsh u": lambda m, a: m.eigvalsh(a, UPLO="u"), "eig": lambda m, a: m.eig(a),
    "eigvals": lambda m, a: m.eigvals(a), "svd hermitian": lambda m, a: m.svd(a, hermitian=True),
    "svdvals hermitian": lambda m, a: m.svd(a, compute_uv=False, hermitian=True),
    "pinv hermitian": lambda m, a: m.pinv(a, hermitian=True), "solve": lambda m, a: m.solve(a, a[..., :1]),
    "rank hermitian": lambda m, a: m.matrix_rank(a, hermitian=True),
    "solve 1": lambda m, a: m.solve(a, np.ones(a.shape[-1])),
    **{f"power {n}": lambda m, a, n=n: m.matrix_power(a, n) for n in (0, 1, 2, 3, 4, 7, -1, -3)},
}  # fmt: skip
OBLONG_CALLS = {
    "svd": lambda m, a: m.svd(a), "svd reduced": lambda m, a: m.svd(a, full_matrices=False),
    "svdvals": lambda m, a: m.svdvals(a), "svd values": lambda m, a: m.svd(a, compute_uv=False),
    "qr": lambda m, a: m.qr(a), "qr complete": lambda m, a: m.qr(a, "complete"), "qr r": lambda m, a: m.qr(a, mode="r"),
    "qr raw": lambda m, a: m.qr(a, "raw"), "pinv": lambda m, a: m.pinv(a), "pinv rcond": lambda m, a: m.pinv(a, 0.3),
    "pinv rtol": lambda m, a: m.pinv(a, rtol=0.3), "pinv None": lambda m, a: m.pinv(a, rtol=None),
    "rank": lambda m, a: m.matrix_rank(a), "rank tol": lambda m, a: m.matrix_rank(a, 1.5),
    "rank rtol": lambda m, a: m.matrix_rank(a, rtol=0.3), "trace": lambda m, a: m.trace(a),
    "trace offset": lambda m, a: m.trace(a, offset=1, dtype="c16"), "diagonal": lambda m, a: m.diagonal(a),
    "diagonal offset": lambda m, a: m.diagonal(a, offset=-1), "transpose": lambda m, a: m.matrix_transpose(a),
    "matmul": lambda m, a: m.matmul(a, np.swapaxes(a, -1, -2)), "fro": lambda m, a: m.matrix_norm(a),
    "nuc": lambda m, a: m.matrix_norm(a, ord="nuc", keepdims=True), "vector": lambda m, a: m.vector_norm(a),
    "vector 3": lambda m, a: m.vector_norm(a, ord=3, axis=-1),
    "vector axes": lambda m, a: m.vector_norm(a, axis=(0, 1)),
    "vector keepdims": lambda m, a: m.vector_norm(a, axis=(-1, 0), keepdims=True, ord=1),
    "norm": lambda m, a: m.norm(a),
    "vecdot": lambda m, a: m.vecdot(a, a[..., :1, :]), "tensordot": lambda m, a: m.tensordot(a, a, axes=([0], [0])),
}  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SQUARE_CALLS)
def test_functions_of_square_matrices_are_numpys(name, dtype, rng):
    for shape in SQUARE:
        a = drawn(shape, dtype, rng, regular=4)
        same(SQUARE_CALLS[name](linalg, a), SQUARE_CALLS[name](np.linalg, a))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OBLONG_CALLS)
def test_functions_of_matrices_are_numpys(name, dtype, rng):
    if name == "pinv None" and dtype == "i4":
        for module in (np.linalg, linalg):
            with pytest.raises(ValueError, match=r"not inexact|not compatible with finfo"):
                module.pinv(np.eye(2, dtype=dtype), rtol=None)
        return
    for shape in OBLONG:
        a = drawn(shape, dtype, rng)
        same(OBLONG_CALLS[name](linalg, a), OBLONG_CALLS[name](np.linalg, a))


@pytest.mark.parametrize("name", {**SQUARE_CALLS, **OBLONG_CALLS})
def test_numpys_functions_record_these(name, rng):
    """Through NumPy's dispatch, results are Tensors, and recorded if their values depend on the operand."""
    a = drawn((3, 3), "f8", rng, regular=4)
    call = {**SQUARE_CALLS, **OBLONG_CALLS}[name]
    if name == "qr raw":
        with pytest.raises(fg.NotDifferentiableError, match="mode='raw' has no rule"):
            call(np.linalg, fg.tensor(a, requires_grad=True))
        return
    got = call(np.linalg, fg.tensor(a, requires_grad=True))
    same(got, call(np.linalg, a))
    for y in got if isinstance(got, tuple) else [got]:
        constant = y.dtype.kind == "i" or name in ("power 0",) or (name == "slogdet" and y is got[0])
        assert isinstance(y, fg.Tensor) and (y.requires_grad or constant)


@pytest.mark.parametrize("dtype", DTYPES)
def test_cholesky_is_numpys(dtype, rng):
    for shape in SQUARE:
        a = positive(shape, dtype, rng)
        same(linalg.cholesky(a), np.linalg.cholesky(a))
        same(linalg.cholesky(a, upper=True), np.linalg.cholesky(a, upper=True))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shapes", [
    ((4, 2), (4,)), ((4, 2), (4, 3)), ((2, 4), (2,)), ((3, 3), (3, 2)), ((3, 2), (3, 0)), ((0, 2), (0,)),
    ((3, 0), (3,)),
])  # fmt: skip
def test_least_squares_are_numpys(shapes, dtype, rng):
    a, b = drawn(shapes[0], dtype, rng), drawn((*shapes[1], 1), dtype, rng)[..., 0]
    for rcond in (None, -1, 0.5):
        same(linalg.lstsq(a, b, rcond), np.linalg.lstsq(a, b, rcond))
        same(np.linalg.lstsq(fg.tensor(a), b, rcond=rcond), np.linalg.lstsq(a, b, rcond))


@pytest.mark.parametrize("p", [None, 2, -2, 1, -1, np.inf, -np.inf, "fro", "nuc"])
def test_condition_numbers_are_numpys(p, rng):
    for dtype in DTYPES:
        for shape in ((3, 3), (2, 2, 2), (1, 1), *(((4, 2),) if p in (None, 2, -2) else ())):
            a = drawn(shape, dtype, rng)
            same(linalg.cond(a, p), np.linalg.cond(a, p))
    stack = np.array([np.eye(2), np.zeros((2, 2)), [[1, 2], [2, 4]], [[np.nan, 1], [1, 2]]])
    stack = stack[:3] if p in (None, 2, -2, "nuc") else stack  # no singular value decomposition of NaN
    try:
        wanted = np.linalg.cond(stack, p)
    except np.linalg.LinAlgError:
        assert p == "nuc"
        with pytest.raises(linalg.LinAlgError):
            linalg.cond(stack, p)
        return
    got = linalg.cond(stack, p).numpy()
    np.testing.assert_array_equal(np.isfinite(got), np.isfinite(wanted))
    np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))


def test_products_are_numpys(rng):
    for shapes in (((3, 4), (4, 2)), ((3,), (3, 4), (4,)), ((3, 4), (4, 2), (2, 5)), ((9, 2), (2, 8), (8, 1), (1, 7)),
                   ((3,), (3, 4), (4, 5), (5, 2)), ((2, 3), (3, 2), (2, 4), (4,)), ((3,), (3,))):  # fmt: skip
        arrays = [rng.normal(size=shape) for shape in shapes]
        same(linalg.multi_dot(arrays), np.linalg.multi_dot(arrays))
        same(np.linalg.multi_dot([fg.tensor(a) for a in arrays]), np.linalg.multi_dot(arrays))
    a = rng.normal(size=(4, 6, 8, 3))
    same(linalg.tensorinv(a), np.linalg.tensorinv(a))
    same(linalg.tensorinv(a[..., 0].reshape(24, 8)[:8], 1), np.linalg.tensorinv(a[..., 0].reshape(24, 8)[:8], 1))
    same(linalg.tensorsolve(a, rng.normal(size=(4, 6)) * 0 + 1), np.linalg.tensorsolve(a, np.ones((4, 6))))
    a = np.moveaxis(a, 2, 0)
    same(linalg.tensorsolve(a, np.ones((4, 6)), axes=(0, 3)), np.linalg.tensorsolve(a, np.ones((4, 6)), axes=(0, 3)))
    same(linalg.tensorsolve(2 * np.ones((1, 1)), np.ones(1)), np.linalg.tensorsolve(2 * np.ones((1, 1)), np.ones(1)))
    for x1, x2, axis in ((np.ones((2, 3)), np.arange(3.0), -1), (np.arange(6.0).reshape(3, 2), np.ones((3, 2)), 0)):
        same(linalg.cross(x1, x2, axis=axis), np.linalg.cross(x1, x2, axis=axis))
    same(linalg.outer(np.arange(3), np.ones(2)), np.linalg.outer(np.arange(3), np.ones(2)))


def test_orders_of_products_are_the_cheapest():
    from fastgrad.linalg.products import _splits

    assert _splits([30, 35, 15, 5, 10, 20, 25])[0, 5] == 2  # Cormen et al., Introduction to Algorithms, 15.2
    assert _splits([10, 100, 5, 50])[0, 2] == 1


def test_names_are_numpys_and_those_of_the_array_api():
    assert set(np.linalg.__all__) - set(linalg.__all__) == set()
    assert {"matrix_norm", "vector_norm", "cross", "vecdot", "svdvals", "matrix_transpose"} <= set(linalg.__all__)


HALF, FLAT = np.ones((2, 3)), np.ones(3)
ERRORS = [
    ("inv", (HALF,)), ("inv", (FLAT,)), ("inv", (np.ones((2, 2)),)), ("inv", (np.zeros((3, 2, 2)),)), ("det", (HALF,)),
    ("slogdet", (HALF,)), ("solve", (HALF, np.ones(2))), ("solve", (np.eye(2), FLAT)),
    ("solve", (np.ones((2, 2)), np.ones(2))),
    ("cholesky", (HALF,)), ("cholesky", (-np.eye(2),)), ("eig", (HALF,)), ("eig", (np.full((2, 2), np.nan),)),
    ("eigvals", (HALF,)), ("eigvals", (np.full((2, 2), np.inf),)), ("eigh", (HALF,)), ("eigh", (np.eye(2), "X")),
    ("eigvalsh", (HALF,)), ("eigvalsh", (np.eye(2), "X")), ("svd", (FLAT,)), ("svd", (FLAT, False)),
    ("svdvals", (FLAT,)),
    ("svd", (FLAT, True, False)), ("qr", (FLAT,)), ("qr", (np.eye(2), "no")), ("pinv", (FLAT,)),
    ("lstsq", (FLAT, FLAT)),
    ("lstsq", (HALF, FLAT)), ("matrix_power", (HALF, 2)), ("matrix_power", (np.ones((2, 2)), -1)), ("cond", (FLAT,)),
    ("cond", (np.ones((0, 0)),)), ("cond", (HALF, 1)), ("cond", (np.eye(2), 3)), ("multi_dot", ([FLAT],)),
    ("trace", (FLAT,)),
    ("multi_dot", ([FLAT, FLAT, FLAT],)), ("multi_dot", ([HALF, HALF],)), ("tensorinv", (HALF, 0)),
    ("tensorinv", (HALF, 1)),
    ("tensorsolve", (HALF, np.ones(2))), ("cross", (np.ones(2), np.ones(2))), ("cross", (FLAT, np.ones(2))),
    ("outer", (HALF, FLAT)),
    ("diagonal", (FLAT,)), ("matrix_transpose", (FLAT,)), ("matrix_norm", (FLAT,)), ("vecdot", (FLAT, np.ones(2))),
    ("matmul", (HALF, HALF)), ("tensordot", (HALF, np.ones((3, 3)))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args"), ERRORS)
def test_errors_are_raised_where_numpy_raises(name, args):
    with pytest.raises(ValueError) as theirs:
        getattr(np.linalg, name)(*args)
    with pytest.raises(ValueError) as ours:
        getattr(linalg, name)(*args)
    assert isinstance(ours.value, fg.FastgradError)
    if isinstance(theirs.value, np.linalg.LinAlgError):
        assert isinstance(ours.value, linalg.LinAlgError | fg.ShapeError)


def test_errors_of_keywords_and_types():
    for module in (np.linalg, linalg):
        with pytest.raises(ValueError, match="rcond"):
            module.pinv(np.eye(2), rcond=1e-10, rtol=1e-9)
        with pytest.raises(ValueError, match="tol"):
            module.matrix_rank(np.eye(2), tol=1e-10, rtol=1e-9)
        with pytest.raises(TypeError, match="must be an int"):
            module.matrix_power(np.eye(2), 2.0)
        with pytest.raises(ValueError, match=r"ord|order"):
            module.vector_norm(np.eye(2), ord="fro")
        with pytest.warns(DeprecationWarning):
            module.qr(np.eye(2), "full")
        with pytest.warns(DeprecationWarning):
            same(module.qr(np.eye(2), "economic"), np.linalg.qr(np.eye(2), "raw")[0].T)
    with pytest.raises(linalg.LinAlgError, match="square"):
        linalg.expm(HALF)
    for name in ("eig", "eigh", "qr", "slogdet", "svd"):
        with pytest.raises(linalg.LinAlgError, match=rf"^{name}: "):
            getattr(linalg, name)(1.0)
    with pytest.raises(np.linalg.LinAlgError, match=r"^inv: Singular matrix; the operands are float64\[2, 2\]"):
        linalg.inv(np.ones((2, 2)))
