"""`gradients` with respect to some leaves and results of a graph are those of `backward`, for whatever is left out."""

import numpy as np
import pytest

import fastgrad as fg


def graph(rng, n):
    """Return leaves, all results, and the last of them, of random operations on numbers and arrays."""
    leaves = [fg.tensor(rng.normal(size=shape), requires_grad=True) for shape in ((), (), (3,), (3,), ())]
    nodes = list(leaves)
    for _ in range(n):
        a, b = (nodes[k] for k in rng.integers(len(nodes), size=2))
        op = rng.integers(5)
        nodes.append((a * b, a + b, np.tanh(a), a - 2.0 * b, (a * a).sum())[op])
    y = sum((x.sum() for x in nodes[-3:]), nodes[-1].sum())
    return leaves, nodes[len(leaves) :], y


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_any_leaves_and_results_may_be_inputs(seed, create_graph):
    rng = np.random.default_rng(seed)
    leaves, results, y = graph(rng, 12)
    for x in results:
        x.retain_grad()
    y.backward(retain_graph=True)
    wanted = [None if x.grad is None else x.grad.numpy().copy() for x in leaves + results]
    for _ in range(8):
        chosen = rng.permutation(len(wanted))[: rng.integers(1, 14)]
        if rng.random() < 0.3:
            chosen = np.arange(len(leaves))  # all leaves
        inputs = [(leaves + results)[k] for k in chosen]
        gs = fg.gradients(y, inputs, retain_graph=True, allow_unused=True, create_graph=create_graph)
        for k, g in zip(chosen, gs, strict=True):
            if wanted[k] is None:
                assert g is None
            else:
                np.testing.assert_allclose(g.detach().numpy(), wanted[k], rtol=1e-12, atol=1e-12)
    for x, before in zip(leaves, wanted, strict=False):
        assert (x.grad is None) == (before is None)
        assert before is None or np.array_equal(x.grad.numpy(), before)


def test_an_input_given_twice_and_more_inputs_than_few():
    xs = [fg.tensor(float(k), requires_grad=True) for k in range(20)]
    y = sum((x * x for x in xs), fg.tensor(0.0))
    for inputs in ([xs[3], xs[3]], xs, xs + xs[:2], xs[:8], xs[:9], xs[::-1]):
        gs = fg.gradients(y, inputs, retain_graph=True)
        assert [g.item() for g in gs] == [2 * x.item() for x in inputs]


def test_a_graph_that_was_freed_elsewhere_is_an_error_for_all_leaves_and_for_some():
    for some in slice(None), slice(1):
        leaves = [fg.tensor(float(k), requires_grad=True) for k in (1, 2)]
        h = leaves[0] * leaves[1]
        y = h * h + leaves[0]
        h.backward()
        with pytest.raises(fg.GraphFreedError):
            fg.gradients(y, leaves[some])
        z = leaves[0] * leaves[1] * 3.0
        assert [g.item() for g in fg.gradients(z, leaves[some])] == [6.0, 3.0][some]


def test_a_hook_may_ask_for_gradients_with_respect_to_leaves_of_the_graph_that_is_swept():
    x, w = (fg.tensor(v, requires_grad=True) for v in (2.0, 3.0))
    h = x * w
    other = x * x * w
    seen = []
    k = h * 1.0
    k.register_hook(lambda g: seen.append([t.item() for t in fg.gradients(other, (x, w), retain_graph=True)]))
    k.register_hook(lambda g: seen.append([t.item() for t in fg.gradients(other, (w,), retain_graph=True)]))
    y = k * k * x
    for inputs in (x, w), (w,), (x,):
        gs = fg.gradients(y, inputs, retain_graph=True)
        assert [g.item() for g in gs] == [{x: 3 * 4 * 9.0, w: 2 * 8 * 3.0}[t] for t in inputs]
    assert seen == [[12.0, 4.0], [4.0]] * 3
