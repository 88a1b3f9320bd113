"""Memory shared by several tensors or with NumPy: the right gradient or a MutationError, never a wrong gradient."""

import numpy as np
import pytest

import fastgrad as fg


def leaf(*values):
    return fg.tensor(list(values), requires_grad=True)


# --- memory that several tensors see: the right gradient or a MutationError, never a wrong gradient ---


def refused_or_right(run, wanted):
    """Run a program on a leaf and assert that its gradient is `wanted`, unless a MutationError is raised."""
    x = leaf(1.0, 2.0)
    try:
        run(x).sum().backward()
    except fg.MutationError as error:
        assert str(error)
        return "refused"
    np.testing.assert_allclose(x.grad.numpy(), wanted)
    return "right"


def write_view_of_result(x):
    y = x * 3
    v = y[:1]
    v *= 10
    return y * 1


def write_view_and_use_view(x):
    y = x * 3
    v = y.reshape(2, 1)
    v += 1
    return v * v


def write_base_and_use_view(x):
    y = x * 3
    v = y[:]
    y *= 10
    return v * 1


def write_detached(x):
    y = x * 3
    y.detach()[...] = 100.0
    return y * y


def write_detached_of_a_read_result(x):
    y = x.exp()
    d = y.detach()
    d *= 0
    return y


def write_through_numpy(x):
    y = x * 3
    z = y * y
    y.numpy(writable=True)[...] = 0.0
    return z


def write_recorded_value_through_detached(x):
    c = fg.tensor([1.0, 1.0])
    d = c.detach()
    d += x
    return c * 1


def write_recorded_value_behind_a_view(x):
    c = fg.tensor([1.0, 1.0])
    v = c[:]
    c += x
    return v * 1


def write_detached_and_record_a_write(x):
    y = x * 3
    y.detach()[0] = 100.0
    y[1] = 5.0
    return y * 1


def write_in_no_grad_and_assign_a_recorded_value(x):
    y = x * 3
    with fg.no_grad():
        y[0] = 100.0
    y[1] = x[0]
    return y * 1


def write_in_no_grad(x):
    y = x * 3
    with fg.no_grad():
        y *= y
    return y * 1


@pytest.mark.parametrize(
    "run",
    [write_detached, write_detached_of_a_read_result, write_through_numpy, write_recorded_value_through_detached,
     write_in_no_grad, write_detached_and_record_a_write, write_in_no_grad_and_assign_a_recorded_value],
)  # fmt: skip
def test_hidden_writes_are_refused(run):
    assert refused_or_right(run, [np.nan, np.nan]) == "refused"


@pytest.mark.parametrize(
    ("run", "wanted"),
    [(write_view_of_result, [30.0, 3.0]), (write_view_and_use_view, [24.0, 42.0]),
     (write_base_and_use_view, [30.0, 30.0]), (write_recorded_value_behind_a_view, [1.0, 1.0])],
)  # fmt: skip
def test_a_write_is_seen_by_the_base_and_by_other_views(run, wanted):
    assert refused_or_right(run, wanted) == "right"


def test_a_recorded_write_to_memory_without_an_owner_says_what_to_do():
    y = leaf(1.0, 2.0) * 3
    with pytest.raises(fg.MutationError, match=r"through a view .* write to the base, y\[key\] = y\[key\] \* 2"):
        y.detach()[0] = leaf(1.0)[0]


def test_a_view_of_a_value_that_no_graph_contains_says_what_to_do():
    y = leaf(1.0, 2.0) * 3
    v = y[:1]
    with fg.no_grad():
        y *= 2
    with pytest.raises(fg.MutationError, match=r"'getitem' .*take the view or compute the result again"):
        v + 1


def test_no_sweep_starts_from_a_stale_result():
    x = leaf(1.0, 2.0)
    base, written, hidden = x * 3, x * 3, x * 3
    view = written[:1]
    base[0] = 5.0
    with fg.no_grad():
        written += 1
    hidden.detach()[...] = 0
    for stale in view, written, hidden:
        with pytest.raises(fg.MutationError, match="overwritten in place after it was made"):
            stale.backward(np.ones(stale.shape))
        with pytest.raises(fg.MutationError, match="overwritten in place after it was made"):
            fg.gradients(stale, x, np.ones(stale.shape))
    assert x.grad is None
    (g,) = fg.gradients(base, x, np.ones(2))
    assert g.tolist() == [0.0, 3.0]


def test_no_gradient_of_a_function_that_wrote_its_result_behind_the_graph():
    def f(x):
        y = (x * x).sum()
        with fg.no_grad():
            y *= 2
        return y

    with pytest.raises(fg.MutationError, match="overwritten in place after it was made"):
        fg.value_and_grad(f)(np.array([1.0, 2.0]))


def test_a_detached_tensor_may_be_written_when_nobody_looks_again():
    x = leaf(1.0, 2.0)
    y = x * 3
    z = y + 1
    y.detach()[...] = 0
    z.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_reshape_makes_a_view_wherever_numpy_does():
    rng = np.random.default_rng(0)
    x = np.arange(24.0).reshape(2, 3, 4)
    keys = (slice(None, None, -1), slice(None, 1), slice(None, None, 2), slice(1, None))
    shapes = ((-1,), (2, -1), (3, -1), (-1, 1, 4), (1, -1, 2, 1), (6, -1))
    views = 0
    for _ in range(300):
        axes = tuple(map(int, rng.permutation(3)))
        key = tuple(keys[k] for k in rng.integers(len(keys), size=rng.integers(0, 3)))
        shape = shapes[rng.integers(len(shapes))]
        array, t = x.transpose(axes)[key], fg.permute_dims(fg.asarray(x), axes)[key]
        if array.size % abs(int(np.prod(shape))):
            continue
        wanted, got = array.reshape(shape), t.reshape(shape)
        np.testing.assert_array_equal(got.numpy(), wanted)
        assert np.shares_memory(got.numpy(), x) == np.shares_memory(wanted, x), (axes, key, shape)
        views += np.shares_memory(wanted, x)
    assert 50 < views < 250
    y = leaf(1.0, 2.0, 3.0, 4.0) * 1
    column = y[::2].reshape(2, 1)
    y *= 2
    assert (column * 1).tolist() == [[2.0], [6.0]]


# --- memory shared with NumPy ---


def test_a_foreign_write_after_recording_is_noticed():
    x = leaf(1.0, 2.0)
    y = x * x
    x.numpy(writable=True)[0] = 100.0
    with pytest.raises(fg.MutationError, match="overwritten in place"):
        y.sum().backward()


def test_after_a_writable_view_ops_keep_private_copies():
    x = leaf(1.0, 2.0)
    view = x.numpy(writable=True)
    view[:] = [3.0, 4.0]
    y = (x * x).sum()
    view[:] = 100.0
    y.backward()
    assert x.grad.tolist() == [6.0, 8.0]
    (g,) = fg.gradients((x * x * x).sum(), x, create_graph=True)
    view[:] = 0.0
    g.sum().backward()
    assert x.grad.tolist() == [606.0, 608.0]


def test_an_array_operand_may_change_afterwards():
    x, a = leaf(1.0, 2.0), np.array([5.0, 6.0])
    y = x * a
    z = fg.asarray(a) * x
    a[:] = 0
    (y + z).sum().backward()
    assert x.grad.tolist() == [10.0, 12.0]


def through_a_tensor():
    t = fg.tensor([5.0, 6.0])
    return t.numpy(), t


def through_a_writeable_base():
    a = np.array([5.0, 6.0])
    view = a[:]
    view.flags.writeable = False
    return view, a


def through_a_broadcast():
    a = np.array([[5.0], [6.0]])
    return np.broadcast_to(a, (2, 3))[:, 0], a


def through_a_buffer():
    memory = bytearray(np.array([5.0, 6.0]).tobytes())
    array = np.frombuffer(memory)
    array.flags.writeable = False
    return array, np.frombuffer(memory)


@pytest.mark.parametrize(
    "make",
    [through_a_tensor, through_a_writeable_base, through_a_broadcast, through_a_buffer],
    ids=lambda f: f.__name__,
)
def test_a_read_only_array_may_be_written_by_another_owner(make):
    array, owner = make()
    x = leaf(1.0, 2.0)
    assert not array.flags.writeable
    y = (x * array + fg.asarray(array) * x + fg.where(fg.asarray(array) > 5, x, 0) * array).sum()
    squares = fg.asarray(array).requires_grad_()
    z = (squares * squares).sum()
    owner[...] = 0
    y.backward()
    z.backward()
    assert x.grad.tolist() == [10.0, 18.0]
    assert squares.grad.tolist() == [10.0, 12.0]


def test_read_only_memory_is_refused():
    a = np.ones(2)
    a.flags.writeable = False
    for x in (fg.asarray(a), fg.tensor([1.0]).broadcast_to((2,))):
        with pytest.raises(ValueError, match=r"read-only.*x\.copy\(\)") as caught:
            x += 1
        assert isinstance(caught.value, fg.MutationError)
        with pytest.raises(ValueError, match="read-only"):
            x[0] = 1
        with pytest.raises(ValueError, match="read-only"):
            x.numpy(writable=True)
    assert a.tolist() == [1.0, 1.0]
