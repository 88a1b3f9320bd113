"""Functions of users that return or do what they should not: no value is corrupted, and errors name the op."""

import threading

import numpy as np
import pytest

import fastgrad as fg

P = fg.primitive
A = np.array([0.25, -1.25, 2.0])
PAIR = {"outputs": 2, "vjp": lambda g: g[0], "name": "gate"}
ONE = {"vjp": lambda g: g, "name": "gate"}


def both(forward):
    """The op with one result, and the op that returns it twice."""
    return [P(forward, **ONE), P(lambda x: (forward(x), forward(x)), **PAIR)]


@pytest.mark.parametrize("dtype", [np.longdouble, np.float16, np.clongdouble])
def test_results_that_no_tensor_holds_are_refused(dtype):
    for gate in both(lambda x: x.astype(dtype)):
        with pytest.raises(fg.DTypeError, match=r"a Tensor.* hold.* only bool, integers, float32|cannot hold"):
            gate(A)


@pytest.mark.parametrize("value", [None, [1.0, 2.0, 3.0], "no", {"a": 1}, (i for i in A), object()], ids=repr)
def test_results_that_are_no_arrays_are_refused(value):
    for gate in both(lambda x: value):
        with pytest.raises(fg.DTypeError, match="'gate': the forward must return one array, got"):
            gate(A)


@pytest.mark.parametrize("write", [lambda x: x.__iadd__(1), lambda x: x.sort() or x, lambda x: x.__setitem__(0, 1)])
def test_a_forward_that_writes_to_its_operand_is_refused(write):
    x = fg.tensor(A, requires_grad=True)
    for gate in both(write):
        with pytest.raises(fg.MutationError, match="primitive 'gate': the forward wrote to an operand, which belongs"):
            gate(x)
        with pytest.raises(ValueError, match="the forward wrote to an operand"):
            gate(A)
    np.testing.assert_array_equal(x.detach(), A)


def test_an_error_of_a_forward_stays_what_it_is():
    def fail(x):
        raise KeyError("mine")

    for gate in both(fail):
        with pytest.raises(KeyError, match="mine"):
            gate(A)


def test_a_tensor_from_outside_does_not_lose_its_gradient():
    w = fg.tensor(A, requires_grad=True)
    for gate in both(lambda x: w * x):
        with pytest.raises(fg.NotDifferentiableError, match="the forward returned a Tensor that requires a gradient"):
            gate(A)
    for gate in both(lambda x: w.detach() * x):
        assert np.shape(gate(A)) in ((3,), (2, 3))


def test_views_and_odd_layouts_are_copied():
    def forward(x):
        return x.T, np.asfortranarray(x), x[::-1], np.broadcast_to(x[0, 0], (4,)), x.astype(">f8")

    corner = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    vjp = lambda g: g[0].T + g[1] + g[2][::-1] + g[3].sum() * corner + g[4]
    gate = P(forward, outputs=5, vjp=vjp, name="gate")
    x = fg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    z = x * 1
    ys = gate(z)
    want = forward(np.arange(6.0).reshape(2, 3))
    with fg.no_grad():
        z[...] = 9.0
    for y, wanted in zip(ys, want, strict=True):
        np.testing.assert_array_equal(y.detach(), wanted)
    fg.testing.check_grads(gate, (np.arange(6.0).reshape(2, 3),))


def test_results_are_written_in_recorded_code():
    gate = P(lambda x: (np.sin(x), np.cos(x)), outputs=2, vjp=lambda g, y: g[0] * y[1] - g[1] * y[0], name="gate")

    def f(x):
        s, c = gate(x)
        s += c
        s[0] = 2.0
        return (s * c).sum()

    def plain(x):
        s, c = np.sin(x), np.cos(x)
        return (np.stack([2.0 + 0 * s[0], s[1] + c[1], s[2] + c[2]]) * c).sum()

    np.testing.assert_allclose(fg.grad(f)(A), fg.grad(plain)(A))
    np.testing.assert_allclose(fg.hessian(f)(A), fg.hessian(plain)(A), atol=1e-14)


@pytest.mark.parametrize(
    ("vjp", "error", "text"),
    [
        (lambda g: g[0].sum(), fg.ShapeError, r"returned shape \(\), the operand has \(3,\)"),
        (lambda g: g, fg.ShapeError, r"returned shape \(2, 3\), the operand has \(3,\)"),
        (lambda g: None, TypeError, "returned None"),
        (lambda g: np.ones(3, int), fg.DTypeError, "returned int64"),
        (lambda g, y: y[0].__iadd__(g[0]), fg.MutationError, "wrote in place to an operand or to the result"),
        (lambda g, x: x.__iadd__(g[0]), fg.MutationError, "wrote in place to an operand or to the result"),
    ],
)
def test_vjps_of_several_results_that_return_nonsense_are_named(vjp, error, text):
    gate = P(lambda x: (2 * x, 3 * x), outputs=2, vjp=vjp, name="gate")
    with pytest.raises(error, match=f"the vjp of 'gate'.*{text}"):
        fg.grad(lambda x: gate(x)[0].sum())(A)


def test_graphs_of_several_results():
    gate = P(lambda x: (2 * x, 3 * x), outputs=2, vjp=lambda g: 2 * g[0] + 3 * g[1], name="gate")
    x = fg.tensor(A, requires_grad=True)
    a, b = gate(x)
    a.sum().backward()
    with pytest.raises(fg.GraphFreedError, match="'gate'"):
        b.sum().backward()
    a, b = gate(x)
    a.register_hook(lambda g: 10 * g)
    a.sum().backward(retain_graph=True)
    b.sum().backward()
    np.testing.assert_array_equal(x.grad, np.full(3, 2.0 + 20.0 + 3.0))
    found = fg.checkpoint(gate)(x)
    np.testing.assert_array_equal(fg.gradients(found, x, (A, A))[0], 5 * A)
    with fg.detect_anomaly(), pytest.raises(fg.AnomalyError, match="'gate' made infinity"):
        P(lambda x: (x / 0, x), **PAIR)(x)


def test_calls_from_several_threads_do_not_meet():
    gate = P(lambda x: ((x * 1, x * 2), x.sum() > 0), outputs=2, saves=True, name="gate",
             vjp=lambda g, saved: (g[0] + 2 * g[1]) * (1.0 if saved else -1.0))  # fmt: skip
    wrong = []

    def work(sign):
        for _ in range(100):
            g = fg.grad(lambda x: gate(x)[1].sum())(sign * np.ones(3))
            wrong.extend([g] * (g.tolist() != [2.0 * sign] * 3))

    threads = [threading.Thread(target=work, args=(sign,)) for sign in (1.0, -1.0, 1.0, -1.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_gate_may_call_itself_and_transforms():
    tail = P(lambda x: x if x.size < 2 else np.concatenate([x[:1], tail(x[1:]).numpy()]), vjp=lambda g: g, name="tail")
    np.testing.assert_array_equal(fg.grad(lambda x: tail(x).sum())(A), np.ones(3))
    slope = P(lambda x: fg.grad(lambda z: (z**3).sum())(x), vjp=lambda g, x: 6 * x * g, name="slope")
    fg.testing.check_grads(slope, (A,))
