"""Kernels for several instruction sets: which one is selected, and that all of them give the same bits."""

import os
import subprocess
import sys

import pytest

import fastgrad as fg
from fastgrad import _engine

if fg.engine != "cython":
    pytest.skip("the pure-Python engine has no kernels", allow_module_level=True)

from fastgrad import core  # noqa: I001 these only where it was compiled
from fastgrad.core.loops import instruction_sets
from fastgrad.core.simd import chosen, load

# Digests of values and gradients of every op with a kernel: sizes below, at and above the width of a vector and of a
# block, first cotangents and added ones, and the numbers that comparisons stumble over. What a NaN carries is free.
WORK = """
import hashlib, numpy as np, fastgrad as fg
from fastgrad.core.kernels import kernel_rows
from fastgrad.rules.rule import FUNCTIONS

np.seterr(all="ignore")
two = {"add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "arctan2", "hypot", "logaddexp"}
special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 5e-324, 1e308, -1e-300]

def draw(rng, shape, dtype):
    a = rng.normal(size=shape)
    a.flat[: len(special) // 2 * (a.size > 20)] = rng.permutation(special)[: len(special) // 2]
    return a.astype(dtype)

def calls(rng, shape, dtype):
    for name in kernel_rows:
        yield name, FUNCTIONS[name], 2 if name in two else 1
    for c in (2.0, 3.0, 1.7):
        yield f"x**{c}", lambda x, c=c: x**c, 1
    yield "x * 3", lambda x: x * 3.0, 1
    yield "3 / x", lambda x: 3.0 / x, 1
    yield "max(x, 0)", lambda x: fg.maximum(x, 0.0), 1
    yield "clip", lambda x: fg.clip(x, -0.5, 0.75), 1
    keep = rng.random(shape) < 0.5
    yield "where", lambda x1, x2: fg.where(keep, x1, x2), 2
    for axis in range(len(shape)):
        for name in ("sum", "mean", "max", "min", "prod", "logsumexp", "cumsum"):
            yield f"{name} {axis}", lambda x, f=getattr(fg, name), a=axis: f(x, axis=a), 1
        for name in ("softmax", "log_softmax"):
            yield f"{name} {axis}", lambda x, f=getattr(fg.nn.functional, name), a=axis: f(x, axis=a), 1
    if len(shape) == 2:
        labels = rng.integers(0, shape[1], shape[0])
        w, b = rng.normal(size=(2, shape[1])).astype(dtype)
        yield "layer_norm", lambda x: fg.nn.functional.layer_norm(x, shape[1], fg.tensor(w), fg.tensor(b)), 1
        c = rng.normal(size=(2, shape[0])).astype(dtype)
        yield "batch_norm", lambda x: fg.nn.functional.batch_norm(x, None, None, fg.tensor(w), fg.tensor(b), True), 1
        yield "batch_norm of channels", lambda x: fg.nn.functional.batch_norm(
            x.reshape(1, *shape), None, None, fg.tensor(c[0]), fg.tensor(c[1]), True).reshape(shape), 1
        yield "layer_norm plain", lambda x: fg.nn.functional.layer_norm(x, shape[1]), 1
        yield "cross_entropy", lambda x: fg.nn.functional.cross_entropy(x, labels), 1

for dtype in ("float64", "float32"):
    for shape in ((1,), (3,), (8,), (29,), (1025,), (7, 10), (5, 67), (300, 9)):
        rng = np.random.default_rng(7)
        for name, f, count in calls(rng, shape, dtype):
            xs = [fg.tensor(draw(rng, shape, dtype), requires_grad=True) for _ in range(count)]
            seen = hashlib.sha256()
            for twice in (False, True):
                y = f(*xs)
                g = rng.normal(size=y.shape).astype(dtype)
                pulled = fg.gradients([y, *(x * 0.5 for x in xs)] if twice else [y], xs,
                                      [g, *(np.ones(shape, dtype) for _ in xs)] if twice else [g], allow_unused=True)
                for a in (y, *pulled):
                    a = np.array(a.numpy() if a is not None else 0.0)
                    a[np.isnan(a)] = np.nan
                    seen.update(a.tobytes())
            print(dtype, shape, name, seen.hexdigest()[:16])

makes = {
    "sgd": lambda p: fg.optim.SGD(p, 0.1, 0.9, 0.1, 0.01),
    "nesterov": lambda p: fg.optim.SGD(p, 0.1, 0.9, nesterov=True),
    "plain": lambda p: fg.optim.SGD(p, 0.1, weight_decay=0.1), "adam": lambda p: fg.optim.Adam(p, 0.1),
    "adam l2": lambda p: fg.optim.Adam(p, 0.1, weight_decay=0.1), "adamw": lambda p: fg.optim.AdamW(p, 0.1),
    "rmsprop": lambda p: fg.optim.RMSprop(p), "centered": lambda p: fg.optim.RMSprop(p, momentum=0.9, centered=True),
}
for dtype in ("float64", "float32"):
    for n in (1, 3, 8, 29, 1025):
        for name, make in makes.items():
            rng = np.random.default_rng(8)
            p = fg.tensor(draw(rng, n, dtype), requires_grad=True)
            opt = make([p])
            for _ in range(3):
                p.grad = rng.normal(size=n).astype(dtype)
                norm = fg.optim.clip_grad_norm_(p, 2.0).item()
                opt.step()
            a = p.detach().numpy().copy()
            a[np.isnan(a)] = np.nan
            print(dtype, n, name, norm.hex(), hashlib.sha256(a.tobytes()).hexdigest()[:16])
"""


def python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env={**os.environ, **environment}
    )


def digests(name):
    done = python(WORK, FASTGRAD_SIMD=name, FASTGRAD_ENGINE="cython")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(_engine.instruction_set == "base", reason="one variant only")
def test_every_instruction_set_gives_the_same_bits():
    usable = instruction_sets()
    base = digests("base")
    assert len(base) > 900
    for name in usable[:-1]:
        differing = [one for one, other in zip(digests(name), base) if one != other]
        assert not differing, f"{name}: {differing[:5]}"


@pytest.mark.parametrize("name", instruction_sets())
def test_the_one_asked_for_is_the_one_in_use(name):
    code = "import fastgrad.core as core; print(core.instruction_set)"
    done = python(code, FASTGRAD_SIMD=name, FASTGRAD_ENGINE="cython")
    if "no such kernels, only base" in done.stderr:
        pytest.skip("this build has the baseline only")
    assert done.stdout.strip() == name


def test_an_unknown_one_is_refused_by_name():
    done = python("import fastgrad", FASTGRAD_SIMD="sse9", FASTGRAD_ENGINE="")
    assert "ImportError: FASTGRAD_SIMD='sse9' is no instruction set: use base, avx2, avx512" in done.stderr


def test_one_that_this_cpu_lacks_is_refused_before_it_is_loaded():
    with pytest.raises(ImportError, match=r"^FASTGRAD_SIMD=avx2: this CPU, or this build of fastgrad, has only base$"):
        chosen("avx2", ["base"])
    assert chosen("", ["avx2", "base"]) == "avx2"
    assert chosen("base", ["avx2", "base"]) == "base"


@pytest.mark.skipif(_engine.instruction_set == "base", reason="one variant only")
def test_a_build_without_the_folder_is_told_from_one_with_it(monkeypatch):
    monkeypatch.setattr(core, "__path__", ["nowhere"])
    with pytest.raises(ImportError, match=r"^FASTGRAD_SIMD=base: this build of fastgrad has no such kernels, only avx"):
        load("base")
