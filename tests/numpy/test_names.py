"""Every name of NumPy is in `fastgrad.numpy`; functions with a gradient are wrapped, all else is NumPy's own object."""

import copy
import importlib
import inspect
import pickle
import subprocess
import sys
import types

import numpy
import pytest

import fastgrad as fg
import fastgrad.numpy as fnp
from fastgrad import _families, counterparts
from fastgrad._engine import NumPyFunction
from tests.repo.test_stubs import mypy

PAIRS = {
    "numpy": (fnp, numpy), "linalg": (fnp.linalg, numpy.linalg), "fft": (fnp.fft, numpy.fft),
    "random": (fnp.random, numpy.random),
}  # fmt: skip
PUBLIC = [(place, name) for place, (_, theirs) in PAIRS.items() for name in sorted(dir(theirs)) if name[0] != "_"]
NUMPYS_OWN = "float64 int32 dtype ndarray pi inf newaxis spacing zeros arange save printoptions errstate s_ ma"
PROGRAM = """
from typing import reveal_type
import fastgrad as fg
import fastgrad.numpy as np
from fastgrad.numpy.linalg import norm

def f(x: fg.Tensor) -> fg.Tensor:
    y = np.sum(np.tanh(x), axis=0) + np.add.reduce(x)
    reveal_type(norm(x, axis=0))
    reveal_type(np.multiply(2.0, np.sum(x)))
    return y

reveal_type(np.pi)
reveal_type(np.zeros(3))
np.sum()
np.nosuch
"""


def wrapped():
    for place, name in PUBLIC:
        ours, theirs = PAIRS[place]
        if isinstance(getattr(ours, name), NumPyFunction):
            yield place, name, getattr(ours, name), getattr(theirs, name)


WRAPPED = [pytest.param(ours, theirs, id=f"{place}.{name}") for place, name, ours, theirs in wrapped()]


def test_every_public_name_is_there():
    objects = {"r_", "c_", "vectorize"}
    for place, name in PUBLIC:
        ours, theirs = (getattr(module, name) for module in PAIRS[place])
        if isinstance(theirs, types.ModuleType) and theirs.__name__.removeprefix("numpy.") in PAIRS:
            assert ours is PAIRS[theirs.__name__.removeprefix("numpy.")][0]
        elif not isinstance(ours, NumPyFunction) and name not in objects:
            assert ours is theirs, name


def test_functions_are_wrapped_exactly_where_fastgrad_has_a_counterpart():
    for place, name in PUBLIC:
        ours, theirs = (getattr(module, name) for module in PAIRS[place])
        if isinstance(theirs, (numpy.ufunc, types.FunctionType)):
            assert isinstance(ours, NumPyFunction) == (counterparts.counterpart_of(theirs) is not None), name
    assert len(WRAPPED) > 150


def test_the_families_of_functions_are_there_without_a_list_of_their_own():
    for name, function in _families.load().items():
        theirs = numpy
        for part in name.split("."):
            theirs = getattr(theirs, part, None)
        if theirs is None or isinstance(theirs, type):
            continue
        ours = fnp
        for part in name.split("."):
            ours = getattr(ours, part)
        assert isinstance(ours, NumPyFunction), name
        assert ours.counterpart is counterparts.counterpart_of(theirs), name
        assert callable(function)


def test_what_is_not_differentiable_is_numpys_own():
    for name in NUMPYS_OWN.split():
        assert getattr(fnp, name) is getattr(numpy, name)
    assert fnp.linalg.LinAlgError is numpy.linalg.LinAlgError
    assert fnp.random.default_rng is numpy.random.default_rng
    assert fnp.__version__ == numpy.__version__


@pytest.mark.parametrize(("ours", "theirs"), WRAPPED)
def test_a_wrapped_function_looks_like_numpys(ours, theirs):
    assert ours.__wrapped__ is theirs and ours.function is theirs
    assert ours.__name__ == theirs.__name__
    assert inspect.getdoc(ours).split("\n")[0] == inspect.getdoc(theirs).split("\n")[0]  # SciPy appends to some
    module = getattr(theirs, "__module__", "numpy")  # ufuncs have none before NumPy 2.2
    assert ours.__module__ == module.replace("numpy", "fastgrad.numpy", 1)
    assert repr(ours) == f"<{ours.__module__} function {ours.__name__}>"
    assert pickle.loads(pickle.dumps(ours)) is ours and copy.deepcopy(ours) is ours
    try:
        wanted = inspect.signature(theirs)
    except ValueError:
        return
    assert inspect.signature(ours) == wanted


def test_ufuncs_keep_their_attributes():
    assert (fnp.add.nin, fnp.add.nout, fnp.add.nargs, fnp.add.identity) == (2, 1, 3, 0)
    assert fnp.add.types == numpy.add.types and fnp.matmul.signature == numpy.matmul.signature
    assert pickle.loads(pickle.dumps(fnp.add.reduce)) is fnp.add.reduce
    a = numpy.zeros(3)
    fnp.add.at(a, [0, 0, 1], 1.0)
    assert a.tolist() == [2.0, 1.0, 0.0]
    with pytest.raises(AttributeError, match="no_such"):
        fnp.add.no_such  # noqa: B018


def test_unknown_names_raise_as_numpy_does():
    with pytest.raises(AttributeError, match=r"^module 'fastgrad\.numpy' has no attribute 'tnh'"):
        fnp.tnh  # noqa: B018
    with pytest.raises(AttributeError, match=r"^module 'fastgrad\.numpy\.linalg' has no attribute 'ivn'"):
        fnp.linalg.ivn  # noqa: B018
    with pytest.raises(AttributeError, match=r"(?s)fastgrad\.numpy.*use `float` by itself"):
        fnp.float  # noqa: B018


@pytest.mark.parametrize("module", ["", ".linalg", ".fft", ".random"])
def test_modules_list_numpys_names(module):
    ours, theirs = (importlib.import_module(package + module) for package in ("fastgrad.numpy", "numpy"))
    assert set(dir(ours)) == set(dir(theirs))
    assert set(ours.__all__) == set(theirs.__all__)
    assert inspect.getdoc(ours)


def test_importing_from_the_package():
    code = """
import sys, fastgrad
assert 'fastgrad.numpy' not in sys.modules
from fastgrad.numpy import *
from fastgrad.numpy.linalg import norm
import fastgrad.numpy.random as npr
import fastgrad.numpy as np, numpy
assert np.linalg.norm is norm is not numpy.linalg.norm and tanh is np.tanh and npr is np.random
assert fastgrad.numpy is np
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_objects_for_indexing_are_documented_and_pickled():
    for name in ("r_", "c_"):
        ours = getattr(fnp, name)
        assert pickle.loads(pickle.dumps(ours)) is ours
        assert repr(ours) == f"<fastgrad.numpy.{name}>" and len(ours) == 0
        assert ours.__doc__ == getattr(numpy, name).__doc__
        assert ours.concatenate == getattr(numpy, name).concatenate
    assert fg.numpy is fnp


@pytest.mark.slow
def test_a_type_checker_knows_the_names(tmp_path):
    program = tmp_path / "user.py"
    program.write_text(PROGRAM)
    said = mypy("mypy", "--strict", "--cache-dir", tmp_path / "cache", program)
    lines = [line.partition(": ")[2] for line in said.splitlines()]
    revealed = [line.split('"')[1] for line in lines if "Revealed" in line]
    assert revealed[:2] == ["fastgrad._engine.Tensor"] * 2
    assert [kind.partition("[")[0] for kind in revealed[2:]] == ["float", "numpy.ndarray"]
    errors = [line for line in lines if line.startswith("error")]
    assert len(errors) == 2 and "_sum" in errors[0] and "nosuch" in errors[1], said
