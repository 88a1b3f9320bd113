"""Batches of several ranks are parts of those of one process: none twice, none lost."""

from types import SimpleNamespace

import numpy as np
import pytest

import fastgrad as fg
from tests.parallel.ranks import needs_mpi, run


def parts(n_rows, size, n_ranks, **settings):
    """Return the batches of each rank, with their shares, as ranks that are not processes see them."""
    found = []
    rows = np.arange(n_rows)
    for rank in range(n_ranks):
        agreed = {"broadcast": lambda value: value, "sum": lambda value: 0.0}
        ranks = SimpleNamespace(rank=rank, size=n_ranks, share=None, **agreed)
        found.append([(b, ranks.share) for b in fg.data.batches(rows, size=size, seed=7, ranks=ranks, **settings)])
    return found


@pytest.mark.parametrize("settings", [{}, {"shuffle": False}, {"drop_last": True}], ids=str)
@pytest.mark.parametrize("n_ranks", [2, 3, 4, 7])
@pytest.mark.parametrize(("n_rows", "size"), [(40, 8), (41, 8), (50, 16), (30, 30), (5, 2)])
def test_parts_are_those_of_the_batch_of_one_process(n_rows, size, n_ranks, settings):
    if settings.get("drop_last") and n_rows < size:
        return
    whole = list(fg.data.batches(np.arange(n_rows), size=size, seed=7, **settings))
    found = parts(n_rows, size, n_ranks, **settings)
    assert all(len(batches) == len(whole) for batches in found)
    for k, batch in enumerate(whole):
        of_ranks = [batches[k] for batches in found]
        np.testing.assert_array_equal(np.concatenate([b for b, share in of_ranks if share]), batch)
        assert sum(share for _, share in of_ranks) == pytest.approx(1)
        for rows, share in of_ranks:
            assert share == 0 or share == len(rows) / len(batch)
            assert len(rows) >= 1
            assert abs(share * len(batch) - len(batch) / n_ranks) < 1


def test_one_process_has_the_whole_batch():
    ranks = fg.parallel.ranks()
    [batch] = fg.data.batches(np.arange(3), size=3, shuffle=False, ranks=ranks)
    np.testing.assert_array_equal(batch, [0, 1, 2])
    assert ranks.share == 1.0


@needs_mpi
@pytest.mark.parametrize("n", [2, 3])
def test_training_is_that_of_one_process(n, tmp_path):
    """With uneven batches, one that has fewer rows than ranks, and a seed that nobody gave."""
    program = """
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(33, 4)), rng.integers(0, 3, 33)
model, alone = nn.Linear(4, 3), nn.Linear(4, 3)
optimizer = distributed(optim.Adam(model.parameters(), lr=0.1), model=model, verify=1)
alone.load_state_dict(model.state_dict())
single = optim.Adam(alone.parameters(), lr=0.1)
batches = fg.data.batches(X, Y, size=8, ranks=ranks)
state = ranks.broadcast(batches.state_dict())
whole = fg.data.batches(X, Y, size=8)
whole.load_state_dict(state)
for epoch in range(3):
    for (x, y), (all_x, all_y) in zip(batches, whole):
        optimizer.zero_grad(); single.zero_grad()
        loss = F.cross_entropy(model(fg.tensor(x)), fg.tensor(y))
        loss.backward()
        expected = F.cross_entropy(alone(fg.tensor(all_x)), fg.tensor(all_y))
        expected.backward()
        np.testing.assert_allclose(ranks.mean(loss), expected.item(), rtol=1e-10)
        optimizer.step(); single.step()
        idle = ranks.sum(float(ranks.share == 0))
    assert idle == size - 1         # 33 = 4 * 8 + 1
    assert ranks.share == 1 / size
for p, q in zip(model.parameters(), alone.parameters()):
    np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-7, atol=1e-9)
try:
    fg.data.batches(np.ones(5 + (rank == 1)), size=2, ranks=ranks)
except fg.ShapeError as error:
    say(error)
"""
    ended = run(program, n, tmp_path)
    for rank in range(n):
        assert len(ended.said(rank)) == 1
        assert "all ranks must have the same arrays" in ended.said(rank)[0]
