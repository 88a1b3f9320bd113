"""Sparse Jacobians and Hessians against the dense ones, how many products they take, and when a plan is used again."""

import sys

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import _tree
from fastgrad.errors import BadSetting, NotDifferentiableError, ShapeError
from fastgrad.transforms.sparse import Triplets, formats, plan

RNG = np.random.default_rng(3)
X = RNG.uniform(0.5, 1.5, 8)
DENSE = RNG.normal(size=(8, 8))
BAND = np.diag(RNG.normal(size=8)) + np.diag(RNG.normal(size=7), 1)
ORDER = np.array([3, 3, 0, 7, -1])


def rosenbrock(x):
    return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum()


def heat(u):
    grid = np.pad(u.reshape(2, 4), 1)
    return grid[1:-1, 1:-1] * 4 - grid[:-2, 1:-1] - grid[2:, 1:-1] - grid[1:-1, :-2] - grid[1:-1, 2:] + u.reshape(2, 4)


def written(x):
    y = x * 2
    y[1:3] = x[5:7] ** 2
    y[4] += x[0]
    return y


def looped(x):
    parts = [x[0] ** 2]
    for k in range(1, 8):
        parts.append(parts[-1] * 0.5 + x[k] if k % 3 else x[k] * x[0])
    return np.stack(parts)


FUNCTIONS = {
    "elementwise": lambda x: np.sin(x) * x,
    "stencil": lambda x: x[2:] - 2 * x[1:-1] ** 2 + x[:-2],
    "grid": heat,
    "gather": lambda x: x[ORDER] * x[ORDER[::-1]],
    "mask": lambda x: x[np.array([True, False] * 4)] ** 2,
    "where": lambda x: np.where(x > 1, x**2, x[::-1]),
    "views": lambda x: x.reshape(2, 4).T[1:, ::-1].ravel() ** 2,
    "sums": lambda x: np.sum(x.reshape(2, 4) ** 2, axis=1),
    "everything": lambda x: x * x.sum(),
    "band matrix": lambda x: BAND @ x,
    "dense matrix": lambda x: np.tanh(DENSE @ x),
    "products": lambda x: x.reshape(2, 4) @ x.reshape(4, 2),
    "einsum": lambda x: np.einsum("ij,ij->i", x.reshape(4, 2), x.reshape(4, 2)),
    "cumulative": lambda x: np.cumsum(x**2),
    "sorted": lambda x: np.sort(x) ** 2,
    "maximum": lambda x: np.maximum(x, x[::-1]),
    "joined": lambda x: np.concatenate([x[:2], x[5:] * x[4], np.ones(2)]),
    "transform": lambda x: np.fft.irfft(np.fft.rfft(x)),
    "convolution": lambda x: np.convolve(x, np.array([1.0, -2.0, 1.0]), "same"),
    "solution": lambda x: np.linalg.solve(np.diag(np.arange(1.0, 9.0)), x),
    "written": written,
    "looped": looped,
    "number": lambda x: x[0] * x[1],
    "the argument": lambda x: x,
    "zero": lambda x: np.floor(x),
    "matrix": lambda x: np.outer(x[:3], x[3:]),
    "empty": lambda x: x[:0],
    "several": lambda x: (x[:2] ** 2, {"a": [x[3], 2, np.arange(2)], "b": x.sum()}),
}
# The number of products of the Jacobian.
PRODUCTS = {
    "elementwise": 1, "stencil": 3, "gather": 2, "mask": 1, "views": 1, "sums": 1, "number": 1, "the argument": 1,
    "zero": 0, "empty": 0, "band matrix": 2, "convolution": 3, "everything": 8,
}  # fmt: skip


def dense_jacobian(f, x):
    """Return the dense Jacobian as one matrix."""
    blocks = [np.reshape(b, (-1, np.size(x))) for b in _tree.leaves(fg.jacobian(f)(x))]
    return np.concatenate(blocks)


@pytest.fixture
def made(monkeypatch):
    """Return the list of the plans that are made."""
    plans = []
    init = plan.Plan.__init__
    monkeypatch.setattr(
        plan.Plan, "__init__", lambda self, *args, **kw: (init(self, *args, **kw), plans.append(self))[0]
    )
    return plans


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_sparse_jacobian_is_the_dense_one(name, made):
    f = FUNCTIONS[name]
    wanted = dense_jacobian(f, X)
    jacobian = fg.jacobian(f, sparse="triplets")
    for _ in range(2):
        found = jacobian(X)
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found.toarray(), wanted, rtol=1e-13, atol=1e-15)
    assert len(made) == 1
    assert made[0].n_products == PRODUCTS.get(name, made[0].n_products)


@pytest.mark.filterwarnings("ignore::fastgrad.GradientWarning")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_sparse_hessian_is_the_dense_one(name):
    def f(x):
        return sum((np.sin(y) ** 2).sum() for y in _tree.leaves(FUNCTIONS[name](x)))

    found = fg.hessian(f, sparse="triplets")(X)
    np.testing.assert_allclose(found.toarray(), fg.hessian(f)(X), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(
    ("f", "products"),
    [
        (rosenbrock, 3),
        (lambda x: (x**3).sum(), 1),
        (lambda x: (x[0] * x[1:]).sum() + (x**3).sum(), 2),
        (lambda x: (x[-1] * x[:-1] ** 2).sum(), 2),
        (lambda x: (x[:-1] * x[1:]).sum(), 3),
        (lambda x: (x.sum() ** 2) / 2, 8),
        (lambda x: x.sum(), 0),
    ],
)
def test_symmetry_saves_products_of_a_hessian(f, products, made):
    found = fg.hessian(f, sparse="triplets")(X)
    np.testing.assert_allclose(found.toarray(), fg.hessian(f)(X), rtol=1e-13, atol=1e-15)
    assert made[-1].n_products <= products
    assert np.array_equal(found.toarray(), found.toarray().T)


def test_rows_are_computed_where_they_are_fewer(made):
    found = fg.jacobian(lambda x: np.stack([x.sum(), x[0] ** 2]), sparse="triplets")(X)
    assert (made[0].n_products, made[0].forward) == (2, False)
    assert np.array_equal(found.rows, [0] * 8 + [1])
    assert np.array_equal(found.cols, [*range(8), 0])


def test_a_plan_is_used_again_until_the_graph_changes(made):
    keys = [slice(1, None), slice(None, -1), np.array([3, 1, 1]), np.array([3, 1, 2]), slice(1, None)]
    shapes = [4, 8]
    jacobian = fg.jacobian(lambda x, key: x[key] * 2 if x[0] > 0 else x[key] * x[0], sparse="triplets")
    for sign in (1, -1):
        for n in shapes:
            for key in keys:
                x = sign * X[:n]
                wanted = fg.jacobian(lambda x, key=key: x[key] * 2 if x[0] > 0 else x[key] * x[0])(x)
                assert np.array_equal(jacobian(x, key).toarray(), wanted)
    before = len(made)
    for key in keys[:4]:
        jacobian(x, key)
    assert len(made) == before


def test_constants_whose_zeros_were_left_out_are_checked(made):
    jacobian = fg.jacobian(lambda x, a: a @ x, sparse="triplets")
    first, other = BAND.copy(), BAND.T.copy()
    assert np.array_equal(jacobian(X, first).toarray(), first)
    assert np.array_equal(jacobian(X, 2 * first).toarray(), 2 * first)
    assert len(made) == 1
    assert np.array_equal(jacobian(X, other).toarray(), other)
    assert np.array_equal(jacobian(X, DENSE).toarray(), DENSE)
    assert len(made) == 3


def test_columns_follow_the_leaves_of_the_arguments():
    def f(p, z):
        return {"a": p["w"] @ z, "b": p["c"][0] * z}

    p, z = {"w": np.arange(6.0).reshape(2, 3), "c": [2.0, None]}, np.array([1.0, 2.0, 3.0])
    found = fg.jacobian(f, argnums=(1, 0), sparse="triplets")(p, z)
    assert found.shape == (5, 3 + 6 + 1)
    wanted = np.zeros((5, 10))
    wanted[:2, :3], wanted[2:, :3] = p["w"], 2 * np.eye(3)
    wanted[0, 3:6] = wanted[1, 6:9] = wanted[2:, 9] = z
    assert np.array_equal(found.toarray(), wanted)


def test_elements_are_of_the_dtype_of_the_dense_matrix():
    x = X.astype(np.float32)
    for transform in (fg.jacobian, fg.hessian):
        f = rosenbrock if transform is fg.hessian else FUNCTIONS["stencil"]
        found = transform(f, sparse="triplets")(x)
        assert found.values.dtype == np.float32
        np.testing.assert_allclose(found.toarray(), transform(f)(x), rtol=1e-4, atol=1e-4)


def test_holomorphic_functions_have_complex_matrices():
    z = X + 1j * X[::-1]
    for f in (FUNCTIONS["stencil"], lambda z: np.stack([z.sum() ** 2, z[0]])):
        np.testing.assert_allclose(fg.jacobian(f, sparse="triplets")(z).toarray(), fg.jacobian(f)(z), rtol=1e-13)

    def energy(z):
        return (np.abs(z[1:] - 1j * z[:-1]) ** 2).sum()

    found = fg.hessian(energy, sparse="triplets")(z)
    np.testing.assert_allclose(found.toarray(), fg.hessian(energy)(z), rtol=1e-13, atol=1e-13)
    with pytest.raises(NotDifferentiableError, match="not holomorphic"):
        fg.jacobian(np.conj, sparse=True)(z)


def test_numbers_and_empty_arrays_are_arguments():
    assert np.array_equal(fg.jacobian(lambda x: x * np.arange(3.0), sparse="triplets")(2.0).toarray(), [[0], [1], [2]])
    assert fg.hessian(lambda x: x**3, sparse="triplets")(2.0).toarray() == [[12]]
    assert fg.hessian(lambda x: (x**3).sum(), sparse="triplets")(np.zeros(0)).toarray().shape == (0, 0)


def test_kinks_and_nan_do_not_leave_their_rows():
    def f(x):
        return (np.abs(x) * x).sum() + (np.maximum(x[1:], x[:-1]) ** 2).sum()

    x = np.array([0.0, 1.0, 1.0, 2.0])
    assert np.array_equal(fg.hessian(f, sparse="triplets")(x).toarray(), fg.hessian(f)(x))
    x = np.array([np.nan, 1.0, 2.0, 3.0])
    found = fg.jacobian(lambda x: x[1:] * x[:-1], sparse="triplets")(x)
    assert np.array_equal(found.values[2:], [2.0, 1.0, 3.0, 2.0])


# --- hooks and gradients of users ---


def test_hooks_change_the_jacobian_as_they_do_the_dense_one():
    def f(x):
        y = x * 2
        y.register_hook(lambda g: g[::-1])
        return y * x

    assert np.array_equal(fg.jacobian(f, sparse="triplets")(X).toarray(), fg.jacobian(f)(X))


def test_an_unsymmetric_hessian_is_not_made_symmetric():
    def f(x):
        y = x[1:] * x[:-1]
        y.register_hook(lambda g: g * np.arange(7.0))
        return (y**2).sum()

    np.testing.assert_allclose(fg.hessian(f, sparse="triplets")(X).toarray(), fg.hessian(f)(X), rtol=1e-13)


# --- given patterns ---

PATTERN = np.eye(7, 8) + np.eye(7, 8, 1)


@pytest.mark.parametrize("form", [PATTERN, PATTERN > 0, PATTERN.tolist(), np.nonzero(PATTERN), "triplets"])
def test_a_pattern_may_be_given(form):
    def f(x):
        return x[1:] * x[:-1]

    if isinstance(form, str):
        form = Triplets(*np.nonzero(PATTERN), None, PATTERN.shape)
    found = fg.jacobian(f, sparse=form)(X)
    assert np.array_equal(found.toarray(), fg.jacobian(f)(X))


def test_a_given_pattern_of_a_hessian_may_be_one_triangle():
    pattern = np.eye(8) + np.eye(8, k=1)
    found = fg.hessian(rosenbrock, sparse=pattern)(X)
    np.testing.assert_allclose(found.toarray(), fg.hessian(rosenbrock)(X), rtol=1e-13)


def test_a_wrong_pattern_is_found():
    jacobian = fg.jacobian(lambda x, s: x[1:] * x[:-1] + s * x.sum(), sparse=PATTERN)
    assert np.array_equal(jacobian(X, 0.0).toarray(), fg.jacobian(lambda x: x[1:] * x[:-1])(X))
    with pytest.raises(BadSetting, match=r"given pattern is wrong: .* in at least 7 of the rows\. Add them, or pass"):
        jacobian(X, 1.0)
    with pytest.raises(BadSetting, match=r"hessian: the given pattern is wrong"):
        fg.hessian(rosenbrock, sparse=np.eye(8))(X)
    with pytest.raises(BadSetting, match="in at least 1 of the"):
        fg.jacobian(lambda x: x**2, sparse=(np.arange(7), np.arange(7)))(X)


@pytest.mark.parametrize(
    ("pattern", "error", "text"),
    [
        ("dense", BadSetting, r'sparse= must be True, "csr", "triplets", .*, got \'dense\''),
        (None, BadSetting, r"sparse= must be True, .*, got NoneType of shape \(\)"),
        (np.ones(3), BadSetting, r"got ndarray of shape \(3,\)"),
        (([1, 2], [1]), BadSetting, r"got rows of shape \(2,\) and columns of shape \(1,\)"),
        (([1.5], [1]), BadSetting, "got rows of float64 and columns of int64"),
        (np.eye(8), ShapeError, r"the given pattern has shape \(8, 8\), the matrix has shape \(7, 8\): one row for"),
        (([7], [0]), ShapeError, r"row numbers from 7 to 7, the matrix has shape \(7, 8\)"),
        (([0, 0], [-1, 2]), ShapeError, "column numbers from -1 to 2"),
    ],
)
def test_what_is_no_pattern_is_refused(pattern, error, text):
    with pytest.raises(error, match=text):
        fg.jacobian(lambda x: x[1:] * x[:-1], sparse=pattern)(X)


# --- results ---


def test_the_result_is_an_array_of_scipy():
    scipy = pytest.importorskip("scipy.sparse")
    jacobian = fg.jacobian(FUNCTIONS["stencil"], sparse=True)
    found = jacobian(X)
    assert isinstance(found, scipy.csr_array)
    assert found.has_canonical_format
    found.data[:] = 0
    found.eliminate_zeros()  # writes to the indices
    assert np.array_equal(jacobian(X).toarray(), fg.jacobian(FUNCTIONS["stencil"])(X))
    given = fg.jacobian(FUNCTIONS["stencil"], sparse=jacobian(X).tocsc())(X)
    assert np.array_equal(given.toarray(), jacobian(X).toarray())


def test_triplets_take_the_place_of_scipy(monkeypatch):
    monkeypatch.setattr(formats, "_scipy_sparse", formats._scipy_sparse.__wrapped__)
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    assert isinstance(fg.jacobian(FUNCTIONS["stencil"], sparse=True)(X), Triplets)
    with pytest.raises(ImportError, match=r'sparse="csr" needs SciPy: .* or use sparse="triplets"'):
        fg.jacobian(FUNCTIONS["stencil"], sparse="csr")(X)


def test_sparse_matrices_are_constants():
    x = fg.tensor(X, requires_grad=True)
    text = r"with sparse=\.\.\., the result consists of arrays and is not differentiable, .* under no_grad\(\)"
    with pytest.raises(NotDifferentiableError, match="jacobian: " + text):
        fg.jacobian(np.sin, sparse="triplets")(x)
    with pytest.raises(NotDifferentiableError, match="hessian: " + text):
        fg.grad(lambda x: fg.hessian(rosenbrock, sparse="triplets")(x).values.sum())(X)
    with fg.no_grad():
        assert isinstance(fg.jacobian(np.sin, sparse="triplets")(x).values, np.ndarray)


def test_results_of_other_leaves_are_rows_of_zeros():
    w = fg.tensor(X, requires_grad=True)
    with fg.no_grad():
        found = fg.jacobian(lambda x: (w * 2, x[:2] * w[:2], np.ones(1)), sparse="triplets")(X)
    assert found.shape == (11, 8)
    assert np.array_equal(found.rows, [8, 9])
    assert np.array_equal(found.values, X[:2])


def test_vmap_is_inside_of_sparse_matrices_and_not_around_them():
    def rows(x):
        return fg.vmap(lambda row: np.sin(row) * row.sum())(x.reshape(4, 2)).reshape(-1)

    found = fg.jacobian(rows, sparse="triplets")(X)
    np.testing.assert_allclose(found.toarray(), fg.jacobian(rows)(X), rtol=1e-13)
    assert len(found.values) == 16
    with pytest.raises(fg.FastgradError, match=r"jacobian: with sparse=.*, which vmap cannot batch: leave out sparse="):
        fg.vmap(lambda x: fg.jacobian(np.sin, sparse="triplets")(x).values)(np.ones((2, 3)))


def test_patterns_that_need_gigabytes_are_refused():
    with pytest.raises(ShapeError, match=r"the pattern has \d+ elements and would need gigabytes"):
        fg.jacobian(lambda x: x * x.sum(), sparse=True)(np.ones(20_000))


def test_functions_that_ignore_their_argument_warn():
    with pytest.warns(fg.GradientWarning, match="argument 0"):
        assert fg.jacobian(lambda x: np.ones(3), sparse="triplets")(X).shape == (3, 8)
    with pytest.raises(TypeError, match="returned no Tensor, array or number"):
        fg.jacobian(lambda x: (), sparse=True)(X)
