"""copyto, put, place, putmask, fill_diagonal and put_along_axis on Tensors: values, gradients, what is refused."""

import numpy as np
import pytest

import fastgrad as fg

rng = np.random.default_rng(10)
M, V, S = rng.normal(size=(3, 4)), rng.normal(size=4), np.array(0.5)
MASK = M > 0
INDEX = np.array([[0, 2], [1, 1], [3, 0]])

# name of the function, its arguments after the target, of which the floating arrays are the values
CALLS = [
    ("copyto", (V,), {}), ("copyto", (V,), {"where": MASK}), ("copyto", (S,), {"where": MASK[:, :1]}),
    ("put", ([0, 5, -1], V[:3]), {}), ("put", ([0, 50], S), {"mode": "clip"}), ("put", ([1, 1], V[:2]), {}),
    ("put", ([0, 1, 2, 3, 4, 5], V), {}), ("place", (MASK, V), {}), ("putmask", (MASK, V), {}),
    ("putmask", (MASK, M.T.copy()), {}),
    ("fill_diagonal", (S,), {}), ("fill_diagonal", (V[:3],), {"wrap": True}),
    ("put_along_axis", (INDEX, rng.normal(size=(3, 2)), 1), {}),
    ("put_along_axis", (INDEX, S, 1), {}), ("put_along_axis", (np.array([[2, 0, 1, 2]]), V[None], 0), {}),
    ("put_along_axis", (np.array([7, 0]), V[:2], None), {}), ("put", ([], V[:0]), {}),
]  # fmt: skip


def written(name, target, args, params, module=np):
    getattr(module, name)(target, *args, **params)
    return target


@pytest.mark.parametrize("module", [np, fg], ids=["np", "fg"])
@pytest.mark.parametrize(("name", "args", "params"), CALLS)
def test_values_and_gradients(name, args, params, module):
    wanted = written(name, M.copy(), args, params)
    assert written(name, fg.tensor(M), args, params, module).tolist() == wanted.tolist()
    at = next(k for k, a in enumerate(args) if isinstance(a, np.ndarray) and a.dtype.kind == "f")

    def f(x, values):
        return written(name, x * 1.0, (*args[:at], values, *args[at + 1 :]), params, module)

    assert f(fg.tensor(M), fg.tensor(args[at])).tolist() == wanted.tolist()
    fg.testing.check_grads(lambda x, values: f(x, values) ** 2, (M, args[at]))


def test_recorded_values_are_written_into_a_constant():
    s = fg.tensor(2.0, requires_grad=True)
    x = fg.zeros((3, 3))
    np.fill_diagonal(x, s * s)
    assert x.requires_grad and fg.gradients(x.sum(), s)[0].item() == 12
    assert fg.gradients(written("put", fg.zeros(3), ([0, 2],), {"v": [s, 3 * s]}).sum(), s)[0].item() == 4


def test_what_cannot_be_written():
    x = fg.tensor(M, requires_grad=True)
    with pytest.raises(fg.errors.FastgradError, match="leaf"):
        np.fill_diagonal(x, 1.0)
    with pytest.raises(fg.NotDifferentiableError, match=r"np\.put_along_axis cannot record"):
        np.put_along_axis(M.copy(), INDEX, x[:, :2], 1)
    y = fg.tensor([1, 2, 3])
    with pytest.raises(TypeError):
        np.copyto(y, x[0, :3])
    with pytest.raises(IndexError):
        np.put(x * 1, [99], 1.0)
    assert y.tolist() == [1, 2, 3]
