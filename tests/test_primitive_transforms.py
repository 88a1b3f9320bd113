"""Every kind of user-defined op in every transform: rows and columns, second order, and batches agree."""

import numpy as np
import pytest

import fastgrad as fg

P = fg.primitive
A = np.array([0.25, -1.25, 2.0])
B = A + 3
X = np.random.default_rng(0).normal(size=(4, 3)) + 0.1

GATES = {
    "together": P(
        lambda a, b: (a * b, a / b), outputs=2, together=True,
        vjp=lambda g, a, b: (g[0] * b + g[1] / b, g[0] * a - g[1] * a / b**2),
    ),
    "together, zeros": P(lambda a, b: a * np.sign(b), vjp=lambda g, b: (g * np.sign(b), None), together=True),
    "derived": P(lambda a, b: (a * b, a - b), jvp=(lambda t, b: (t * b, t), lambda t, a: (t * a, -t)), outputs=2),
    "derived, one result": P(lambda a, b: a * b, jvp=(lambda t, b: t * b, lambda t, a: t * a)),
    "both modes": P(
        lambda a, b: a @ b, vjp=(lambda g, b: g * b, lambda g, a: g * a), jvp=(lambda t, b: t @ b, lambda t, a: t @ a)
    ),
    "multilinear": P(
        lambda a, b: (np.outer(a, b), a.sum() * b), outputs=2, jvp="multilinear",
        vjp=(
            lambda g, b: g[0] @ b + (g[1] @ b) * fg.ones(3),
            lambda g, a: g[0].T @ a + g[1] * a.sum(),
        ),
    ),
    "saved": P(
        lambda a, b: ((a * b, a), {"k": 2, "mask": b > 0}), outputs=2, saves=True,
        vjp=(lambda g, b, saved: g[0] * b + g[1] * saved["k"] / 2, lambda g, a, saved: g[0] * a),
    ),
    "any number": P(lambda *xs: (sum(xs), xs[0] * xs[1]), vjp=lambda g, xs, i: g[0] + g[1] * xs[1 - i], outputs=2),
    "complex": P(
        lambda a, b: (a + 1j * b, a * b), outputs=2, holomorphic=False,
        vjp=(lambda g, b: fg.real(g[0]) + g[1] * b, lambda g, a: fg.imag(g[0]) + g[1] * a),
    ),
}  # fmt: skip


def flat(gate):
    """The results of a gate as one real vector."""

    def f(a, b):
        results = gate(a, b)
        parts = []
        for y in results if isinstance(results, tuple) else (results,):
            parts += [fg.real(y), fg.imag(y)] if y.dtype.kind == "c" else [y]
        return fg.concat([y.reshape(-1) for y in parts])

    return f


@pytest.mark.parametrize("gate", GATES.values(), ids=GATES)
def test_rows_columns_second_order_and_batches_agree(gate):
    f = flat(gate)
    fg.testing.check_grads(gate, (A, B), order=2)
    rows = fg.jacobian(f, (0, 1))(A, B)
    still = np.zeros(3)
    for k, tangents in enumerate((lambda v: (v, still), lambda v: (still, v))):
        columns = [fg.jvp(f, (A, B), tangents(v))[1] for v in np.eye(3)]
        np.testing.assert_allclose(rows[k], np.stack(columns, -1), atol=1e-12)
    cube = lambda a, b: (f(a, b) ** 3).sum()
    (block, _), _ = fg.hessian(cube, (0, 1))(A, B)
    slope = fg.grad(cube)
    for v in np.eye(3):
        difference = (slope(A + 1e-5 * v, B) - slope(A - 1e-5 * v, B)) / 2e-5
        np.testing.assert_allclose(block @ v, difference, rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(fg.hvp(lambda a: cube(a, B), (A,), (v,)), block @ v, rtol=1e-9, atol=1e-9)
    for axes in (0, None), (None, 0), (0, 0):
        args = [x if axis is None else X for x, axis in zip((A, B), axes, strict=True)]
        elements = [[x if axis is None else x[j] for x, axis in zip(args, axes, strict=True)] for j in range(len(X))]
        for g in f, fg.jacobian(f), fg.grad(cube, 1):
            np.testing.assert_allclose(fg.vmap(g, axes)(*args), np.stack([g(*e) for e in elements]), atol=1e-12)
