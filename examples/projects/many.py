"""Many independent gradients on all cores: restarts of an optimizer, an ensemble of networks, and Markov chains.

Each task is a function of a seed. It runs in worker processes, and the results are compared with those of a loop, to
the bit. The optional argument is the number of tasks of each kind (default: 8). Set OPENBLAS_NUM_THREADS=1 before, so
that the workers do not compete for the cores.
"""

import argparse
import importlib.util
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed

import numpy as np

import fastgrad as fg
from fastgrad import nn, optim

# --- restarts: the lowest of many minima that SciPy finds


def eggs(x):
    """Many local minima; the lowest is 0, at the origin."""
    return 10 * x.size + np.sum(x * x - 10 * np.cos(2 * np.pi * x))


def restart(seed):
    """Return a local minimum and its place."""
    start = np.random.default_rng(seed).uniform(-2.0, 2.0, 3)
    found = fg.optimize.minimize(eggs, start, method="L-BFGS-B")
    return float(found.fun), np.asarray(found.x)


# --- an ensemble: networks that differ by their first weights and by their samples


def data():
    x = np.linspace(-3.0, 3.0, 60)[:, None]
    return x, np.sin(2 * x) + 0.1 * np.cos(37 * x)


def member(seed):
    """Return the predictions of a network, trained on a resampled part of the data."""
    rng = np.random.default_rng(seed)
    x, y = data()
    rows = rng.integers(0, len(x), len(x))
    net = nn.Sequential(nn.Linear(1, 16, rng=rng), nn.Tanh(), nn.Linear(16, 1, rng=rng))
    optimizer = optim.Adam(net.parameters(), lr=0.02)

    @fg.compile
    def step(x, y):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    for _ in range(100):
        step(x[rows], y[rows])
    with fg.no_grad():
        return net(x).numpy()


# --- chains: Hamiltonian Monte Carlo, each from a place of its own


def energy(q):
    """A curved ridge: minus the logarithm of the density."""
    return 0.5 * (q[0] ** 2 + 4 * (q[1] - q[0] ** 2) ** 2)


force = fg.grad(energy)


def chain(seed, samples=100, step=0.15, n=8):
    """Return the samples of one chain."""
    rng = np.random.default_rng(seed)
    q, found = rng.normal(size=2), []
    for _ in range(samples):
        p0 = rng.normal(size=2)
        place, p = q, p0 - 0.5 * step * force(q)
        for k in range(n):
            place = place + step * p
            p = p - (step if k < n - 1 else 0.5 * step) * force(place)
        gained = energy(q) + 0.5 * p0 @ p0 - energy(place) - 0.5 * p @ p
        q = place if np.log(rng.random()) < gained else q
        found.append(q)
    return np.array(found)


TASKS = {"restarts": restart, "ensemble": member, "chains": chain}
if importlib.util.find_spec("scipy") is None:
    del TASKS["restarts"]


def run(executor, task, seeds):
    """Return the results in the order of the seeds, and show how many there are."""
    futures = {executor.submit(task, seed): seed for seed in seeds}
    for _ in fg.data.progress(as_completed(futures), total=len(futures), text=task.__name__):
        pass
    return [future.result() for future in futures]


def same(a, b):
    """Return whether nested results are equal to the bit."""
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return np.asarray(a).tobytes() == np.asarray(b).tobytes()


def executors():
    """Yield the executors of the standard library, by name."""
    for how in multiprocessing.get_all_start_methods():
        yield how, ProcessPoolExecutor(2, multiprocessing.get_context(how), fg.set_num_threads, (1,))
    yield "threads", ThreadPoolExecutor(2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", type=int, nargs="?", default=8, help="tasks of each kind (default: 8)")
    seeds = range(parser.parse_args().tasks)
    wanted = {}
    for name, task in TASKS.items():
        began = time.perf_counter()
        wanted[name] = [task(seed) for seed in seeds]
        print(f"{name:10} one after another: {time.perf_counter() - began:6.2f} s")
    for how, executor in executors():
        with executor:
            for name, task in TASKS.items():
                began = time.perf_counter()
                found = run(executor, task, seeds)
                print(f"{name:10} {how:17}: {time.perf_counter() - began:6.2f} s")
                assert same(found, wanted[name])
    print("all results are those of the loop, to the bit")
    if "restarts" in wanted:
        print("lowest of the minima:", round(min(value for value, _ in wanted["restarts"]), 3))
    members = np.stack(wanted["ensemble"])
    print("mean deviation of the members from their mean:", members.std(axis=0).mean().round(3))
    print("mean of the chains:", np.concatenate(wanted["chains"]).mean(axis=0).round(2))


if __name__ == "__main__":
    main()
