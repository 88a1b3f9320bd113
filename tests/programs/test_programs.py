"""`fg.compile`: arguments, results, what is read and written around a function, branches, and what is refused."""

import copy
import pickle
import threading

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import _tree
from fastgrad.errors import CompileError

RECORDS = fg.engine == "cython"
only_recorded = pytest.mark.skipif(not RECORDS, reason="this engine calls the function itself")
X = np.array([1.0, 2.0, 3.0])
FACTOR = 2.0


def counted(f):
    """Return a program of `f`, and the list to which each run of its Python code appends."""
    runs = []

    def counting(*args, **kwargs):
        runs.append(1)
        return f(*args, **kwargs)

    return fg.compile(counting), runs


def test_a_function_is_recorded_once():
    program, runs = counted(lambda x: (x * x).sum())
    assert [float(program(X * k)) for k in (1, 2, 3)] == [14.0, 56.0, 126.0]
    assert len(runs) == (1 if RECORDS else 3)


@pytest.mark.parametrize("f", [
    lambda x: fg.stack([x, x * 2.0])[::-1], lambda x: fg.stack([x, x * 2.0])[1:], lambda x: fg.stack([x])[::-1],
    lambda x: fg.broadcast_to(x * 2.0, (2,)), lambda x: fg.stack([x, x * 2.0])[::-1].reshape(1, 2).T,
])  # fmt: skip
def test_small_results_that_are_views(f):
    program = fg.compile(f)
    for value in (1.5, 2.5, -0.5):
        x = np.array(value, np.float32)
        np.testing.assert_array_equal(program(x), f(fg.asarray(x)).numpy())


def test_decorators():
    @fg.compile
    def double(x):
        """Twice x."""
        return x * 2.0

    @fg.compile(static=("n",))
    def repeated(x, n):
        return fg.concat([x] * n)

    assert double(3.0) == 6.0
    assert repeated(X, 2).shape == (6,)
    assert repeated(X, n=3).shape == (9,)
    assert double.__name__ == "double" and double.__doc__ == "Twice x." and callable(double.__wrapped__)


def test_results_have_the_types_that_transforms_give():
    program = fg.compile(lambda x: {"a": x + 1.0, "b": (x.sum(), [x * 2.0])})
    for _ in range(3):
        found = program(X)
        assert type(found["a"]) is np.ndarray and type(found["b"][0]) is np.float64
        np.testing.assert_array_equal(found["b"][1][0], X * 2)
        found = program(fg.tensor(X))
        assert type(found["a"]) is fg.Tensor and type(found["b"][0]) is fg.Tensor


def test_results_are_fresh():
    program = fg.compile(lambda x: x * 2.0)
    first = program(X)
    program(X + 1.0)
    np.testing.assert_array_equal(first, X * 2)
    first[:] = 0.0
    np.testing.assert_array_equal(program(X), X * 2)


def test_an_argument_that_is_handed_back_is_the_callers_object():
    program, x, number = fg.compile(lambda x, c: (c, x)), X.copy(), 2.5
    for _ in range(3):
        found = program(x, number)
        assert found[0] is number and found[1] is x


def test_nested_arguments_by_position_and_name():
    program = fg.compile(lambda p, *, scale: p["w"] @ p["xs"][0] * scale + p["xs"][1])
    for k in (1.0, 2.0, 3.0):
        found = program({"w": X, "xs": (X.copy(), k)}, scale=k)
        assert found == 14.0 * k + k


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "?", "c16"])
def test_shapes_and_dtypes_are_recorded_anew(dtype):
    program, runs = counted(lambda x: x + x)
    for shape in ((3,), (2, 3), (), (3,)):
        x = np.ones(shape, dtype)
        found, wanted = program(x), (fg.asarray(x) + fg.asarray(x)).numpy()
        assert found.dtype == wanted.dtype and found.shape == wanted.shape
        np.testing.assert_array_equal(found, wanted)
    assert len(runs) == (3 if RECORDS else 4)


def test_strided_arguments():
    program = fg.compile(lambda x: fg.cumsum(x * 2.0, axis=0))
    whole = np.arange(24.0).reshape(4, 6)
    for x in (whole, whole[::2], whole[:, ::-1], whole.T, whole[1:, 2:]):
        for _ in range(2):
            np.testing.assert_array_equal(program(x), np.cumsum(x * 2.0, axis=0))


@only_recorded
def test_an_argument_is_read_where_it_is_at_each_call():
    program, x = fg.compile(lambda x: x.sum()), X.copy()
    assert program(x) == 6.0
    x *= 2.0
    assert program(x) == 12.0
    assert program(x.copy()) == 12.0


def test_static_arguments_are_part_of_the_key():
    program, runs = counted(lambda x, n=2, how="sum": getattr(fg, how)(x) * n)
    static = fg.compile(program.__wrapped__, static=("n", "how"))
    assert static(X, n=2, how="sum") == 12.0
    assert static(X, n=3, how="mean") == 6.0
    assert static(X, n=2, how="sum") == 12.0
    assert len(runs) == (2 if RECORDS else 3)


def test_static_names_of_no_parameter_are_refused():
    with pytest.raises(ValueError, match="static names 'm'"):
        fg.compile(lambda x, n: x, static="m")


def test_numbers_around_the_function_may_change():
    global FACTOR
    scale = 1.0

    def f(x):
        return x * scale * FACTOR

    program = fg.compile(f)
    try:
        for scale, FACTOR in ((1.0, 2.0), (3.0, 2.0), (3.0, 5.0), (1.0, 2.0)):
            np.testing.assert_array_equal(program(X), X * scale * FACTOR)
    finally:
        FACTOR = 2.0


def test_functions_around_the_function_may_change():
    g = lambda x: x + 1.0
    program = fg.compile(lambda x: g(x))
    np.testing.assert_array_equal(program(X), X + 1)
    g = lambda x: x - 1.0
    np.testing.assert_array_equal(program(X), X - 1)


def test_tensors_around_the_function_are_read_and_written_where_they_are():
    state, weight = fg.zeros(3), fg.tensor([1.0, 1.0, 1.0])

    def f(x):
        state[...] = state * 0.5 + x * weight
        return state.sum()

    program, version = fg.compile(f), state.version if hasattr(state, "version") else None
    assert [float(program(X)) for _ in range(4)] == [6.0, 9.0, 10.5, 11.25]
    weight *= 2.0
    state.zero_()
    assert float(program(X)) == 12.0
    assert version is None or state.version > version


def test_a_write_to_an_argument_is_seen_by_the_caller():
    program, x = fg.compile(lambda x: x.__imul__(2.0).sum()), X.copy()
    for k in (2.0, 4.0, 8.0):
        assert program(x) == 6.0 * k
        np.testing.assert_array_equal(x, X * k)


@only_recorded
def test_read_only_arrays_are_not_written():
    program, x = fg.compile(lambda x: x.__imul__(2.0)), X.copy()
    program(x)
    x.flags.writeable = False
    with pytest.raises(Exception, match="read-only"):
        program(x)
    np.testing.assert_array_equal(x, X * 2)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (40, 30)])
def test_gradients_accumulate_in_the_leaves(shape):
    def leaf():
        return fg.tensor(np.full(shape, 2.0), requires_grad=True)

    def step_of(w):
        def step(x):
            for _ in range(2):
                (w * w * x).sum().backward()

        return step

    eager, compiled = leaf(), leaf()
    plain, program = step_of(eager), fg.compile(step_of(compiled))
    for k, x in enumerate((1.0, 2.0, 3.0, 4.0, 5.0)):
        if k == 2:
            eager.grad = compiled.grad = None
        plain(x)
        program(x)
        np.testing.assert_array_equal(compiled.grad.numpy(), eager.grad.numpy())
    assert compiled.grad.requires_grad is False


@pytest.mark.parametrize("shape", [(), (1,), (3,), (40, 30)])
def test_gradients_begin_anew_and_accumulate_within_a_call(shape):
    w = fg.tensor(np.ones(shape), requires_grad=True)

    def step(x):
        w.grad = None
        for _ in range(2):
            (w * x).sum().backward()
        w.grad *= 0.5

    program, kept = fg.compile(step), []
    for x in (1.0, 2.0, 3.0, 4.0):
        program(x)
        np.testing.assert_array_equal(w.grad.numpy(), np.full(shape, x))
        kept.append(w.grad)
    np.testing.assert_array_equal([g.numpy().max() for g in kept], [1.0, 2.0, 3.0, 4.0])


@pytest.mark.parametrize("n", [1, 3])
def test_a_view_of_a_small_parameter_is_known(n):
    layer = fg.nn.Linear(n, n)
    program = fg.compile(lambda x: layer(x).detach())
    for k in range(3):
        x = np.full((2, n), float(k))
        np.testing.assert_array_equal(program(x), layer(fg.asarray(x)).detach().numpy())


def test_derivatives_are_compiled():
    f = lambda x: (fg.sin(x) * x).sum()
    for transform in (fg.grad, fg.value_and_grad, fg.hessian, lambda f: fg.grad(lambda x: fg.grad(f)(x).sum())):
        plain, program = transform(f), fg.compile(transform(f))
        for k in (1.0, 2.0, 3.0):
            for found, wanted in zip(_tree.leaves(program(X * k)), _tree.leaves(plain(X * k))):
                np.testing.assert_array_equal(found, wanted)


def test_a_program_inside_a_transform_is_its_function():
    program = fg.compile(lambda x: (x**3).sum())
    program(X)
    np.testing.assert_array_equal(fg.grad(program)(X), 3 * X**2)
    np.testing.assert_array_equal(fg.vmap(program)(np.stack([X, X])), [36.0, 36.0])


def test_an_argument_that_requires_a_gradient_is_differentiated():
    program = fg.compile(lambda x: (x**3).sum())
    program(X)
    x = fg.tensor(X, requires_grad=True)
    program(x).backward()
    np.testing.assert_array_equal(x.grad.numpy(), 3 * X**2)
    with fg.no_grad():
        assert program(x).item() == 36.0


def test_a_branch_is_looked_at_in_each_call():
    program, runs = counted(lambda x: x * 2.0 if x.sum() > 0 else -x)
    for sign in (1.0, -1.0, 1.0, -1.0, -1.0):
        np.testing.assert_array_equal(program(sign * X), 2 * X if sign > 0 else X)
    assert len(runs) == (2 if RECORDS else 5)


@only_recorded
def test_a_branch_after_a_write_is_refused():
    state = fg.zeros(3)

    def f(x):
        state[...] = x
        return x if state.sum() > 0 else -x

    with pytest.raises(CompileError, match="branch before"):
        fg.compile(f)(X)


@only_recorded
@pytest.mark.parametrize(
    "f",
    [
        lambda x: float(x.sum()),
        lambda x: x.sum().item(),
        lambda x: x.numpy() * 2.0,
        lambda x: x.tolist(),
        lambda x: np.asarray(x),
        lambda x: x[x > 1.5],
        lambda x: fg.nonzero(x),
        lambda x: range(int(x.sum())),
    ],
    ids=["float", "item", "numpy", "tolist", "asarray", "mask", "nonzero", "int"],
)
def test_values_that_leave_are_refused_at_the_first_call(f):
    program = fg.compile(f)
    for _ in range(2):
        with pytest.raises(CompileError) as caught:
            program(X)
        assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("times", [1, 3])
def test_a_result_with_its_graph_is_refused(times):
    w = fg.tensor(X, requires_grad=True)
    program = fg.compile(lambda x: (w * x).sum())
    for _ in range(times):
        with pytest.raises(CompileError, match="value_and_grad"):
            program(X)


def test_an_error_in_the_function_leaves_nothing_behind():
    fail, w = True, fg.tensor(X, requires_grad=True)

    def f(x):
        (w * x).sum().backward()
        if fail:
            raise RuntimeError("stop")
        return x.sum()

    program = fg.compile(f)
    with pytest.raises(RuntimeError, match="stop"):
        program(X)
    w.grad, fail = None, False
    for _ in range(3):
        assert program(X) == 6.0
    np.testing.assert_array_equal(w.grad.numpy(), 3 * X)
    np.testing.assert_array_equal((fg.tensor(X) * 2.0).numpy(), X * 2)


@only_recorded
def test_an_error_in_a_replay_is_that_of_the_function():
    program = fg.compile(lambda x, k: x[k])
    np.testing.assert_array_equal(program(X, np.array([0, 2])), X[[0, 2]])
    with pytest.raises(IndexError):
        program(X, np.array([0, 7]))
    np.testing.assert_array_equal(program(X, np.array([1, 1])), X[[1, 1]])


@only_recorded
def test_a_hook_is_refused_not_dropped():
    w = fg.tensor(X, requires_grad=True)
    w.register_hook(lambda g: g * 2.0)
    with pytest.raises(CompileError, match="hook"):
        fg.compile(lambda x: (w * x).sum().backward())(X)


@only_recorded
def test_a_hook_that_comes_later_is_not_dropped():
    w = fg.tensor(X, requires_grad=True)
    program = fg.compile(lambda x: (w * x).sum().backward())
    program(X)
    w.register_hook(lambda g: g * 2.0)
    w.grad = None
    try:
        program(X)
    except CompileError:
        return
    np.testing.assert_array_equal(w.grad.numpy(), 2 * X)


def test_many_variants_warn_once_and_run_as_the_function():
    program, runs = counted(lambda x: x * 2.0)
    shapes = range(1, 20)
    if RECORDS:
        with pytest.warns(UserWarning, match="recorded 16 times"):
            found = [program(np.ones(n)).sum() for n in shapes]
    else:
        found = [program(np.ones(n)).sum() for n in shapes]
    assert found == [2.0 * n for n in shapes]
    assert len(runs) == len(shapes)


def test_threads_share_a_program():
    program = fg.compile(fg.value_and_grad(lambda x: (fg.tanh(x) * x).sum()))
    points = [np.random.default_rng(k).normal(size=700) for k in range(8)]
    plain = fg.value_and_grad(lambda x: (fg.tanh(x) * x).sum())
    wanted, wrong = [plain(x) for x in points], []

    def work(k):
        for _ in range(50):
            value, gradient = program(points[k])
            if value != wanted[k][0] or gradient.tobytes() != wanted[k][1].tobytes():
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_draws_are_new_in_each_call_and_follow_the_seed():
    def f(x):
        return fg.nn.functional.dropout(x, 0.5)

    program, x = fg.compile(f), np.ones(50)
    program(x)
    fg.manual_seed(3)
    found = [program(x) for _ in range(3)]
    fg.manual_seed(3)
    for a in found:
        np.testing.assert_array_equal(a, f(fg.asarray(x)).numpy())
    assert not np.array_equal(found[0], found[1])


def test_methods_are_bound():
    class Model:
        def __init__(self, scale):
            self.scale = scale

        @fg.compile
        def forward(self, x):
            return x * self.scale

    one, two = Model(2.0), Model(3.0)
    for _ in range(2):
        np.testing.assert_array_equal(one.forward(X), X * 2)
        np.testing.assert_array_equal(two.forward(X), X * 3)
    one.scale = 5.0
    np.testing.assert_array_equal(one.forward(X), X * 5)


@pytest.mark.parametrize("kind", ["misaligned", "foreign byte order"])
def test_arrays_of_messages_and_files_are_copied(kind):
    if kind == "misaligned":
        x = np.frombuffer(b"." + X.tobytes(), np.uint8)[1:].view(X.dtype)
        assert not x.flags.aligned
    else:
        x = X.astype(X.dtype.newbyteorder())
    program = fg.compile(fg.value_and_grad(lambda p: (p["x"] ** 3).sum()))
    wanted = program({"x": X})
    for _ in range(2):
        value, gradient = program({"x": x})
        assert value == wanted[0] and gradient["x"].tobytes() == wanted[1]["x"].tobytes()
    if fg.engine == "cython":
        assert len(program.steps()) == 1


def test_programs_are_copied_as_functions_and_pickled_without_what_was_recorded():
    program = fg.compile(np.sin, static="where", check=True)
    program(X)
    assert copy.copy(program) is program and copy.deepcopy(program) is program
    data = pickle.dumps(program)
    again = pickle.loads(data)
    assert again.f is np.sin and again.static == program.static and again.steps() == again.buffers() == []
    np.testing.assert_array_equal(again(X), program(X))
    assert len(again.steps()) == len(program.steps())
    assert pickle.dumps(program) == data


@pytest.mark.parametrize("given", [None, X, "f"])
def test_what_is_no_function_is_refused(given):
    if given is None:
        assert callable(fg.compile(given))
        return
    with pytest.raises(TypeError, match="a function was expected"):
        fg.compile(given)


def test_arrays_like_a_tensor_read_no_element_of_it():
    def f(x):
        y = fg.zeros_like(x)
        y += fg.ones_like(x, dtype=np.float32) * fg.full_like(x, 2.5)
        y[0] = x.sum()
        return y, fg.hvp(lambda z: (z**3).sum(), (x,), (fg.ones_like(x),))

    program = fg.compile(f)
    for x in (np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(3, 2).T):
        for k in (1.0, 2.0):
            for found, wanted in zip(program(x * k), f(fg.asarray(x * k))):
                np.testing.assert_array_equal(found, wanted.numpy())
