"""Times data-parallel steps: `mpiexec -n 2 -bind-to core python -m bench.ranks`, and the same with `-n 1`.

Every rank trains on batches of the same size. A row has percentiles 5, 25, 50 and 75 of the time of a step in
microseconds; the rows of 1 and N ranks give the weak scaling. `all-reduce` compares a sum over the ranks with mpi4py
alone.
"""

import sys
import time

import numpy as np

import fastgrad as fg
from fastgrad import nn, optim, parallel

F = nn.functional
SECONDS = 2.0


def percentiles(step, ranks):
    """Return percentiles of the time of a step; all ranks take the same number."""
    began = time.perf_counter()
    for _ in range(5):
        step()
    n = int(ranks.broadcast(max(20, SECONDS / (time.perf_counter() - began) * 5)))
    times = np.empty(n)
    ranks.barrier()
    for k in range(n):
        began = time.perf_counter()
        step()
        times[k] = time.perf_counter() - began
    return np.percentile(times[n // 10 :], [5, 25, 50, 75]) * 1e6


def mlp(sizes, batch, dtype=np.float64):
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [nn.Linear(a, b, dtype=dtype), nn.ReLU()]
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(batch, sizes[0])).astype(dtype), rng.integers(0, sizes[-1], batch)
    return nn.Sequential(*layers[:-1]), x, y


def convolution(batch):
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 10),
    )  # fmt: skip
    rng = np.random.default_rng(0)
    return model, rng.normal(size=(batch, 1, 8, 8)), rng.integers(0, 10, batch)


def training(model, x, y, compiled=False):
    optimizer = parallel.distributed(optim.SGD(model.parameters(), lr=1e-3, momentum=0.9), model=model)
    x, y = fg.tensor(x), fg.tensor(y)

    def step():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()

    return fg.compile(step) if compiled else step


ROWS = {
    "digits 64-64-10, batch 32": lambda: training(*mlp([64, 64, 10], 32)),
    "digits 64-64-10, batch 256": lambda: training(*mlp([64, 64, 10], 256)),
    "digits 64-64-10, batch 256, compiled": lambda: training(*mlp([64, 64, 10], 256), compiled=True),
    "digits, convolutions, batch 32": lambda: training(*convolution(32)),
    "digits, convolutions, batch 128": lambda: training(*convolution(128)),
    "10^6 parameters, batch 64": lambda: training(*mlp([784, 800, 450, 10], 64)),
    "10^6 parameters, batch 256": lambda: training(*mlp([784, 800, 450, 10], 256)),
    "10^6 parameters, batch 256, compiled": lambda: training(*mlp([784, 800, 450, 10], 256), compiled=True),
    "10^6 parameters, batch 256, float32": lambda: training(*mlp([784, 800, 450, 10], 256, np.float32)),
}


def all_reduce(ranks):
    """Return the times of a sum of 10^6 float64 over the ranks by this package and by mpi4py, in alternation."""
    from mpi4py import MPI

    array = np.ones(10**6)
    ways = (
        lambda: ranks.add_up(array, "the bench"),
        lambda: ranks.comm.Allreduce(MPI.IN_PLACE, array),
        lambda: ranks.comm.Iallreduce(MPI.IN_PLACE, array).Wait(),
    )
    times = np.empty((60, len(ways)))
    for row in times:
        for k, way in enumerate(ways):
            array[...] = 1
            ranks.barrier()
            began = time.perf_counter()
            way()
            row[k] = time.perf_counter() - began
            assert array[-1] == ranks.size
    return np.median(times, axis=0) * 1e6


def main(words):
    ranks = parallel.ranks()
    for name, make in ROWS.items():
        if all(word in name for word in words):
            found = percentiles(make(), ranks)
            if ranks.is_first:
                print(f"{ranks.size} ranks  {name:40}" + "".join(f"{t:10.1f}" for t in found), flush=True)
    if ranks.size > 1 and not words:
        ours, blocking, waiting = all_reduce(ranks)
        if ranks.is_first:
            print(
                f"all-reduce of 10^6 float64: {ours:.0f} µs; mpi4py: Allreduce {blocking:.0f}, "
                f"Iallreduce and Wait {waiting:.0f}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
