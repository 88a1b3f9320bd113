"""A run that ended for whatever reason goes on from its checkpoint to the same parameters."""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn, optim, parallel
from tests.parallel.ranks import needs_mpi, run

RUN = """
import os, signal
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(50, 6)), rng.integers(0, 3, 50)
def train(path, surprise=lambda step: None, every=1000):
    model = nn.Linear(6, 3)
    with fg.no_grad():
        for p in model.parameters():
            p[...] = np.random.default_rng(3).normal(size=p.shape)
    optimizer = distributed(optim.Adam(model.parameters(), lr=0.05), model=model, verify=1)
    schedule = optim.ExponentialLR(optimizer, 0.99)
    batches = fg.data.batches(X, Y, size=8, seed=1, ranks=ranks)
    checkpoint = fg.parallel.Checkpoint(
        path, every=every, model=model, optimizer=optimizer, schedule=schedule, batches=batches
    )
    resumed = checkpoint.load()
    with checkpoint:
        while checkpoint.steps < 30:
            for x, y in batches:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(fg.tensor(x)), fg.tensor(y))
                surprise(checkpoint.steps)
                loss.backward()
                optimizer.step()
                schedule.step()
                checkpoint.step()
                if checkpoint.steps == 30:
                    break
    return resumed, model.weight.detach().numpy()
"""
SURPRISES = {
    "exception": "raise KeyError('here')",
    "interrupt": "raise KeyboardInterrupt",
    "terminated": "os.kill(os.getpid(), signal.SIGTERM)",
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
}


@needs_mpi
@pytest.mark.parametrize(("how", "who"), [(how, 1) for how in SURPRISES] + [("exception", 0), ("terminated", 0)])
def test_a_run_goes_on_where_it_ended(how, who, tmp_path):
    first = f"""
def surprise(step):
    if step == 17 and rank == {who}:
        {SURPRISES[how]}
train("run.npz", surprise, every=5)
"""
    ended = run(RUN + first, 2, tmp_path, succeeds=False)
    assert ended.seconds < 20
    steps = fg.load(tmp_path / "run.npz")["steps"]
    assert steps in (15, 17) if how == "killed" else steps == 17
    again = """
resumed, weight = train("run.npz")
fresh, expected = train("other.npz")
assert resumed and not fresh
np.testing.assert_array_equal(weight, expected)
say("done")
"""
    ended = run(RUN + again, 2, tmp_path)
    assert [ended.said(rank) for rank in range(2)] == [["done"]] * 2
    assert sorted(path.name for path in tmp_path.glob("*.npz*")) == ["other.npz", "run.npz"]


def parts():
    model = nn.Linear(2, 1)
    return {"model": model, "optimizer": parallel.distributed(optim.SGD(model.parameters(), lr=0.1))}


def test_an_update_that_was_interrupted_is_not_written(tmp_path, capsys):
    objects = parts()
    checkpoint = parallel.Checkpoint(tmp_path / "run.npz", **objects)
    checkpoint.save()
    before = (tmp_path / "run.npz").read_bytes()

    def fail(*args):
        raise KeyboardInterrupt

    objects["optimizer"].optimizer._step = fail
    with pytest.raises(KeyboardInterrupt), checkpoint:
        objects["model"](fg.tensor(np.ones((1, 2)))).sum().backward()
        objects["optimizer"].step()
    assert (tmp_path / "run.npz").read_bytes() == before
    assert "interrupted in an update" in capsys.readouterr().err


def test_batches_go_on_in_the_middle(rng):
    rows = np.arange(23)
    expected = [list(batches) for batches in [fg.data.batches(rows, size=4, seed=5)] for _ in range(2)]
    batches = fg.data.batches(rows, size=4, seed=5)
    for k, batch in enumerate(batches):
        np.testing.assert_array_equal(batch, expected[0][k])
        if k == 2:
            state = batches.state_dict()
            break
    resumed = fg.data.batches(rows, size=4, seed=99)
    resumed.load_state_dict(state)
    for epoch, first in (0, 3), (1, 0):
        found = list(resumed)
        assert len(found) == 6 - first
        for a, b in zip(found, expected[epoch][first:], strict=True):
            np.testing.assert_array_equal(a, b)


def test_wrong_calls(tmp_path):
    objects = parts()
    for every in (0, True, 2.5):
        with pytest.raises(fg.errors.BadSetting, match="every must be a whole number of steps, at least 1, got"):
            parallel.Checkpoint("run.npz", every=every, **objects)
    with pytest.raises(fg.errors.DTypeError, match=r"Checkpoint: epoch is of type int, without state_dict\(\)"):
        parallel.Checkpoint("run.npz", epoch=3)
    parallel.Checkpoint(tmp_path / "run.npz", model=objects["model"]).save()
    with pytest.raises(fg.errors.StateError, match="there is no 'optimizer' in this checkpoint, but model"):
        parallel.Checkpoint(tmp_path / "run.npz", **objects).load()
    assert parallel.Checkpoint(tmp_path / "none.npz", **objects).load() is False
