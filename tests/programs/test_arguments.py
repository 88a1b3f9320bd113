"""Arguments and results of compiled functions: memory that they share, numbers that are written, containers, keys."""

import collections
import copy
import dataclasses
import types

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import _tree
from fastgrad.errors import CompileError

only_recorded = pytest.mark.skipif(fg.engine != "cython", reason="this engine calls the function itself")
Pair = collections.namedtuple("Pair", "a b")


@dataclasses.dataclass
class Settings:
    scale: object


def arange(n, start=0.0):
    return np.arange(start, start + n)


# --- memory


@only_recorded
@pytest.mark.parametrize("view", [
    lambda w: w, lambda w: w[1:].detach(), lambda w: w.numpy(), lambda w: w.numpy()[::-1],
])  # fmt: skip
@pytest.mark.parametrize("make", [lambda: fg.asarray(arange(3)), lambda: fg.asarray(arange(2000))])
def test_an_argument_that_the_function_also_closes_over_is_refused(make, view):
    """Else later calls would take the one for the other."""
    w = make()
    program = fg.compile(lambda x: x * w.sum())
    with pytest.raises(CompileError, match="shares its memory"):
        program(view(w))
    np.testing.assert_array_equal(program(np.ones(3)), np.full(3, w.sum().item()))


@only_recorded
@pytest.mark.parametrize("constant", [np.ones(3), fg.tensor(2.0)])
def test_an_array_or_number_around_the_function_is_no_argument(constant):
    program = fg.compile(lambda x: x * constant)
    with pytest.raises(CompileError, match="shares its memory"):
        program(constant)


@only_recorded
@pytest.mark.parametrize("wide_first", [False, True])
def test_an_argument_inside_another_one_is_refused(wide_first):
    a = arange(9)
    given = (a, a[4:5]) if wide_first else (a[4:5], a)
    with pytest.raises(CompileError, match="shares its memory"):
        fg.compile(lambda x, y: (x * y).sum())(*given)


def shifted(x, y):
    x += 1.0
    return x * y


@pytest.mark.parametrize("given", [
    lambda a: (a[:-1], a[1:]), lambda a: (a[1:], a[:-1]), lambda a: (a[:-1], a[:-1]), lambda a: (a[:-1], a[:0:-1]),
])  # fmt: skip
def test_arguments_that_overlap_in_a_later_call_are_written_as_without_a_program(given):
    program = fg.compile(shifted)
    x = arange(3000)
    program(x[:-1].copy(), x[::-1][:-1].copy())
    for layout in (arange(2999)[::-1], arange(2999)):
        program(layout.copy(), layout)
    one, other = arange(3000), arange(3000)
    np.testing.assert_array_equal(program(*given(one)), shifted(*map(fg.asarray, given(other))).numpy())
    np.testing.assert_array_equal(one, other)


def test_an_argument_that_overlaps_a_written_tensor_in_a_later_call():
    def step(w):
        def f(x):
            w.__iadd__(x)
            return w * x

        return f

    one, other = fg.asarray(arange(3000)), fg.asarray(arange(3000))
    program, function = fg.compile(step(one)), step(other)
    program(fg.asarray(np.zeros(3000)))
    np.testing.assert_array_equal(program(one[::1].detach()).numpy(), function(other[::1].detach()).numpy())
    np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_arguments_that_overlap_are_read_by_a_program():
    runs = []

    def f(x, y):
        runs.append(1)
        return x * y

    program = fg.compile(f)
    program(arange(4), arange(4))
    a = arange(4, 1.0)
    np.testing.assert_array_equal(program(a, a), a * a)
    assert len(runs) == (1 if fg.engine == "cython" else 2)


# --- gradients of arguments


def test_the_grad_of_an_argument_is_that_of_the_caller():
    @fg.compile
    def descend(p):
        p -= 0.5 * p.grad
        return p

    with fg.no_grad():
        for value in (1.0, 2.0, 3.0):
            p = fg.tensor(np.full(3, value))
            p.grad = fg.tensor(np.full(3, value))
            assert descend(p) is p
            np.testing.assert_array_equal(p.numpy(), np.full(3, value / 2))


@only_recorded
def test_an_argument_that_is_made_a_leaf_is_refused_where_the_caller_would_see_it():
    def slope(x):
        x.requires_grad_()
        (x * x).sum().backward()
        return x.grad

    program = fg.compile(slope)
    np.testing.assert_array_equal(program(np.ones(2)), [2.0, 2.0])
    np.testing.assert_array_equal(program(np.full(2, 3.0)), [6.0, 6.0])
    with pytest.raises(CompileError, match="require a gradient"):
        fg.compile(slope)(fg.tensor([1.0, 2.0]))


# --- numbers


def increased(x):
    y = x
    y += 1.0
    y *= 2
    y //= 0.5
    return x, y


@pytest.mark.parametrize("given", [(2.0, 5.0), (np.float64(2.0), np.float64(-1.0)), (2, 7)])
def test_numbers_are_not_written(given):
    program = fg.compile(increased)
    for x in given:
        assert program(x) == increased(x)


@only_recorded
def test_a_write_to_a_number_is_refused():
    def f(x):
        x[...] = 1.0
        return x * 2.0

    with pytest.raises(CompileError, match="argument that is a number"):
        fg.compile(f)(3.0)


# --- containers


def test_containers_of_other_classes_are_inputs_and_results():
    def f(p, d):
        total = p.a * d["k"] + p.b
        return Pair(total, [total.sum()]), collections.OrderedDict(z=total * 2.0, y=None), copy.copy(d)

    program = fg.compile(f)
    for k in range(3):
        x, y = np.full(2, 1.0 + k), np.full(2, 2.0 * k)
        given = collections.defaultdict(list, k=x * 3.0)
        pair, other, same = program(Pair(x, y), given)
        np.testing.assert_array_equal(pair.a, x * x * 3.0 + y)
        assert type(pair) is Pair and pair.b == [(x * x * 3.0 + y).sum()]
        assert type(other) is collections.OrderedDict and list(other) == ["z", "y"] and other["y"] is None
        np.testing.assert_array_equal(other["z"], (x * x * 3.0 + y) * 2)
        assert type(same) is collections.defaultdict and same["k"] is given["k"]


@only_recorded
@pytest.mark.parametrize("wrap", [
    Settings, lambda y: {y}, lambda y: (k for k in (y,)), lambda y: types.SimpleNamespace(y=y), lambda y: lambda: y,
])  # fmt: skip
def test_results_in_objects_that_are_not_looked_into_are_refused(wrap):
    with pytest.raises(CompileError, match="that of the first call"):
        fg.compile(lambda x: (x, wrap(x * 2.0)))(np.ones(3))


def test_a_constant_array_in_the_result_belongs_to_the_caller():
    program = fg.compile(lambda x: (x * 2.0, np.arange(3)))
    program(1.0)[1][:] = 7
    np.testing.assert_array_equal(program(2.0)[1], [0, 1, 2])


@only_recorded
def test_results_that_contain_themselves_are_refused():
    def f(x):
        found = [x]
        found.append(found)
        return found

    with pytest.raises(RecursionError):
        fg.compile(f)(1.0)


def test_the_argument_that_is_handed_back_is_found_behind_static_ones():
    program = fg.compile(lambda sizes, x, y: (y, x * sizes[0]), static="sizes")
    x, y = np.ones(2), np.zeros(2)
    for _ in range(2):
        assert program([2.0, 3.0], x, y)[0] is y


# --- what is no input

PARTS = [
    [1.0, 2.0], {"k": [0.5]}, np.array([2.0, 3.0]), np.array([[1, 2]])[:, ::-1], np.ma.masked_array([1.0, 2.0], [0, 1]),
    Settings(2.0), Settings(np.array([1.0, 4.0])), types.SimpleNamespace(k=1.0), np.array([1.0, "b"], object),
]  # fmt: skip


def content(part):
    if isinstance(part, dict):
        return part["k"][0]
    if isinstance(part, (Settings, types.SimpleNamespace)):
        return next(iter(vars(part).values()))
    return np.ma.getdata(part)[0]


def change(part, value):
    if isinstance(part, dict):
        part["k"][0] = value
    elif isinstance(part, types.SimpleNamespace):
        part.k = value
    elif isinstance(part, Settings) and not isinstance(part.scale, np.ndarray):
        part.scale = value
    else:
        target = getattr(part, "scale", part)
        target[0] = value


@pytest.mark.parametrize("part", PARTS, ids=lambda part: type(part).__name__)
def test_a_change_inside_a_static_argument_is_seen(part):
    program = fg.compile(lambda x, part: x * fg.asarray(np.array(content(part), float)), static="part")
    for value in (3, 3, 8, 3):
        change(part, value)
        wanted = np.ones(2) * np.array(content(part), float)
        np.testing.assert_array_equal(program(np.ones(wanted.shape), part), np.ones(wanted.shape) * wanted)


@pytest.mark.parametrize("values", [(0.0, -0.0), (2, 2.0), (1, True), ((2,), (2.0,)), (0j, -0j), ([0.0], [-0.0])])
def test_static_values_that_are_equal_and_not_the_same(values):
    program = fg.compile(lambda x, k: x * k if type(k) not in (tuple, list) else x * k[0], static="k")
    for _ in range(2):
        for k in values:
            found = program(np.ones(1, np.int64), k)
            wanted = np.ones(1, np.int64) * (k[0] if isinstance(k, (tuple, list)) else k)
            assert (found.dtype, found.tobytes()) == (wanted.dtype, wanted.tobytes())


@only_recorded
def test_equal_static_arguments_are_recorded_once():
    runs = []

    def f(x, part):
        runs.append(1)
        return x * 2.0

    program = fg.compile(f, static="part")
    for part in (lambda: np.arange(3), lambda: [1, {"a": (2.0, "b")}], lambda: Settings((1, 2)), lambda: slice(1, 2)):
        program(1.0, part())
        before = len(runs)
        program(2.0, part())
        assert len(runs) == before


# --- what a number does to the dtype of a result

NUMBERS = {
    "operator": lambda x, a: (x * a, a - x, x / a, x**a, x > a),
    "of operators": lambda x, a: (x * (2 * a - 1), x + (-a) / 3, x - abs(a) ** 2 % 5 // 2, x * (a * a)),
    "functions": lambda x, a: (fg.maximum(x, a), fg.where(x > 1, x, a), fg.hypot(x, a * 1), fg.clip(x, a - 1, a)),
    "with arrays": lambda x, a: (x * (a * np.float32(2.0)), np.multiply(x, a)),
    "a tensor of its own": lambda x, a: (x * (fg.tensor(2.0) * a), x * fg.sqrt(fg.abs(a))),
    "gradient": lambda x, a: fg.value_and_grad(lambda v, b: ((v * b) ** 2).sum() * b)(x, a * 2),
    "gradient of the number": lambda x, a: fg.grad(lambda b, v: (v * b).sum())(a * 1.0, x),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.int32, np.uint8, np.bool_])
@pytest.mark.parametrize("numbers", [(0.5, 1.25, 0.1), (2, 3, 1)])
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_determine_no_dtype(name, numbers, dtype):
    f = NUMBERS[name]
    x = np.array([1, 2, 3]).astype(dtype)

    def found(call):
        try:
            return [(np.asarray(y).dtype, np.asarray(y).tobytes()) for y in _tree.leaves(call())]
        except (TypeError, OverflowError, fg.errors.FastgradError) as error:
            return type(error)

    program = fg.compile(f)
    for a in numbers:
        wanted = found(lambda a=a: [fg.asarray(y).detach().numpy() for y in _tree.leaves(f(fg.asarray(x), a))])
        assert found(lambda a=a: program(x, a)) == wanted


def test_a_number_that_the_dtype_does_not_hold_raises_at_every_call():
    program, x = fg.compile(lambda x, a: x + a), np.ones(2, np.uint8)
    np.testing.assert_array_equal(program(x, 2), np.array([3, 3], np.uint8))
    with pytest.raises(OverflowError, match="out of bounds"):
        program(x, 300)
    with pytest.raises(OverflowError, match="out of bounds"):
        fg.compile(lambda x, a: x + a)(x, 300)


@pytest.mark.parametrize("make", [
    lambda: fg.tensor(2.0), lambda: fg.tensor(2.0, requires_grad=True).detach(), lambda: fg.asarray(2.0),
    lambda: fg.full((), 2.0), lambda: fg.ones(()) + 1.0, lambda: fg.tensor(2.0).reshape(()), lambda: fg.tensor(2),
])  # fmt: skip
def test_numbers_that_the_function_makes_tensors_of(make):
    program = fg.compile(lambda x: (make() * x, x + make()))
    for x in (1.0, 3.0):
        assert program(x) == (2.0 * x, x + 2.0)


@only_recorded
def test_an_integer_that_is_too_large_is_refused_at_every_call():
    program = fg.compile(lambda n: n * 2)
    for _ in range(2):
        for large in (10**30, -(10**30)):
            with pytest.raises(CompileError, match="does not fit into int64"):
                program(large)
        assert program(3) == 6


class Pieces(tuple):
    def __new__(cls, *pieces):
        return super().__new__(cls, pieces)


@only_recorded
def test_a_container_that_cannot_be_made_again_is_refused():
    program = fg.compile(lambda pieces: pieces[0][0] * 2.0)
    with pytest.raises(CompileError, match="not made from their elements"):
        program(Pieces(1.0, 2.0))


@pytest.mark.parametrize("value", [2.0, [1.0, 2.0]])
def test_a_detached_tensor_around_the_function_is_read_where_it_is(value):
    w = fg.tensor(value, requires_grad=True)
    program = fg.compile(lambda x: (w.detach() * x, w.detach()[..., None] + x))
    for _ in range(2):
        one, other = program(np.ones(2))
        np.testing.assert_array_equal(one, w.detach().numpy() * np.ones(2))
        np.testing.assert_array_equal(other, w.detach().numpy()[..., None] + np.ones(2))
        with fg.no_grad():
            w += 1.0
