"""User-defined ops with several results, saved values, options before operands, and rules for forward mode."""

from typing import NamedTuple

import numpy as np
import pytest

import fastgrad as fg

A = np.array([0.25, -1.25, 2.0])
check_grads = fg.testing.check_grads


@fg.primitive(outputs=2, vjp=lambda g, x, y: g[0] * y[1] - g[1] * y[0])
def sincos(x):
    """Sine and cosine."""
    return np.sin(x), np.cos(x)


# --- several results


def test_several_results_are_a_tuple_of_tensors():
    x = fg.tensor(A, requires_grad=True)
    s, c = sincos(x)
    np.testing.assert_array_equal(s.detach(), np.sin(A))
    np.testing.assert_array_equal(c.detach(), np.cos(A))
    assert s.op == c.op == "output" and s.operands[0].op == "sincos" and s.operands[0] is c.operands[0]
    assert [y.requires_grad for y in sincos(A)] == [False, False]
    check_grads(sincos, (A,), order=3)


def test_an_unused_result_has_a_cotangent_of_zeros():
    seen = []

    def vjp(g, x):
        seen.append([part.tolist() for part in g])
        return g[0] * 3 + g[1] * 5

    pair = fg.primitive(lambda x: (x * 3, x * 5), vjp=vjp, outputs=2, name="pair")
    np.testing.assert_array_equal(fg.grad(lambda x: pair(x)[1].sum())(A), np.full(3, 5.0))
    assert seen == [[[0.0] * 3, [1.0] * 3]]


def test_the_vjp_of_several_results_runs_once():
    calls = []
    pair = fg.primitive(lambda x: (x * 3, x * 5), vjp=lambda g: calls.append(1) or g[0] * 3 + g[1] * 5, outputs=2)
    np.testing.assert_array_equal(fg.grad(lambda x: (pair(x)[0] * pair(x)[1]).sum())(A), 30 * A)
    assert len(calls) == 2


@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_results_keep_their_dtypes_and_shapes(shape):
    big = np.array([2**62 + 1, -(2**62) - 3])

    @fg.primitive(outputs=6, vjp=lambda g: g[0] + 2.0 * g[1].sum() + fg.real(g[2]) * 3.0)
    def mixed(x):
        return x, np.float32(2 * np.sum(x)), (3 * x).astype(np.complex64), big, x > 0, big.astype(np.uint64)

    x = fg.tensor(np.random.default_rng(0).normal(size=shape), requires_grad=True)
    ys = mixed(x)
    want = [np.float64, np.float32, np.complex64, np.int64, bool, np.uint64]
    assert [y.dtype for y in ys] == want and [y.shape for y in ys] == [shape, (), shape, (2,), shape, (2,)]
    np.testing.assert_array_equal(ys[0].detach(), x.detach())
    np.testing.assert_array_equal(ys[3], big)
    np.testing.assert_array_equal(ys[5], big.astype(np.uint64))
    assert [y.requires_grad for y in ys] == [True, True, True, False, False, False]
    gx = fg.gradients((ys[0], ys[1], ys[2]), x, (np.ones(shape), np.float32(1), np.full(shape, 1 + 2j, np.complex64)))[
        0
    ]
    np.testing.assert_allclose(gx, np.full(shape, 6.0))


def test_the_cotangent_of_an_integer_result_is_none():
    rows = fg.primitive(
        lambda x: (np.sort(x), np.argsort(x)), outputs=2, name="sorted",
        vjp=lambda g, y: g[0][np.argsort(y[1].numpy())] if g[1] is None else None,
    )  # fmt: skip
    weights = np.array([1.0, 10.0, 100.0])
    np.testing.assert_array_equal(fg.grad(lambda x: rows(x)[0] @ weights)(A), [10.0, 1.0, 100.0])
    check_grads(rows, (A,))


def test_complex_results():
    pair = fg.primitive(
        lambda z, w: (z * w, z + w), outputs=2, vjp=(lambda g, w: g[0] * w + g[1], lambda g, z: g[0] * z + g[1])
    )
    check_grads(pair, (A + 1j * A[::-1], A - 2j))
    check_grads(pair, (A + 1j * A[::-1], A))
    check_grads(pair, (A.astype(np.float32), A.astype(np.complex64)))


def test_a_named_tuple_stays_one():
    class Parts(NamedTuple):
        low: np.ndarray
        high: np.ndarray

    halves = fg.primitive(
        lambda x: Parts(x[:2], x[2:]), vjp=lambda g: fg.concat([g[0], g[1]]), outputs=2, name="halves"
    )
    y = halves(A)
    assert isinstance(y, Parts) and y.high.tolist() == [2.0]
    check_grads(halves, (A,))


def test_a_ufunc_of_several_results():
    modf = fg.primitive(np.modf, vjp=lambda g: g[0])
    check_grads(modf, (A + 0.1,))
    divmod_ = fg.primitive(np.divmod, vjp=(lambda g: g[1], lambda g, y: -g[1] * y[0]))
    check_grads(divmod_, (A[:, None], np.array([0.7, 1.1])))


def test_results_may_be_written_without_harm_to_each_other():
    x = fg.tensor(A, requires_grad=True)
    s, c = sincos(x)
    with fg.no_grad():
        s[0] = 7.0
    assert c.detach()[0] == np.cos(A[0])
    c.sum().backward()
    np.testing.assert_allclose(x.grad, -np.sin(A))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (lambda x: x, "must return a tuple of 2 arrays, got ndarray"),
        (lambda x: (x,), "must return a tuple of 2 arrays, got tuple of 1"),
        (lambda x: None, "must return a tuple of 2 arrays, got NoneType"),
        (lambda x: (x, None), "must return one array, got NoneType"),
        (lambda x: (x, "no"), "must return one array, got str"),
        (lambda x: (x, np.array(["no"])), "must return floating, complex, integer or boolean arrays, got <U2"),
    ],
)
def test_what_is_not_several_results_is_refused(value, text):
    with pytest.raises(fg.DTypeError, match=f"'pair': the forward {text}"):
        fg.primitive(value, vjp=lambda g: g[0], outputs=2, name="pair")(A)


def test_a_count_of_results_that_is_none_is_refused():
    for outputs in 0, -1, True, 1.5, "2":
        with pytest.raises(fg.DTypeError, match="outputs must be the number of results, a positive int, got"):
            fg.primitive(lambda x: x, vjp=lambda g: g, outputs=outputs, name="pair")


# --- saved values


def with_saved(vjp, saved, **facts):
    return fg.primitive(lambda x: (np.exp(x), saved(x)), vjp=vjp, saves=True, name="gate", **facts)


def test_a_vjp_reads_what_the_forward_saved():
    gate = with_saved(lambda g, saved: g * saved, np.exp)
    np.testing.assert_array_equal(fg.grad(lambda x: gate(x).sum())(A), np.exp(A))
    check_grads(gate, (A,), order=1)
    gate = with_saved(lambda g, y, saved: g * y * saved["one"], lambda x: {"one": 1, "f": np.exp, "text": "t"})
    check_grads(gate, (A,), order=3)


def test_a_saved_value_in_a_second_derivative_is_an_error_rather_than_zero():
    gate = with_saved(lambda g, saved: g * saved, np.exp)
    for second in (
        lambda: fg.hessian(lambda x: gate(x).sum())(A),
        lambda: fg.grad(lambda x: fg.grad(gate)(x))(1.0),
        lambda: fg.hvp(lambda x: gate(x).sum(), (A,), (A,)),
    ):
        with pytest.raises(fg.NotDifferentiableError, match="computes with a saved value, whose derivative is needed"):
            second()
    gate = with_saved(lambda g, saved: g * saved.detach(), lambda x: np.full_like(x, 2.0))  # declared constant
    assert fg.hessian(lambda x: gate(x).sum())(A).any() == False  # noqa: E712
    gate = with_saved(lambda g, saved: g * saved, lambda x: x > 0)  # no derivative to lose
    assert fg.hessian(lambda x: gate(x).sum())(A).any() == False  # noqa: E712


def test_an_object_that_is_saved_does_not_lose_a_derivative():
    class Factor:
        def __init__(self, x):
            self.value = np.exp(x)

    gate = with_saved(lambda g, saved: fg.asarray(saved.value), Factor)
    np.testing.assert_array_equal(fg.grad(lambda x: gate(x).sum())(A), np.exp(A))
    with pytest.raises(fg.NotDifferentiableError, match="the vjp of 'gate' for 'x' computes with saved values and"):
        fg.hessian(lambda x: gate(x).sum())(A)


def test_a_factorization_is_reused_to_any_order():
    factored = []

    def invert(A):
        factored.append(1)
        return np.linalg.inv(A)

    # Its transpose is an op that takes the factorization as an option, and the matrix as an operand.
    @fg.primitive(
        options=("inverse", "transposed"),
        vjp=(
            lambda g, A, y, inverse, transposed: _outer(y, solve_with(A, g, inverse, not transposed), transposed),
            lambda g, A, inverse, transposed: solve_with(A, g, inverse, not transposed),
        ),
    )
    def solve_with(A, b, inverse, transposed):
        return (inverse.T if transposed else inverse) @ b

    def _outer(y, h, transposed):
        return -fg.outer(y, h) if transposed else -fg.outer(h, y)

    @fg.primitive(
        saves=True,
        vjp=(
            lambda g, A, y, saved: -fg.outer(solve_with(A, g, saved, True), y),
            lambda g, A, saved: solve_with(A, g, saved, True),
        ),
    )
    def solve(A, b):
        inverse = invert(A)
        return inverse @ b, inverse

    M = np.array([[3.0, 1.0, 0.2], [0.5, 2.0, 0.1], [0.0, 0.3, 1.5]])
    want = fg.grad(lambda M: fg.linalg.solve(M, A).sum())(M)
    np.testing.assert_allclose(fg.grad(lambda M: solve(M, A).sum())(M), want)
    assert len(factored) == 1
    check_grads(solve, (M, A), order=3)


def test_saved_arrays_do_not_change_with_the_operands():
    gate = fg.primitive(lambda x: (2 * x, (x, x[:1])), vjp=lambda g, saved: g * saved[0] * saved[1], saves=True)
    x = fg.tensor(A, requires_grad=True)
    z = x * 1
    y = gate(z)
    with fg.no_grad():
        z[...] = 100.0
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, A * A[:1])


def test_a_vjp_cannot_write_to_saved_values():
    def vjp(g, saved):
        saved += 1
        return g * saved

    with pytest.raises(ValueError, match="read-only"):
        fg.grad(lambda x: with_saved(vjp, np.exp)(x).sum())(A)


def test_several_results_and_saved_values():
    gate = fg.primitive(
        lambda x: ((np.sin(x), np.cos(x)), {"n": 1}), outputs=2, saves=True, name="gate",
        vjp=lambda g, y, saved: (g[0] * y[1] - g[1] * y[0]) * saved["n"],
    )  # fmt: skip
    check_grads(gate, (A,), order=2)


def test_misused_saved_values_are_named():
    with pytest.raises(fg.DTypeError, match=r"names 'saved', which is not an operand or parameter of it: pass saves"):
        fg.primitive(lambda x: x, vjp=lambda g, saved: g, name="gate")
    with pytest.raises(
        fg.DTypeError, match=r"saves=True the forward must return a pair \(result, saved\), got ndarray"
    ):
        fg.primitive(lambda x: 2 * x, vjp=lambda g, saved: g, saves=True, name="gate")(A)
    with pytest.raises(fg.DTypeError, match=r"'saved' of a vjp is both the saved values and the operand 'saved'"):
        fg.primitive(lambda saved: saved, vjp=lambda g, saved: g, saves=True, name="gate")


# --- options


def test_options_may_be_anything_and_come_first():
    @fg.primitive(options=("f", "words"), vjp=lambda g, x, f, words, n: g * n * f(x) * len(words))
    def applied(f, x, words, *, n=2.0):
        return n * f(x) * len(words)

    np.testing.assert_array_equal(applied(np.exp, A, "ab"), 4 * np.exp(A))
    np.testing.assert_array_equal(applied(x=A, words=["ab"], f=np.exp, n=3), 3 * np.exp(A))
    check_grads(lambda x: applied(np.exp, x, {"a": 1}, n=0.5), (A,), order=2)
    with pytest.raises(TypeError, match=r"applied\(\): missing a required argument: 'words'"):
        applied(np.exp, A)
    with pytest.raises(fg.DTypeError, match="options names 'h', which is not a parameter of the forward: x"):
        fg.primitive(lambda x: x, vjp=lambda g: g, options="h", name="f")


def test_an_option_never_loses_a_gradient():
    gate = fg.primitive(lambda x, /, scale=1.0: x * scale, vjp=lambda g, scale: g * scale, name="gate")
    assert gate(A, scale=fg.tensor(2.0)).tolist() == (2 * A).tolist()
    scale = fg.tensor(2.0, requires_grad=True)
    for given in scale, [scale], (1, {"a": scale}):
        with pytest.raises(fg.NotDifferentiableError, match="gate: the option 'scale' is or contains a Tensor that"):
            gate(A, scale=given)
    assert gate(A, scale=scale.detach()).tolist() == (2 * A).tolist()


# --- forward mode


def counted(calls):
    return lambda t, y: calls.append(1) or t * y


def test_a_jvp_is_used_by_forward_mode():
    calls = []
    gate = fg.primitive(np.exp, vjp=lambda g, y: g * y, jvp=counted(calls), name="gate")
    _, tangent = fg.jvp(gate, (A,), (np.ones(3),))
    assert fg.engine and len(calls) == 1
    np.testing.assert_array_equal(tangent, np.exp(A))
    check_grads(gate, (A,), order=3)


def test_the_vjp_is_derived_from_the_jvp():
    gate = fg.primitive(lambda a, b: a * b, jvp=(lambda t, b: t * b, lambda t, a: a * t), name="gate")
    check_grads(gate, (A, A + 1), order=3)
    check_grads(gate, (A + 1j, A - 2j), order=2)
    gate = fg.primitive(lambda x: x[::2] * 1, jvp=lambda t: t[::2], name="gate")
    check_grads(gate, (A,))
    pair = fg.primitive(lambda x: (np.sin(x), np.cos(x)), jvp=lambda t, y: (t * y[1], -t * y[0]), outputs=2)
    check_grads(pair, (A,), order=3)
    still = fg.primitive(lambda a, b: a * b, jvp=(lambda t, b: t * b, None), name="gate")
    np.testing.assert_array_equal(fg.grad(lambda a: still(a, A).sum())(A), A)
    with pytest.warns(fg.GradientWarning):
        fg.grad(lambda b: still(A, b).sum())(A)


def test_jvps_of_one_result_or_several_may_be_none_or_a_word():
    pair = fg.primitive(
        lambda x: (2 * x, np.sign(x)), vjp=lambda g: 2 * g[0], jvp=lambda t: (2 * t, None), outputs=2, name="pair"
    )
    check_grads(pair, (A,))
    halves = fg.primitive(
        lambda x: (x[:2], x[2:]), vjp=lambda g: fg.concat([g[0], g[1]]), jvp="linear", outputs=2, name="halves"
    )
    check_grads(halves, (A,))
    product = fg.primitive(
        lambda a, b: (a * b, a),
        vjp=(lambda g, b: g * b, lambda g, a: g * a),
        jvp="multilinear",
        saves=True,
        name="product",
    )
    check_grads(product, (A, A + 1))


def test_a_wrong_jvp_is_found_and_a_mistaken_one_is_named():
    with pytest.raises(AssertionError, match="check_grads: jvp, order 1 of 'gate'"):
        check_grads(fg.primitive(np.exp, vjp=lambda g, y: g * y, jvp=lambda t, y: 2 * t * y, name="gate"), (A,))
    for jvp, text in (
        (lambda g: g, "a jvp must be a Python function with a parameter t, the tangent"),
        ("lineal", 'jvp must be "linear", "multilinear", or functions, got \'lineal\''),
        ((lambda t: t, None), r"got 2 jvp\(s\) for 1 operand\(s\)"),
        (lambda t, z: t, "the jvp of 'gate' names 'z'"),
    ):
        with pytest.raises(fg.DTypeError, match=text):
            fg.primitive(lambda x: x, vjp=lambda g: g, jvp=jvp, name="gate")
    for facts in {}, {"jvp": "linear"}:
        with pytest.raises(
            fg.DTypeError, match="primitive 'gate': pass vjp=, one rule per operand, or jvp= as functions"
        ):
            fg.primitive(lambda x: x, name="gate", **facts)
    gate = fg.primitive(lambda x: 2 * x, vjp=lambda g: 2 * g, jvp=lambda t: t[:2], name="gate")
    with pytest.raises(fg.ShapeError, match=r"the jvp of 'gate' for 'x' returned shape \(2,\), the result has \(3,\)"):
        fg.jvp(gate, (A,), (A,))
    pair = fg.primitive(lambda x: (x, x), vjp=lambda g: g[0], jvp=lambda t: t, outputs=2, name="pair")
    with pytest.raises(fg.DTypeError, match="the jvp of 'pair' for 'x' must return a tuple of 2 tangents"):
        fg.jvp(pair, (A,), (A,))


# --- one vjp for all operands


def test_one_vjp_for_all_operands():
    calls = []
    gate = fg.primitive(
        lambda a, b: a * b, vjp=lambda g, a, b: calls.append(1) or (g * b, g * a), together=True, name="gate"
    )
    fg.grad(lambda a, b: gate(a, b).sum(), (0, 1))(A, A + 1)
    assert len(calls) == 1
    check_grads(gate, (A, A + 1), order=2)
    many = fg.primitive(lambda *xs: sum(xs), vjp=lambda g, xs: [g for _ in xs], together=True, name="many")
    check_grads(many, (A, A, A))
    gate = fg.primitive(lambda a, b: a * b, vjp=lambda g, a, b: g * b, together=True, name="gate")
    with pytest.raises(fg.DTypeError, match="the vjp of 'gate' must return a tuple with one cotangent per operand"):
        fg.grad(lambda a, b: gate(a, b).sum())(A, A)
    gate = fg.primitive(lambda a, b: a * b, vjp=lambda g, a, b: (g,), together=True, name="gate")
    with pytest.raises(fg.DTypeError, match="the vjp of 'gate' must return a tuple with one cotangent per operand"):
        fg.grad(lambda a, b: gate(a, b).sum())(A, A)
