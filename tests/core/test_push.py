"""Forward mode over recorded graphs, and batches of directions: against the op, and one by one."""

import numpy as np
import pytest

import fastgrad as fg
import fastgrad.transforms  # the methods of batched values
from fastgrad._engine import pull_back, push_forward, reached_inputs

RNG = np.random.default_rng(0)
LINEAR = {
    "element": lambda x: x[1, 2],
    "row": lambda x: x[1],
    "slices": lambda x: x[:, 1:],
    "reversed, with a new axis": lambda x: x[::-1, None, ..., 0],
    "reshape": lambda x: x.reshape(3, 2),
    "transposed": lambda x: x.T,
    "broadcast": lambda x: fg.broadcast_to(x, (4, 2, 3)),
    "sum": lambda x: x.sum(),
    "sum of rows": lambda x: x.sum(axis=1),
    "sum of columns": lambda x: x.sum(axis=0),
    "mean": lambda x: x.mean(),
    "mean, axis kept": lambda x: x.mean(axis=1, keepdims=True),
    "views of views": lambda x: x.T.reshape(6)[1:3],
    "by an index array": lambda x: x[:, np.array([0, 0, 2])],
    "with constants": lambda x: 2 * x - x / 4,
}
SMOOTH = {
    "of constants and operands": lambda x: 3 / (x * x) - x**2.5 + 2**x,
    "broadcast operands": lambda x: x * x[0] + x[:, :1] / x,
    "a broadcast cotangent": lambda x: np.exp(x.sum(axis=0)) * x,
    "a product": lambda x: fg.tanh(x @ x.T) @ x,
    "of other layouts": lambda x: np.sin(x.T) * x.T,
    "a fork": lambda x: fg.maximum(x, 0.1) * fg.softmax(x, axis=1),
}


def _input():
    return fg.tensor(RNG.uniform(0.5, 1.5, (2, 3)), requires_grad=True)


@pytest.mark.parametrize("f", LINEAR.values(), ids=LINEAR)
@pytest.mark.parametrize("batch", [1, 4])
def test_linear_functions_are_their_own_jvps(f, batch):
    x = _input()
    v = RNG.normal(size=(batch, 2, 3))
    (t,) = push_forward((f(x),), (x,), (fg.tensor(v),), batch=batch)
    np.testing.assert_allclose(t.numpy(), np.stack([f(fg.tensor(row)).numpy() for row in v]), rtol=1e-14, atol=1e-15)
    (t,) = push_forward((f(x),), (x,), (fg.tensor(v[0]),))
    np.testing.assert_allclose(t.numpy(), f(fg.tensor(v[0])).numpy(), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("f", [*LINEAR.values(), *SMOOTH.values()], ids=[*LINEAR, *SMOOTH])
def test_batches_in_both_modes_are_transposes_of_each_other(f):
    x = _input()
    y = f(x)
    (columns,) = push_forward((y,), (x,), (fg.tensor(np.eye(6).reshape(6, 2, 3)),), batch=6)
    (rows,) = pull_back((y,), (x,), (fg.tensor(np.eye(y.size).reshape(y.size, *y.shape)),), batch=y.size)
    expected = np.array(
        [fg.gradients((y,), (x,), (e,), retain_graph=True)[0].numpy() for e in np.eye(y.size).reshape(-1, *y.shape)]
    )
    np.testing.assert_allclose(rows.numpy(), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(columns.numpy().reshape(6, -1).T, expected.reshape(-1, 6), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("f", SMOOTH.values(), ids=SMOOTH)
def test_the_gradient_is_pushed_as_any_other_function(f):
    x = _input()
    (g,) = fg.gradients((f(x).sum(),), (x,), create_graph=True)
    v, h = RNG.normal(size=(2, 3)), 1e-6
    (t,) = push_forward((g,), (x,), (fg.tensor(v),))
    (again,) = fg.gradients((g,), (x,), (v,))
    np.testing.assert_allclose(t.numpy(), again.numpy(), rtol=1e-11, atol=1e-12)  # a Hessian is symmetric
    up, down = (
        fg.gradients((f(z).sum(),), (z,))[0].numpy()
        for z in (fg.tensor(x.detach().numpy() + s * v, requires_grad=True) for s in (h, -h))
    )
    np.testing.assert_allclose(t.numpy(), (up - down) / (2 * h), rtol=1e-6, atol=1e-7)


def test_tangents_are_recorded_on_request():
    x = _input()
    v = fg.tensor(RNG.normal(size=(2, 3)))
    (t,) = push_forward(((x**3).sum(),), (x,), (v,), create_graph=True)
    (g,) = fg.gradients((t,), (x,))
    np.testing.assert_allclose(g.numpy(), 6 * x.detach().numpy() * v.numpy(), rtol=1e-14)
    assert not push_forward(((x**3).sum(),), (x,), (v,))[0].requires_grad


def test_results_share_no_memory_with_what_was_passed():
    x = _input()
    v = fg.tensor(RNG.normal(size=(2, 3)))
    before = v.numpy().copy()
    for y in (x + 1, x.reshape(6), x):
        (t,) = push_forward((y,), (x,), (v,))
        t += 1
        np.testing.assert_array_equal(v.numpy(), before)


def test_inputs_are_independent_of_each_other():
    x = _input()
    y = np.exp(x)
    z = x * y
    tx, ty = fg.tensor(RNG.normal(size=(2, 3))), fg.tensor(RNG.normal(size=(2, 3)))
    (t,) = push_forward((z,), (x, y), (tx, ty))
    np.testing.assert_allclose(t.numpy(), (tx * y + x * ty).detach().numpy(), rtol=1e-14)
    (t,) = push_forward((z,), (x, y), (None, ty))
    np.testing.assert_allclose(t.numpy(), (x * ty).detach().numpy(), rtol=1e-14)


def test_without_dependence_there_is_no_tangent():
    x, w = _input(), _input()
    assert push_forward((w * 2,), (x,), (fg.tensor(np.ones((2, 3))),)) == (None,)
    assert pull_back((w * 2,), (x,), (fg.tensor(np.ones((5, 2, 3))),), batch=5) == (None,)
    assert reached_inputs((w * 2,), (x, w)) == ((False, True), False)


def test_hooks_see_one_cotangent_at_a_time():
    x = _input()
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g.shape) or g * 10)
    z = y + 1
    assert reached_inputs((z,), (x,)) == ((True,), True)
    (g,) = pull_back((z,), (x,), (fg.tensor(np.ones((3, 2, 3))),), batch=3)
    np.testing.assert_array_equal(g.numpy(), np.full((3, 2, 3), 20.0))
    assert seen == [(2, 3)] * 3


def test_a_jacobian_honours_hooks():
    def f(x):
        y = x * 2
        y.register_hook(lambda g: g * 10)
        return fg.concat([y, y])

    np.testing.assert_array_equal(fg.jacobian(f)(np.ones(2)), 20 * np.concatenate([np.eye(2), np.eye(2)]))


def test_values_that_were_overwritten_are_missed():
    x = _input()
    y = np.exp(x)
    z = y * y
    with fg.no_grad():
        y += 1
    with pytest.raises(fg.errors.MutationError):
        push_forward((z,), (x,), (fg.tensor(np.ones((2, 3))),))
    with pytest.raises(fg.errors.MutationError):
        pull_back((z,), (x,), (fg.tensor(np.ones((1, 2, 3))),), batch=1)


@pytest.mark.parametrize("wrong", [np.ones(3), np.ones((2, 3), np.float32), "v"], ids=["shape", "dtype", "type"])
def test_directions_have_to_fit(wrong):
    x = _input()
    wrong = fg.tensor(wrong) if isinstance(wrong, np.ndarray) else wrong
    with pytest.raises(fg.errors.ShapeError, match=r"tangents\[0\] is .*: a Tensor of float64 and shape \(2, 3\)"):
        push_forward((x * 2,), (x,), (wrong,))
    with pytest.raises(fg.errors.ShapeError, match=r"cotangents\[0\] is .*: a Tensor of float64 and shape \(4, 2, 3\)"):
        pull_back((x * 2,), (x,), (wrong,), batch=4)


def test_operands_without_a_vjp_are_no_paths():
    @fg.primitive(vjp=(lambda g, k: g * k, None))
    def scaled(x, k, /):
        return x * k

    x, k = _input(), fg.tensor(2.0, requires_grad=True)
    y = scaled(x, k * 3.0)
    for tangents in (fg.tensor(np.ones((2, 3))), fg.tensor(1.0)), (None, fg.tensor(1.0)):
        (t,) = push_forward((y,), (x, k), tangents)
        assert t is None if tangents[0] is None else (t.numpy() == 6).all()
    gx, gk = pull_back((y,), (x, k), (fg.tensor(np.ones((1, 2, 3))),), batch=1)
    assert gk is None and (gx.numpy() == 6).all()
