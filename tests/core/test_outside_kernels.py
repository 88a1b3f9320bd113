"""Kernels without the GIL but products: thread pools, and what other threads may do meanwhile."""

import _thread
import contextlib
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastgrad as fg
import fastgrad.nn.functional as F
from fastgrad.rules.recurrent import gru

from ..support.threads import Disturbed, assert_leaves_gil, attempts
from .outside_ops import OPS, ROWS, array

pytestmark = pytest.mark.usefixtures("switch_often")


def gradients(name, x, w):
    """The value and the gradients of a weighted sum, as bytes."""
    x, w = fg.tensor(x, requires_grad=True), w if isinstance(w, fg.Tensor) else fg.tensor(w, requires_grad=True)
    y = OPS[name](x, w)
    total = fg.sum(y * fg.cos(fg.asarray(np.arange(y.size, dtype=str(y.dtype)).reshape(y.shape))))
    found = fg.gradients(total, [x, w], allow_unused=True)
    return [float(total.detach()), *(None if g is None else g.numpy().tobytes() for g in found)]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", OPS)
def test_two_threads_compute_what_one_does(name, dtype):
    def work(k):
        return gradients(name, array(k, ROWS, ROWS, dtype=dtype), array(9 + k, ROWS, ROWS, dtype=dtype))

    wanted = [work(k) for k in range(4)]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            assert list(pool.map(work, range(4))) == wanted


@pytest.mark.parametrize("shape", [(3,), (70_000,), (1_200_000,)])
def test_sizes_from_small_to_postponed(shape):
    def work(k):
        value, gradient = fg.value_and_grad(lambda x: fg.sum(OPS["chain"](x, x)))(array(k, *shape))
        return value, gradient.tobytes()

    wanted = [work(k) for k in range(3)]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, range(3))) == wanted


# NumPy gives up the GIL in the middle of what the pure-Python engine reads and writes.
compiled = pytest.mark.skipif(fg.engine == "python", reason="nothing guards NumPy's own reads and writes")


@compiled
@pytest.mark.parametrize("name", OPS)
def test_the_value_and_the_gradients_are_of_one_state_of_an_operand_that_is_written(name):
    x, states = array(0, ROWS, ROWS), [array(1, ROWS, ROWS), array(2, ROWS, ROWS)]
    wanted = [gradients(name, x, s) for s in states]
    w = fg.tensor(states[0], requires_grad=True)
    turn = [0]

    def act():
        turn[0] ^= 1
        with fg.no_grad():
            w[...] = states[turn[0]]

    with Disturbed(act):
        for found in attempts(10, lambda: gradients(name, x, w)):
            assert found in wanted


@compiled
def test_all_steps_of_a_network_see_one_state_of_the_second_bias():
    u, w, first = array(0, 10, 24, 240), array(1, 240, 80), array(2, 24, 80)
    states = [array(3, 240), array(4, 240)]
    bias = fg.tensor(states[0], requires_grad=True)
    wanted = [gru(u, w, first, None, s).tobytes() for s in states]
    turn = [0]

    def act():
        turn[0] ^= 1
        with fg.no_grad():
            bias[...] = states[turn[0]]

    with Disturbed(act):
        for found in attempts(20, lambda: gru(u, w, first, None, bias).detach().numpy().tobytes()):
            assert found in wanted


@compiled
@pytest.mark.parametrize(
    "name", ["joined as matrices", "concatenate", "where", "affine layer_norm", "conv2d", "product"]
)
def test_an_operand_that_another_thread_makes_another_node(name):
    x, w = (fg.tensor(array(k, ROWS, ROWS), requires_grad=True) for k in range(2))
    seen = [w * 1.0]

    def work():
        seen[0] = h = w * 1.0
        return [g.numpy().tobytes() for g in fg.gradients(fg.sum(OPS[name](x, h)), [x, w])]

    def act():
        with contextlib.suppress(fg.MutationError, fg.BackwardError):
            h = seen[0]
            h *= 1.0  # recorded

    wanted = work()
    with Disturbed(act):
        assert all(found == wanted for found in attempts(20, work))
    assert work() == wanted


@compiled
def test_an_index_that_is_written_meanwhile_is_read_once():
    x, index = fg.tensor(np.arange(2.0), requires_grad=True), np.zeros(400_000, np.int64)
    turn = [0]

    def act():
        turn[0] ^= 1
        index[...] = turn[0]

    with Disturbed(act):
        for _ in range(20):
            y = x[index]
            (gradient,) = fg.gradients(fg.sum(y), [x])
            ones = int(y.detach().numpy().sum())
            assert gradient.tolist() == [index.size - ones, ones]


def test_an_index_out_of_range_is_an_error_with_the_gil():
    x, index = fg.tensor(np.arange(2.0), requires_grad=True), np.zeros(400_000, np.int64)
    index[-1] = 2

    def work(_):
        with pytest.raises(fg.IndexingError):
            x[index]
        return fg.gradients(fg.sum(x[index[:-1]]), [x])[0].tolist()

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(work, range(12))) == [[399_999.0, 0.0]] * 12


def swap(w):
    with fg.no_grad():
        w += 1.0
        w -= 1.0


def forget(w):
    w.grad = None


def allocate(w):
    for k in range(3):
        fg.tensor(np.full((ROWS, ROWS), float(k))) * 2.0  # takes blocks that were freed


@compiled
@pytest.mark.parametrize("act", [swap, forget, allocate])
@pytest.mark.parametrize("name", ["chain", "softmax", "conv2d", "layer_norm"])
def test_other_threads_write_forget_and_allocate(name, act):
    x = array(0, ROWS, ROWS)
    w = fg.tensor(np.round(array(1, ROWS, ROWS) * 64) / 64, requires_grad=True)  # `swap` does not round
    y = fg.sum(OPS[name](fg.asarray(x), w))
    wanted = gradients(name, x, w)
    shifted = gradients(name, x, w.detach().numpy() + 1.0)

    def work():
        found = gradients(name, x, w)
        y.backward(retain_graph=True)
        return found

    with Disturbed(lambda: act(w)):
        for found in attempts(10, work):
            assert found in (wanted, shifted)
    assert gradients(name, x, w) == wanted


def test_two_sweeps_over_one_graph_wait_for_each_other():
    x = fg.tensor(array(0, ROWS, ROWS), requires_grad=True)
    y = fg.sum(OPS["chain"](x, x))
    wanted = fg.gradients(y, [x], retain_graph=True)[0].numpy().tobytes()
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(lambda: fg.gradients(y, [x], retain_graph=True)[0]) for _ in range(12)]
        assert {job.result().numpy().tobytes() for job in jobs} == {wanted}


def test_a_graph_is_freed_once():
    for _ in range(10):
        x = fg.tensor(array(0, ROWS, ROWS), requires_grad=True)
        y = fg.sum(OPS["chain"](x, x))
        with ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(y.backward) for _ in range(2)]
        errors = [job.exception() for job in jobs]
        assert errors.count(None) == 1
        assert all(isinstance(e, fg.BackwardError) for e in errors if e is not None)


@pytest.mark.parametrize("name", ["chain", "axis 0", "softmax", "row"])
def test_native_threads_switched_on_and_off_meanwhile(name):
    x, w = array(0, ROWS, ROWS), array(1, ROWS, ROWS)
    wanted = gradients(name, x, w)
    counts = iter(range(1 << 30))
    before = fg.get_num_threads()
    try:
        with Disturbed(lambda: fg.set_num_threads(1 + next(counts) % 3)):
            for _ in range(10):
                assert gradients(name, x, w) == wanted
    finally:
        fg.set_num_threads(before)


def test_captures_begin_and_end_meanwhile():
    x, w = array(0, ROWS, ROWS), array(1, ROWS, ROWS)
    wanted = gradients("chain", x, w)

    def act():
        program = fg.compile(lambda x: fg.sum(fg.tanh(x) * x))
        assert program(x) == program(x)

    with Disturbed(act):
        for _ in range(10):
            assert gradients("chain", x, w) == wanted


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_while_a_kernel_is_outside():
    x, w = array(0, ROWS, ROWS), array(1, ROWS, ROWS)
    wanted = gradients("chain", x, w)
    with Disturbed(lambda: gradients("chain", x, w)):
        for _ in range(5):
            child = os.fork()
            if child == 0:
                os._exit(0 if gradients("chain", x, w) == wanted else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_an_interrupt_arrives_and_leaves_everything_usable():
    x, w = array(0, ROWS, ROWS), array(1, ROWS, ROWS)
    wanted = gradients("chain", x, w)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # which background jobs of a shell ignore
    timer = threading.Timer(0.05, _thread.interrupt_main)
    timer.start()
    end = time.monotonic() + 60
    try:
        with pytest.raises(KeyboardInterrupt):
            while time.monotonic() < end:
                gradients("chain", x, w)
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    assert gradients("chain", x, w) == wanted


N = 1000  # squared, 8 MB: four kernels take long enough for a thread that waits to wake up
MANY = np.random.default_rng(7).integers(N, size=N)
MANY_PLACES = np.random.default_rng(8).integers(10, size=N * N)
POSITIVE = array(0, N, N) > 0


def sweep_of(f):
    x = fg.tensor(array(0, N, N), requires_grad=True)
    root = f(x)
    return lambda: [root.backward(retain_graph=True) for _ in range(4)]


def call_of(f, *shape):
    x = fg.tensor(array(0, *shape))
    return lambda: [f(x) for _ in range(4)]


KINDS = {
    "one operand": lambda: call_of(fg.tanh, N, N),
    "two operands": lambda: call_of(lambda x: x * x, N, N),
    "broadcast": lambda: call_of(lambda x: x * x[0], N, N),
    "a constant": lambda: call_of(lambda x: x**2.5, N, N),
    "a sum": lambda: call_of(fg.sum, N, N),
    "softmax": lambda: call_of(lambda x: fg.softmax(x, axis=1), N, N),
    "layer norm": lambda: call_of(lambda x: F.layer_norm(x, (N,)), N, N),
    "stacked products": lambda: call_of(lambda x: x @ x, 20, 150, 150),
    "rows of an index": lambda: call_of(lambda x: x[MANY], N, N),
    "an index": lambda: call_of(lambda x: x[MANY_PLACES], 10),
    "a mask": lambda: call_of(lambda x: x[POSITIVE], N, N),
    "where": lambda: call_of(lambda x: fg.where(POSITIVE, x, 0.0), N, N),
    "clip": lambda: call_of(lambda x: fg.clip(x, 0.0, 1.0), N, N),
    "tril": lambda: call_of(fg.tril, N, N),
    "stack": lambda: call_of(lambda x: fg.stack([x, x]), N, N),
    "a strided operand": lambda: call_of(lambda x: fg.sqrt(x.T), N, N),
    "a strided operand of our own loop": lambda: call_of(lambda x: fg.sin(x.T), N, N),
    "max_pool2d": lambda: call_of(lambda x: F.max_pool2d(x, 2), 10, 300, 300),
    "avg_pool2d": lambda: call_of(lambda x: F.avg_pool2d(x, 2), 10, 300, 300),
    "cross_entropy": lambda: call_of(lambda x: F.cross_entropy(x, MANY), N, N),
    "transposed conv": lambda: call_of(lambda x: F.conv_transpose2d(x, x[:8, :, :3, :3]), 8, 8, 60, 60),
    "deferred sweep": lambda: sweep_of(lambda x: fg.sum(fg.tanh(fg.exp(-x * x)))),
    "sweep of softmax": lambda: sweep_of(lambda x: fg.softmax(x, axis=1)[0, 0]),
    "sweep of a broadcast": lambda: sweep_of(lambda x: fg.sum(x / fg.tensor(array(1, N), requires_grad=True))),
    "sweep of a sum into a row": lambda: sweep_of(lambda x: (x[0] + fg.tensor(array(1, N, N)))[:, 1:].sum()),
    "sweep of a sum of an axis": lambda: sweep_of(lambda x: fg.sum(x, axis=1)[0]),
    "sweep of rows of an index": lambda: sweep_of(lambda x: fg.sum(x[MANY])),
    "sweep of a slice": lambda: sweep_of(lambda x: fg.sum(x[:, 1:])),
    "sweep of a second slice": lambda: sweep_of(lambda x: fg.sum(fg.stack([x, x])[1, 0])),
    "sweep of a residual": lambda: sweep_of(lambda x: fg.sum(x[:, 1:]) + fg.sum(x[:, :-1])),
    "sweep of where": lambda: sweep_of(lambda x: fg.sum(fg.where(POSITIVE, x, 0.0))),
    "sweep of clip": lambda: sweep_of(lambda x: fg.sum(fg.clip(x, 0.0, 1.0))),
    "sweep of tril": lambda: sweep_of(lambda x: fg.sum(fg.tril(x))),
    "sweep of max_pool2d": lambda: sweep_of(lambda x: fg.sum(F.max_pool2d(x.reshape(10, 100, N), 2))),
    "sweep of avg_pool2d": lambda: sweep_of(lambda x: fg.sum(F.avg_pool2d(x.reshape(10, 100, N), 2))),
    "sweep of cross_entropy": lambda: sweep_of(lambda x: F.cross_entropy(x, MANY)),
    "sweep of batch norm": lambda: sweep_of(lambda x: F.batch_norm(x, training=True)[0, 0]),
}


@compiled
@pytest.mark.parametrize("kind", KINDS)
def test_other_threads_run_meanwhile(kind):
    assert_leaves_gil(KINDS[kind]())
