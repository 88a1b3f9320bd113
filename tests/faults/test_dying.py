"""Deallocations that run Python code: no thread waits for another, and each releases what dies on it."""

import os

import pytest

import fastgrad as fg
from tests.faults.child import run

pytestmark = pytest.mark.skipif(fg.engine != "cython", reason="the readable engine leaves deallocation to CPython")
STORIES = ["in_every_order", "thread_ends_meanwhile", "long_program", "one_below_the_other"]
FORKS = ["fork_inside", "fork_beside"]


@pytest.mark.parametrize("kind", ["tensor", "value"])
@pytest.mark.parametrize("story", STORIES)
def test_python_code_inside_a_deallocation(story, kind):
    assert run("dying.py", story, kind) == "ok\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("kind", ["tensor", "value"])
@pytest.mark.parametrize("story", FORKS)
def test_a_fork_inside_a_deallocation(story, kind):
    assert run("dying.py", story, kind) == "ok\n"


@pytest.mark.parametrize("kind", ["tensor", "value"])
def test_greenlets_inside_deallocations(kind):
    pytest.importorskip("greenlet")
    assert run("dying.py", "greenlets", kind) == "ok\n"
