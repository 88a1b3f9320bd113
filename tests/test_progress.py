"""The progress line: restarts with every iteration, always ends, raises no error of its own, and fits the terminal."""

import io
import os
import sys
import unicodedata

import pytest

from fastgrad.data import progress


@pytest.fixture(params=["plain", "tqdm"])
def kind(request, monkeypatch):
    if request.param == "tqdm":
        pytest.importorskip("tqdm")
    else:
        monkeypatch.setitem(sys.modules, "tqdm", None)
    return request.param


@pytest.fixture
def plain(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)


@pytest.fixture
def at_once(monkeypatch):
    """A clock that advances by a second on every call, so that every line is written."""
    now = iter(range(10**6))
    monkeypatch.setattr("fastgrad._progress.time.perf_counter", lambda: float(next(now)))


def test_a_second_walk_starts_anew(kind):
    out = io.StringIO()
    bar = progress([1, 2, 3], file=out)
    for _ in range(2):
        for one in bar:
            bar.set_postfix(at=one)
    assert list(bar) == [1, 2, 3] and len(bar) == 3
    ends = [line for line in out.getvalue().split("\n") if line]
    assert len(ends) == 3 and all("3/3" in line for line in ends)
    assert "at=3" in ends[1] and "at=" not in ends[2]


@pytest.mark.parametrize("how", ["break", "error", "closed"])
def test_the_line_ends_whatever_ends_the_walk(kind, how):
    out = io.StringIO()
    walk = iter(progress([1, 2, 3], file=out))

    def run():
        for one in walk:
            if one == 2 and how == "break":
                break
            if one == 2 and how == "error":
                raise KeyError("in the loop")
            if one == 2:
                walk.close()

    if how == "error":
        with pytest.raises(KeyError):
            run()
    else:
        run()
    walk.close()  # which a loop over the bar itself leads to
    assert out.getvalue().count("\n") == 1 and out.getvalue().endswith("\n")


def test_a_loop_that_is_left_ends_its_line(kind):
    out = io.StringIO()
    for _ in progress([1, 2, 3], file=out):
        break
    import gc

    gc.collect()
    assert out.getvalue().endswith("\n") and out.getvalue().count("\n") == 1


def test_an_iterable_that_raises_ends_its_line(kind):
    def broken():
        yield 1
        raise OSError("the data is gone")

    out = io.StringIO()
    with pytest.raises(OSError, match="the data is gone"):
        list(progress(broken(), file=out))
    assert out.getvalue().endswith("\n")


class Gone(io.StringIO):
    """A pipe whose reader has closed it."""

    def write(self, text):
        raise BrokenPipeError("nobody reads")


def closed_file():
    file = io.StringIO()
    file.close()
    return file


@pytest.mark.parametrize("stderr", [lambda: None, closed_file, Gone], ids=["none", "closed", "broken"])
def test_nothing_to_write_to_is_no_error(plain, monkeypatch, stderr, at_once):
    monkeypatch.setattr(sys, "stderr", stderr())
    bar = progress([1, 2, 3], text="steps")
    for one in bar:
        bar.set_postfix(at=one)
    assert list(bar) == [1, 2, 3]


def test_nothing_to_write_to_is_no_error_with_tqdm_either(monkeypatch):
    pytest.importorskip("tqdm")
    for stderr in (None, closed_file()):
        monkeypatch.setattr(sys, "stderr", stderr)
        assert list(progress([1, 2, 3])) == [1, 2, 3]


def test_a_file_that_is_closed_in_the_middle_is_no_error(kind):
    out = io.StringIO()
    for k, _ in enumerate(progress([1, 2, 3], file=out)):
        if k == 1:
            out.close()


def test_a_file_that_cannot_have_the_text_gets_what_it_can(plain):
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii")
    list(progress([1], text="größe", file=file))
    assert b"gr??e: 1/1" in raw.getvalue()


@pytest.mark.parametrize("error", [TypeError, ValueError, RuntimeError, NotImplementedError, OverflowError])
def test_a_length_that_cannot_be_told_is_none(kind, error):
    class Stream:
        def __len__(self):
            raise error("not known")

        def __iter__(self):
            return iter("ab")

    out = io.StringIO()
    bar = progress(Stream(), file=out)
    assert [one for one in bar] == ["a", "b"]
    assert "2" in out.getvalue()
    with pytest.raises(TypeError, match="the length is unknown"):
        len(bar)


@pytest.mark.parametrize("columns", [1, 10, 40, 200])
@pytest.mark.parametrize("text", ["a long name of an epoch " * 5, "中文" * 30, "two\nlines\rand\x1b[2J", "é̂" * 50])
def test_lines_fit_the_terminal(plain, monkeypatch, at_once, columns, text):
    monkeypatch.setenv("COLUMNS", str(columns))
    out = io.StringIO()
    bar = progress([1, 2, 3], text=text, file=out)
    for k in bar:
        bar.set_postfix(value="x" * (100 - 40 * k))
    lines = out.getvalue().removesuffix("\n").split("\r")[1:]
    assert len(lines) == 4 and "\n" not in "".join(lines) and "\x1b" not in out.getvalue()
    wide = lambda c: 0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
    shown = 0
    for line in lines:
        width = sum(map(wide, line))
        assert shown <= width <= max(columns - 1, 0)  # written over the one before, and not over the edge
        shown = sum(map(wide, line.rstrip()))


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals here")
def test_the_width_is_that_of_the_terminal_written_to(plain, monkeypatch):
    fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")
    import struct

    monkeypatch.delenv("COLUMNS", raising=False)
    try:
        master, slave = os.openpty()
    except OSError as error:
        pytest.skip(f"no terminals here: {error}")
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 17, 0, 0))
    with os.fdopen(slave, "w") as file:
        list(progress([1], text="wider than the terminal", file=file))
        shown = os.read(master, 1000).decode()
    os.close(master)
    assert shown.strip("\r\n") == "wider than the t"
