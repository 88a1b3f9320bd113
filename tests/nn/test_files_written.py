"""Saving replaces a file completely or not at all: with several threads and processes, on errors, and when killed."""

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from fastgrad import nn
from fastgrad.errors import FastgradError
from fastgrad.nn import atomic

posix = pytest.mark.skipif(os.name != "posix", reason="of POSIX file systems")
needs_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")


@pytest.fixture(params=["nameless", "named"])
def way(request, monkeypatch):
    """Save through unnamed temporary files, and as on systems without them."""
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    return request.param


def value_of(path):
    return nn.load(path)["a"].numpy()


def test_writers_and_readers_at_once_meet_whole_files(tmp_path, way):
    path = tmp_path / "a.npz"
    nn.save({"a": np.full(5000, -1.0)}, path)
    errors = []

    def write(k):
        try:
            for i in range(15):
                nn.save({"a": np.full(5000, k + i / 100)}, path)
        except BaseException as error:
            errors.append(error)

    def read():
        try:
            for _ in range(40):
                got = value_of(path)
                assert got.shape == (5000,) and (got == got[0]).all()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(k,)) for k in range(3)]
    threads += [threading.Thread(target=read) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors
    assert os.listdir(tmp_path) == ["a.npz"]


@posix
def test_processes_of_one_number_do_not_share_a_file(tmp_path, way, monkeypatch):
    """Two containers may both be process 1, so that names must not depend on the process number."""
    names = set()
    monkeypatch.setattr(os, "getpid", lambda: 1)
    real = atomic._name
    monkeypatch.setattr(atomic, "_name", lambda folder: names.add(made := real(folder)) or made)
    for k in range(3):
        nn.save({"a": np.full(3, k)}, tmp_path / "a.npz")
    assert len(names) == 3


class Refuses:
    """An array whose conversion fails."""

    shape = ()

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no numbers here")


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError(errno.EIO, "gone"), ValueError])
def test_an_error_in_the_middle_leaves_the_old_file_and_nothing_else(tmp_path, way, monkeypatch, error):
    path = tmp_path / "a.npz"
    nn.save({"a": 1.0}, path)
    count = 0
    real = os.write

    def write(descriptor, data):
        nonlocal count
        count += 1
        if count == 4:
            raise error
        return real(descriptor, data)

    with monkeypatch.context() as patch, pytest.raises(error if isinstance(error, type) else type(error)):
        patch.setattr(os, "write", write)
        nn.save({"a": np.ones(1000), "b": np.ones(1000)}, path)
    assert value_of(path) == 1 and os.listdir(tmp_path) == ["a.npz"]
    with pytest.raises(FastgradError, match="entry 'b' is of type Refuses"):
        nn.save({"a": 2.0, "b": Refuses()}, path)
    assert value_of(path) == 1 and os.listdir(tmp_path) == ["a.npz"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_an_error_at_the_end_leaves_the_old_file_and_nothing_else(tmp_path, way, monkeypatch, call):
    path = tmp_path / "a.npz"
    nn.save({"a": 1.0}, path)

    def fail(*_, **__):
        raise OSError(errno.EIO, "gone")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="gone"):
        patch.setattr(os, call, fail)
        nn.save({"a": 2.0}, path)
    assert value_of(path) == 1 and os.listdir(tmp_path) == ["a.npz"]


@posix
def test_a_file_that_can_have_no_name_later_is_copied_to_one(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    nn.save({"a": 1.0}, path)
    os.chmod(path, 0o640)

    def fail(*_, **__):
        raise OSError(errno.ENOENT, "no links here")

    monkeypatch.setattr(os, "link", fail)
    nn.save({"a": np.arange(500_000.0)}, path)
    assert value_of(path)[-1] == 499_999 and os.listdir(tmp_path) == ["a.npz"]
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o640
    if hasattr(os, "O_TMPFILE"):
        monkeypatch.setattr(os, "pread", fail)
        with pytest.raises(OSError, match="no links here"):
            nn.save({"a": 2.0}, path)
        assert value_of(path)[-1] == 499_999 and os.listdir(tmp_path) == ["a.npz"]


def test_the_file_and_its_folder_are_flushed_in_that_order(tmp_path, way, monkeypatch):
    steps = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)

        def noted(*args, name=name, real=real):
            folder = name == "fsync" and stat.S_ISDIR(os.fstat(args[0]).st_mode)
            steps.append("folder" if folder else name)
            return real(*args)

        monkeypatch.setattr(os, name, noted)
    nn.save({"a": 1.0}, tmp_path / "a.npz")
    assert steps == ["fsync", "replace", "folder"][: 3 if hasattr(os, "O_DIRECTORY") else 2]


CHILD = """
import signal, sys, numpy as np
from fastgrad import nn
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell ignores it
print("ready", flush=True)
while True:
    nn.save({"a": np.full(300_000, 2.0)}, sys.argv[1])
"""


@posix
@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="a file has a name from the beginning")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_a_killed_writer_leaves_a_whole_file(tmp_path, number):
    path = tmp_path / "a.npz"
    nn.save({"a": np.full(300_000, 1.0)}, path)
    for k in range(3):
        child = subprocess.Popen([sys.executable, "-c", CHILD, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert child.stdout.readline() == b"ready\n"
        time.sleep(0.02 + 0.05 * k)
        child.send_signal(number)
        try:
            child.communicate(timeout=60)
        finally:
            child.kill()
        assert value_of(path)[0] in (1.0, 2.0)
    # between its naming and its moving, two system calls, a killed process may leave a file: most runs leave none
    assert len([name for name in os.listdir(tmp_path) if name != "a.npz"]) <= 1


@posix
def test_what_was_there_keeps_its_mode_and_links_lead_on(tmp_path, way):
    (tmp_path / "real").mkdir()
    path, link = tmp_path / "real" / "a.npz", tmp_path / "link.npz"
    os.symlink("real/a.npz", link)
    old = os.umask(0o027)
    try:
        nn.save({"a": 1.0}, link)  # which led to nothing
    finally:
        os.umask(old)
    assert os.path.islink(link) and stat.S_IMODE(os.stat(path).st_mode) == 0o640
    for mode in (0o600, 0o664, 0o777):
        os.chmod(path, mode)
        nn.save({"a": float(mode)}, link)
        assert os.path.islink(link) and stat.S_IMODE(os.stat(path).st_mode) == mode
        assert value_of(path) == mode
    assert os.listdir(tmp_path / "real") == ["a.npz"]


@posix
def test_what_is_not_to_be_replaced_is_not(tmp_path, way):
    path = tmp_path / "a.npz"
    nn.save({"a": 1.0}, path)
    os.chmod(path, 0o444)
    with pytest.raises(PermissionError, match=r"read-only.*a\.npz"):
        nn.save({"a": 2.0}, path)
    os.chmod(path, 0o644)
    assert value_of(path) == 1
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(IsADirectoryError):
        nn.save({"a": 2.0}, tmp_path / "folder.npz")
    with pytest.raises(FileNotFoundError):
        nn.save({"a": 2.0}, tmp_path / "nowhere" / "a.npz")
    os.symlink("b.npz", tmp_path / "c.npz"), os.symlink("c.npz", tmp_path / "b.npz")
    with pytest.raises(OSError, match=r"[Ss]ymbolic links"):
        nn.save({"a": 2.0}, tmp_path / "b.npz")
    assert sorted(os.listdir(tmp_path)) == ["a.npz", "b.npz", "c.npz", "folder.npz"]


def test_names_as_long_as_a_name_may_be(tmp_path, way):
    path = tmp_path / ("n" * 251 + ".npz")
    nn.save({"a": 1.0}, path)
    nn.save({"a": 2.0}, path)
    assert value_of(path) == 2 and os.listdir(tmp_path) == [path.name]


def test_a_name_without_a_folder_is_of_the_current_one(tmp_path, way, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nn.save({"a": 1.0}, "a.npz")
    assert os.listdir(tmp_path) == ["a.npz"] and value_of("a.npz") == 1


@needs_full
@pytest.mark.parametrize("format", ["npz", "safetensors"])
def test_a_full_disk_is_an_oserror(tmp_path, format):
    if format == "safetensors":
        pytest.importorskip("safetensors")
    path = tmp_path / f"full.{format}"
    os.symlink("/dev/full", path)
    for size in (1, 100_000):
        with pytest.raises(OSError) as caught:
            nn.save({"a": np.ones(size), "b": np.ones(3)}, path)
        assert caught.value.errno == errno.ENOSPC
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


def test_a_disk_that_fills_up_in_the_middle_is_an_oserror(tmp_path, way, monkeypatch):
    """`os.write` writes a part of the data if the disk is nearly full, and fails on the rest."""
    path = tmp_path / "a.npz"
    nn.save({"a": 1.0}, path)
    room = 5000
    real = os.write

    def write(descriptor, data):
        nonlocal room
        if room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        data = bytes(data)[: min(room, 700)]
        room -= len(data)
        return real(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        nn.save({"a": np.arange(300.0)}, path)  # in small parts, and all of it
        assert value_of(path).tolist() == list(range(300))
        with pytest.raises(OSError) as caught:
            nn.save({"a": np.ones(300), "b": np.ones(300)}, path)
    assert caught.value.errno == errno.ENOSPC
    assert value_of(path).tolist() == list(range(300)) and os.listdir(tmp_path) == ["a.npz"]
