"""Native threads of kernels: results are those of one thread, bit for bit."""

import os
import subprocess
import sys

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import _engine
from fastgrad.nn import functional

compiled = pytest.mark.skipif(fg.engine != "cython", reason="the pure-Python engine has no kernels")
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 5e-324, 1e308, -1e-300]
LARGE = 131_072 + 777  # elements: 512 KiB of float32, and no multiple of any block
STREAMED = 4_194_304 + 1_029  # from 32 MiB of float64, results are written past the cache
TWO = ["add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "arctan2", "hypot", "logaddexp"]


@pytest.fixture(autouse=True)
def one_thread_afterwards():
    before = fg.get_num_threads()
    yield
    fg.set_num_threads(before)


def draw(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=shape)
    a.flat[rng.integers(0, a.size, 50)] = rng.choice(SPECIAL, 50)
    with np.errstate(over="ignore"):
        return a.astype(dtype)


def bits(value):
    """Return the bytes of an array; what a NaN carries is free, its sign for instance."""
    a = value.detach().numpy() if isinstance(value, fg.Tensor) else np.asarray(value)
    return np.where(np.isnan(a), a.dtype.type(np.nan), a).tobytes()


def same_for_all_numbers(compute):
    """Check that `compute()`, a list of arrays, has the same bits with 1, 2 and 5 threads."""
    found = []
    for n in (1, 2, 5):
        fg.set_num_threads(n)
        with np.errstate(all="ignore"):
            found.append([bits(value) for value in compute()])
    assert found[0] == found[1]
    assert found[0] == found[2]
    if fg.engine == "cython":
        assert _engine.started_threads() >= 4


def with_gradients(f, *arrays, watched=False):
    """Value and gradients of `f`. A watched result is swept on its own, not with its neighbours."""

    def compute():
        xs = [fg.tensor(a, requires_grad=True) for a in arrays]
        y = f(*xs)
        if watched:
            y.retain_grad()
        z = y * 1.0 if watched else y
        z.backward(draw(y.shape, y.dtype, 9))
        return [y, *(x.grad for x in xs)]

    same_for_all_numbers(compute)


def ops():
    kernels = sys.modules["fastgrad.core.kernels"].kernel_rows if fg.engine == "cython" else ("exp", "add")
    return sorted(kernels)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ops())
def test_elementwise_ops(name, dtype):
    f = getattr(fg, name, None) or getattr(functional, name)
    arrays = [draw(LARGE, dtype, seed) for seed in range(1 + (name in TWO))]
    with_gradients(f, *arrays)
    with_gradients(f, *arrays, watched=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: (fg.tanh(x) * fg.sigmoid(x) + fg.exp(-x * x)) * 3.0,
        lambda x: 2.0 / (x - 0.5) + (x + 1.0) ** 1.7,
        lambda x: fg.maximum(x, 0.0).sum() * x + x.mean(),
        lambda x: fg.clip(x, -0.5, 0.75) * x[::-1],
    ],
    ids=["mixed", "constants", "uniform", "strided"],
)
def test_runs_of_ops(f, dtype):
    with_gradients(f, draw(LARGE, dtype))


def test_results_that_bypass_the_cache():
    with_gradients(lambda x: fg.tanh(x) * fg.sigmoid(x) + fg.exp(-x * x), draw(STREAMED, "float64"))
    with_gradients(lambda x: (x * 2.0).sum(), draw(STREAMED, "float64"))


@pytest.mark.parametrize("n", [LARGE, STREAMED])
def test_compiled_functions(n):
    program = fg.compile(fg.value_and_grad(lambda x: (fg.tanh(x) * fg.sigmoid(x) + 0.5 * fg.exp(-x * x)).sum()))
    x = np.random.default_rng(3).normal(size=n)
    same_for_all_numbers(lambda: program(x))
    x += 1.0
    same_for_all_numbers(lambda: program(x))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod"])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((LARGE,), None),
        ((16_384 * 8 + 1,), 0),
        ((3, 70_001), 1),
        ((3, 70_001), 0),
        ((70_001, 3), 0),
        ((70_001, 3), 1),
        ((40, 50, 101), (0, 2)),
        ((40, 50, 101), 1),
        ((40, 50, 101), None),
    ],
    ids=str,
)
def test_reductions(name, shape, axis, dtype):
    a = np.random.default_rng(1).normal(size=shape).astype(dtype)
    with_gradients(lambda x: getattr(fg, name)(x, axis=axis), a)
    special = draw(shape, dtype)
    same_for_all_numbers(lambda: [getattr(fg, name)(special, axis=axis)])


@pytest.mark.parametrize("n", [32_768, 65_535, 131_079, 1_000_003])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_are_those_of_numpy(n, dtype):
    a = np.random.default_rng(n).normal(size=n).astype(dtype)
    fg.set_num_threads(3)
    buffer = np.setbufsize(1 << 20)  # NumPy before 2.3 adds up one buffer after another, of 8192 elements by default
    try:
        assert bits(fg.sum(a)) == np.sum(a).tobytes()
    finally:
        np.setbufsize(buffer)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_broadcasting_and_copies(dtype):
    a, row, column = draw((300, 411), dtype), draw((411,), dtype, 1), draw((300, 1), dtype, 2)
    with_gradients(lambda x, r, c: (x * r + c) / (r - c), a, row, column)
    with_gradients(lambda x: (x.T * 2.0).reshape(-1), a)
    with_gradients(lambda x, r: fg.where(x > r, x, r), a, row)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [4, 24, 96])
def test_stacks_of_products(size, dtype):
    rng = np.random.default_rng(0)
    count = 2_000_000 // size**3
    a, b = rng.normal(size=(2, count, size, size)).astype(dtype)
    with_gradients(lambda x, y: x @ y, a, b)
    with_gradients(lambda x, y: x @ y.mT, a.reshape(2, count // 2, size, size), b[: count // 2])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "make",
    [
        lambda p: fg.optim.SGD(p, lr=0.1),
        lambda p: fg.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        lambda p: fg.optim.Adam(p, lr=0.1, weight_decay=0.01),
        lambda p: fg.optim.AdamW(p, lr=0.1),
        lambda p: fg.optim.RMSprop(p, lr=0.1, momentum=0.9, centered=True),
    ],
    ids=["sgd", "momentum", "adam", "adamw", "rmsprop"],
)
def test_updates_of_optimizers(make, dtype):
    def compute():
        p = fg.tensor(draw(LARGE, dtype), requires_grad=True)
        optimizer = make([p])
        for step in range(3):
            p.grad = fg.tensor(draw(LARGE, dtype, step))
            optimizer.step()
        return [p]

    same_for_all_numbers(compute)


def test_the_number_is_kept_and_returned():
    fg.set_num_threads(3)
    assert fg.get_num_threads() == 3
    assert fg.set_num_threads(np.int64(2)) == 3
    assert fg.get_num_threads() == 2


@pytest.mark.parametrize("n", [0, -1, 257, 1.5, "2", None, True])
def test_what_is_no_number_of_threads(n):
    before = fg.get_num_threads()
    with pytest.raises(ValueError, match=r"^the number of threads must be an integer from 1 to 256, got "):
        fg.set_num_threads(n)
    assert fg.get_num_threads() == before


def python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | environment, check=False
    )


def test_the_environment_sets_the_number():
    done = python("import fastgrad as fg; print(fg.get_num_threads())", FASTGRAD_NUM_THREADS="3")
    assert done.stdout == "3\n", done.stderr
    for wrong in ("0", "two", "1000"):
        done = python("import fastgrad", FASTGRAD_NUM_THREADS=wrong)
        assert f"ImportError: FASTGRAD_NUM_THREADS='{wrong}' is not an integer from 1 to 256" in done.stderr


STARTED = """
import numpy as np, fastgrad as fg
from fastgrad._engine import started_threads
found = [started_threads()]
fg.exp(np.ones(1000))
found.append(started_threads())
fg.exp(np.ones(1_000_000))
found.append(started_threads())
fg.set_num_threads(5)
fg.exp(np.ones(1_000_000))
print(*found, started_threads())
"""


@compiled
def test_threads_are_started_at_the_first_use():
    done = python(STARTED, FASTGRAD_NUM_THREADS="2")
    assert done.stdout == "0 0 1 4\n", done.stderr


def test_info_tells_the_number():
    done = subprocess.run(
        [sys.executable, "-m", "fastgrad", "info"],
        capture_output=True,
        text=True,
        env=os.environ | {"FASTGRAD_NUM_THREADS": "2"},
        check=False,
    )
    [line] = [line for line in done.stdout.splitlines() if line.startswith("threads:")]
    state = "0 started" if fg.engine == "cython" else "not used by this engine"
    assert line.split(maxsplit=1)[1] == f"2, {state} (FASTGRAD_NUM_THREADS=2)"
