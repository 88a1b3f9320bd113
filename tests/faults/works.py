"""Pieces of work in which `nomemory.py` lets memory fail. Each returns its results as plain numbers."""

import contextlib

import numpy as np

import fastgrad as fg
import fastgrad.numpy as fnp
from fastgrad._engine import graph_signature, pull_back, push_forward, unit_directions
from fastgrad.micrograd import Value, replay
from fastgrad.nn.functional import cross_entropy, gelu
from fastgrad.rules.rule import FUNCTIONS

A = np.linspace(0.1, 0.9, 12).reshape(3, 4)
W = np.linspace(-1.0, 1.0, 20).reshape(4, 5)
norm, sort = FUNCTIONS["norm"], FUNCTIONS["sort"]
ONE_HOT = np.eye(5)[[0, 3, 1]]
B = A + 1.0  # NumPy registers a loop at its first use: not where its memory fails
AT, PAIR, INDEX, LABELS, MASK = A.T.copy(), np.stack([A, B]), np.array([2, 0, 2]), np.array([1, 0, 3]), A > 0.5


GRADIENT_OF_BOTH = fg.value_and_grad(lambda x, p: ((p["w"] * x).sum() + p["b"][0]) * p["b"][1][0], (0, 1))


def leaves(*arrays):
    return [fg.tensor(a, requires_grad=True) for a in arrays]


def swept(y, *xs, **how):
    try:
        y.backward(**how)
    except MemoryError:
        for x in xs:
            assert x.grad is None, "a sweep that failed has written a gradient"
        raise
    return [y.item(), *(x.grad.tolist() for x in xs)]


def scalars():
    x, y = leaves(3.0, -4.0)
    return swept((x + y.sigmoid()) / (x.sigmoid() + (x + y) ** 2), x, y)


def values():
    a, b = Value(2), Value(-3.5)
    y = (a * b + a**2 - b / 4.0).tanh() + (a + 1).relu() * b.exp()
    before = len(y._prev)
    y.backward()
    return [before, y.data, a.grad, b.grad]


def programs_of_values():
    a, b = Value(2.0), Value(-3.5)
    y = a * b + a * a
    loss = (y + a**1.5).tanh() + b.exp()
    program = replay(loss, [y])
    a.data, b.data = 0.5, 0.25
    return [program(), y.data, a.grad, b.grad, len(program.leaves)]


def elementwise():
    (x,) = leaves(A)
    return swept((x.tanh() * x.sigmoid() + (-x * x).exp() + x.log().abs().sqrt()).sum(), x)


def broadcasting():
    x, y = leaves(A, A[0])
    return swept((x * y - x / (y + 2.0)).sum(), x, y)


def reductions():
    (x,) = leaves(A)
    return swept((x.mean(axis=0) * x.max(axis=0) + x.sum(axis=0) - x.min()).sum(), x)


def network():
    x, w = leaves(A, W)
    return swept((((x @ w).relu() - ONE_HOT) ** 2).mean(), x, w)


def views():
    (x,) = leaves(A)
    return swept((x.reshape((4, 3)).T[1:] * x[:2, :1] + x[0, 1]).sum(), x)


def second_order():
    (x,) = leaves(A)
    (first,) = fg.gradients((x.tanh() * x).sum(), [x], create_graph=True)
    (second,) = fg.gradients((first * first).sum(), [x])
    return [first.tolist(), second.tolist()]


def large():
    (x,) = leaves(np.linspace(0.0, 1.0, 5000))
    y = ((x - x.mean()) ** 2 / (1.0 + x.abs())).mean()
    y.backward()
    return [y.item(), x.grad[::1000].tolist()]


def no_graph():
    (x,) = leaves(A)
    with fg.no_grad():
        return (x * 2.0 + x.exp()).tolist()


def probabilities():
    (x,) = leaves(A)
    y = x.softmax(axis=1) * x.log_softmax(axis=0) + x.logsumexp(axis=1, keepdims=True)
    return swept((y * fg.softmax(x)).sum() + cross_entropy(x, LABELS), x)


def joined():
    x, y = leaves(A, B)
    both = fg.concat([x, y, x], axis=1)
    return swept((both * fg.stack([both, both])).sum(), x, y)


def chosen():
    x, y = leaves(A, AT)
    return swept((fg.where(MASK, x, y.T) * fg.clip(x, 0.2, 0.8) + fg.where(MASK, x, 0.0)).sum(), x, y)


def products():
    (x,) = leaves(A)
    return swept((x.prod(axis=0) + x.cumsum(axis=0)[1]).sum() + x.prod(), x)


def stacks():
    x, w = leaves(PAIR, np.stack([W, W]))
    return swept(((x @ w) + (x @ w[0]) + (x[0] @ w)).sum(), x, w)


def picked():
    (x,) = leaves(A)
    y = x[INDEX]
    (g,) = fg.gradients((y * y).sum(), [x], create_graph=True)
    return swept((g * g).sum() + x[[0, 1], [1, 1]].sum() + x[MASK].sum(), x)


def written():
    x, w = leaves(A, B)
    y = x * 2.0
    before = y + 1.0
    y += w
    y *= y
    z = y + 1.0
    y[1:] = x[:2]
    y[0, 0] = 3.0
    return swept((before + y + z).sum(), x, w)


def written_without_a_graph():
    (x,) = leaves(A)
    step = fg.tensor(0.0)
    with fg.no_grad():
        for _ in range(3):
            x -= x * 0.5
            x[0] = 1.0
            step += 1.0
    return [x.tolist(), step.item()]


def spreads():
    (x,) = leaves(A)
    y = x.std(axis=0) * x.var(axis=0, ddof=1) + x.std(axis=1, keepdims=True) + norm(x, axis=0)
    return swept(y.sum() + x.var(), x)


def sorted_and_triangular():
    (x,) = leaves(A)
    y = sort(x, axis=0) * fg.tril(x, -1) + sort(x) + fg.triu(x)
    return swept(y.sum(), x)


def of_errors():
    (x,) = leaves(A)
    return swept((fg.erf(x) * fg.erfc(x) + gelu(x)).sum(), x)


def contracted():
    x, w = leaves(A, W)
    y = fg.einsum("ij,jk->ki", x, w) + fg.tensordot(w, x, ([0], [1]))
    return swept(y.sum() + fg.einsum("ij,ij->", x, x) + fg.einsum("ij,jk,kl->il", x, w, w.T).sum(), x, w)


def added_up():
    x, y = leaves(A, A[0])
    (x * y).sum().backward()
    before = [x.grad.tolist(), y.grad.tolist()]
    z = (x * x + y).sum()
    try:
        z.backward()
    except MemoryError:
        assert [x.grad.tolist(), y.grad.tolist()] == before, "a sweep that failed has written a gradient"
        raise
    return [x.grad.tolist(), y.grad.tolist()]


def retained():
    (x,) = leaves(A)
    y = x * 2.0
    y.retain_grad()
    return [*swept((y * y + y).sum(), x), y.grad.tolist()]


def asked_for():
    x, y = leaves(A, A[0])
    z = (x * y).tanh()
    found = fg.gradients([z.sum(), (z * z).sum()], [x, z, y], retain_graph=True)
    found += fg.gradients(z, y, np.ones((3, 4)))  # not (*found, ...): list.extend of CPython 3.11 loses a reference
    return [g.tolist() for g in found]


def hooked():
    x, y = leaves(A, B)
    z = x * y
    z.register_hook(lambda g: g * 2.0)
    x.register_hook(lambda g: None)
    return swept((z + x).sum(), x, y)


def broken():
    x, y = leaves(A, B)
    z = x * y
    z.register_hook(lambda g: 1 // 0)
    total = (z + (x @ y.T)[0, 0]).sum()
    try:
        total.backward()
    except ZeroDivisionError:
        assert x.grad is None
        assert y.grad is None
    return swept((x * y).sum(), x, y)


def sweep_within():
    x, y = leaves(A, B)
    z = x * y
    above = z + x
    inner = []

    def hook(g):
        inner.append(fg.gradients(z, [x], B, retain_graph=True)[0].tolist())

    above.register_hook(hook)
    return [*swept(above.sum(), x, y, retain_graph=True), inner[0]]


def third_order():
    (x,) = leaves(A)
    y = ((x @ x.T).tanh() * x.sum(axis=1) - x.max(axis=0)[:3]).sum()
    for _ in range(2):
        (g,) = fg.gradients(y, [x], create_graph=True)
        y = (g * g).mean()
    return swept(y, x)


def create_graph():
    x, y = leaves(A, A[0])
    (x * y).tanh().sum().backward(create_graph=True)
    (g, h), x.grad, y.grad = (x.grad, y.grad), None, None
    return swept((g * g).sum() + h.sum(), x, y)


def by_rules():
    """No einsum: NumPy's iterates over the items of a dict, which crashes CPython if the iterator is allocated and
    its pair is not (github.com/python/cpython/issues/152107)."""
    (x,) = leaves(A)
    y = x.arcsin() + fg.hypot(x, 2.0) + fg.tril(x) + x.std(axis=0) ** 1.5 + fg.erf(x)
    return swept(y.sum() + fg.outer(x[0], x[1]).sum(), x)


def of_integers_and_complex():
    (x,) = leaves(A)
    z = x * (1.0 + 2.0j)
    return swept(fg.real(z * fg.conj(z)).sum() + (x * np.arange(4)).sum() + x.astype(np.float32).sum(), x)


def transformed():
    value, gradient = fg.value_and_grad(lambda a: fg.sum(fg.tanh(a) * a))(A)
    return [float(value), np.asarray(gradient).tolist()]


def of_numbers_and_dicts():
    """Everything that grad does is done in C, but for the function."""
    value, (x, p) = GRADIENT_OF_BOTH(2.0, {"w": A, "b": [1.0, (0.5,)]})
    return [float(value), float(x), p["w"].tolist(), float(p["b"][0]), float(p["b"][1][0])]


def directional():
    """Tangents in, value and tangent out; and the product with the Hessian."""
    value, tangent = fg.jvp(lambda x, y: [(x * x).sum() * y, x], (A, 2.0), (B, 1.0))
    product = fg.hvp(lambda x: (x * x * x).sum(), (A,), (B,))
    return [float(value[0]), float(tangent[0]), tangent[1].tolist(), product.tolist()]


def described():
    """The list by which sparse derivatives recognize a graph."""
    x, y = leaves(A, A[0])
    nodes, found = graph_signature([(x[1:] * x[:2] * y).sum(), x[INDEX]], [x, y])
    return [len(nodes), len(found), [node.op for node in nodes]]


def in_and_out():
    (x,) = leaves(A[::-1, ::2])
    y = fg.asarray(A) * 2.0
    return [np.asarray(y).tolist(), memoryview(y).tolist(), x.detach().numpy().tolist(), *swept((x * x).sum(), x)]


def namespaces():
    """NumPy's functions, by their names in fastgrad.numpy and by NumPy's dispatch. Those of NaN crash CPython, as
    einsum does."""
    x, w = leaves(A, W)
    y = fnp.std(x, axis=0, keepdims=True) + fnp.sort(x, axis=0) * np.tril(x, k=1) + np.multiply(x, 2.0)
    return swept(np.sum(fnp.concatenate([y, x], axis=0)) + fnp.sum(np.matmul(x, w)) + np.max(x), x, w)


def matrices():
    (x,) = leaves(A[:, :3] + np.eye(3))
    return swept((fg.linalg.inv(x) + fg.linalg.solve(x, x.T)).sum() + fg.linalg.det(x) + fg.linalg.norm(x), x)


def transforms():
    (x,) = leaves(A)
    y = fg.fft.rfft(x)
    return swept(fg.real(y * fg.conj(y)).sum() + fg.fft.ifft(x).real.sum(), x)


def directions():
    """Tangents and cotangents along a graph of kernels, one and several at once."""
    x, y = leaves(A[:2, :3], B[:2, :3])
    z = (x[:, 1:] * y.T.reshape(2, 3)[:, :2] - x[:, :1] / 2).sum(axis=0) + fg.exp(y.mean(axis=0))[:2]
    v, several = fg.tensor(W[:2, :3]), fg.tensor(PAIR[:, :2, :3])
    found = push_forward((z,), (x, y), (v, v)) + push_forward((z,), (x, y), (several, None), batch=2)
    found += pull_back((z,), (x, y), (unit_directions(z, 0, 2),), batch=2)
    return [t.numpy().tolist() for t in found]


def batches():
    def f(x):
        return (fg.tanh(x[1:] * x[:-1]) ** 2 / x.sum()).sum() + fg.softmax(x)[0]

    value, slope = fg.jvp(f, (A[0],), (A[1],))
    return [np.asarray(t).tolist() for t in (value, slope, fg.hvp(f, (A[0],), (A[1],)), fg.hessian(f)(A[0]))]


def methods_of_ndarray():
    (x,) = leaves(A)
    y = x * 1.0
    y.put([0, 3], x[0, :2])
    z = y.take([0, 1]) * y.compress([True, False, True], axis=0).sum()
    return swept(z.sum() + x.trace() + y.diagonal().sum(), x)


@contextlib.contextmanager
def all_postponed():
    """Postpone small values as well, as only those of some megabytes are."""
    from fastgrad.core.tensor import set_postponed_from

    before = set_postponed_from(9)
    try:
        yield
    finally:
        set_postponed_from(before)


def postponed():
    with all_postponed():
        (x,) = leaves(A)
        y = x * x - 1.0
        return swept((y + y.exp() * x).sum() + (y - x).sum(), x)


def compiled():
    program = fg.compile(fg.value_and_grad(lambda x: fg.sum(fg.where(x > 0.5, x, x * x - 1.0) * x[0])))
    with all_postponed():
        found = [program(A) for _ in range(3)]
    return [[float(value), gradient.tolist()] for value, gradient in found]


BY_KERNELS = (
    scalars, values, programs_of_values, elementwise, broadcasting, reductions, network, views, large, no_graph,
    probabilities, joined, chosen, products, stacks, spreads, sorted_and_triangular, of_errors, added_up, retained,
    asked_for, written_without_a_graph, postponed,
)  # fmt: skip
IN_PYTHON = (
    second_order, hooked, picked, written, broken, sweep_within, third_order, create_graph, by_rules,
    of_integers_and_complex, transformed, of_numbers_and_dicts, directional, described, in_and_out, contracted,
    namespaces, matrices, transforms, methods_of_ndarray, batches, directions, compiled,
)  # fmt: skip
IN_CONTEXTS = (no_graph, written_without_a_graph)  # those that set a context variable, as `no_grad` does
WORKS = {f.__name__: f for f in BY_KERNELS + IN_PYTHON}
ENOUGH = 20_000  # allocations, after which a work has failed
