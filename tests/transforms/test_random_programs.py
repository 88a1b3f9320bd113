"""Random programs under random nestings of transforms, against PyTorch if it is installed, else the other engine."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import fastgrad as fg
from tests.support.random_nestings import REFUSED, Fastgrad, difference, draw, run, with_torch

FEW, MANY = 240, 6000
PART = 60  # programs per test


def _parts(request_slow):
    return range(0, MANY if request_slow else FEW, PART)


def pytest_generate_tests(metafunc):
    if "first" in metafunc.fixturenames:
        metafunc.parametrize("first", _parts(metafunc.config.getoption("--slow")))


@pytest.fixture(scope="module")
def torch():
    pytest.importorskip("torch")
    return with_torch()


def said(seed, got, wanted):
    _, steps, levels = draw(seed)
    return f"seed {seed}: {got} against {wanted}\n{steps}\n{[kind for kind, _, _ in levels]}"


def test_programs_agree_with_pytorch(first, torch):
    """A program that PyTorch or fastgrad refuses, since it overwrites a value that is still needed, is skipped."""
    for seed in range(first, first + PART):
        try:
            wanted = run(torch, seed)
        except RuntimeError as error:
            if not any(word in str(error) for word in ("inplace", "in-place", "single memory location")):
                raise
            continue
        got = run(Fastgrad, seed)
        assert isinstance(got, str) or difference(got, wanted) is None, said(seed, got, wanted)


def test_both_engines_agree(first, tmp_path):
    """The other engine runs the programs in a process of its own."""
    other = {"cython": "python", "python": "cython"}[fg.engine]
    environment = {**os.environ, "FASTGRAD_ENGINE": other, "PYTHONPATH": os.pathsep.join(sys.path)}
    path = tmp_path / "results"
    command = [sys.executable, "-m", "tests.support.random_nestings", str(first), str(first + PART), str(path)]
    done = subprocess.run(
        command, env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    if "compiled" in done.stderr and done.returncode:
        pytest.skip("the compiled engine is not built")
    assert done.returncode == 0, done.stderr
    found = pickle.loads(path.read_bytes())
    for seed in range(first, first + PART):
        got = run(Fastgrad, seed)
        assert difference(got, found[seed]) is None, said(seed, got, found[seed])


def test_few_programs_are_refused():
    refused = sum(isinstance(run(Fastgrad, seed), str) for seed in range(FEW))
    assert refused <= FEW // 10, f"{refused} of {FEW} raise {REFUSED}"
