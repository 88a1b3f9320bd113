"""Compiled functions give what the functions give, to the bit: random programs, nested transforms, and every rule."""

import collections

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.errors import CompileError
from fastgrad.rules import RULES
from tests.support.random_compiled import bits, compare, outcome
from tests.support.rule_samples import NAMES, asked, is_float, leaves, samples

REFUSED = 0.03  # of the random programs at most


@pytest.mark.parametrize("first", range(0, 480, 40))
def test_random_programs(first):
    found = [compare(seed) for seed in range(first, first + 40)]
    assert [one for one in found if one not in (None, "refused")] == []
    assert found.count("refused") <= max(3, REFUSED * len(found))


def gradients(rule, operands, params):
    """Return the value of a rule and its gradients with respect to all floating-point operands."""
    xs = leaves(operands)
    y = rule.function(*xs, **params)
    wanted = [xs[k] for k in asked(rule, xs)]
    if not wanted or not isinstance(y, fg.Tensor) or not y.requires_grad:
        return y
    return y.detach(), fg.gradients(y, wanted, fg.cos(y.detach()), allow_unused=True)


@pytest.mark.parametrize("name", NAMES)
def test_rules(name):
    """The op and its vjp; the operands of the later calls have other values."""
    rule = RULES[name]
    for operands, params in samples(name)[:6]:
        arrays = [k for k, x in enumerate(operands) if is_float(x)]

        def f(*given, operands=operands, params=params, arrays=arrays):
            full = list(operands)
            for k, x in zip(arrays, given):
                full[k] = x
            return gradients(rule, full, params)

        def call(function, given):
            return outcome(lambda: function(*given))

        if not arrays or any(operands[k].dtype.kind != "f" for k in arrays):
            continue
        program = fg.compile(leafed(f))
        for scale in (1, 0.98, 0.96):
            given = [np.array(operands[k] * scale) for k in arrays]
            found = outcome(lambda given=given, program=program: program(*given))
            if found is CompileError:
                break
            assert found == outcome(lambda given=given, f=f: leafed(f)(*map(fg.asarray, given))), (params, given)


def leafed(f):
    """Return `f` of new leaves with the values of Tensors."""

    def function(*given):
        return f(*[fg.asarray(x).copy().requires_grad_() for x in given])

    return function


def test_bits_tell_results_apart():
    assert bits(np.array(0.0)) != bits(np.array(-0.0))
    assert bits((np.ones(2), {"a": 1.0})) == bits((np.ones(2), {"a": 1.0}))


def test_checked_programs_agree():
    w = fg.tensor([1.0, 2.0], requires_grad=True)

    def step(x):
        loss = (w * x).sum() ** 2
        loss.backward()
        with fg.no_grad():
            w.__isub__(w.grad * 0.1)
        return loss

    plain, checked = fg.compile(step), fg.compile(step, check=True)
    for k in range(4):
        x = np.array([0.1, 0.2]) * (k + 1)
        before, grad = w.detach().copy(), None if w.grad is None else w.grad.copy()
        one = plain(x)
        after = w.detach().copy(), w.grad.copy()
        with fg.no_grad():
            w[...] = before
        w.grad = grad
        assert bits(checked(x)) == bits(one)
        assert bits((w, w.grad)) == bits(after)


@pytest.mark.skipif(fg.engine == "python", reason="nothing is replayed")
def test_what_a_program_does_not_see_is_found_by_check():
    seen = collections.deque([1.0])
    f = fg.compile(lambda x: x * seen[0], check=True)
    assert f(2.0) == 2.0
    assert f(3.0) == 3.0
    seen[0] = 2.0
    with pytest.raises(CompileError, match="differ in its result"):
        f(3.0)
    unchecked = fg.compile(lambda x: x * seen[0])
    assert unchecked(2.0) == 4.0


@pytest.mark.skipif(fg.engine == "python", reason="the pure-Python engine has no blocks of its own")
def test_programs_and_failed_recordings_give_their_memory_back():
    def fails(x):
        y = x * 2 + 1
        return float((y * y).sum())

    def works(x):
        return (x.tanh() * x).sum()

    def blocks():
        fg.clear_cache()
        return fg.cache_info()["blocks"]

    def run():
        x = np.ones(1000)
        with pytest.raises(CompileError):
            fg.compile(fails)(x)
        program = fg.compile(works)
        return program(x), program(x + 1)

    run()
    before = blocks()
    for _ in range(20):
        run()
    assert blocks() == before
