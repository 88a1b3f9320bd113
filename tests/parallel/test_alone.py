"""One process, without MPI: the same script, and wrong calls."""

import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn, optim, parallel
from fastgrad.parallel import launch
from tests.parallel.ranks import environment


def leaf():
    return fg.tensor(np.ones(3), requires_grad=True)


def test_one_process_trains_as_without_it():
    w, v = leaf(), leaf()
    optimizer, plain = parallel.distributed(optim.Adam([w], lr=0.1), verify=1), optim.Adam([v], lr=0.1)
    schedule = optim.ExponentialLR(optimizer, 0.5)
    for _ in range(3):
        optimizer.zero_grad()
        plain.zero_grad()
        with optimizer.local():
            (w * w).sum().backward()
        (v * v).sum().backward()
        assert optimizer.step() is None
        plain.step()
        schedule.step()
        plain.param_groups[0]["lr"] *= 0.5
    np.testing.assert_array_equal(w.numpy(), v.numpy())
    optimizer.check()
    assert optimizer.steps == 3
    assert optimizer.step(lambda: 2.5) == 2.5
    optimizer.load_state_dict(optimizer.state_dict())
    optimizer.add_param_group({"params": [leaf()]})
    assert len(optimizer.param_groups) == 2
    assert repr(optimizer).endswith("on <rank 0 of 1>")


def test_averages_of_one_process_are_its_values():
    ranks = parallel.ranks()
    assert ranks is parallel.ranks() is parallel.ranks(ranks)
    assert (ranks.rank, ranks.size, ranks.share, ranks.is_first) == (0, 1, 1.0, True)
    assert ranks.mean(2) == 2.0
    found = ranks.sum({"loss": leaf().sum(), "all": [np.arange(3), 1.5, None], "none": ()})
    assert found["loss"] == 3.0
    np.testing.assert_array_equal(found["all"][0], [0, 1, 2])
    assert found["all"][1:] == [1.5, None]
    assert ranks.mean([]) == []
    assert ranks.broadcast("x") == "x"
    ranks.barrier()


def test_mpi_is_not_imported_without_a_launcher():
    program = "import sys, fastgrad as fg; fg.parallel.ranks(); assert 'mpi4py.MPI' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, env=environment())


@pytest.mark.parametrize("name", ["PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"])
def test_a_launcher_without_mpi4py_is_an_error(name, tmp_path):
    (tmp_path / "mpi4py.py").write_text("raise ImportError('not here')")
    program = "import fastgrad as fg; print(fg.parallel.ranks())"
    given = environment()
    given = {**given, "PYTHONPATH": f"{tmp_path}:{given['PYTHONPATH']}"}
    alone = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env={**given, name: "1"})
    assert alone.stdout == "<rank 0 of 1>\n"
    several = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env={**given, name: "4"})
    assert several.returncode == 1
    assert "this process is one of 4 ranks, but mpi4py cannot be imported" in several.stderr
    assert "pip install fastgrad[mpi]" in several.stderr


def test_another_mpi_than_that_of_mpiexec_is_an_error(monkeypatch):
    """Every rank would believe to be alone, and train on everything."""

    class World:
        def Get_size(self):
            return 1

    class MPI:
        COMM_WORLD = World()

        def Get_library_version():
            return "Some MPI 1.0\nof today"

    package = type(sys)("mpi4py")
    package.MPI = MPI
    monkeypatch.setitem(sys.modules, "mpi4py", package)
    monkeypatch.setenv("PMI_SIZE", "8")
    with pytest.raises(fg.errors.ParallelError, match=r"has started 8 ranks, but mpi4py, which uses Some MPI 1.0"):
        launch.world()


def test_wrong_calls():
    w = leaf()
    with pytest.raises(fg.errors.DTypeError, match=r"distributed takes an optimizer, such as .* got list"):
        parallel.distributed([w])
    with pytest.raises(fg.errors.DTypeError, match=r"comm must be a communicator of mpi4py, .* got int"):
        parallel.distributed(optim.SGD([w]), comm=3)
    for settings in ({"verify": -1}, {"verify": True}, {"verify": 1.5}, {"bucket_bytes": 0}):
        [name] = settings
        with pytest.raises(fg.errors.BadSetting, match=f"distributed: {name} must be a whole number of at least"):
            parallel.distributed(optim.SGD([w]), **settings)
    optimizer = parallel.distributed(optim.SGD([w]))
    with pytest.raises(fg.errors.BadSetting, match=r"averaged already: wrap the optimizer once"):
        parallel.distributed(optimizer)


def test_models_may_be_one_or_several():
    models = [nn.Linear(2, 2), nn.BatchNorm1d(2)]
    optimizer = optim.SGD([p for m in models for p in m.parameters()])
    assert parallel.distributed(optimizer, model=models).ranks.size == 1
    assert parallel.distributed(optimizer, model=models[0]).optimizer is optimizer


def test_every_module_says_what_it_is_for():
    folder = Path(parallel.__file__).parent
    for path in folder.glob("*.py"):
        assert importlib.import_module(f"fastgrad.parallel.{path.stem}".removesuffix(".__init__")).__doc__
