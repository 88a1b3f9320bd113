"""The memory of a program: values take turns in one arena, and those of one run of elementwise steps are in none."""

import numpy as np
import pytest

import fastgrad as fg

pytestmark = pytest.mark.skipif(fg.engine != "cython", reason="this engine calls the function itself")
N = 100_000


def mixed(x):
    return (fg.tanh(x) * fg.sigmoid(x) + fg.exp(-x * x)).sum()


def test_forward_and_backward_of_an_elementwise_loss_are_one_pass():
    program, x = fg.compile(fg.value_and_grad(mixed)), np.linspace(-2.0, 2.0, N)
    program(x)
    groups = {group for *_, group, _ in program.steps()[0] if isinstance(group, int)}
    assert len(groups) == 1
    (arena,) = program.arenas()
    assert arena <= 1.25 * 8 * N, "only the summands need memory: everything else stays in the cache"


def test_values_take_turns():
    rng = np.random.default_rng(0)
    weights = [fg.asarray(rng.normal(size=(64, 64)) / 8) for _ in range(50)]

    def chain(x):
        for w in weights:
            x = x @ w
        return x

    program, x = fg.compile(chain), rng.normal(size=(32, 64))
    program(x)
    (arena,) = program.arenas()
    assert arena <= 3 * 1.25 * 32 * 64 * 8
    for scale in (1.0, -2.0):
        np.testing.assert_array_equal(program(x * scale), chain(fg.asarray(x * scale)).numpy())


def test_results_of_earlier_calls_stay():
    program = fg.compile(lambda x: (x * 2.0, (x * 3.0).sum(axis=0), x[0] + x[1]))
    given = [np.full((40, 30), float(k)) for k in range(4)]
    found = [program(x) for x in given]
    for x, (double, total, two) in zip(given, found, strict=True):
        np.testing.assert_array_equal(double, x * 2)
        np.testing.assert_array_equal(total, (x * 3).sum(axis=0))
        np.testing.assert_array_equal(two, x[0] + x[1])


def test_the_time_of_steps():
    program, x = fg.compile(fg.value_and_grad(mixed)), np.linspace(-2.0, 2.0, N)
    program(x)
    assert "µs" not in str(fg.explain(program))
    value, gradient = program.timed(x)
    wanted, right = program(x)
    assert value == wanted and np.array_equal(gradient, right)
    steps = fg.explain(program).variants[0]
    times = [s["seconds"] for s in steps if s["seconds"] is not None]
    assert 0 < len(times) < len(steps), "steps that run together have one time"
    assert all(t > 0 for t in times)
