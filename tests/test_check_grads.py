"""`check_grads` passes right gradients, and reports for wrong ones which, where and by how much."""

import re

import numpy as np
import pytest

import fastgrad as fg

A = np.array([0.25, -1.25, 2.0])
check_grads = fg.testing.check_grads


def gate(vjp, name="gate"):
    return fg.primitive(lambda x: np.tanh(x), vjp=vjp, name=name)


def test_right_gradients_pass_at_every_order_and_in_every_mode():
    for order in 1, 2, 3:
        check_grads(lambda x: np.tanh(x) * x, (A,), order=order)
    check_grads(lambda x: np.tanh(x), (A,), modes=("vjp",))
    check_grads(lambda x: np.tanh(x), (A,), modes=("jvp",))


def test_arguments_may_be_nests_numbers_tensors_and_things_without_gradient():
    def f(p, n, scale):
        return {"a": np.tanh(p["w"] * scale) * n, "b": [p["b"] * p["w"], 3.0]}

    check_grads(f, ({"w": A, "b": 1.5}, 3, fg.tensor(2.0)))


def test_a_wrong_rule_is_reported_with_op_argument_and_numbers():
    with pytest.raises(AssertionError) as caught:
        check_grads(gate(lambda g, y: g * (1 - y)), (A,))
    assert isinstance(caught.value, fg.FastgradError)
    found = re.fullmatch(
        r"check_grads: vjp, order 1 of 'gate', argument 0 \(float64, shape \(3,\)\): fastgrad gives (\S+), "
        r"differences give (\S+); \|difference\| (\S+) > (\S+) allowed",
        str(caught.value),
    )
    engine, differences, distance, allowed = map(float, found.groups())
    assert distance == pytest.approx(abs(engine - differences), rel=1e-2) and allowed < 1e-7


def test_the_argument_is_named_by_its_place():
    wrong = gate(lambda g: g)
    with pytest.raises(AssertionError, match=r"order 1 of 'f', argument 1\['w'\]\[0\] \(float64, shape \(3,\)\)"):

        def f(a, p):
            return a * wrong(p["w"][0])

        check_grads(f, (A, {"b": 1.0, "w": [A]}))


def test_a_jvp_error_names_the_element():
    with pytest.raises(AssertionError, match=r"jvp, order 1 of 'gate', argument 0 .*, element \[0\] of the result"):
        check_grads(gate(lambda g: g), (A,), modes=("jvp",))


def test_a_rule_wrong_at_second_order_only_is_found_there():
    hidden = gate(lambda g, y: g * (1 - y.detach() * y))  # right in value, half of its derivative is missing
    check_grads(hidden, (A,), order=1)
    with pytest.raises(AssertionError, match="order 2 of 'gate'"):
        check_grads(hidden, (A,), order=2)


def test_float32_passes_at_its_own_precision_and_fails_when_wrong():
    x = A.astype(np.float32)
    check_grads(lambda x: np.tanh(x) * x, (x,))
    with pytest.raises(AssertionError):
        check_grads(gate(lambda g, y: g * (1.05 - y * y)), (x,))


def test_complex_arguments_are_checked_as_pairs_of_real_ones():
    z = np.array([0.5 + 1j, -1.2 + 0.3j])
    check_grads(lambda z: z * z * z, (z,))
    check_grads(lambda z: z.real * z.imag, (z,))
    check_grads(lambda x: x * (1 + 2j), (A,))
    no_conjugate = fg.primitive(lambda x: x * 2j, vjp=lambda g: g * 2j, name="turn", holomorphic=False)
    with pytest.raises(AssertionError, match="'turn', argument 0"):
        check_grads(no_conjugate, (z,))


def test_a_nan_is_never_right():
    with pytest.raises(AssertionError, match="fastgrad gives nan"):
        check_grads(gate(lambda g: g * np.nan), (A,))


def test_tolerances_and_step_can_be_given():
    almost = gate(lambda g, y: g * (1.0001 - y * y))
    with pytest.raises(AssertionError):
        check_grads(almost, (A,), order=1)
    check_grads(almost, (A,), order=1, rtol=1e-3, atol=1e-3)
    steps = []

    def f(x):
        steps.append(np.abs(np.asarray(fg.asarray(x).detach()) - A).max())
        return np.tanh(x)

    check_grads(f, (A,), order=1, eps=0.125)
    assert max(steps) <= 0.25 and sorted(set(np.round(steps, 12)))[1] >= 0.0625


def test_nothing_to_check_is_an_error():
    with pytest.raises(ValueError, match="the arguments have no floating or complex leaf"):
        check_grads(lambda x: x, (3,))
    with pytest.raises(ValueError, match='modes must be a tuple of "vjp", "jvp" and "vmap"'):
        check_grads(lambda x: x, (A,), modes=("fwd",))


EVERY_MODE = ("vjp", "jvp", "vmap")


def cumulated(axis):
    """A gate whose batching rule is right for the last axis only."""
    return fg.primitive(
        lambda x: np.cumsum(x, axis), batch=lambda operands, batched, options, size: (operands, options), name="sums",
        vjp=lambda g: np.flip(np.cumsum(np.flip(g, axis), axis), axis),
    )  # fmt: skip


def test_vmap_is_compared_with_a_loop():
    check_grads(lambda x: np.tanh(x) * x.sum(), (A,), modes=EVERY_MODE)
    check_grads(lambda p, q: (np.tanh(p["w"]) @ q, 3, p["b"] > 0), ({"w": A, "b": 1.5}, A), modes=EVERY_MODE)
    check_grads(np.linalg.solve, (np.eye(3) * 3 + A, A), modes=EVERY_MODE)
    check_grads(lambda z: z * np.conj(z) + z, (A + 1j,), modes=("vmap",))
    check_grads(lambda x: np.sin(x) * x, (A.astype(np.float32),), modes=EVERY_MODE)
    check_grads(cumulated(-1), (A,), modes=EVERY_MODE)
    with pytest.raises(AssertionError, match=r"check_grads: vmap, order 1 of 'sums', batched in argument 0: fastgrad"):
        check_grads(cumulated(0), (A,), modes=("vmap",))
