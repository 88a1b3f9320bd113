"""What `grad` and `value_and_grad` return is called, bound, copied and inspected as a function; any nesting goes in."""

import collections
import copy
import gc
import inspect
import pickle
import weakref

import numpy as np
import pytest

import fastgrad as fg

from ..support.threads import in_threads

A = np.array([0.25, -1.25, 2.0])
Point = collections.namedtuple("Point", "x y")


@fg.grad
def slope(x, *, scale=1.0):
    """Derivative of a cube."""
    return x**3 * scale


@fg.value_and_grad
def both(x):
    return x * x


class Model:
    weight = 3.0
    pull = fg.grad(lambda self, x: self.weight * x * x, 1)

    @fg.grad
    def wrong(self, x):
        return x


def test_it_has_the_name_the_docstring_and_the_signature_of_the_function():
    assert (slope.__name__, slope.__qualname__, slope.__module__) == ("slope", "slope", __name__)
    assert slope.__doc__ == "Derivative of a cube."
    assert str(inspect.signature(slope)) == "(x, *, scale=1.0)"
    assert slope.__wrapped__(2.0) == 8.0
    assert "slope" in repr(slope)
    assert weakref.ref(slope)() is slope
    slope.note = 1
    assert slope.note == 1 and callable(slope)
    assert slope(2.0, scale=2.0) == 24.0


def test_it_is_copied_and_pickled_by_its_name():
    for function in slope, both:
        assert copy.copy(function) is function is copy.deepcopy(function) is pickle.loads(pickle.dumps(function))
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(fg.grad(lambda x: x * x))


def test_it_binds_as_a_method():
    model = Model()
    assert model.pull(2.0) == 12.0
    assert Model.pull(model, 2.0) == 12.0
    assert model.pull.__self__ is model and Model.pull is Model.__dict__["pull"]
    with pytest.raises(fg.NotDifferentiableError, match="argument 0 is Model"):
        model.wrong(1.0)


def test_a_callable_without_a_name_will_do():
    class Cube:
        def __call__(self, x):
            return x**3

    gradient = fg.grad(Cube())
    assert gradient(2.0) == 12.0 and gradient.__name__ == "grad"


def same_kind(got, tree):
    if isinstance(tree, np.ndarray):
        return type(got) is np.ndarray and got.shape == tree.shape and got.dtype == tree.dtype
    if isinstance(tree, (float, complex, np.generic)):
        return isinstance(got, np.generic) and got.dtype == np.asarray(tree).dtype
    if tree is None:
        return got is None
    children = tree.values() if isinstance(tree, dict) else tree
    parts = got.values() if isinstance(tree, dict) else got
    return type(got) is type(tree) and len(got) == len(tree) and all(map(same_kind, parts, children))


def squares(tree):
    if isinstance(tree, dict):
        tree = tuple(tree.values())
    if isinstance(tree, (tuple, list)):
        return sum(map(squares, tree), fg.tensor(0.0))
    return 0.0 if tree is None else (abs(tree) ** 2).sum()


TREES = [
    A, A.astype(np.float32), A[::-1], A[:0], np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.array(1.5),
    A.astype(">f8"), 2.0, np.float64(2), np.float32(2), 1j, A * 1j, (A, 2.0), [A, (1.0, [2.0])], {"w": A, "b": 1.0},
    {"nested": {"w": [A, None], 3: (0.5,)}}, Point(A, 1.0), collections.OrderedDict(z=A, a=1.0), (), [1.0] * 30,
    collections.defaultdict(list, w=[A, A]), {"Tensor": fg.tensor(A)},
]  # fmt: skip


@pytest.mark.parametrize("tree", TREES, ids=str)
def test_gradients_have_the_types_and_nesting_of_the_arguments(tree):
    value, (g, one) = fg.value_and_grad(lambda tree, x: squares(tree) + x, (0, 1))(tree, 1.0)
    if isinstance(tree, dict) and "Tensor" in tree:
        assert type(g["Tensor"]) is fg.Tensor and np.array_equal(g["Tensor"].numpy(), 2 * A)
        assert type(value) is fg.Tensor
        return
    if not (isinstance(tree, np.ndarray) and not tree.dtype.isnative):
        assert same_kind(g, tree)
    assert isinstance(value, np.float64) and one == 1.0
    pulled, _ = fg.vjp(lambda tree, x: squares(tree) + x, tree, 1.0)[1](1.0)
    for left, right in zip(flat(g), flat(pulled), strict=True):
        np.testing.assert_array_equal(left, right)


def flat(tree):
    if isinstance(tree, dict):
        tree = tree.values()
    elif tree is None:
        return []
    elif not isinstance(tree, (tuple, list)):
        return [tree]
    return [leaf for child in tree for leaf in flat(child)]


def test_arguments_stay_as_they_are_and_results_are_new():
    a, others = A.copy(), {"w": A.copy()}
    g = fg.grad(lambda a, p: (a * 2 + p["w"]).sum(), (0, 1))
    first, second = g(a, others), g(a, others)
    first[0][:] = 7
    first[1]["w"][:] = 8
    np.testing.assert_array_equal(second[0], [2, 2, 2])
    np.testing.assert_array_equal(second[1]["w"], [1, 1, 1])
    assert np.array_equal(a, A) and np.array_equal(others["w"], A)


def test_a_function_may_change_the_lists_and_dicts_it_gets():
    def f(p):
        p["extra"] = p.pop("w") * 2
        return p["extra"].sum()

    np.testing.assert_array_equal(fg.grad(f)({"w": A})["w"], [2, 2, 2])


@pytest.mark.parametrize("change", [lambda p: p.append(1.0), lambda p: p.pop(), lambda p: p.clear()])
def test_a_function_may_not_change_those_of_the_caller(change):
    given = [1.0, 2.0, 3.0]

    def f(p):
        change(given)
        return p[0] * p[1]

    with pytest.raises(ValueError, match="grad: the lists and dicts among the arguments were changed during the call"):
        fg.grad(f)(given)


def test_endless_nesting_is_an_error():
    endless = [1.0]
    endless.append(endless)
    with pytest.raises(RecursionError):
        fg.grad(lambda p: p[0])(endless)


@pytest.mark.parametrize("argnums", [10**30, (0, -(10**30)), 2, (0, 2), (-3,), (0, 0), (1, -1), (-2, 0)])
def test_argument_numbers_are_checked_before_the_arguments(argnums):
    with pytest.raises(TypeError, match="argnums selects argument"):
        fg.grad(lambda x, y: x * y, argnums)("no number", 2.0)


def test_arguments_by_keyword_are_passed_on():
    def f(x, *rest, power=2, **more):
        return x**power * len(rest) + sum(more.values())

    assert fg.grad(f)(3.0, "a", "b", power=3, other=1.0) == 54.0
    assert fg.value_and_grad(f)(3.0, None, w=fg.tensor(2.0))[0].item() == 11.0
    with pytest.raises(TypeError, match="argnums selects argument 0 of a call with 0 positional"):
        fg.grad(f)(x=3.0)


def test_values_of_a_function_without_recording():
    with fg.no_grad():
        assert fg.grad(lambda x: x * x)(3.0) == 6.0
        x = fg.tensor(3.0, requires_grad=True)
        assert not fg.grad(lambda x: x * x)(x).requires_grad
        assert not fg.is_grad_enabled()


def test_errors_leave_no_transform_running():
    def fails(x):
        raise KeyError("mine")

    for _ in range(3):
        with pytest.raises(KeyError, match="mine"):
            fg.grad(fails)(1.0)
        with pytest.raises(fg.NotDifferentiableError):
            fg.grad(lambda x: float(x))(1.0)
    kept = []
    with pytest.raises(ZeroDivisionError):
        fg.grad(lambda x: kept.append(x) or 1 // 0)(1.0)
    assert float(kept[0].detach()) == kept[0].item() == 1.0


def test_code_that_runs_in_the_middle_may_call_transforms_too():
    class Items(dict):
        def items(self):
            assert fg.grad(lambda x: x * x)(3.0) == 6.0
            gc.collect()
            return super().items()

    g = fg.grad(lambda p: (p["w"] * p["w"]).sum())(Items(w=A))
    assert type(g) is Items
    np.testing.assert_array_equal(g["w"], 2 * A)


@pytest.mark.usefixtures("switch_often")
def test_one_function_in_many_threads_at_once():
    f = fg.value_and_grad(lambda p, q: (p["w"] * p["w"] * q[0]).sum(), (0, 1))
    wrong = []

    def work(k):
        w = A * (k + 1)
        for _ in range(200):
            value, (g, (h,)) = f({"w": w}, (2.0,))
            if not (np.array_equal(g["w"], 4 * w) and value == 2 * h):
                wrong.append(k)

    in_threads(4, work)
    assert wrong == []
