"""Pools of processes and threads: what runs there returns what a loop returns, to the bit.

The tasks are those of examples/projects/many.py: restarts of SciPy's optimizers, an ensemble of networks that compiled
steps train, and Markov chains.
"""

import importlib
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import optim
from tests.support import pickled
from tests.support.pickled import ROWS, Net, X, cube, step

PROJECTS = Path(__file__).parents[1] / "examples" / "projects"
pytestmark = pytest.mark.skipif(not PROJECTS.exists(), reason="the examples are not part of this distribution")
SEEDS = range(2)


@pytest.fixture
def many(monkeypatch):
    monkeypatch.syspath_prepend(str(PROJECTS))
    return importlib.import_module("many")


def compare(many, mapped):
    """Compare what `mapped(task, seeds)` returns with a loop, for each kind of task."""
    for task in many.TASKS.values():
        assert many.same(list(mapped(task, SEEDS)), [task(seed) for seed in SEEDS]), task.__name__


@pytest.mark.parametrize("start", multiprocessing.get_all_start_methods())
def test_processes_of_the_standard_library(start, many, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", os.environ.get("OPENBLAS_NUM_THREADS", ""))
    with ProcessPoolExecutor(2, multiprocessing.get_context(start), fg.set_num_threads, (1,)) as pool:
        compare(many, pool.map)
        # Functions, modules and optimizers that are sent, and changed there.
        made = [fg.grad(cube), fg.value_and_grad(cube), fg.compile(cube), fg.jacobian(pickled.cubes), pickled.fast]
        for f in made:
            assert many.same(pool.submit(f, X).result(), f(X))
        assert many.same(pool.submit(fg.vmap(fg.grad(cube)), ROWS).result(), fg.vmap(fg.grad(cube))(ROWS))
        net = Net()
        optimizer = optim.Adam(net.parameters(), lr=0.1)
        other, its_optimizer = pool.submit(_trained, net, optimizer).result()
        assert step(other, its_optimizer) == step(*_trained(net, optimizer))
        with pytest.raises(fg.BackwardError, match="recorded result"):
            pool.submit(cube, fg.tensor(X, requires_grad=True) * 2).result()


def _trained(net, optimizer):
    for _ in range(3):
        step(net, optimizer)
    return net, optimizer


def _large_gradient(seed):
    before = fg.set_num_threads(2)
    x = fg.tensor(np.random.default_rng(seed).normal(size=100_000), requires_grad=True)
    (fg.exp(x) * x).sum().backward()
    fg.set_num_threads(before)
    return x.grad.numpy()


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_workers_forked_from_a_process_with_native_threads(many):
    wanted = [_large_gradient(seed) for seed in range(4)]
    before = fg.set_num_threads(2)
    try:
        _large_gradient(0)  # the threads of this process have started
        with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
            assert many.same(list(pool.map(_large_gradient, range(4))), wanted)
    finally:
        fg.set_num_threads(before)


def test_threads_that_share_nothing(many):
    with ThreadPoolExecutor(4) as pool:
        compare(many, pool.map)


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_joblib(backend, many):
    joblib = pytest.importorskip("joblib")

    def mapped(task, seeds):
        return joblib.Parallel(n_jobs=2, backend=backend)(joblib.delayed(task)(seed) for seed in seeds)

    compare(many, mapped)
    if backend == "loky":  # which stores functions by value, also those that have no name
        local = fg.value_and_grad(lambda x: (fg.sin(x) * x).sum())
        assert many.same(mapped(local, [X, 2 * X]), [local(X), local(2 * X)])


def test_dask(many):
    distributed = pytest.importorskip("distributed")
    kwargs = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**kwargs) as cluster, distributed.Client(cluster) as client:
        compare(many, lambda task, seeds: client.gather(client.map(task, seeds)))
        local = fg.compile(fg.value_and_grad(lambda x: (fg.sin(x) * x).sum()))
        assert many.same(client.submit(local, X).result(), local(X))
        net = Net()
        other = client.submit(_trained, net, optim.SGD(net.parameters(), lr=0.1)).result()[0]
        trained = _trained(net, optim.SGD(net.parameters(), lr=0.1))[0]
        assert many.same(
            [x.numpy() for x in other.state_dict().values()], [x.numpy() for x in trained.state_dict().values()]
        )


# A script, whose functions are those of the main module.
SCRIPT = """
import sys
import numpy as np
import fastgrad as fg
import many

@fg.value_and_grad
def both(x):
    return (x**3).sum()

@fg.compile
@fg.grad
def slope(x):
    return (fg.sin(x) * x).sum()

@fg.primitive(vjp=lambda g, x: 2 * g * x)
def square(x):
    return x * x

@fg.vmap
def per_row(x):
    return fg.grad(lambda x: square(x).sum())(x)

def uses_all(x):
    with fg.no_grad():
        return [both(x), slope(x), square(x).numpy(), per_row(np.stack([x, x]))]

def main(mapped):
    xs = [np.array([0.5, -1.0, 2.0]) * k for k in range(4)]
    for f in (both, slope, per_row, uses_all):
        given = [np.stack([x, x]) for x in xs] if f is per_row else xs
        assert many.same(list(mapped(f, given)), [f(x) for x in given]), f
    for task in many.TASKS.values():
        assert many.same(list(mapped(task, range(2))), [task(seed) for seed in range(2)]), task
    print("as in a loop")

if __name__ == "__main__":
"""
MAPS = {
    "spawn": """
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        main(pool.map)
""",
    "joblib": """
    import joblib
    main(lambda f, xs: joblib.Parallel(n_jobs=2)(joblib.delayed(f)(x) for x in xs))
""",
    "distributed": """
    import distributed
    with distributed.Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        main(lambda f, xs: client.gather(client.map(f, xs)))
""",
    "mpi4py": """
    from mpi4py.futures import MPIPoolExecutor
    with MPIPoolExecutor() as pool:
        main(pool.map)
""",
}


@pytest.mark.parametrize("package", MAPS)
def test_functions_of_a_script(package, tmp_path, many):
    command = [sys.executable]
    if package == "mpi4py":
        mpiexec = shutil.which("mpiexec", path=os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]))
        if mpiexec is None:
            pytest.skip("no mpiexec here")
        command = [mpiexec, "-n", "3", sys.executable, "-m", "mpi4py.futures"]
    if package != "spawn":
        pytest.importorskip(package)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT + MAPS[package])
    paths = [str(PROJECTS), str(Path(fg.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([*command, str(script)], capture_output=True, text=True, env=env, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "as in a loop" in done.stdout


def test_results_and_errors_come_back():
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        with pytest.raises(fg.ShapeError, match="grad: the function must return one number"):
            pool.submit(fg.grad(pickled.cubes), X).result()
        with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
            pool.submit(fg.grad(lambda x: x), X).result()
