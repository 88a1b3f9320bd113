"""Large arrays are computed block by block and swept several nodes at a time. Results must not depend on it.

The tests compare bit for bit with the same program on pieces that are too small for this.
"""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.nn import functional
from tests.support.core_constants import core_constants

# Elements of arrays that are swept several nodes at a time, that are not, and that are written past the cache: see
# the next test for the engine's thresholds.
LARGE, SMALL, STREAMED = 20_011, 700, (1 << 22) + 77

UNARY = (
    fg.tanh, fg.exp, functional.sigmoid, functional.relu, functional.softplus, fg.sin, fg.abs, fg.square, fg.negative,
    lambda x: x**3, lambda x: x**1.5, lambda x: x * 0.75, lambda x: 2.0 - x, lambda x: x + 1.5, lambda x: x - 0.5,
    lambda x: 1.25 / (x * x + 1.0), lambda x: x + x,
)  # fmt: skip
BINARY = (fg.add, fg.subtract, fg.multiply, fg.maximum, lambda a, b: a / (b * b + 1.0))
DISTURBING = ("hook", "retain", "reshape", "cumulate", "narrow")


def test_the_sizes_used_here_lie_on_both_sides_of_the_thresholds():
    deferred, streamed = core_constants("LARGE", "FG_STREAM")
    assert SMALL * 8 < deferred <= LARGE * 4  # bytes of float64 and of float32
    assert LARGE * 8 < streamed <= STREAMED * 8


def program(seed):
    """A function of three arrays: elementwise ops with shared operands, and a few nodes that have to be swept alone."""

    def run(arrays, upstream):
        rng = np.random.default_rng(seed)
        leaves = [fg.tensor(a, requires_grad=True) for a in arrays]
        leaves[1].grad = fg.tensor(arrays[2])
        values, kept = list(leaves), []
        constant = fg.tensor(arrays[0])
        for _ in range(rng.integers(3, 25)):
            x1, x2 = (values[max(k, len(values) - 8)] for k in rng.integers(len(values), size=2))
            y = UNARY[rng.integers(len(UNARY))](x1) if rng.random() < 0.5 else BINARY[rng.integers(len(BINARY))](x1, x2)
            y = fg.tanh(y)
            if rng.random() < 0.2:
                what = DISTURBING[rng.integers(len(DISTURBING))]
                if what == "hook":
                    y.register_hook(lambda g: g * 0.5)
                elif what == "retain":
                    y.retain_grad()
                    kept.append(y)
                elif what == "reshape":
                    y = y.reshape(1, -1).reshape(-1)
                elif what == "cumulate":
                    y = y * constant
                else:
                    y = fg.where(constant.numpy() > 0, y, x1)
            values.append(y)
        if upstream is None:
            total = values[-1] + values[-2] * values[len(values) // 2]
            total.sum().backward(retain_graph=bool(seed % 2))
            if seed % 2:
                total.sum().backward()
        else:
            values[-1].backward(upstream)
        gradients = [x.grad for x in (*leaves, *kept)]
        return [values[-1].numpy()] + [np.zeros_like(arrays[0]) if g is None else g.numpy() for g in gradients]

    return run


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("seed", range(40))
def test_a_large_program_gives_the_bits_of_small_ones(seed, dtype):
    draw = np.random.default_rng([seed, 7])
    arrays = [draw.normal(size=LARGE).astype(dtype) for _ in range(3)]
    upstream = draw.normal(size=LARGE).astype(dtype) if seed % 3 == 0 else None
    whole = program(seed)(arrays, upstream)
    for start in (0, 9_000, LARGE - SMALL):
        part = slice(start, start + SMALL)
        piece = program(seed)([a[part] for a in arrays], None if upstream is None else upstream[part])
        assert len(piece) == len(whole)
        for large, small in zip(whole, piece):
            np.testing.assert_array_equal(large[part], small)


def test_results_written_past_the_cache_are_those_of_small_arrays(rng):
    def run(x):
        leaf = fg.tensor(x, requires_grad=True)
        t = fg.tanh(leaf)
        y = t * functional.sigmoid(leaf) + fg.exp(-leaf * leaf) - 2.0 / (3.0 + t)
        y.backward(x)
        return y.numpy(), leaf.grad.numpy()

    x = rng.normal(size=STREAMED)
    whole = run(x)
    for start in (0, 1_000_003, STREAMED - SMALL):
        part = slice(start, start + SMALL)
        for large, small in zip(whole, run(x[part])):
            np.testing.assert_array_equal(large[part], small)


def test_more_nodes_in_a_row_than_are_swept_together(rng):
    def run(x):
        leaf = fg.tensor(x, requires_grad=True)
        y = leaf
        for k in range(300):
            y = y * 1.01 if k % 3 else fg.sin(y) + leaf * float(k)
        y.sum().backward()
        return leaf.grad.numpy()

    x = rng.normal(size=LARGE)
    np.testing.assert_array_equal(run(x)[:SMALL], run(x[:SMALL]))


def test_many_operands_at_once(rng):
    """More leaves than fit into one group of deferred nodes."""
    leaves = [fg.tensor(rng.normal(size=LARGE), requires_grad=True) for _ in range(150)]
    total = leaves[0] * 2.0
    for x in leaves[1:]:
        total = total + fg.tanh(x)
    total.sum().backward()
    np.testing.assert_array_equal(leaves[0].grad.numpy(), np.full(LARGE, 2.0))
    for x in leaves[1:]:
        t = fg.tanh(x.numpy()).numpy()
        np.testing.assert_array_equal(x.grad.numpy(), (1 - t) * (1 + t))


def test_gradients_of_interior_nodes_and_leaves_together(rng):
    a, b = (rng.normal(size=LARGE) for _ in range(2))

    def run(a, b):
        x1, x2 = fg.tensor(a, requires_grad=True), fg.tensor(b, requires_grad=True)
        m = fg.tanh(x1) * x2
        y = fg.exp(m) * x2 + m
        return [g.numpy() for g in fg.gradients(y, [x2, m, x1], cotangents=[fg.tensor(b)])]

    for large, small in zip(run(a, b), run(a[:SMALL], b[:SMALL])):
        np.testing.assert_array_equal(large[:SMALL], small)


def test_leaves_do_not_share_the_memory_of_their_gradients(rng):
    x1, x2 = (fg.tensor(rng.normal(size=LARGE), requires_grad=True) for _ in range(2))
    upstream = rng.normal(size=LARGE)
    kept = upstream.copy()
    (x1 + x2).backward(upstream)
    x1.grad *= 2.0
    np.testing.assert_array_equal(x2.grad.numpy(), kept)
    np.testing.assert_array_equal(upstream, kept)


def test_an_overwritten_value_is_refused_and_no_gradient_has_changed(rng):
    x = fg.tensor(rng.normal(size=LARGE), requires_grad=True)
    t = fg.tanh(x)
    y = fg.exp(t * 0.5) * 2.0
    with fg.no_grad():
        t *= 0.0
    with pytest.raises(fg.MutationError):
        y.sum().backward()
    assert x.grad is None
    z = fg.exp(x)
    z.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), z.numpy())


def test_a_failing_hook_leaves_the_tensors_usable(rng):
    x = fg.tensor(rng.normal(size=LARGE), requires_grad=True)
    t = fg.tanh(x)

    def fail(g):
        raise RuntimeError("from the hook")

    handle = t.register_hook(fail)
    y = fg.exp(t) * t + x * 3.0
    with pytest.raises(RuntimeError, match="from the hook"):
        y.sum().backward(retain_graph=True)
    assert x.grad is None
    handle.remove()
    y.sum().backward()
    v = np.tanh(x.numpy())
    np.testing.assert_allclose(x.grad.numpy(), np.exp(v) * (1 + v) * (1 - v * v) + 3.0)


def test_a_hook_that_sweeps_another_large_graph(rng):
    a = rng.normal(size=LARGE)
    x, other = (fg.tensor(a, requires_grad=True) for _ in range(2))
    t = fg.tanh(x)
    inner = (fg.exp(other) * 2.0).sum()

    def sweep(g):
        inner.backward()

    t.register_hook(sweep)
    (t * 3.0 + x).sum().backward()
    np.testing.assert_array_equal(other.grad.numpy(), 2.0 * fg.exp(fg.tensor(a)).numpy())
    v = np.tanh(a)
    np.testing.assert_allclose(x.grad.numpy(), 3.0 * (1 - v) * (1 + v) + 1.0, rtol=1e-14)


def mixed_of(x):
    first = fg.tanh(x)
    second = first * fg.sigmoid(x)
    return second + fg.exp(-x * x), first, second


def test_values_that_somebody_holds_survive_the_sweep():
    """The gradient may be written over a value of the graph, but not over one that can be read afterwards."""
    a = np.random.default_rng(0).normal(size=STREAMED)
    x = fg.tensor(a, requires_grad=True)
    y, first, second = mixed_of(x)
    view, total = second[3:9].detach(), y.sum()
    values = [y.numpy().copy(), first.numpy().copy(), view.numpy().copy()]
    del second
    total.backward(retain_graph=True)
    gradient, x.grad = x.grad.numpy().copy(), None
    total.backward()
    for found, expected in zip((y, first, view, x.grad), (*values, gradient)):
        assert np.array_equal(found.numpy(), expected)


@pytest.mark.skipif(fg.engine != "cython", reason="the pure-Python engine has no blocks")
def test_the_gradient_takes_the_block_of_a_value_that_is_done():
    a = np.random.default_rng(0).normal(size=STREAMED)
    taken = []
    for retain in (True, False):
        x = fg.tensor(a, requires_grad=True)
        total = mixed_of(x)[0].sum()
        before = fg.cache_info()
        total.backward(retain_graph=retain)
        after = fg.cache_info()
        taken.append(after["hits"] + after["misses"] - before["hits"] - before["misses"])
    assert taken[0] == taken[1] + 1
