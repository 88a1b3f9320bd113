"""Every public name has a docstring, and `dir(fg)` lists the menu alone."""

import inspect
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

import fastgrad as fg
from fastgrad import nn, optim

MODULES = (fg, nn, nn.functional, nn.init, optim, fg.optimize, fg.data, fg.parallel, fg.testing, fg.transforms)
STUB = (Path(fg.__file__).parent / "_engine.pyi").read_text()
TENSOR = sorted(set(re.findall(r"^    def (\w+)\(", STUB.split("class Tensor")[1].split("\nclass ")[0], re.MULTILINE)))


@pytest.mark.parametrize("name", [name for name in TENSOR if name[0] != "_"])
def test_attributes_of_tensors_have_docstrings(name):
    text = inspect.getdoc(inspect.getattr_static(fg.Tensor, name))
    assert text and text.split("\n")[0].endswith((".", ":")), text


def test_the_stub_has_the_attributes_of_both_engines():
    assert {"shape", "grad", "exp", "backward", "requires_grad", "op", "dtype"} <= set(TENSOR)
    assert set(TENSOR) <= set(dir(fg.Tensor))


def public(module):
    return [name for name in getattr(module, "__all__", dir(module)) if name[0] != "_"]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_public_names_have_docstrings(module):
    bare = []
    for name in public(module):
        found = getattr(module, name)
        if callable(found) or isinstance(found, types.ModuleType):
            bare += [name] * (not inspect.getdoc(found))
        if isinstance(found, type) and found.__module__.startswith("fastgrad") and found is not fg.Tensor:
            own = [attribute for attribute in vars(found) if attribute[0] != "_"]
            members = [a for a in own if callable(getattr(found, a)) or isinstance(vars(found)[a], property)]
            bare += [f"{name}.{a}" for a in members if not inspect.getdoc(getattr(found, a))]
    assert bare == []


def test_dir_lists_the_menu_alone():
    listed = [name for name in dir(fg) if name[0] != "_"]
    modules = [name for name in listed if isinstance(getattr(fg, name), types.ModuleType)]
    assert set(modules) == {name for name, home in fg._LATER.items() if home is None}
    assert {"tensor", "tanh", "grad", "draw", "float64", "pi", "ShapeError", "nn"} <= set(listed)
    assert not {"core", "engine_python", "anomaly", "rules", "tensor_methods"} & set(listed)


def test_dir_is_the_same_whatever_was_imported():
    code = "import fastgrad as fg; print(*dir(fg))"
    more = "import fastgrad.micrograd.engine, fastgrad.nn, fastgrad.pictures; " + code
    first, second = (subprocess.run([sys.executable, "-c", c], capture_output=True, text=True, check=True).stdout
                     for c in (code, more))  # fmt: skip
    assert first == second
