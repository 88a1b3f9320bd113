"""`autograd.numpy` under fastgrad: names, what functions return, and arrays and numbers of other types."""

import copy
import inspect
import pickle
import sys
import types

import numpy as onp
import pytest

import fastgrad as fg
import fastgrad.autograd.numpy as np
from fastgrad.autograd import grad, jacobian
from fastgrad.autograd.core import make_vjp
from fastgrad.autograd.extend import Box, VSpace, defvjp, primitive
from fastgrad.autograd.numpy.numpy_boxes import ArrayBox
from fastgrad.autograd.numpy.numpy_jvps import broadcast
from fastgrad.autograd.numpy.numpy_vspaces import ArrayVSpace
from fastgrad.autograd.test_util import check_grads

X = onp.array([0.5, -1.5, 2.5])
MODULES = [(np, onp), (np.linalg, onp.linalg), (np.fft, onp.fft), (np.random, onp.random)]


def names_of(module):
    return [name for name in dir(module) if not name.startswith("_")]


# --- names ---


@pytest.mark.parametrize(("ours", "theirs"), MODULES, ids=lambda module: module.__name__)
def test_every_name_of_numpy_is_here(ours, theirs):
    missing = [name for name in names_of(theirs) if not hasattr(ours, name)]
    assert [name for name in missing if not isinstance(getattr(theirs, name), types.ModuleType)] == []


@pytest.mark.parametrize(("ours", "theirs"), MODULES, ids=lambda module: module.__name__)
def test_functions_can_be_found_in_the_namespace(ours, theirs):
    """Clients wrap all of `vars(autograd.numpy)`."""
    for name in names_of(theirs):
        value = getattr(theirs, name)
        if isinstance(value, types.ModuleType) or name == "test":
            continue
        assert name in vars(ours), name
        assert callable(vars(ours)[name]) == callable(value), name


def test_names_of_one_function_are_one_function():
    assert np.conj is np.conjugate
    assert np.abs is np.absolute
    assert np.amax is not np.amin


AUTOGRADS_OWN = {
    np: "array_from_args c_class concatenate_args custom_where make_diagonal metadata notrace_functions numpy_boxes "
    "numpy_jvps numpy_version numpy_vjps numpy_vspaces numpy_wrapper parse_einsum_input r_class wrap_if_boxes_inside "
    "wrap_intdtype wrap_namespace __version__",
    np.numpy_wrapper: "_array_from_scalar_or_array _astype _original_where _primitive_mean _primitive_std "
    "_primitive_var",
    np.linalg: "T add2d _dot _diag _matrix_diag _primitive_norm",
    np.numpy_vjps: "balanced_eq dot_adjoint_0 dot_adjoint_1 match_complex matmul_adjoint_0 matmul_adjoint_1 "
    "nograd_functions repeat_to_match_shape replace_zero reverse_axis tensordot_adjoint_0 tensordot_adjoint_1 "
    "unbroadcast unbroadcast_einsum unbroadcast_f unpermuter untake wrapped_reshape",
    np.numpy_jvps: "broadcast",
}


@pytest.mark.parametrize("module", AUTOGRADS_OWN, ids=lambda module: module.__name__)
def test_what_clients_import_of_autograds_own_names(module):
    assert [name for name in AUTOGRADS_OWN[module].split() if not hasattr(module, name)] == []


def test_functions_look_like_numpys():
    assert np.sum.__name__ == "sum"
    assert inspect.signature(np.mean) == inspect.signature(onp.mean)
    assert np.exp.__doc__ == onp.exp.__doc__
    assert np.add.nin == 2
    for function in (np.sin, np.sum, np.linalg.inv, np.fft.fft, np.random.normal):
        assert pickle.loads(pickle.dumps(function)) is function
        assert copy.deepcopy(function) is function


def test_functions_become_methods_of_classes():
    """Clients set `ArrayBox.conj = np.conj`, which works with the functions of autograd."""

    class Vector:
        total = np.sum
        length = property(np.size)

        def __init__(self, values):
            self.values = values

        def __array__(self, dtype=None, copy=None):
            return onp.asarray(self.values, dtype)

    assert Vector([1.0, 2.0]).total() == 3.0
    assert Vector([1.0, 2.0]).length == 2
    assert Vector.total is np.sum


def test_functions_without_boxes_are_numpys():
    assert type(np.sum([1.0, 2.0])) is onp.float64
    assert type(np.exp(X)) is onp.ndarray
    assert np.array([1, 2]).dtype == onp.array([1, 2]).dtype


@pytest.mark.skipif(fg.engine == "python", reason="calls of the pure-Python engine are calls of Python")
def test_a_call_without_boxes_runs_no_python_code():
    """`exp` of ten elements takes 0.3 µs; a wrapper in Python would double that."""
    calls = []
    sys.setprofile(lambda frame, event, arg: calls.append((event, frame.f_code.co_name)))
    np.exp(X)
    sys.setprofile(None)
    assert [call for call in calls if call[0] == "call"] == []


# --- results without a derivative ---

VALUES = {
    "argmax": np.argmax, "argsort": np.argsort, "floor": np.floor, "ceil": np.ceil, "round": lambda x: np.round(x, 1),
    "sign": np.sign, "isnan": np.isnan, "greater": lambda x: np.greater(x, 1.0), "all": lambda x: np.all(x > 0),
    "equal": lambda x: np.equal(x, x), "logical_and": lambda x: np.logical_and(x > 0, x < 1), "shape": np.shape,
    "ndim": np.ndim, "size": np.size, "nonzero": np.nonzero, "where": lambda x: np.where(x > 0),
    "count_nonzero": np.count_nonzero, "searchsorted": lambda x: np.searchsorted([0.0, 1.0], x),
    "zeros_like": np.zeros_like, "ones_like": np.ones_like, "full_like": lambda x: np.full_like(x, 2.0),
    "isclose": lambda x: np.isclose(x, 0.5), "allclose": lambda x: np.allclose(x, x), "result_type": np.result_type,
    "iscomplexobj": np.iscomplexobj, "isscalar": np.isscalar, "unique indices": lambda x: np.unique(x, True)[1],
    "int64": np.int64, "histogram": lambda x: np.histogram(x, [0.0, 1.0])[0],
    "floor_divide": lambda x: np.floor_divide(x, 1.0),
    "digitize": lambda x: np.digitize(x, [0.0]), "argpartition": lambda x: np.argpartition(x, 1),
    "array_equal": lambda x: np.array_equal(x, X), "can_cast": lambda x: np.can_cast(x.dtype, float),
    "matrix_rank": lambda x: np.linalg.matrix_rank(np.outer(x, x)), "astype": lambda x: x.astype(int),
    "array2string": np.array2string, "linspace steps": lambda x: np.linspace(0, 1, len(x)),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_results_without_a_derivative_are_numpys(name):
    """They index arrays, are compared, and decide where the function goes on."""
    f, found = VALUES[name], []

    def traced(x):
        found.append(f(x))
        return np.sum(x)

    grad(traced)(X)
    wanted = f(X)
    assert type(found[0]) is type(wanted)
    onp.testing.assert_equal(found[0], wanted)


def test_numbers_are_numpys_numbers():
    found = []
    grad(lambda x: (found.extend([np.floor(x), np.isscalar(x), np.int64(x)]), x)[1])(2.5)
    assert [type(part) for part in found] == [onp.float64, bool, onp.int64]
    assert found == [2.0, True, 2]


def test_they_are_constants_of_the_function():
    assert grad(lambda x: x * np.floor(x))(2.5) == 2.0
    onp.testing.assert_array_equal(grad(lambda x: x[np.argmax(x)])(X), [0.0, 0.0, 1.0])
    onp.testing.assert_array_equal(grad(lambda x: np.sum(np.where(np.isnan(x), 0.0, x)))(X), onp.ones(3))


def test_values_of_boxes_that_were_written():
    found = []

    def f(x):
        y = x * 1.0
        part = y[:2]
        y[0] = 9.0
        found.extend([np.argmax(y), np.floor(part), np.sign(y[0])])
        part[1] = 0.5
        found.append(np.ceil(y))
        return np.sum(y)

    onp.testing.assert_array_equal(grad(f)(X), [0.0, 0.0, 1.0])
    assert found[0] == 0
    onp.testing.assert_array_equal(found[1], [9.0, -2.0])
    onp.testing.assert_array_equal(found[3], [9.0, 1.0, 3.0])


def test_constants_inside_results_are_numpys():
    found = []

    def f(x):
        found.extend(np.broadcast_arrays(x, X))
        found.extend(np.unique(x, return_counts=True))
        return np.sum(x)

    grad(f)(X)
    assert [type(part) for part in found] == [ArrayBox, onp.ndarray, ArrayBox, onp.ndarray]


def test_where_keeps_numbers_of_python():
    assert np.where(True, 1, 2) == 1
    assert type(np.where(False, 1, 2)) is int
    assert np.where([True, False], [1, 2], [3, 4]) == [1, 4]
    with pytest.raises(ValueError, match="both x and y"):
        np.where(True, 1)


def test_a_function_without_a_rule_raises():
    with pytest.raises(NotImplementedError, match=r"VJP of histogramdd wrt argnums \(0,\) not defined"):
        grad(lambda x: np.histogramdd(x[:, None])[1][0][0])(X)
    with pytest.raises(fg.NotDifferentiableError, match="getval"):
        grad(lambda x: np.random.normal(x[0], 1.0))(X)


def test_a_user_defines_what_is_missing():
    try:
        defvjp(np.kaiser, None, lambda ans, n, beta: lambda g: np.sum(g) * 7.0)
        assert grad(lambda beta: np.sum(np.kaiser(3, beta)))(1.0) == 21.0
        onp.testing.assert_array_equal(np.kaiser(3, 1.0), onp.kaiser(3, 1.0))
    finally:
        np.kaiser.override = None


def test_functions_of_fastgrad_keep_their_derivatives():
    """What a user of autograd defines is not defined for `fastgrad.numpy`."""
    assert np.tanh is not fg.numpy.tanh
    try:
        np.tanh.override = lambda x: 5.0
        assert np.tanh(1.0) == 5.0
        assert fg.grad(fg.numpy.tanh)(0.0) == 1.0
    finally:
        np.tanh.override = None


# --- integers ---


def test_types_of_integers_stand_for_numpys():
    assert isinstance(onp.int64(3), np.int64)
    assert onp.issubdtype(onp.int32, np.int32)
    assert onp.zeros(2, np.int64).dtype == onp.int64
    assert onp.dtype("int64") == np.int64
    assert not isinstance(onp.int32(3), np.int64)
    assert type(np.int64(3.7)) is onp.int64
    onp.testing.assert_array_equal(np.int32(X), [0, -1, 2])


def test_integers_of_boxes_are_indices():
    table = onp.array([1.0, 10.0, 100.0])
    assert grad(lambda x: x * table[np.int64(x)])(2.0) == 100.0


# --- arrays of other classes ---


class Quantity(onp.ndarray):
    """An array with a mark, which calls of ufuncs keep, as PennyLane's tensors are."""

    def __new__(cls, values, mark=True):
        made = onp.asarray(values).view(cls)
        made.mark = mark
        return made

    def __array_finalize__(self, source):
        self.mark = getattr(source, "mark", None)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        plain = [x.view(onp.ndarray) if isinstance(x, Quantity) else x for x in inputs]
        return Quantity(super().__array_ufunc__(ufunc, method, *plain, **kwargs))


@pytest.fixture
def registered():
    Box.type_mappings[Quantity] = ArrayBox
    VSpace.mappings[Quantity] = ArrayVSpace
    yield
    del Box.type_mappings[Quantity], VSpace.mappings[Quantity]


CONSTANTS = {
    "multiply": lambda x, c: np.sum(np.multiply(x, c)),
    "multiply reversed": lambda x, c: np.sum(np.multiply(c, x)),
    "operator": lambda x, c: np.sum(x * c),
    "dot": np.dot,
    "dot reversed": lambda x, c: np.dot(c, x),
    "where": lambda x, c: np.sum(np.where(c > 1, x, c) * c),
    "concatenate": lambda x, c: np.sum(np.concatenate([c, x]) ** 2),
    "array": lambda x, c: np.sum(np.array([x[0], c[0]]) ** 2),
    "norm": lambda x, c: np.linalg.norm(np.subtract(c, x)),
    "outer": lambda x, c: np.sum(np.outer(c, x) ** 2),
    "polyval": lambda x, c: np.polyval(c, x[0]),
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants_of_a_subclass_of_ndarray(name, registered):
    f, c = CONSTANTS[name], onp.array([1.0, 2.0, 3.0])
    onp.testing.assert_array_equal(grad(f)(X, Quantity(c)), grad(f)(X, c))
    assert f(X, Quantity(c)) == f(X, c)


def test_functions_of_a_subclass_alone_keep_its_class():
    assert type(np.exp(Quantity(X))) is Quantity
    assert type(np.multiply(2.0, Quantity(X))) is Quantity


class Labelled:
    """An array-like with its own `__array_ufunc__` that may hold a box, as xarray's arrays do."""

    def __init__(self, data):
        self.data = data

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if method != "__call__":
            return NotImplemented
        return Labelled(ufunc(*(x.data if isinstance(x, Labelled) else x for x in inputs), **kwargs))


@pytest.mark.parametrize("function", [np.multiply, onp.multiply])
@pytest.mark.parametrize("is_first", [True, False])
def test_array_likes_with_their_own_ufuncs_handle_the_call(function, is_first):
    def f(x):
        labelled = Labelled(onp.array([1.0, 2.0, 3.0]))
        y = function(labelled, x) if is_first else function(x, labelled)
        assert type(y) is Labelled
        return np.sum(np.sin(y).data)

    check_grads(f, modes=["rev"], order=1)(X)


class Uncertain:
    """A number with an error, as pyerrors' Obs are: NumPy's ufuncs call its methods."""

    def __init__(self, value, error):
        self.value, self.error = value, error

    def exp(self):
        return Uncertain(onp.exp(self.value), onp.exp(self.value) * self.error)

    def __add__(self, other):
        return Uncertain(self.value + getattr(other, "value", other), self.error + getattr(other, "error", 0.0))

    __radd__ = __add__

    def __mul__(self, other):
        return Uncertain(self.value * other, abs(other) * self.error)

    __rmul__ = __mul__


def test_functions_of_objects_are_numpys():
    objects = onp.array([Uncertain(0.0, 0.1), Uncertain(1.0, 0.2)], dtype=object)
    assert [part.error for part in np.exp(objects)] == pytest.approx([0.1, 0.2 * onp.e])
    assert np.sum(objects).value == 1.0
    assert np.dot(objects, [1.0, 2.0]).error == pytest.approx(0.5)
    assert np.array([objects[0], objects[1]]).dtype == object
    assert np.concatenate([objects, objects]).shape == (4,)
    assert np.where([True, False], objects, objects[::-1])[0] is objects[0]


def test_derivatives_beside_objects():
    """The derivatives are those of the values; the errors are propagated with them."""
    objects = onp.array([Uncertain(0.5, 0.1), Uncertain(1.0, 0.2)], dtype=object)
    values = onp.array([part.value for part in objects])
    slopes = jacobian(lambda v: np.array([v[0] * v[1], np.exp(v[0])]))(values)
    errors = [sum(abs(s) * part.error for s, part in zip(row, objects, strict=True)) for row in slopes]
    assert errors == pytest.approx([0.2, 0.1 * onp.exp(0.5)])


# --- what derivatives of primitives are written with ---


@pytest.mark.parametrize("shape", [(), (3,), (1, 3), (2, 1), (2, 3), (1, 1)])
@pytest.mark.parametrize("is_complex", [False, True])
def test_unbroadcast_is_the_transpose_of_broadcasting(shape, is_complex):
    rng = onp.random.default_rng(0)
    x, g = rng.normal(size=shape), rng.normal(size=(4, 2, 3))
    x = x + 1j * x if is_complex else x
    back = np.numpy_vjps.unbroadcast_f(x, lambda g: g + 0j)(g)
    assert np.shape(back) == shape
    assert onp.iscomplexobj(back) == is_complex
    assert onp.sum(back * x) == pytest.approx(onp.sum(g * onp.broadcast_to(x, g.shape)))
    assert broadcast(x, g + 0j).shape == g.shape


def test_a_primitive_with_these_tools():
    scaled = primitive(lambda x, y: onp.asarray(x) * y)
    unbroadcast_f = np.numpy_vjps.unbroadcast_f
    defvjp(
        scaled,
        lambda ans, x, y: unbroadcast_f(x, lambda g: g * y),
        lambda ans, x, y: unbroadcast_f(y, lambda g: g * x),
    )
    check_grads(lambda x, y: scaled(x, y) * 2, modes=["rev"], order=2)(X, onp.ones((2, 1)))


DOTS = [
    ((), ()), ((), (3,)), ((3,), ()), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3,)),
    ((5, 2, 3), (6, 3, 4)), ((3,), (6, 3, 4)), ((2, 3), ()), ((), (2, 3)),
]  # fmt: skip
MATMULS = [
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3,)), ((5, 2, 3), (5, 3, 4)),
    ((3,), (6, 3, 4)), ((7, 1, 2, 3), (6, 3, 4)),
]  # fmt: skip
TENSORDOTS = [
    ((2, 3), (2, 3), 2), ((2, 3, 4), (3, 4, 5), 2), ((2, 3, 4), (4, 3, 5), ([1, 2], [1, 0])), ((2, 3), (4, 5), 0),
    ((2, 3, 4), (5, 2), (0, 1)), ((2, 3, 4), (4, 2, 3, 6), ([-1, 0, 1], [0, 1, -2])),
]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "a", "b", "axes"),
    [("dot", a, b, None) for a, b in DOTS]
    + [("matmul", a, b, None) for a, b in MATMULS]
    + [("tensordot", a, b, axes) for a, b, axes in TENSORDOTS],
)
def test_adjoints_of_products_are_their_vjps(function, a, b, axes):
    rng, tools = onp.random.default_rng(0), np.numpy_vjps
    A, B = onp.asarray(rng.normal(size=a)), onp.asarray(rng.normal(size=b))
    more = () if axes is None else (axes,)
    G = onp.asarray(rng.normal(size=onp.shape(getattr(onp, function)(A, B, *more))))
    of_a, of_b = np.metadata(A), np.metadata(B)
    if function == "tensordot":
        found = (
            tools.tensordot_adjoint_0(B, G, axes, A.ndim, B.ndim),
            tools.tensordot_adjoint_1(A, G, axes, A.ndim, B.ndim),
        )
    elif function == "dot":
        found = tools.dot_adjoint_0(B, G, of_a, of_b), tools.dot_adjoint_1(A, G, of_a, of_b)
    else:
        found = tools.matmul_adjoint_0(B, G, of_a, B.ndim), tools.matmul_adjoint_1(A, G, A.ndim, of_b)
    for k, part in enumerate(found):
        f = (lambda x: getattr(np, function)(x, B, *more)) if k == 0 else lambda x: getattr(np, function)(A, x, *more)
        onp.testing.assert_allclose(part, make_vjp(f, (A, B)[k])[0](G), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("offset", [0, 2, -1])
@pytest.mark.parametrize("axes", [(0, 1), (-1, -2), (1, 2)])
def test_make_diagonal_is_the_inverse_of_diagonal(offset, axes):
    D = onp.random.default_rng(0).normal(size=(2, 3))
    made = np.make_diagonal(D, offset, *axes)
    onp.testing.assert_array_equal(onp.diagonal(made, offset, *axes), D)
    assert onp.count_nonzero(made) == D.size
    check_grads(lambda D: np.make_diagonal(D, offset, *axes) ** 2, order=2)(D)


def test_untake_adds_up_what_an_index_repeats():
    space = ArrayVSpace(onp.zeros(4))
    onp.testing.assert_array_equal(np.numpy_vjps.untake(X, [0, 2, 2], space), [0.5, 0.0, 1.0, 0.0])
    check_grads(lambda x: np.numpy_vjps.untake(x**2, onp.array([0, 2, 2]), space), order=2)(X)


def test_smaller_tools():
    tools = np.numpy_vjps
    onp.testing.assert_array_equal(tools.replace_zero(onp.array([0.0, 2.0]), 1.0), [1.0, 2.0])
    onp.testing.assert_array_equal(tools.balanced_eq(X, X, onp.array([0.5, 0.0, 0.0])), [0.5, 1.0, 1.0])
    onp.testing.assert_array_equal(tools.unpermuter(X[[2, 0, 1]], onp.array([2, 0, 1])), X)
    onp.testing.assert_array_equal(tools.reverse_axis(X, 0), X[::-1])
    assert onp.iscomplexobj(tools.match_complex(1j, X))
    assert not onp.iscomplexobj(tools.match_complex(1.0, X + 0j))
    repeated, count = tools.repeat_to_match_shape(onp.ones(2), (2, 3), float, 1, False)
    assert (repeated.shape, count) == ((2, 3), 3)
    onp.testing.assert_array_equal(np.concatenate_args(0, X, X), onp.concatenate([X, X]))
    assert np.array_from_args((), {"ndmin": 3}, X, X).shape == (1, 2, 3)
    assert np.metadata(1j) == ((), 0, onp.dtype(complex), True)
    assert np.parse_einsum_input("ij,j", onp.ones((2, 3)), X)[:2] == ("ij,j", "i")
