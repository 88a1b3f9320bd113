"""`install`, and `python -m fastgrad.autograd`: code that imports autograd gets fastgrad's modules."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastgrad.autograd import _published


def run(*args, cwd, installed=None):
    """Run Python in a folder; `installed` is the text of a package autograd that is found there."""
    if installed is not None:
        package = Path(cwd) / "site" / "autograd"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(installed)
        (package / "other.py").write_text("")
    path = os.pathsep.join([str(Path(cwd) / "site"), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "default"}
    return subprocess.run(
        [sys.executable, *args], cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


PROGRAM = """
import sys
import autograd
import autograd.numpy as np
from autograd import grad
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.extend import primitive, defvjp
import fastgrad.autograd.numpy

assert autograd.__name__ == "fastgrad.autograd"
assert np is fastgrad.autograd.numpy and np.__spec__.name == "fastgrad.autograd.numpy"

def f(x):
    assert type(x).__module__ == "autograd.numpy.numpy_boxes"
    assert isinstance(x, ArrayBox)
    return np.sum(np.sin(x))

print(grad(f)(np.zeros(2)), sys.argv, __name__)
"""


def test_a_script_runs_with_its_arguments(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "helper.py").write_text("import autograd.numpy as np\nhalf = np.array(0.5)\n")
    (tmp_path / "sub" / "script.py").write_text("from helper import half\n" + PROGRAM + "sys.exit(3)\n")
    done = run("-m", "fastgrad.autograd", "sub/script.py", "-m", "x", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert done.stdout == "[1. 1.] ['sub/script.py', '-m', 'x'] __main__\n"


def test_a_module_and_code_run(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    done = run("-m", "fastgrad.autograd", "-m", "program", "a", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[1. 1.] [") and done.stdout.endswith("'a'] __main__\n")
    done = run("-m", "fastgrad.autograd", "-c", PROGRAM, "a", cwd=tmp_path)
    assert done.stdout == "[1. 1.] ['-c', 'a'] __main__\n", done.stderr


def test_an_error_keeps_its_traceback_and_exit_code(tmp_path):
    (tmp_path / "script.py").write_text("import autograd\nraise KeyError('mine')\n")
    done = run("-m", "fastgrad.autograd", "script.py", cwd=tmp_path)
    assert done.returncode == 1
    assert "KeyError: 'mine'" in done.stderr and "script.py" in done.stderr


@pytest.mark.parametrize("args", [["--reprot"], ["-m"], ["missing.py"], []])
def test_a_call_that_is_not_understood_says_so(args, tmp_path):
    done = run("-m", "fastgrad.autograd", *args, cwd=tmp_path)
    assert done.returncode == 2
    assert "python -m fastgrad.autograd" in done.stderr and "Traceback" not in done.stderr


def test_fastgrad_is_found_before_an_installed_autograd(tmp_path):
    done = run("-m", "fastgrad.autograd", "-c", PROGRAM, cwd=tmp_path, installed="mine = 1")
    assert done.returncode == 0, done.stderr


def test_a_module_that_autograd_does_not_have_is_an_import_error(tmp_path):
    code = "import autograd\ntry:\n    import autograd.other\nexcept ModuleNotFoundError as error:\n    print(error)\n"
    done = run("-m", "fastgrad.autograd", "-c", code, cwd=tmp_path, installed="")
    assert "No module named 'autograd.other'" in done.stdout and "1.9.1" in done.stdout, done.stderr


def test_uninstall_restores_what_was_there(tmp_path):
    code = """
import warnings
import autograd as first
from fastgrad.autograd import install, uninstall
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    install()
    install()
assert [w.category for w in caught] == [RuntimeWarning], caught
assert "before" in str(caught[0].message)
import autograd as second
import autograd.numpy
assert second.__name__ == "fastgrad.autograd"
uninstall()
uninstall()
import autograd as third
assert third is first and third.mine == 1
import fastgrad.autograd.numpy as np
assert np.sin(0.0) == 0.0
install()
import autograd as fourth
assert fourth is second
"""
    done = run("-c", code, cwd=tmp_path, installed="mine = 1")
    assert done.returncode == 0, done.stderr


def test_uninstall_without_autograd_leaves_none(tmp_path):
    code = """
import sys
sys.modules["autograd"] = None  # as if it were not installed
import fastgrad.autograd as ours
del sys.modules["autograd"]
before = list(sys.meta_path)
ours.install()
import autograd
ours.uninstall()
assert sys.meta_path == before and not any(name.split(".")[0] == "autograd" for name in sys.modules)
"""
    done = run("-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_version_of_autograd_is_told(tmp_path):
    done = run(
        "-m", "fastgrad.autograd", "-c", "import importlib.metadata as m; print(m.version('autograd'))", cwd=tmp_path
    )
    assert done.stdout.startswith("1."), done.stderr


def test_threads_import_it_together(tmp_path):
    code = """
import threading
found, start = [], threading.Barrier(8)
def load():
    start.wait()
    import autograd.numpy.linalg as linalg
    from autograd.extend import primitive
    found.append((linalg, primitive))
threads = [threading.Thread(target=load) for _ in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
assert len(found) == 8 and len(set(map(id, (f[0] for f in found)))) == 1
"""
    done = run("-m", "fastgrad.autograd", "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_report_names_what_is_missing():
    text = _published.report()
    assert "autograd.numpy.numpy_boxes" in text and "By design" in text
    for module, found in _published.compared().items():
        if not module.startswith("autograd.scipy"):  # which needs SciPy
            assert not isinstance(found, ImportError), found
            assert found[2] == [], f"{module} lacks {found[2]}"
