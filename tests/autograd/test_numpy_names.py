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
from fastgrad.autograd.extend import Box, VSpace, defvjp
from fastgrad.autograd.numpy.numpy_boxes import ArrayBox
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
    assert [type(part) for part in found] == [onp.float64, bool, np.int64]
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


def test_types_of_integers_are_subclasses_of_numpys():
    assert not isinstance(onp.int64(3), np.int64)  # as with autograd: pyerrors counts on it
    assert isinstance(np.int64(3), np.int64) and isinstance(np.int64(3), onp.int64)
    assert onp.zeros(2, np.int64).dtype == onp.int64
    assert onp.dtype("int64") == np.int64
    assert not isinstance(onp.int32(3), np.int64)
    assert np.int64(3.7) == 3
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


def test_iterators_of_arrays_are_joined():
    """As in `np.stack(map(f, xs))`, which autograd's users write."""
    parts = [onp.ones((2, 2)), onp.zeros((2, 2))]
    for name in ("concatenate", "stack", "vstack", "hstack", "dstack", "column_stack"):
        joined = getattr(np, name)
        onp.testing.assert_array_equal(joined(part for part in parts), getattr(onp, name)(parts))
        onp.testing.assert_array_equal(joined(dict(enumerate(parts)).values()), joined(parts))
        g = grad(lambda x, joined=joined: np.sum(joined(x * part for part in parts)))(2.0)
        assert g == 4.0
