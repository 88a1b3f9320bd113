"""Calls of vmap: axes, results, writes, and what it refuses."""

import threading

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import VmapError
from fastgrad.batching import running

X = np.arange(12.0).reshape(4, 3)


def test_axes_of_arguments_and_results():
    y = fg.vmap(lambda x, p: (x * p["a"], x.sum()), in_axes=(1, {"a": None}), out_axes=(1, 0))(X, {"a": 2.0})
    np.testing.assert_allclose(y[0], 2 * X)
    np.testing.assert_allclose(y[1], X.sum(0))
    assert isinstance(y[0], np.ndarray)
    np.testing.assert_allclose(fg.vmap(lambda x: x[0], -1)(X), X[0])
    np.testing.assert_allclose(fg.vmap(lambda: fg.asarray(1.0), axis_size=3)(), np.ones(3))
    assert fg.vmap(lambda x: 3.0, out_axes=None)(X) == 3.0


def test_results_are_tensors_if_an_argument_is_one():
    assert isinstance(fg.vmap(lambda x: x)(fg.asarray(X)), fg.Tensor)
    w = fg.tensor(2.0, requires_grad=True)
    y = fg.vmap(lambda x: x.sum() * w)(X)
    y.sum().backward()
    assert w.grad.item() == X.sum()


@pytest.mark.parametrize("function", [
    lambda x: (lambda y: (y, y))(x * 2), lambda x: (lambda y: (y, y[:]))(x * 2), lambda x: (x, x.T),
    lambda x: fg.vjp(lambda w: w, x)[1](x) + (x,),
])  # fmt: skip
def test_results_share_memory_with_nothing(function):
    first, second = fg.vmap(function)(X)
    before = second.copy()
    first[...] = -1.0
    np.testing.assert_array_equal(second, before)


def test_results_do_not_share_memory_with_tensors_of_the_function():
    t = fg.tensor([1.0, 2.0, 3.0])
    for function in (lambda x: t, lambda x: fg.vjp(lambda w: w, t)[0], lambda x: fg.vjp(lambda w: w, x)[1](t)[0]):
        fg.vmap(function)(X[:1])[...] = -1.0
        assert t.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("rank", [1, 2])
def test_gradients_per_sample_of_shared_weights(rank):
    rng = np.random.default_rng(3)
    w, b = rng.normal(size=(5, 3)), rng.normal(size=3)
    x = rng.normal(size=(4, 5) if rank == 1 else (4, 2, 5))

    def loss(p, x):
        return np.tanh(np.tanh(x @ p[0] + p[1]) @ p[0].T).sum()

    found = fg.vmap(fg.grad(loss), in_axes=(None, 0))((w, b), x)
    for k in range(4):
        for batch, one in zip(found, fg.grad(loss)((w, b), x[k]), strict=True):
            np.testing.assert_allclose(batch[k], one, rtol=1e-12)


@pytest.mark.parametrize("function", [
    np.add, np.multiply, np.arctan2, lambda x1, x2: x1 - x2, lambda x1, x2: x2 / x1,
    lambda x1, x2: fg.add([x1, x1], x2), lambda x1, x2: fg.add(x2, [x1, x1]),
])  # fmt: skip
@pytest.mark.parametrize("other", [2.0, np.float64(2.0), np.arange(1.0, 4.0), np.ones((2, 3)), fg.tensor(3.0)])
def test_operands_that_are_not_batched(function, other):
    found = fg.vmap(lambda x: function(x, other))(X + 1)
    np.testing.assert_allclose(found, np.stack([np.asarray(function(fg.asarray(x + 1), other)) for x in X]))


def test_functions_write_to_their_own_copy_of_an_array():
    def f(x):
        x[0] = 0.0
        x[1:] += x[1] * 2
        x[x > 50] = -1.0
        return x

    given = X.copy()
    y = fg.vmap(f)(given)
    np.testing.assert_allclose(given, X)
    np.testing.assert_allclose(y, np.stack([f(fg.tensor(x)).numpy() for x in X]))


def test_an_index_gives_a_copy_and_a_slice_a_view():
    def f(x):
        first, rest = x[0], x[1:]
        first += 100.0
        rest *= 2.0
        return x

    np.testing.assert_allclose(fg.vmap(f)(X), X * [1, 2, 2])


def test_batches_without_elements():
    assert fg.vmap(lambda x: x.sum())(X[:0]).shape == (0,)
    assert fg.vmap(lambda x: np.tanh(x).reshape(-1))(np.zeros((0, 2, 3))).shape == (0, 6)


def test_threads_do_not_see_each_others_levels():
    seen = []

    def f(x):
        thread = threading.Thread(target=lambda: seen.append((list(running.levels), fg.grad(np.sin)(0.0))))
        thread.start()
        thread.join()
        return x

    fg.vmap(f)(X)
    assert seen == [([], 1.0)]


REFUSED = {
    "bool": (lambda x: x if x[0] > 0 else -x, r"bool\(x\) inside vmap: the value differs .* use fg.where"),
    "float": (lambda x: float(x[0]), r"float\(x\) inside vmap"),
    "item": (lambda x: x[0].item(), r"x.item\(\) inside vmap"),
    "numpy": (lambda x: x.numpy(), r"x.numpy\(\) inside vmap"),
    "mask": (lambda x: x[x > 1], r"x\[mask\] inside vmap: the mask differs .* use fg.where"),
    "nonzero": (lambda x: np.nonzero(x > 2)[0], "has not the same shape for all elements"),
    "range": (lambda x: range(x[0].astype(int)), "an index, a length or a count inside vmap"),
    "write": (lambda x: fg.zeros(3).__setitem__(0, x[0]), r"x\[key\] = value inside vmap: value or key differ"),
    "backward": (lambda x: x.sum().backward(), r"x.backward\(\) inside vmap: .*use fg.grad or fg.vjp"),
    "gradients": (lambda x: fg.gradients(x.sum(), x), "gradients inside vmap: outputs, inputs and cotangents"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_differs_between_the_elements_is_refused(name):
    function, text = REFUSED[name]
    with pytest.raises(VmapError, match=text):
        fg.vmap(function)(X)
    assert not running.levels


def test_a_value_that_is_kept():
    kept = []
    fg.vmap(lambda x: kept.append(x) or x)(X)
    with pytest.raises(VmapError, match="an array of x inside vmap"):
        np.asarray(kept[0])
    with pytest.raises(VmapError, match="was kept after its function had returned"):
        fg.vmap(lambda x: x + kept[0][:1])(X)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: fg.vmap(3), TypeError, "vmap takes a function, got int"),
        (lambda: fg.vmap(np.sin, 2)(X), fg.ShapeError, r"in_axes has axis 2 for argument 0 of shape \(4, 3\)"),
        (lambda: fg.vmap(np.sin, (0, 0))(X), TypeError, "one entry for each of 1 positional arguments"),
        (lambda: fg.vmap(np.sin, None)(X), fg.ShapeError, "no argument is batched"),
        (
            lambda: fg.vmap(np.add)(X, X[1:]),
            fg.ShapeError,
            "argument 0 has 4 elements along its axis, argument 1 has 3",
        ),
        (lambda: fg.vmap(np.add)(X, "a"), TypeError, "argument 1 is str, which has no axis"),
        (lambda: fg.vmap(np.sin, axis_size=3)(X), fg.ShapeError, "argument 0 has 4 elements .* axis_size has 3"),
        (lambda: fg.vmap(np.sin, out_axes=3)(X), fg.ShapeError, "out_axes has axis 3 for the result, which has 2 axes"),
        (lambda: fg.vmap(np.sin, out_axes=None)(X), VmapError, "out_axes is None for the result, which differs"),
        (lambda: fg.vmap(lambda x: "a")(X), TypeError, "the result must be a Tensor, an array or a number, got str"),
        (lambda: fg.vmap(lambda x: x, ({"a": 0},))([X]), TypeError, "nested as it is, got"),
        (lambda: fg.vmap(fg.grad(lambda x: x))(X), fg.ShapeError, r"must return one number, got shape \(3,\)"),
    ],
)
def test_errors_of_calls(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize(
    "key", [0, -1, slice(1, None), (slice(None), 1), (0, 1), (1, slice(None, None, -1)), (), slice(5, 9)]
)
def test_numbers_and_slices_as_keys(key):
    a = np.arange(24.0).reshape(4, 2, 3)
    np.testing.assert_array_equal(fg.vmap(lambda x: x[key])(a), np.stack([x[key] for x in a]))
    with pytest.raises(IndexError):
        fg.vmap(lambda x: x[0, 0, 0])(a)
    with pytest.raises(IndexError):
        fg.vmap(lambda x: x[2])(a)


def test_an_element_is_a_copy_and_a_slice_is_a_view():
    def f(x):
        first, rest = x[0], x[1:]
        x[...] = 0.0
        return first, rest.sum()

    first, rest = fg.vmap(f)(X + 1)
    np.testing.assert_array_equal(first, X[:, 0] + 1)
    np.testing.assert_array_equal(rest, np.zeros(len(X)))
