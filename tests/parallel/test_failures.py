"""A rank that fails, ends or is killed ends all ranks within seconds, and rank 0 tells why."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

import fastgrad as fg
from tests.parallel.ranks import START, command, environment, needs_mpi, run

pytestmark = needs_mpi

# Rank 1 does something at step 3; everybody else trains on.
TRAINING = """
import os, signal, time
ranks.timeout = 20.0
w = fg.tensor(np.ones(20000), requires_grad=True)
optimizer = distributed(optim.SGD([w], lr=0.1))
say("started", os.getpid())
def surprise():
    SURPRISE
step = 0
while step < 1000:
    step += 1
    optimizer.zero_grad()
    if step == 3 and rank == WHO:
        surprise()
    (w * w).sum().backward()
    optimizer.step()
    time.sleep(0.01)
"""


def ended_by(surprise, who, tmp_path, n=3):
    program = TRAINING.replace("SURPRISE", surprise).replace("WHO", str(who))
    return run(program, n, tmp_path, succeeds=False)


@pytest.mark.parametrize("who", [0, 1, 2])
def test_an_exception_on_one_rank_ends_all(who, tmp_path):
    ended = ended_by("raise KeyError('of this rank')", who, tmp_path)
    assert ended.seconds < 15
    assert ended.error.count("KeyError: 'of this rank'") == 1
    assert "in surprise" in ended.error
    assert "fastgrad: rank 0 of 3 has failed, all ranks end" in ended.error  # reported by rank 0
    if who:
        assert f"ParallelError: rank {who} of 3 has failed:" in ended.error


def test_a_rank_that_computes_for_long_does_not_keep_the_others(tmp_path):
    ended = ended_by("raise KeyError('of this rank')", "1 or (step == 3 and rank == 0 and time.sleep(60))", tmp_path)
    assert ended.seconds < 20
    assert "KeyError: 'of this rank'" in ended.error
    assert "rank 1 of 3 has failed, all ranks end" in ended.error


def test_a_nan_gradient_is_found(tmp_path):
    ended = ended_by("with fg.detect_anomaly(): ((w - 1) * 0 + w * 0).sum().log().sqrt().backward()", 1, tmp_path)
    assert ended.seconds < 15
    assert "AnomalyError" in ended.error


@pytest.mark.parametrize("who", [0, 1])
def test_a_rank_that_ends_early_is_told_to_those_who_wait(who, tmp_path):
    ended = ended_by("sys.exit()", who, tmp_path)
    assert ended.seconds < 20
    assert re.search(
        rf"ParallelError: rank {who} has ended, while this rank waits for the gradients: all ranks must take the same "
        "number of steps",
        ended.error,
    )


def test_a_rank_that_begins_fewer_iterations(tmp_path):
    program = """
from fastgrad.utils.data import DataLoader
loader = DataLoader(np.zeros((8, 2)), 4, ranks=ranks)
for epoch in range(2 if rank else 1):
    for batch in loader:
        pass
"""
    ended = run(program, 2, tmp_path, succeeds=False)
    assert ended.seconds < 20
    assert "ParallelError: rank 0 has ended, while this rank waits for a value of rank 0" in ended.error


def test_a_killed_rank_ends_all(tmp_path):
    ended = ended_by("os.kill(os.getpid(), signal.SIGKILL)", 1, tmp_path)
    assert ended.seconds < 15


def is_running(pid):
    """Whether the process is there; one that has ended and was not collected yet is not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_an_interrupt_ends_all(tmp_path):
    path = tmp_path / "program.py"
    # a background job of a shell ignores SIGINT, and so do its children
    listen = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    path.write_text(listen + START + TRAINING.replace("SURPRISE", "pass").replace("WHO", "0"))
    running = subprocess.Popen(
        [*command(2), str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        cwd=tmp_path,
        start_new_session=True,
    )
    lines = [running.stdout.readline() for _ in range(2)]
    pids = [int(line.split()[-1]) for line in lines]
    began = time.monotonic()
    os.kill(pids[1], signal.SIGINT)
    running.communicate(timeout=30)
    assert running.returncode != 0
    assert time.monotonic() - began < 15
    while any(map(is_running, pids)) and time.monotonic() - began < 15:
        time.sleep(0.1)
    assert not any(map(is_running, pids))


def test_a_rank_that_does_not_come(tmp_path):
    ended = ended_by("ranks.timeout = 1.0; time.sleep(0 if rank else 30)", "0 or (step == 3 and rank == 1)", tmp_path)
    assert ended.seconds < 25
    assert "waited 1 s for the gradients" in ended.error


@pytest.mark.skipif(fg.engine == "python", reason="averages when the sweep has succeeded")
def test_a_pass_that_fails_half_way_cannot_go_on(tmp_path):
    program = """
u, v, w = (fg.tensor(np.ones(9000), requires_grad=True) for _ in range(3))
optimizer = distributed(optim.SGD([u, v, w], lr=0.1))
def fail(g):
    raise ZeroDivisionError
w.register_hook(fail)
def loss():     # `w` is not the first that a sweep completes, from whatever side it goes
    return (u.sum() + w.sum()) + v.sum()
calls = [lambda: loss().backward(), lambda: loss().backward(), optimizer.step, optimizer.zero_grad]
for call in calls:
    try:
        call()
    except (ZeroDivisionError, fg.errors.ParallelError) as error:
        say(type(error).__name__, error)
ranks.timeout = 1.0
"""
    ended = run(program, 2, tmp_path)
    for rank in range(2):
        first, *rest = ended.said(rank)
        assert first.startswith("ZeroDivisionError")
        assert len(rest) == 3
        assert all(line.startswith("ParallelError an earlier backward() has failed on this rank") for line in rest)


DIFFERENT = {
    "w = fg.tensor(np.ones(3 + (rank == 2)), requires_grad=True); distributed(optim.SGD([w]))": (
        "parameter 0 is of shape (4,) and dtype float64 on rank 2, but of shape (3,) and dtype float64 on rank 0"
    ),
    "w = fg.tensor(np.ones(3), dtype=[float, np.float32][rank % 2], requires_grad=True); distributed(optim.SGD([w]))": (
        "parameter 0 is of shape (3,) and dtype float32 on rank 1"
    ),
    "model = nn.Sequential(*[nn.Linear(2, 2) for _ in range(2 + (rank == 1))]); "
    "distributed(optim.SGD(model.parameters()), model=model)": (
        "the number of parameters is 6 on rank 1, but 4 on rank 0"
    ),
    "w = fg.tensor(np.ones(3), requires_grad=True); distributed([optim.SGD, optim.Adam][rank == 1]([w]))": (
        "the optimizer is Adam on rank 1, but SGD on rank 0"
    ),
    "w = fg.tensor(np.ones(3), requires_grad=True); distributed(optim.SGD([w], lr=0.1 + rank))": (
        "group 0 is 1 parameters with lr=1.1"
    ),
    "model = nn.Sequential(nn.BatchNorm1d(2 + (rank == 1), affine=False), nn.Linear(2, 1)); "
    "distributed(optim.SGD(model.parameters()), model=model)": "0.running_mean is of shape (3,)",
}


@pytest.mark.parametrize("built", DIFFERENT)
def test_models_that_differ_are_one_clear_error_everywhere(built, tmp_path):
    program = f"""
try:
    {built}
except fg.errors.ParallelError as error:
    say(error)
"""
    ended = run(program, 3, tmp_path)
    for rank in range(3):
        assert [DIFFERENT[built] in line for line in ended.said(rank)] == [True]
        assert ended.said(rank)[0].startswith("the ranks differ: ")


def test_parameters_that_drift_apart_are_found(tmp_path):
    program = """
model = nn.Linear(3, 2)
optimizer = distributed(optim.SGD(model.parameters(), lr=0.1), model=model, verify=2)
for step in range(4):
    optimizer.zero_grad()
    model(fg.tensor(np.ones((4, 3)))).sum().backward()
    if step == 2 and rank == 1:
        with fg.no_grad():
            model.bias[0] += 1e-12
    try:
        optimizer.step()
    except fg.errors.ParallelError as error:
        say(error)
"""
    ended = run(program, 2, tmp_path)
    for rank in range(2):
        assert [line.partition(",")[0] for line in ended.said(rank)] == ["after step 4"]
        assert "bias is no longer equal to the bit on all ranks" in ended.said(rank)[0]
