"""User-defined ops under vmap: by their batching rule, by broadcasting, or element by element."""

import numpy as np
import pytest

import fastgrad as fg

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3))
Z = RNG.normal(size=(2, 4, 3))


def as_it_is(operands, batched, options, size):
    return operands, options


def sincos(**facts):
    return fg.primitive(
        lambda x: (np.sin(x), np.cos(x)), vjp=lambda g, y: g[0] * y[1] - g[1] * y[0], outputs=2, name="sincos", **facts
    )


def sine(**facts):
    return fg.primitive(
        lambda x: (np.sin(x), np.cos(x)), vjp=lambda g, saved: g * saved, saves=True, name="sine", **facts
    )


def cumulated():
    return fg.primitive(lambda x: np.cumsum(x), vjp=lambda g: np.flip(np.cumsum(np.flip(g))), name="cumulated")


def ordered():
    return fg.primitive(
        lambda x: (np.sort(x), np.argsort(x)),
        vjp=lambda g, y: g[0][np.argsort(y[1].numpy())],
        outputs=2,
        name="ordered",
    )


GATES = {
    "several": sincos(),
    "several, elementwise": sincos(elementwise=True),
    "several, by rule": sincos(batch=as_it_is),
    "saved": sine(),
    "saved, elementwise": sine(elementwise=True),
    "saved, by rule": sine(batch=as_it_is),
    "one": fg.primitive(lambda x: np.exp(x), vjp=lambda g, y: g * y),
    "not elementwise": cumulated(),
    "with integers": ordered(),
}


def stacked(f, batch):
    """The results of `f` for the elements of a batch, from a loop."""
    results = [f(x) for x in batch]
    if isinstance(results[0], tuple):
        return [np.stack([np.asarray(r[k]) for r in results]) for k in range(len(results[0]))]
    return np.stack([np.asarray(r) for r in results])


def agree(found, want):
    if isinstance(want, list):
        assert len(found) == len(want)
        for y, wanted in zip(found, want, strict=True):
            assert np.asarray(y).dtype == wanted.dtype
            np.testing.assert_allclose(y, wanted)
    else:
        np.testing.assert_allclose(found, want)


@pytest.mark.parametrize("gate", GATES.values(), ids=GATES)
def test_vmap_agrees_with_a_loop(gate):
    first = lambda x: gate(x)[0] if isinstance(gate(x), tuple) else gate(x)
    loss = lambda x: (first(x) * np.arange(3.0)).sum() * first(x).sum()
    agree(fg.vmap(gate)(X), stacked(gate, X))
    agree(fg.vmap(fg.vmap(gate))(Z), [np.stack(p) for p in zip(*(stacked(gate, z) for z in Z), strict=True)]
          if isinstance(gate(X[0]), tuple) else stacked(lambda z: stacked(gate, z), Z))  # fmt: skip
    agree(fg.vmap(fg.vmap(gate), in_axes=1, out_axes=1)(Z), fg.vmap(fg.vmap(gate))(Z) if not isinstance(
        gate(X[0]), tuple) else list(map(np.asarray, fg.vmap(fg.vmap(gate))(Z))))  # fmt: skip
    agree(fg.grad(lambda X: fg.vmap(loss)(X).sum())(X), stacked(fg.grad(loss), X))
    agree(fg.vmap(fg.grad(loss))(X), stacked(fg.grad(loss), X))
    agree(fg.vmap(fg.jacobian(first))(X), stacked(fg.jacobian(first), X))


def test_operands_of_different_rank_are_aligned():
    both = fg.primitive(
        lambda a, b: (a * b, a + b), outputs=2, elementwise=True, name="both",
        vjp=(lambda g, b: g[0] * b + g[1], lambda g, a: g[0] * a + g[1]),
    )  # fmt: skip
    A, B = RNG.normal(size=(4, 3)), RNG.normal(size=(2, 3))
    agree(fg.vmap(both, (0, None))(A, B), stacked(lambda a: both(a, B), A))
    s = RNG.normal(size=4)
    agree(fg.vmap(both, (0, None))(s, B), stacked(lambda a: both(a, B), s))
    agree(fg.vmap(both, (0, None))(s, 2.0), stacked(lambda a: both(a, 2.0), s))


def test_a_batching_rule_gets_operands_and_options():
    seen = []

    def batch(operands, batched, options, size):
        seen.append(([x.shape for x in operands], batched, options, size))
        return operands, {"scale": options["scale"]}

    gate = fg.primitive(
        lambda a, b, /, scale=1.0: (scale * a @ b, scale * a), outputs=2, batch=batch, name="gate",
        vjp=(lambda g, b, scale: scale * (fg.expand_dims(g[0], -1) * b + g[1]), None),
    )  # fmt: skip
    b = np.ones(3)
    agree(fg.vmap(lambda a: gate(a, b, scale=3.0))(X), stacked(lambda a: gate(a, b, scale=3.0), X))
    assert seen == [([(4, 3), (3,)], (True, False), {"scale": 3.0}, 4)]
    agree(fg.grad(lambda X: fg.vmap(lambda a: gate(a, b)[0])(X).sum())(X), np.ones((4, 3)))


def test_results_that_differ_in_shape_are_refused():
    gate = fg.primitive(lambda x: (x[: int(x[0])] * 1.0, x * 1.0), vjp=lambda g: g[1], outputs=2, name="gate")
    with pytest.raises(fg.ShapeError, match="vmap: 'gate' without a batching rule is called once per element; there"):
        fg.vmap(lambda x: gate(x)[1])(np.array([[1.0, 2.0], [2.0, 3.0]]))


def test_an_option_that_differs_in_the_batch_is_refused():
    gate = fg.primitive(lambda x, /, scale=1.0: x * scale, vjp=lambda g, scale: g * scale, name="gate")
    with pytest.raises(fg.FastgradError, match="inside vmap"):
        fg.vmap(lambda x, s: gate(x, scale=s))(X, np.arange(4.0))


@pytest.mark.parametrize("name", ["several", "several, elementwise", "saved", "saved, elementwise", "one"])
def test_sparse_derivatives_agree_with_dense_ones(name):
    gate = GATES[name]
    first = lambda x: gate(x)[0] if isinstance(gate(x), tuple) else gate(x)
    f = lambda x: first(x[1:] * x[:-1]) + first(x)[1:]
    x = RNG.normal(size=8)
    found = fg.jacobian(f, sparse="triplets")(x)
    np.testing.assert_allclose(found.toarray(), fg.jacobian(f)(x))
    assert len(found.values) == (14 if "elementwise" in name else 56)
    if "saved" not in name:
        loss = lambda x: (f(x) ** 2).sum()
        np.testing.assert_allclose(fg.hessian(loss, sparse="triplets")(x).toarray(), fg.hessian(loss)(x), atol=1e-12)
