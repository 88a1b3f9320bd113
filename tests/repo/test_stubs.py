"""The type stubs are current, agree with the running package by stubtest, and serve a type checker."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fastgrad as fg

PACKAGE = Path(fg.__file__).parent
CONFIG = Path(__file__).parents[2] / "pyproject.toml"
USER = """\
from typing import reveal_type
import numpy as np
import fastgrad as fg

x = fg.tensor(np.ones((2, 3)), requires_grad=True)
reveal_type((x.tanh() @ x.T + 1.0).sum(axis=0, keepdims=True))
reveal_type(fg.exp(2.0))
reveal_type(fg.nn.functional.cross_entropy(x, np.array([0, 1])))
reveal_type(x[:, None, ...].shape)
reveal_type(x.grad)
with fg.no_grad():
    (y,) = fg.gradients(x, x)
@fg.no_grad()
def f(n: int) -> float:
    return float(n)
reveal_type(f)
x.sum(axes=0)
fg.tenser(1.0)
fg.exp()
"""


def mypy(module, *arguments):
    """Run mypy or stubtest on the package under test, installed or not."""
    pytest.importorskip("mypy")
    environment = dict(os.environ)
    if PACKAGE.parent.name == "src":
        environment["MYPYPATH"] = str(PACKAGE.parent)
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=600,
        env=environment,
    )
    return done.stdout + done.stderr


@pytest.mark.skipif(fg.engine != "python", reason="only methods of the pure-Python engine have signatures")
def test_the_stubs_are_what_the_package_would_write_today():
    from fastgrad._stubs import _stubs_numpy, stubs

    for path, text in stubs().items():
        if path.startswith("numpy/") and _stubs_numpy.version() not in (PACKAGE / path).read_text():
            continue  # written with another version of NumPy
        assert (PACKAGE / path).read_text() == text, f"{path} is out of date: run python -m fastgrad._stubs"


@pytest.mark.slow
def test_the_stubs_agree_with_the_engine_that_runs():
    if not CONFIG.exists():
        pytest.skip("pyproject.toml is not beside these tests")
    allowed = Path(__file__).parent / "stubtest-allowlist.txt"
    said = mypy(
        "mypy.stubtest", "fastgrad", "--concise", "--mypy-config-file", CONFIG,
        "--allowlist", allowed, "--ignore-unused-allowlist",
    )  # fmt: skip
    assert said == ""


@pytest.mark.slow
def test_a_type_checker_knows_what_comes_out(tmp_path):
    program = tmp_path / "user.py"
    program.write_text(USER)
    said = mypy("mypy", "--strict", "--cache-dir", tmp_path / "cache", program)
    lines = [line.partition(": ")[2] for line in said.splitlines()]
    revealed = [line.split('"')[1] for line in lines if "Revealed" in line]
    tensor = "fastgrad._engine.Tensor"
    shape, grad, function = revealed[3:]
    assert revealed[:3] == [tensor] * 3
    assert (shape, grad) == ("tuple[int, ...]", f"{tensor} | None")
    assert function.startswith("def (n:")
    errors = [line for line in lines if line.startswith("error")]
    assert len(errors) == 3, said
    for error, word in zip(errors, ("axes", "tenser", "arguments")):
        assert word in error


PROGRAM = Path(__file__).parents[1] / "support" / "typed_program.py"
WRONG = [n for n, line in enumerate(PROGRAM.read_text().splitlines(), 1) if line.endswith("# an error")]


def numbers_of_errors(said):
    return [
        int(line.split(":")[1]) for line in said.splitlines() if re.match(r".*typed_program.py:\d+:.* error: ", line)
    ]


@pytest.mark.slow
def test_a_typed_program_is_clean_under_mypy(tmp_path):
    said = mypy("mypy", "--strict", "--follow-imports=silent", "--cache-dir", tmp_path / "cache", PROGRAM)
    assert numbers_of_errors(said) == WRONG, said
    assert said.splitlines()[-1].startswith(f"Found {len(WRONG)} errors in 1 file")
    revealed = [line.split('"')[1] for line in said.splitlines() if "Revealed" in line]
    gradient, gate, tanh = revealed
    assert gradient.startswith("def (x: numpy.ndarray[") and gradient.endswith("scale: float =) -> Any")
    assert gate.endswith("-> Any")  # a Tensor, or a tuple of them
    assert tanh == "fastgrad._UnaryFunction"


@pytest.mark.slow
def test_a_typed_program_is_clean_under_pyright(tmp_path):
    pytest.importorskip("pyright")
    (tmp_path / PROGRAM.name).write_text(PROGRAM.read_text())
    where = {"extraPaths": [str(PACKAGE.parent)]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(where))
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--project", str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=600).stdout
    assert f"{len(WRONG)} errors, 0 warnings" in said, said
    assert [int(line.split(":")[1]) for line in said.splitlines() if " - error: " in line] == WRONG
