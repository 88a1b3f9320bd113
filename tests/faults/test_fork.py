"""A process forked while one of its threads sweeps: the child, which lacks that thread, does not wait for it."""

import os

import pytest

from tests.faults.child import run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@pytest.mark.parametrize("kind", ["float", "complex", "create_graph", "gradients"])
def test_a_sweep_of_another_thread_does_not_exist_in_the_child(kind):
    lines = run("forked.py", kind, timeout=120).splitlines()
    assert lines == ["child [10.0, 10.0] True", "status 0", "parent [7.0, 7.0]"]


def test_a_hook_that_forks():
    lines = run("forked.py", "own", timeout=120).splitlines()
    assert lines == ["parent [7.0, 7.0]", "child 7"]
