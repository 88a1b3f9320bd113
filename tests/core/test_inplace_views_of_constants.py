"""A view that was taken of a constant has the graph of what is written to the constant later, whoever asks for it."""

import pickle

import numpy as np
import pytest

import fastgrad as fg


def written(x):
    """Return a view of a constant to which `3 * x` is written after the view was taken, so that nobody has used it."""
    base = fg.ones((4,))
    view = base[::2]
    base[1:] += 3 * x
    return view


def recorded_view():
    x = fg.tensor(2.0, requires_grad=True)
    return x, written(x)


def test_a_write_of_a_constant_through_the_view_keeps_the_gradient():
    x, view = recorded_view()
    np.add.at(view, np.array([True, False]), 5.0)
    view.sum().backward()
    assert x.grad.item() == 3


def test_hooks_and_gradients_are_those_of_the_present_node():
    view = recorded_view()[1]
    seen = []
    view.register_hook(seen.append)
    view.sum().backward()
    assert [g.tolist() for g in seen] == [[1, 1]]
    view = recorded_view()[1]
    view.retain_grad()
    view.sum().backward()
    assert view.grad.tolist() == [1, 1]


def test_the_view_cannot_become_a_leaf():
    x, view = recorded_view()
    view.requires_grad_()
    view.sum().backward()
    assert x.grad.item() == 3
    view = recorded_view()[1]
    with pytest.raises(fg.FastgradError, match="requires_grad can be turned off for leaves"):
        view.requires_grad_(False)


@pytest.mark.parametrize("inputs", [lambda v: v[1:], lambda v: v])
def test_gradients_of_the_view_itself(inputs):
    x, view = recorded_view()
    root = inputs(view)
    (g,) = fg.gradients(root, x, [fg.ones(root.shape)])
    assert g.item() == 3


LEAVING = {
    "float": lambda v: float(v[1]),
    "item": lambda v: v[1:].item(),
    "numpy": lambda v: v.numpy()[1],
    "tolist": lambda v: v.tolist()[1],
    "tensor": lambda v: fg.tensor(v)[1],
    "asarray": lambda v: np.asarray(v)[1],
    "pickle": lambda v: pickle.loads(pickle.dumps(v))[1],
    "from_dlpack": lambda v: np.from_dlpack(v)[1],
}


@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
def test_the_value_does_not_leave_a_transform(leave):
    with pytest.raises(fg.NotDifferentiableError):
        fg.grad(lambda x: x * leave(written(x)))(2.0)


USES = {
    "list": lambda v: fg.asarray([v, v])[1],
    "closure": lambda v: fg.grad(lambda z: (z * v).sum())(fg.ones(2)),
    "argument": lambda v: fg.grad(lambda z: (z * z).sum() * 0.5)(v),
    "result": lambda v: fg.jvp(lambda z: v, (1.0,), (1.0,))[0],
    "tangent": lambda v: fg.jvp(lambda z: z * 1.0, (fg.ones(2),), (v,))[1],
    "cotangent": lambda v: fg.vjp(lambda z: z * 1.0, fg.ones(2))[1](v)[0],
    "hvp": lambda v: fg.hvp(lambda z: (z * z).sum() * 0.5, (fg.ones(2),), (v,)),
    "copyto": lambda v: copied(v),
}


def copied(v):
    to = fg.zeros(2)
    np.copyto(to, v)
    return to


@pytest.mark.filterwarnings("ignore")  # two of the inner functions are constant or linear
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_transforms_and_conversions_see_the_graph(use):
    assert fg.grad(lambda x: use(written(x))[1])(2.0) == 3


def test_a_transform_returns_the_view():
    def f(x):
        base = fg.ones(1)
        view = base.reshape(())
        base[...] = 3 * x
        return view

    assert fg.grad(f)(2.0) == 3
    assert fg.value_and_grad(f)(2.0) == (6, 3)
    assert fg.jvp(f, (2.0,), (1.0,)) == (6, 3)
    assert fg.jacobian(f)(2.0) == 3


def test_views_of_all_of_a_constant_are_multiplied():
    x = fg.tensor(2.0, requires_grad=True)
    base = fg.ones(3)
    view, other = base[0:], base[0:]
    view[...] = x
    view *= other
    base.sum().backward()
    assert x.grad.item() == 12
