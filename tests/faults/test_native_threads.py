"""Processes with native threads: they fork, are interrupted, end, and have several Python threads."""

import os

import pytest

import fastgrad as fg
from tests.faults.child import run

if fg.engine != "cython":
    pytest.skip("the pure-Python engine starts no threads", allow_module_level=True)

posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
FORKED = ["child 0 True 2", "status 0", "parent True"]


@posix
def test_a_forked_child_starts_threads_of_its_own():
    assert run("native_threads.py", "fork", timeout=120).splitlines() == FORKED


@posix
def test_forks_while_other_threads_run_kernels():
    assert run("native_threads.py", "fork_beside_threads", timeout=120).splitlines() == FORKED * 5


@posix
def test_ctrl_c_reaches_python():
    assert run("native_threads.py", "interrupt", timeout=120).splitlines() == ["interrupted True"]


def test_several_python_threads_share_the_pool():
    assert run("native_threads.py", "python_threads", timeout=120).splitlines() == ["8"]


def test_kernels_inside_a_users_rule():
    assert run("native_threads.py", "inside_a_rule", timeout=120).splitlines() == ["True"]


def test_the_interpreter_ends_while_kernels_run():
    for _ in range(5):
        assert run("native_threads.py", "exit_with_daemon", timeout=120).splitlines() == ["end"]


def test_the_number_changes_between_calls():
    assert run("native_threads.py", "numbers", timeout=120).splitlines() == ["5 15"]
