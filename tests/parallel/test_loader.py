"""A DataLoader over ranks: parts of the batches of one process, in the order of rank 0."""

from types import SimpleNamespace

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.errors import BadSetting, ShapeError
from fastgrad.utils.data import BatchSampler, DataLoader, Subset, TensorDataset
from tests.parallel.ranks import needs_mpi, run


def parts(dataset, n_ranks, options, differing=0.0):
    """Return the batches of each rank, with their shares; ranks that are not processes hear what rank 0 sent."""
    found, sent = [], []

    def broadcast(value):
        sent.append(value)
        return sent[0]

    for rank in range(n_ranks):
        ranks = SimpleNamespace(
            rank=rank, size=n_ranks, share=1 / n_ranks, broadcast=broadcast, sum=lambda _: differing
        )
        loader = DataLoader(dataset, ranks=ranks, **options())
        found.append([(b, ranks.share) for b in loader])
        assert ranks.share == 1 / n_ranks
        assert len(loader) == len(found[-1])
    return found


def tensors(n):
    return TensorDataset(np.arange(n))


OPTIONS = {
    "in order": lambda: {"batch_size": 8},
    "shuffled": lambda: {"batch_size": 8, "shuffle": True, "generator": 3},
    "without the last": lambda: {"batch_size": 8, "shuffle": True, "generator": 3, "drop_last": True},
    "batch sampler": lambda: {"batch_sampler": [[3, 1, 2], [0], [5, 4]]},
    "sampler": lambda: {"batch_size": 4, "sampler": range(10, 0, -1)},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("n_ranks", [1, 2, 3])
@pytest.mark.parametrize("make", [tensors, lambda n: Subset(tensors(n + 9), range(9, n + 9)), range])
@pytest.mark.parametrize("n", [33, 40])
def test_parts_are_those_of_the_batch_of_one_process(n, make, n_ranks, options):
    def rows(batch):
        return (batch[0] if isinstance(batch, list) else batch).numpy()

    whole = list(DataLoader(make(n), **options()))
    found = parts(make(n), n_ranks, options)
    assert all(len(batches) == len(whole) for batches in found)
    for k, batch in enumerate(map(rows, whole)):
        of_ranks = [(rows(batches[k][0]), batches[k][1]) for batches in found]
        np.testing.assert_array_equal(np.concatenate([b for b, share in of_ranks if share]), batch)
        assert sum(share for _, share in of_ranks) == pytest.approx(1)
        for own, share in of_ranks:
            assert len(own) >= 1
            assert share in (0, len(own) / len(batch))


def test_the_order_is_that_of_rank_0_without_a_seed():
    found = parts(tensors(20), 2, lambda: {"batch_size": 4, "shuffle": True})
    seen = np.concatenate([b[0].numpy() for batches in found for b, _ in batches])
    np.testing.assert_array_equal(np.sort(seen), np.arange(20))


def test_a_collate_fn_gets_the_examples_of_the_rank():
    found = parts(range(5), 2, lambda: {"batch_size": 5, "collate_fn": tuple})
    assert found == [[((0, 1), 0.4)], [((2, 3, 4), 0.6)]]


def test_what_cannot_be_divided_is_refused():
    with pytest.raises(BadSetting, match="batch_sampler yields a batch without indices"):
        parts(tensors(4), 2, lambda: {"batch_sampler": [[1], []]})
    with pytest.raises(ShapeError, match=r"DataLoader: all ranks must have the same data set.*4 rows on rank 0"):
        parts(tensors(4), 2, lambda: {"batch_size": 2}, differing=1.0)


def test_one_process_has_the_whole_batch():
    ranks = fg.parallel.ranks()
    [[batch]] = DataLoader(tensors(3), batch_sampler=BatchSampler(range(3), 3, False), ranks=ranks)
    np.testing.assert_array_equal(batch.numpy(), [0, 1, 2])
    assert ranks.share == 1.0


@needs_mpi
@pytest.mark.parametrize("n", [2, 3])
def test_each_row_is_on_one_rank_in_each_iteration(n, tmp_path):
    program = """
from fastgrad.utils.data import DataLoader, TensorDataset
loader = DataLoader(TensorDataset(np.arange(33.0)), batch_size=8, shuffle=True, ranks=ranks)
orders = []
for epoch in range(2):
    seen, mean = np.zeros(33), []
    for (x,) in loader:
        if ranks.share:
            seen[x.numpy().astype(int)] += 1
        mean.append(float(ranks.mean(x.numpy().mean())))
    assert np.array_equal([ranks.sum(float(k)) for k in seen], np.ones(33))
    assert abs(8 * sum(mean[:-1]) + mean[-1] - 33 * 16) < 1e-9
    assert ranks.share == 1 / size
    orders.append(mean)
assert orders[0] != orders[1]
try:
    list(DataLoader(range(5 + (rank == 1)), ranks=ranks))
except fg.ShapeError as error:
    say(error)
"""
    ended = run(program, n, tmp_path)
    for rank in range(n):
        assert len(ended.said(rank)) == 1
        assert "DataLoader: all ranks must have the same data set" in ended.said(rank)[0]
