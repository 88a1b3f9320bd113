"""The package as a user installs it: what is in it, what importing it costs, and what it says of itself."""

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import fastgrad as fg

PACKAGE = Path(fg.__file__).parent
ROOT = Path(__file__).parents[2]
STDLIB_AT_IMPORT = {
    "__future__",
    "gc",
    "threading",
    "math",
    "operator",
    "functools",
    "copyreg",
    "weakref",
    "contextvars",
    "string",
}


def python(*arguments, timeout=120, **environment):
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=timeout, env={**os.environ, **environment}
    )


def in_the_repository(name):
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"{name} is not beside these tests")
    return path


def test_the_version_has_one_source():
    assert re.fullmatch(r"\d+\.\d+\.\d+", fg.__version__)
    try:
        installed = importlib.metadata.version("fastgrad")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("not installed, run from the source tree")
    assert fg.__version__ == installed


def test_the_changelog_knows_the_version():
    assert f"## {fg.__version__}" in in_the_repository("CHANGELOG.md").read_text()


def test_types_are_announced():
    assert (PACKAGE / "py.typed").exists()


def test_declarations_of_the_compiled_engine_are_not_installed():
    if (PACKAGE / "core" / "tensor.pyx").exists():
        pytest.skip("run from the source tree")
    assert not [path for path in PACKAGE.rglob("*") if path.suffix in (".pxd", ".pxi", ".pyx", ".c")]


def test_linters_have_the_same_version_in_pre_commit_and_in_nox():
    groups = tomllib.loads(in_the_repository("pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    pinned = dict(requirement.split("==") for requirement in groups["lint"])
    hooks = in_the_repository(".pre-commit-config.yaml").read_text(encoding="utf-8")
    revisions = re.findall(r"repo: \S+/(\S+?)(?:-pre-commit)?\n +rev: v(\S+)", hooks)
    assert dict(revisions) == pinned


def test_the_citation_agrees_with_the_project():
    project = tomllib.loads(in_the_repository("pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = dict(
        re.findall(r"^([\w-]+): (.+)$", in_the_repository("CITATION.cff").read_text(encoding="utf-8"), re.M)
    )
    assert citation["version"] == fg.__version__
    assert citation["repository-code"] == project["urls"]["Source"]


def test_the_digits_stay_small():
    assert sum(path.stat().st_size for path in (PACKAGE / "demo").glob("*.npz")) < 100_000


def test_the_engine_in_use_is_the_one_asked_for():
    assert fg.engine == (os.environ.get("FASTGRAD_ENGINE") or fg.engine)
    assert fg.engine in ("cython", "python")


def test_an_unknown_engine_is_refused_by_name():
    done = python("-c", "import fastgrad", FASTGRAD_ENGINE="pyhton")
    assert done.returncode != 0
    assert "FASTGRAD_ENGINE='pyhton' is not an engine" in done.stderr


def test_importing_reads_little_beyond_numpy():
    done = python(
        "-c",
        "import sys, numpy; before = set(sys.modules); import fastgrad; print(*sorted(set(sys.modules) - before))",
    )
    assert done.returncode == 0, done.stderr
    names = done.stdout.split()
    foreign = {name for name in names if not name.startswith(("fastgrad", "_", "numpy", "cython_runtime"))}
    assert foreign <= STDLIB_AT_IMPORT
    assert not [name for name in names if name.startswith(("fastgrad.demo", "fastgrad.cli", "fastgrad.testing"))]


def test_the_first_call_of_numpy_imports_no_networks():
    """`from fastgrad import counterparts` first asks for an attribute, and answers to unknown ones read all names."""
    code = "import sys, numpy as np, fastgrad as fg; np.sum(fg.tensor([1.0])); print(*sorted(sys.modules))"
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert {"fastgrad.nn", "fastgrad.foreign.answers"}.isdisjoint(done.stdout.split())


def test_importing_is_silent():
    done = python("-W", "error", "-c", "import fastgrad")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_public_name_is_there():
    for name in dir(fg):
        getattr(fg, name)
    with pytest.raises(AttributeError, match="tensr"):
        fg.tensr  # noqa: B018


def test_the_command_line_explains_itself():
    done = python("-m", "fastgrad", "--help")
    assert done.returncode == 0, done.stderr
    for word in ("demo", "info", "bench"):
        assert word in done.stdout


def test_an_unknown_command_is_one_line_and_a_failure():
    done = python("-m", "fastgrad", "dmeo")
    assert done.returncode != 0
    assert "dmeo" in done.stderr
    assert "Traceback" not in done.stderr
