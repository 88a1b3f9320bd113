"""`checkpoint`: the same values and derivatives without storing intermediate results."""

import numpy as np
import pytest

import fastgrad as fg

A = np.array([0.25, -1.25, 2.0])


def energy(x):
    return (np.tanh(x) * x).sum()


def test_checkpoint_changes_no_value_and_no_derivative():
    c = fg.checkpoint(energy)
    np.testing.assert_array_equal(fg.grad(c)(A), fg.grad(energy)(A))
    np.testing.assert_array_equal(fg.hessian(c)(A), fg.hessian(energy)(A))
    assert c(fg.tensor(A)).item() == energy(fg.tensor(A)).item()


def test_checkpoint_runs_again_in_the_sweep_once():
    runs = []

    def f(a, b):
        runs.append(1)
        return np.tanh(a * b), a + b

    def loss(f):
        return lambda a, b: (f(a, b)[0] * f(a, b)[1]).sum()

    want = fg.grad(loss(f), (0, 1))(A, A + 1)
    runs.clear()
    got = fg.grad(loss(fg.checkpoint(f)), (0, 1))(A, A + 1)
    assert len(runs) == 4  # two calls, each once more for the sweep, though two operands ask
    np.testing.assert_array_equal(got[0], want[0])
    np.testing.assert_array_equal(got[1], want[1])


def test_checkpoint_follows_what_the_function_reads_from_outside():
    w = fg.tensor(A, requires_grad=True)

    def loss(wrap):
        h = np.tanh(w)  # computed outside, of a leaf that is read too
        f = wrap(lambda x: {"a": (x * h).sum(), "b": [x * (w + 0) * (w + h)]})
        out = f(fg.asarray(np.ones(3)))
        return out["a"] * out["b"][0].sum() + h.sum()

    (want,) = fg.gradients(loss(lambda f: f), [w])
    (got,) = fg.gradients(loss(fg.checkpoint), [w])
    np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-15)


def test_checkpoint_inside_a_transform_over_what_it_closes_over():
    def f(wrap):
        return lambda x: (wrap(lambda y: np.tanh(y * x))(x * x) * x).sum()

    np.testing.assert_allclose(fg.grad(f(fg.checkpoint))(A), fg.grad(f(lambda f: f))(A), rtol=1e-14)
    np.testing.assert_allclose(fg.hessian(f(fg.checkpoint))(A), fg.hessian(f(lambda f: f))(A), rtol=1e-13, atol=1e-15)


def test_checkpoint_refuses_a_function_that_changes_its_mind():
    state = [fg.tensor(2.0, requires_grad=True)]
    y = fg.checkpoint(lambda x: x * state[0])(fg.tensor(3.0, requires_grad=True))
    state[0] = fg.tensor(5.0, requires_grad=True)
    with pytest.raises(fg.BackwardError, match="gave other results when the sweep called it again"):
        y.backward()


def test_checkpoint_keeps_nothing_in_between():
    import tracemalloc

    def chain(x):
        for _ in range(40):
            x = np.tanh(x)
        return x

    x = fg.tensor(np.linspace(-1, 1, 20_000), requires_grad=True)

    def held(f):
        tracemalloc.start()
        y = f(x)
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return size, fg.gradients(y.sum(), [x])[0].numpy()

    fg.clear_cache()  # blocks of earlier tests would be taken without being seen
    plain, want = held(chain)
    kept, got = held(fg.checkpoint(chain))
    assert plain > 40 * x.nbytes and kept < 4 * x.nbytes
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("order", [1, 2])
def test_an_array_that_was_an_argument_may_be_written_before_the_sweep(order):
    def slopes(wrap, write):
        a, b, n = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0]), np.array([0, 2, 2])
        x = fg.asarray(a).requires_grad_()
        y = wrap(lambda x, b, n: (x * x * b)[n])(x, b, n=n).sum()
        if write:
            a[:], b[:], n[:] = 50.0, 60.0, 1
        (g,) = fg.gradients(y, x, create_graph=order == 2)
        return (fg.gradients(g.sum(), x)[0] if order == 2 else g).tolist()

    assert slopes(fg.checkpoint, write=True) == slopes(lambda f: f, write=False)


def test_a_tensor_that_was_an_argument_may_not_be_written_before_the_sweep():
    x, c = fg.tensor(A, requires_grad=True), fg.tensor(A)
    y = fg.checkpoint(lambda x, c: x * c)(x, c).sum()
    c += 1
    with pytest.raises(fg.MutationError, match="overwritten in place"):
        y.backward()
    assert x.grad is None


def test_what_the_function_read_from_outside_must_be_the_same_in_the_sweep():
    memory = A.copy()
    w, x = fg.asarray(memory).requires_grad_(), fg.tensor(A, requires_grad=True)
    y = fg.checkpoint(lambda x: x * w)(x).sum()
    memory[0] = 7.0
    with pytest.raises(fg.BackwardError, match="gave other results"):
        y.backward()
    assert x.grad is None
