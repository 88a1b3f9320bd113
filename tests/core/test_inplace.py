"""In-place writes are recorded correctly or refused; they never cause a wrong gradient without an error."""

import operator

import numpy as np
import pytest

import fastgrad as fg


def leaf(*values):
    return fg.tensor(list(values), requires_grad=True)


OPERATORS = {"iadd": 3.0, "isub": 3.0, "imul": 3.0, "itruediv": 4.0, "ipow": 2.0, "ifloordiv": 2.0, "imod": 2.5}

# --- constants ---


@pytest.mark.parametrize("name", OPERATORS)
def test_a_constant_is_written_as_numpy_writes_it(name):
    a = np.array([1.0, 2.0, 5.0])
    x = alias = fg.tensor(a)
    x = getattr(operator, name)(x, OPERATORS[name])
    a = getattr(operator, name)(a, OPERATORS[name])
    assert x is alias and x.tolist() == a.tolist() and not x.requires_grad


def test_bits_and_products_in_place():
    x = fg.tensor([6, 5])
    x &= 3
    x |= 8
    x ^= 1
    assert x.tolist() == [11, 8]
    m = alias = fg.tensor([[1.0, 2.0], [3.0, 4.0]])
    m @= np.array([[0.0, 1.0], [1.0, 0.0]])
    assert m is alias and m.tolist() == [[2.0, 1.0], [4.0, 3.0]]


def test_a_view_of_a_constant_writes_to_its_base():
    x = fg.tensor([1.0, 2.0, 3.0])
    v = x[1:]
    v *= 10
    v[0] = 7
    assert x.tolist() == [1.0, 7.0, 30.0]
    x.T[...] = 0
    assert x.tolist() == [0.0, 0.0, 0.0] and v.tolist() == [0.0, 0.0]


KEYS = [
    0,
    -1,
    slice(1, None),
    ...,
    (),
    [0, 2],
    np.array([True, False, True]),
    fg.tensor([2, 0]),
    (None, 1),
    slice(None, None, -1),
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_setitem_is_numpys(key):
    a = np.zeros((3, 2))
    x = fg.tensor(a)
    x[key] = 5
    a[key.numpy() if isinstance(key, fg.Tensor) else key] = 5
    assert x.tolist() == a.tolist()
    x[1] = fg.tensor([8.0, 9.0])
    x[2] = [1, 2]
    assert x[1:].tolist() == [[8.0, 9.0], [1.0, 2.0]]


# --- leaves ---


def update(x):
    x -= 1.0


def assign(x):
    x[0] = 1.0


def fill(x):
    x[...] = fg.tensor([1.0, 2.0])


@pytest.mark.parametrize("write", [update, assign, fill])
def test_a_leaf_is_not_written_while_recording(write):
    x = leaf(1.0, 2.0)
    with pytest.raises(
        fg.MutationError, match=r"leaf that requires a gradient: update parameters inside `with fg.no_grad\(\)"
    ):
        write(x)
    assert x.tolist() == [1.0, 2.0]
    (x * x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]
    with fg.no_grad():
        write(x)
    assert x.requires_grad and x.is_leaf
    x.grad = None
    (x * x).sum().backward()
    assert x.grad.tolist() == (2 * x.numpy()).tolist()


def test_parameters_are_updated_step_by_step():
    w = leaf(1.0, -2.0)
    for _ in range(3):
        w.grad = None
        (w * w).sum().backward()
        with fg.no_grad():
            w -= 0.25 * w.grad
    assert w.tolist() == [0.125, -0.25]


def test_an_update_between_forward_and_backward_is_noticed():
    w = leaf(1.0, 2.0)
    y = (w * w).sum()
    with fg.no_grad():
        w -= 1.0
    with pytest.raises(
        fg.MutationError, match=r"'multiply' needs .*overwritten in place after it was recorded.*x\.copy\(\)"
    ):
        y.backward()
    assert w.grad is None


def test_what_no_rule_reads_may_be_written():
    w, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    y = (w - b.reshape(2)[::-1]).sum()
    with fg.no_grad():
        b -= 1.0
        w -= 1.0
    y.backward()
    assert w.grad.tolist() == [1.0, 1.0] and b.grad.tolist() == [-1.0, -1.0]


# --- recorded results ---


def test_a_result_is_written_and_the_write_is_recorded():
    x = leaf(1.0, 2.0)
    y = alias = x * 3
    y += x
    y *= 2
    assert y is alias and y.op == "multiply" and y.tolist() == [8.0, 16.0]
    y.sum().backward()
    assert x.grad.tolist() == [8.0, 8.0]


@pytest.mark.parametrize("name", OPERATORS)
def test_every_in_place_form_has_the_gradient_of_its_op(name):
    gradients = []
    for apply in getattr(operator, name), getattr(operator, name[1:]):
        x, w = leaf(1.3, 2.4, 5.9), leaf(2.1, 0.7, 1.6)
        apply(x * 1, w * 1).sum().backward()
        gradients.append((x.grad.tolist(), w.grad.tolist()))
    assert gradients[0] == gradients[1]


def test_earlier_consumers_keep_their_graph():
    x = leaf(1.0, 2.0)
    y = x * 3
    before = y + 1
    y *= 10
    after = y + 1
    assert before.tolist() == [4.0, 7.0] and after.tolist() == [31.0, 61.0]
    assert fg.gradients(before.sum(), x, retain_graph=True)[0].tolist() == [3.0, 3.0]
    assert fg.gradients(after.sum(), x)[0].tolist() == [30.0, 30.0]
    assert [o.op for o in before.operands if o.op] in ([], ["multiply"])


@pytest.mark.parametrize(
    "consume",
    [
        lambda y: fg.concat([y, y]),
        lambda y: fg.stack([y]),
        lambda y: fg.where(np.array([True, False]), y, 0.0) + fg.where(np.array([False, True]), y, 0.0),
        lambda y: y[:, None],
        lambda y: y[[0, 1]],
        lambda y: y.sum(),
        lambda y: fill_zeros(y),
    ],
    ids=["concat", "stack", "where", "view", "gather", "sum", "setitem"],
)
def test_every_kind_of_consumer_keeps_its_graph(consume):
    x = leaf(1.0, 2.0)
    y = x * x
    before = consume(y)
    number = before.sum().item() / y.sum().item()
    y *= 10
    y += 1
    assert fg.gradients(y.sum(), x, retain_graph=True)[0].tolist() == [20.0, 40.0]
    if before.op != "getitem" or before.ndim == 1:  # a view of what was written is not used again
        total = before.sum() if before.ndim else before
        total.backward()
        assert x.grad.tolist() == [2.0 * number, 4.0 * number]


def fill_zeros(y):
    target = fg.tensor([0.0, 0.0])
    target[:] = y
    return target


def test_a_result_assigned_to_itself():
    x = leaf(1.0, 2.0)
    y = x * 3
    y[:] = y
    y[::-1] = y
    y[0] = y[1]
    assert y.tolist() == [3.0, 3.0]
    y.sum().backward()
    assert x.grad.tolist() == [6.0, 0.0]


def test_the_graph_can_still_be_walked():
    x = leaf(1.0, 2.0)
    y = x.exp()
    z = y + 1
    y *= 2
    ops, stack, seen = [], [z, y], set()
    while stack:
        t = stack.pop()
        if id(t) not in seen:
            seen.add(id(t))
            ops.append(t.op)
            stack.extend(t.operands)
        assert len(ops) < 20
    assert "exp" in ops and "multiply" in ops and "add" in ops


def test_a_result_that_its_own_rule_reads():
    x = leaf(1.0, 2.0)
    y = x.exp()
    y *= 2
    try:
        y.sum().backward()
    except fg.MutationError as error:
        assert "'exp' needs" in str(error)
        assert x.grad is None
    else:  # an engine may have kept the value for the multiplication, and then it has it for exp too
        np.testing.assert_allclose(x.grad.numpy(), 2 * np.exp([1.0, 2.0]), rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_an_operand_that_a_consumer_reads_is_kept(dtype):
    x = leaf(1.0, 2.0)
    y = x.astype(dtype) * 3
    z = y * y
    y += 1  # of complex numbers by its rule
    fg.real(z).sum().backward(retain_graph=True)
    assert x.grad.tolist() == [18.0, 36.0]
    fg.real(y).sum().backward()
    assert x.grad.tolist() == [21.0, 39.0]


@pytest.mark.parametrize("shares", [lambda y: y[1:], lambda y: y.numpy(), lambda y: None], ids=["view", "array", ""])
def test_the_former_value_is_kept_whoever_shares_the_memory(shares):
    x = leaf(1.0, 2.0, 3.0)
    y = x * 3
    other = shares(y)
    z = y * y
    y *= 2
    assert other is None or other.tolist() == [12.0, 18.0][-len(other) :] or other.tolist() == y.tolist()
    (z + y).sum().backward()
    assert x.grad.tolist() == [24.0, 42.0, 60.0]


def test_part_of_a_value_that_a_consumer_reads_is_gone():
    y = leaf(1.0, 2.0) * 3
    z = y * y
    y[0] = 1.0  # a copy would cost more than the write
    with pytest.raises(fg.MutationError, match="'multiply' needs"):
        z.sum().backward()


def test_squaring_in_place_reads_its_old_value():
    x = leaf(1.0, 2.0)
    y = x * 3
    y *= y
    assert y.tolist() == [9.0, 36.0]
    y.sum().backward()
    assert x.grad.tolist() == [18.0, 36.0]


def test_a_second_derivative_through_an_in_place_op():
    x = leaf(2.0)
    y = x * x
    y *= x
    (first,) = fg.gradients(y, x, create_graph=True)
    (second,) = fg.gradients(first, x)
    assert (first.item(), second.item()) == (12.0, 12.0)


def test_setitem_routes_the_gradient():
    x, w = leaf(1.0, 2.0, 3.0), leaf(10.0)
    y = x * 2
    y[1] = w[0] * 5
    y[2] = 7.0
    assert y.tolist() == [2.0, 50.0, 7.0]
    (y * fg.tensor([1.0, 1.0, 1.0])).sum().backward()
    assert x.grad.tolist() == [2.0, 0.0, 0.0] and w.grad.tolist() == [5.0]


def test_setitem_broadcasts_and_sums_back():
    x, w = leaf(1.0, 2.0), leaf(3.0)
    y = fg.tensor(np.zeros((2, 2)))
    y[:, 0] = w
    y[1] = x
    assert y.requires_grad and y.tolist() == [[3.0, 0.0], [1.0, 2.0]]
    y.sum().backward()
    assert w.grad.tolist() == [1.0] and x.grad.tolist() == [1.0, 1.0]


def test_setitem_with_repeated_indices_credits_the_last_writer():
    w = leaf(1.0, 2.0, 3.0)
    y = fg.tensor([0.0, 0.0])
    y[[0, 0, 1]] = w
    y.sum().backward()
    assert y.tolist() == [2.0, 3.0] and w.grad.tolist() == [0.0, 1.0, 1.0]


def test_an_index_array_may_change_afterwards():
    x, key = leaf(1.0, 2.0, 3.0), np.array([0, 0])
    y = x[key]
    key[:] = 2
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 0.0, 0.0]


def test_a_constant_that_takes_a_recorded_value_records():
    x = leaf(1.0, 2.0)
    total = fg.tensor([0.0, 0.0])
    for k in range(1, 4):
        total += x * k
    assert total.requires_grad and not total.is_leaf
    total.sum().backward()
    assert x.grad.tolist() == [6.0, 6.0]


def test_a_failed_write_changes_nothing():
    x = leaf(1.0, 2.0)
    y = x * 3
    for bad in (np.ones(3), np.ones((2, 2))):
        with pytest.raises(fg.ShapeError):
            y += bad
    with pytest.raises(IndexError):
        y[5] = 1.0
    with pytest.raises(fg.DTypeError, match="complex128"):
        y += 1j
    assert y.tolist() == [3.0, 6.0] and y.op == "multiply"
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_a_write_never_changes_the_dtype():
    x = fg.tensor([1, 2])
    with pytest.raises(fg.DTypeError, match="float64"):
        x += 0.5
    with pytest.raises(fg.DTypeError, match="float64"):
        x += leaf(1.0, 2.0)
    with pytest.raises(fg.DTypeError, match="float64"):
        x[0] = leaf(1.0)[0]
    y = fg.tensor([1.0, 2.0], dtype=np.float32)
    y += np.array([0.5, 0.5])
    assert y.dtype == np.float32 and y.tolist() == [1.5, 2.5]


def test_hooks_and_retained_gradients_of_a_written_result():
    x = leaf(1.0)
    y = x * 3
    seen = []
    y.register_hook(lambda g: seen.append(g.item()))
    y.retain_grad()
    y *= 2
    (y * 5).backward()
    assert x.grad.item() == 30.0
    assert seen == [10.0]  # the hook stays with the value it was registered on
    assert y.grad.item() == 5.0  # the kept gradient belongs to the tensor as it is now
