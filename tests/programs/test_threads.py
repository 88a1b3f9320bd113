"""Compiled programs in several threads: large steps run without the GIL."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastgrad as fg
import fastgrad.nn.functional as F

from ..support.threads import Disturbed, assert_leaves_gil, attempts

pytestmark = pytest.mark.usefixtures("switch_often")

N = 200_000  # float64 elements, 1.6 MB


def vector(seed, n=N):
    return np.random.default_rng(seed).normal(size=n)


def chain(x):
    return fg.sum(fg.tanh(x) * fg.sigmoid(x) + fg.exp(-x * x))


def layers(x):
    x = x[:90_000].reshape(300, 300)
    return (fg.tanh(x @ x.T) @ x).sum() + fg.logsumexp(x, axis=1).sum()


def images(x):
    x = x[:100_352].reshape(16, 8, 28, 28)
    w = fg.sin(x[:1, :, :9, :16].reshape(16, 8, 3, 3))
    return (F.conv2d(x, w, padding=1) ** 2).mean()


def classes(x):
    rows = F.layer_norm(x.reshape(2000, 100), (100,))
    return F.cross_entropy(rows, np.arange(2000) % 100) + fg.max(fg.where(x > 0, x, 0.1 * x))


def moves(x):
    rows = x.reshape(2000, 100)
    at = np.random.default_rng(0).permutation(2000)
    planes = F.max_pool2d(x[:160_000].reshape(8, 8, 50, 50), 2)
    return (
        fg.sum(fg.sin(rows[at])) + fg.sum(fg.tril(rows) * 2.0) + fg.sum(fg.clip(x, -1.0, 1.0) ** 2) + fg.sum(planes**2)
    )


compiled = pytest.mark.skipif(fg.engine == "python", reason="nothing guards NumPy's own reads and writes")

FUNCTIONS = [chain, layers, images, classes, moves]


def bits(results):
    return [np.asarray(v).tobytes() for v in results]


def own_program(f):
    """A function that compiles the gradient of `f`, calls it three times, and returns the last result as bytes."""

    def work(k):
        program = fg.compile(fg.value_and_grad(f))
        for _ in range(3):
            found = program(vector(k))
        return bits(found)

    return work


@pytest.mark.parametrize("f", FUNCTIONS)
def test_threads_with_programs_of_their_own(f):
    work = own_program(f)
    wanted = [bits(fg.value_and_grad(f)(vector(k))) for k in range(4)]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(work, range(4))) == wanted


@pytest.mark.parametrize("f", FUNCTIONS)
def test_threads_that_share_a_program(f):
    wanted = [bits(fg.value_and_grad(f)(vector(k))) for k in range(6)]
    program = fg.compile(fg.value_and_grad(f))
    program(vector(0))
    with ThreadPoolExecutor(3) as pool:
        for _ in range(3):
            assert list(pool.map(lambda k: bits(program(vector(k))), range(6))) == wanted


@compiled
def test_a_call_during_another_one_gets_a_program_of_its_own():
    runs, x = [], vector(0, 1_000_000)

    @fg.compile
    def program(x, y):
        runs.append(1)
        return fg.value_and_grad(chain)(x * y)

    wanted = [bits(program(x, x + 0.0)) for _ in range(2)][1]
    with ThreadPoolExecutor(3) as pool:
        for _ in range(5):
            assert all(bits(found) == wanted for found in pool.map(lambda k: program(x, x + 0.0), range(8)))
    assert 1 < len(program.steps()) <= len(runs) < 20


def test_arguments_that_share_memory_in_several_threads():
    program, x = fg.compile(lambda x, y: fg.value_and_grad(chain)(x * y)), vector(0, 1_000_000)
    wanted = [bits(program(x, x + 0.0)) for _ in range(2)][1]
    with ThreadPoolExecutor(3) as pool:
        for _ in range(3):
            assert all(bits(found) == wanted for found in pool.map(lambda k: program(x, x), range(8)))


@pytest.mark.parametrize(
    "f",
    [
        fg.value_and_grad(chain),
        lambda x: x[:490_000].reshape(700, 700) @ x[:490_000].reshape(700, 700),
        lambda x: fg.softmax(x.reshape(-1, 100), axis=1),
        fg.value_and_grad(lambda x: fg.logsumexp(x * 2.0)),
    ],
    ids=["blocks", "product", "rows", "reduction"],
)
def test_other_threads_run_meanwhile(f):
    program, x = fg.compile(f), vector(0, 1_000_000)
    program(x)
    assert_leaves_gil(lambda: program(x))


def in_place(w):
    with fg.no_grad():
        w *= 2.0
        w *= 0.5


def by_numpy(w):
    with fg.no_grad():
        w[...] = w.detach().numpy()


def by_a_program(w):
    @fg.compile
    def writes():
        nonlocal w
        with fg.no_grad():
            w *= 2.0
            w *= 0.5

    return writes


@compiled
@pytest.mark.parametrize("kind", ["in place", "NumPy", "program"])
def test_writes_of_other_threads_are_an_error_or_have_no_effect(kind):
    w = fg.tensor(vector(1), requires_grad=True)
    program = fg.compile(lambda x: fg.gradients(chain(x * w), [w]))
    wanted = [bits(program(vector(0))) for _ in range(2)][1]
    act = {"in place": lambda: in_place(w), "NumPy": lambda: by_numpy(w), "program": by_a_program(w)}[kind]
    with Disturbed(act):
        found = attempts(40, lambda: bits(program(vector(0))))
    assert all(one == wanted for one in found)
    assert bits(program(vector(0))) == wanted


WRITES = {
    "in place": lambda w, y: w.__iadd__(y - w),
    "NumPy": lambda w, y: w.__setitem__(slice(None, None, -1), y),
}


@compiled
@pytest.mark.parametrize("kind", ["eager", "program"])
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_others_see_the_writes_of_a_program_whole(write, kind):
    w, ones = fg.tensor(np.zeros(N)), fg.tensor(np.ones(N), requires_grad=True)

    @fg.compile
    def step(x):
        write(w, fg.tanh(x) * 0.0 + x)
        return chain(x)

    def read():
        return (w * ones).detach()

    reads, rounds = read if kind == "eager" else fg.compile(read), iter(range(10_000))
    reads()
    with Disturbed(lambda: step(np.full(N, float(next(rounds) % 7)))):
        found = attempts(60, lambda: np.asarray(reads()))
    assert found and all(one.min() == one.max() for one in found)


def test_programs_that_add_to_the_gradients_of_one_model():
    w = fg.tensor(np.round(vector(0)), requires_grad=True)

    def work(k):  # integers, whose sums do not depend on the order
        @fg.compile
        def step(x):
            fg.sum(fg.abs(x) * w + fg.abs(w) * 3.0).backward()

        return len(attempts(6, lambda: (step(np.full(N, float(k + 1))), 1)))

    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(work, range(4)))
    total = sum((k + 1.0) * times for k, times in enumerate(done))
    assert np.array_equal(w.grad.numpy(), total + 3.0 * sum(done) * np.sign(w.detach().numpy()))


def test_arguments_in_a_list_that_others_change():
    program = fg.compile(lambda xs: fg.value_and_grad(chain)(xs[0] * xs[1]))
    values = [vector(0), vector(1)]
    xs = [values[0].copy(), values[1].copy()]
    program(xs)
    wanted = bits(program(xs))

    def replace():
        xs[0], xs[1] = values[0].copy(), values[1].copy()

    with Disturbed(replace):
        assert all(bits(program(xs)) == wanted for _ in range(30))


def test_numbers_that_others_look_at():
    scale = fg.tensor(2.0, requires_grad=True)
    program = fg.compile(lambda x: fg.gradients(chain(x * scale), [scale]))
    wanted = [bits(program(vector(0))) for _ in range(2)][1]
    with Disturbed(lambda: scale.reshape(1)):  # gives the number a block of its own
        assert all(found == wanted for found in attempts(20, lambda: bits(program(vector(0)))))
    with fg.no_grad():
        scale *= 0.5
    assert bits(program(vector(0))) == bits(fg.gradients(chain(fg.asarray(vector(0)) * scale), [scale]))


def test_results_that_others_drop():
    program, results = fg.compile(lambda x: fg.value_and_grad(chain)(x)), []
    wanted = [bits(fg.value_and_grad(chain)(vector(k))) for k in range(3)]
    with Disturbed(lambda: results and results.pop()):
        for k in range(30):
            found = program(vector(k % 3))
            results.append(found)
            assert bits(found) == wanted[k % 3]


def test_an_error_leaves_the_program_as_it_was():
    table = fg.tensor(vector(0).reshape(-1, 100))
    program = fg.compile(lambda at, x: (chain(x), table[at].sum()))
    good, bad = np.arange(5), np.array([0, 1, 2, 3, 10**6])
    wanted = [bits(program(good, vector(0))) for _ in range(2)][1]

    def work(k):
        if k % 2:
            with pytest.raises(IndexError):
                program(bad, vector(0))
        return bits(program(good, vector(0)))

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(work, range(12))) == [wanted] * 12


def test_a_gradient_that_is_read_after_it_was_replaced():
    for n in range(512, 8192, 512):  # of the sizes of the scratch memory that a program takes
        x, a = fg.tensor(np.ones(n), requires_grad=True), vector(0, n)

        def f(a, x=x):
            g = x.grad
            x.grad = None
            return (fg.tanh(a) * g + fg.exp(a) * g + fg.sin(a)) * g

        program = fg.compile(f)
        for k in range(3):
            x.grad = fg.tensor(np.full(n, 1.0 + k))
            wanted = f(fg.asarray(a)).numpy()
            x.grad = fg.tensor(np.full(n, 1.0 + k))
            assert np.array_equal(program(a), wanted)


@compiled
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_child_replays_what_another_thread_was_running():
    calls, x = [], vector(0, 1_000_000)

    def f(x):
        calls.append(1)
        return fg.value_and_grad(chain)(x)

    program = fg.compile(f)
    wanted = [bits(program(x)) for _ in range(2)][1]
    assert len(calls) == 1
    stop = threading.Event()

    def run():
        while not stop.is_set():
            program(x)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        for _ in range(5):
            pid = os.fork()
            if pid == 0:
                before = len(calls)
                os._exit(0 if bits(program(x)) == wanted and len(calls) == before else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    finally:
        stop.set()
        thread.join()
