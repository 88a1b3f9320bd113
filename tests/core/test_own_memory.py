"""Ownership of memory: a function under a transform may write to the caller's arrays, and a vjp or a hook to its
cotangent, without changing any other value."""

import numpy as np
import pytest

import fastgrad as fg


def columns(f, a):
    """The gradient by `jvp`, from the same array each time."""
    before, found = a.copy(), []
    for e in np.eye(a.size):
        a[:] = before
        found.append(fg.jvp(f, (a,), (e,))[1])
    return np.array(found)


CALLS = {
    "value_and_grad": lambda f, a: fg.value_and_grad(f)(a)[1],
    "grad": lambda f, a: fg.grad(f)(a),
    "grad_nest": lambda f, a: fg.grad(lambda p: f(p["a"]))({"a": a})["a"],
    "grad_argnums": lambda f, a: fg.grad(lambda b, x: f(x), argnums=1)(0, a),
    "grad_aux": lambda f, a: fg.grad(lambda x: (f(x), None), has_aux=True)(a)[0],
    "elementwise_grad": lambda f, a: fg.elementwise_grad(f)(a),
    "vjp": lambda f, a: fg.vjp(f, a)[1](1.0)[0],
    "jvp": columns,
    "jacobian": lambda f, a: fg.jacobian(f)(a),
}
WRITES = {
    "all": lambda a: a.__setitem__(slice(None), 0.0),
    "view": lambda a: a[1:].fill(7.0),
    "inplace": lambda a: np.multiply(a, -2.0, out=a),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("n", [1, 3, 40_000])
def test_a_function_that_writes_to_its_own_array(call, write, n):
    a = np.linspace(1, 2, n)
    if n > 100 and call is columns:
        return  # a pass per element
    before = a.copy()

    def f(x):
        y = (x * x).sum()
        write(a)
        return y

    np.testing.assert_array_equal(call(f, a).reshape(n), 2 * before)
    a[:] = before
    assert fg.grad(lambda t: fg.grad(f)(a).sum() * t)(1.0) == pytest.approx(2 * before.sum())


@pytest.mark.parametrize("verb", ["grad", "value_and_grad", "vjp", "jacobian", "hvp"])
def test_a_graph_that_outlives_the_call_keeps_its_values(verb):
    a, kept = np.array([1.0, 2.0, 3.0]), []

    def h(x):
        y = (x**3).sum()
        kept.append((x, y))
        return y

    run = getattr(fg, verb)
    if verb == "hvp":
        run(h, (a,), (np.ones(3),))
    else:
        pull = run(h, a)[1] if verb == "vjp" else run(h)(a)
    a[:] = 100.0
    if verb == "vjp":
        assert pull(1.0)[0].tolist() == [3.0, 12.0, 27.0]
    x, y = kept[0]
    assert y.item() == 36.0 and (x * x).sum().item() == 14.0


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_writes_to_the_argument_do_not_reach_the_caller(call):
    a = np.array([1.0, 2.0])

    def f(x):
        y = x * 3
        with fg.no_grad():
            x += 1
        return y.sum()

    assert call(f, a).tolist() == [3.0, 3.0] and a.tolist() == [1.0, 2.0]


def no_grad_write(g):
    with fg.no_grad():
        g *= 2.0
    return g


def array_write(g):
    a = np.asarray(g.detach())
    try:
        a.flags.writeable = True
    except ValueError:
        return g * 2.0
    a *= 2.0
    return g


def writable_write(g):
    with fg.no_grad():
        g.numpy(writable=True)[...] *= 2.0
    return g


def item_write(g):
    with fg.no_grad():
        g[0] = g[0] * 2
        g[1:] *= 2
    return g


@pytest.mark.parametrize("vjp", [no_grad_write, array_write, writable_write, item_write])
@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("dtype", ["f", "d", "D"])
def test_a_vjp_may_write_to_its_cotangent(vjp, create_graph, dtype):
    if create_graph and vjp is not no_grad_write:
        return
    twice = fg.primitive(lambda x: x * 2.0, vjp=vjp, name="twice")
    both = fg.primitive(lambda x, z: x * 2.0 + z * 2.0, vjp=(vjp, vjp), name="both")
    x, w = (fg.tensor(np.ones(4, dtype), requires_grad=True) for _ in "xw")
    c = fg.tensor(np.ones(4, dtype))
    for make, right in (
        (lambda: w + twice(x), (2, 1)),
        (lambda: twice(x) + w, (2, 1)),
        (lambda: both(x, w), (2, 2)),
        (lambda: w + twice(twice(x)), (4, 1)),
    ):
        gs = fg.gradients(make(), (x, w), c, create_graph=create_graph)
        assert [g.detach().tolist() for g in gs] == [[k] * 4 for k in right]
        assert c.tolist() == [1] * 4
    _, pull = fg.vjp(lambda x: twice(x) + x, np.ones(4, dtype))
    cotangent = np.ones(4, dtype)
    assert pull(cotangent)[0].tolist() == pull(cotangent)[0].tolist() == [3] * 4 and cotangent.tolist() == [1] * 4


@pytest.mark.parametrize("which", ["x", "y", "z"])
@pytest.mark.parametrize("write", [no_grad_write, writable_write])
def test_a_vjp_that_writes_to_an_operand_or_the_result_is_refused(which, write):
    def rule(g, x, z, y):
        write({"x": x, "y": y, "z": z}[which])
        return g * z

    product = fg.primitive(lambda x, z: x * z, vjp=(rule, lambda g, x: g * x), name="product")
    x, z = fg.tensor([1.0, 2.0], requires_grad=True), fg.tensor([3.0, 4.0], requires_grad=True)
    with pytest.raises(fg.MutationError, match="the vjp of 'product' wrote in place to an operand or to the result"):
        product(x, z).sum().backward()
    assert x.grad is None and z.grad is None


def test_a_vjp_of_any_number_of_operands_is_refused_the_same():
    def rule(g, xs, i):
        no_grad_write(xs[1])
        return g

    total = fg.primitive(lambda *xs: sum(xs), vjp=rule, name="total")
    x = fg.tensor([1.0], requires_grad=True)
    with pytest.raises(fg.MutationError, match="the vjp of 'total' wrote"):
        total(x, fg.tensor([2.0])).backward()


def test_a_forward_cannot_write_to_its_operands():
    def forward(x):
        x *= 2
        return x

    with pytest.raises(ValueError, match="read-only"):
        fg.primitive(forward, vjp=lambda g: g)(fg.tensor([1.0, 2.0]))


@pytest.mark.parametrize("write", [no_grad_write, writable_write, array_write])
def test_a_hook_may_write_to_its_cotangent(write):
    x, w = fg.tensor(np.ones(4), requires_grad=True), fg.tensor(np.ones(4), requires_grad=True)
    c = fg.tensor(np.ones(4))
    u = x * 1
    u.register_hook(lambda g: write(g))
    (u + w).backward(c)
    assert (x.grad.tolist(), w.grad.tolist(), c.tolist()) == ([2] * 4, [1] * 4, [1] * 4)


def test_an_array_of_a_tensor_cannot_be_made_writable():
    for x in fg.tensor([1.0, 2.0]), fg.tensor([1.0, 2.0], requires_grad=True) * 2, fg.tensor(1.0), fg.zeros((0, 2)):
        with pytest.raises(ValueError, match="WRITEABLE"):
            x.numpy().flags.writeable = True
