"""Batch norm with the moments of all ranks is that of one process with the whole batch."""

import copy
import pickle

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn, parallel
from tests.parallel.ranks import needs_mpi, run


@needs_mpi
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("n", [2, 3])
def test_training_is_that_of_one_process(n, compiled, tmp_path):
    program = f"""
compiled = {compiled}
rng = np.random.default_rng(0)
rows = 33 if not compiled else 32
X, Y = rng.normal(size=(rows, 1, 4, 4)) + 3, rng.integers(0, 3, rows)
def build():
    return nn.Sequential(
        nn.Conv2d(1, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Flatten(), nn.Linear(20, 6, bias=False),
        nn.BatchNorm1d(6, affine=False), nn.Linear(6, 3),
    )
model, alone = build(), build()
assert fg.parallel.synchronize_batch_norm(model) == 2
optimizer = distributed(optim.SGD(model.parameters(), lr=0.1), model=model, verify=1)
alone.load_state_dict(model.state_dict())
single = optim.SGD(alone.parameters(), lr=0.1)
batches = fg.data.batches(X, Y, size=8, seed=0, ranks=ranks)
whole = fg.data.batches(X, Y, size=8, seed=0)
def step(x, y):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss
if compiled:
    step = fg.compile(step)
for epoch in range(2):
    for (x, y), (all_x, all_y) in zip(batches, whole):
        if len(all_x) == 1:
            continue
        loss = step(fg.tensor(x), fg.tensor(y))
        single.zero_grad()
        expected = F.cross_entropy(alone(fg.tensor(all_x)), fg.tensor(all_y))
        expected.backward()
        single.step()
        np.testing.assert_allclose(ranks.mean(loss), expected.item(), rtol=1e-10)
for (name, p), q in zip(model.state_dict().items(), alone.state_dict().values()):
    np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-8, atol=1e-10, err_msg=name)
model.eval(); alone.eval()
np.testing.assert_allclose(model(fg.tensor(X)).detach().numpy(), alone(fg.tensor(X)).detach().numpy(), rtol=1e-8)
say("done")
"""
    ended = run(program, n, tmp_path)
    assert [ended.said(rank) for rank in range(n)] == [["done"]] * n


@needs_mpi
def test_batches_of_fewer_rows_than_ranks(tmp_path):
    program = """
model = nn.BatchNorm1d(3)
assert fg.parallel.synchronize_batch_norm(model) == 1
rows = np.random.default_rng(0).normal(size=(2, 3))
for x in fg.data.batches(rows, size=2, shuffle=False, ranks=ranks):
    y = model(fg.tensor(x)).detach().numpy()
    if ranks.share:
        expected = nn.BatchNorm1d(3)(fg.tensor(rows)).detach().numpy()
        np.testing.assert_allclose(y, expected[[np.flatnonzero((rows == x).all(1))[0]]], rtol=1e-12)
for x in fg.data.batches(rows[:1], size=1, ranks=ranks):
    try:
        model(fg.tensor(x))
    except fg.ShapeError as error:
        say(error)
"""
    ended = run(program, 3, tmp_path)
    for rank in range(3):
        assert [line.endswith("training needs two") for line in ended.said(rank)] == [True]


def test_one_process_has_nothing_to_synchronize(rng):
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Sequential(nn.BatchNorm2d(2)))
    assert parallel.synchronize_batch_norm(model) == 2
    x = rng.normal(size=(4, 3))
    np.testing.assert_array_equal(model[0](fg.tensor(x)).detach(), nn.BatchNorm1d(3)(fg.tensor(x)).detach())
    assert copy.deepcopy(parallel.ranks()) is pickle.loads(pickle.dumps(parallel.ranks())) is parallel.ranks()
