"""Sessions that check a change. `nox -l` lists them. Arguments after `--` are passed to the tool of a session.

`.ci/run` runs them, and both lines of the README, on every Python that it finds.
"""

import os
import sysconfig
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "venv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "tests", "tests_python"]

GROUPS = nox.project.load_toml("pyproject.toml")
WHEEL_LIMIT = 1_000_000  # bytes


def install_group(session, name):
    session.install(*nox.project.dependency_groups(GROUPS, name))


def build(session, *arguments, **variables):
    """Build distributions into a fresh directory and return their paths. A wheel is built from the sdist."""
    session.install("build")
    folder = Path(session.create_tmp())
    for old in folder.glob("fastgrad-*"):
        old.unlink()
    session.run("python", "-m", "build", "--outdir", str(folder), *arguments, env=variables)
    return sorted(folder.glob("fastgrad-*"))


@nox.session
def tests(session):
    """Run the suite on the compiled engine; `-- --slow` includes the slow tests."""
    session.install(".[test]")
    session.run("python", "-m", "pytest", *session.posargs, env={"FASTGRAD_ENGINE": "cython"})


@nox.session
def tests_python(session):
    """Build the py3-none-any wheel from the sdist, install it and run the suite: the pure-Python engine."""
    [wheel] = [path for path in build(session, FASTGRAD_PURE="1") if path.name.endswith("-py3-none-any.whl")]
    session.install("--force-reinstall", "--no-deps", str(wheel))
    session.install(f"{wheel}[test]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def ranks(session):
    """Run the tests of data-parallel training on several ranks, with the MPI of the wheel `mpich`, and of executors."""
    session.install(".[test,mpi]", "mpich", "joblib", "distributed", "cloudpickle")
    tests = ("tests/parallel", "tests/test_executors.py", "tests/test_pickling.py")
    session.run("python", "-m", "pytest", *tests, *session.posargs, env={"FASTGRAD_ENGINE": "cython"})


@nox.session
def debug(session):
    """Run the suite on a build that checks its invariants and counts live objects."""
    session.install(".[test]", env={"FASTGRAD_DEBUG": "1"})
    session.run("python", "-m", "pytest", *session.posargs, env={"FASTGRAD_ENGINE": "cython"})


@nox.session
def sanitizers(session):
    """Run the suite under the address and undefined-behaviour sanitizers, with the invariants checked."""
    session.install(".[test]", env={"FASTGRAD_DEBUG": "1", "FASTGRAD_SANITIZE": "address,undefined"})
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    libraries = [
        session.run(compiler, f"-print-file-name=lib{name}.so", external=True, silent=True).strip()
        for name in ("asan", "ubsan")
    ]
    # A build with FASTGRAD_SANITIZE has no pools; PYTHONMALLOC=malloc keeps CPython from reusing freed memory as well.
    environment = {
        "FASTGRAD_ENGINE": "cython",
        "LD_PRELOAD": " ".join(libraries),
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        "PYTHONMALLOC": "malloc",
    }
    session.run("python", "-m", "pytest", *session.posargs, env=environment)


@nox.session
def lint(session):
    """Check style and spelling: ruff, cython-lint and codespell, as pre-commit does."""
    install_group(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")
    session.run("cython-lint", "src")


@nox.session
def stubs(session):
    """Compare the type stubs with the compiled engine, and check a typed program against them."""
    session.install(".[test]")
    install_group(session, "typing")
    session.run("python", "-m", "pytest", "--slow", "tests/repo/test_stubs.py", *session.posargs)


@nox.session
def docs(session):
    """Run the code of all pages, build the site and check its links; `-- --external` checks those to other sites."""
    session.install(".[test]")
    install_group(session, "docs")
    files = ("tests/repo/test_docs.py", "tests/repo/test_examples.py", "tests/test_stories.py")
    session.run("python", "-m", "pytest", *files)
    folders = ("-d", "build/doctrees", "docs", "build/docs")
    session.run("python", "-m", "sphinx", "-E", "-W", "--keep-going", "-n", "-q", "-j", "auto", *folders)
    session.run("python", "docs/_site/links.py", "build/docs", *session.posargs)


@nox.session
def bench(session):
    """Run the benchmarks; `-- --row 'mlp*'` runs some of them."""
    session.install(".")
    session.run("python", "-m", "bench", *session.posargs)


@nox.session
def wheel(session):
    """Build the sdist and, from it, the compiled wheel. The wheel must be smaller than a megabyte."""
    for path in build(session):
        session.log(f"{path.name}: {path.stat().st_size:,} bytes")
        if path.suffix == ".whl" and path.stat().st_size > WHEEL_LIMIT:
            session.error(f"{path.name} is larger than {WHEEL_LIMIT:,} bytes")
