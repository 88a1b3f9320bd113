"""A progress line for iterables, rewritten in place, or tqdm's bar if tqdm is installed. Computes nothing."""

from __future__ import annotations

import os
import shutil
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, TextIO


class Line:
    """One line on a text file. Errors in writing to the file are ignored."""

    def __init__(self, file: TextIO | None) -> None:
        self.file, self.width = file, 0

    def write(self, line: str) -> None:
        """Write `line` over the previous one, cut to the width of the terminal."""
        room = columns(self.file) - 1
        line, width = cut(line, room)
        self._write("\r" + line + " " * (min(self.width, room) - width))  # a resized terminal may have less room now
        self.width = width

    def end(self) -> None:
        """Move to the next line."""
        self._write("\n")
        self.width = 0

    def _write(self, text: str) -> None:
        if self.file is None:
            return
        try:
            self.file.write(text)
            self.file.flush()
        except UnicodeEncodeError:
            self._write(text.encode("ascii", "replace").decode())
        except (OSError, ValueError):  # the file or the pipe was closed
            self.file = None


def columns(file: Any) -> int:
    """Return the width of the terminal that `file` writes to, or 80, or COLUMNS if it is set."""
    if not os.environ.get("COLUMNS"):
        try:
            return os.get_terminal_size(file.fileno()).columns or 80
        except (AttributeError, OSError, ValueError):  # not a file of the operating system, or not a terminal
            pass
    return shutil.get_terminal_size().columns


def cut(line: str, room: int) -> tuple[str, int]:
    """Return the part of a line that fits, with control characters replaced, and the number of columns it takes."""
    out, width = [], 0
    for char in line:
        if unicodedata.category(char)[0] == "C":
            char = " "
        wide = 0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if width + wide > room:
            break
        out.append(char)
        width += wide
    return "".join(out), width


class Progress:
    """Returned by `progress`: an iterable that shows its progress. Each iteration starts at zero."""

    def __init__(self, iterable: Iterable[Any], total: int | None, text: str, file: TextIO | None) -> None:
        self.iterable, self.total, self.text, self.file = iterable, total, text, file
        self.note = ""
        self._bar: Any = None

    def set_postfix(self, **values: Any) -> None:
        """Show `name=value` after the count."""
        if self._bar is not None:
            self._bar.set_postfix(**values)
        self.note = ", ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in values.items())

    def __len__(self) -> int:
        if self.total is None:
            raise TypeError("the length is unknown")
        return self.total

    def __iter__(self) -> Iterator[Any]:
        self.note = ""
        bar = self._make_bar()
        return self._walk() if bar is None else self._walk_bar(bar)

    def _make_bar(self) -> Any:
        """Return a bar of tqdm, or None if tqdm is not installed or there is no file to write to."""
        if self.file is None or getattr(self.file, "closed", False):
            return None
        try:
            from tqdm import tqdm
        except ImportError:
            return None
        # an iterator, because tqdm would call len() of the iterable again
        iterator = iter(self.iterable)
        return tqdm(iterator, total=self.total, desc=self.text or None, file=self.file, dynamic_ncols=True)

    def _walk_bar(self, bar: Any) -> Iterator[Any]:
        self._bar = bar
        try:
            yield from bar
        finally:
            bar.close()
            self._bar = None

    def _walk(self) -> Iterator[Any]:
        line, done = Line(self.file), 0
        start = last = time.perf_counter()
        try:
            for item in self.iterable:
                yield item
                done += 1
                now = time.perf_counter()
                if now - last > 0.1:  # at most ten times a second
                    line.write(self._text(done, now - start))
                    last = now
        finally:  # also after an error or a break
            line.write(self._text(done, time.perf_counter() - start))
            line.end()

    def _text(self, done: int, seconds: float) -> str:
        count = f"{done}/{self.total}" if self.total else str(done)
        return f"{self.text}{': ' * bool(self.text)}{count} in {seconds:.1f} s {self.note}".rstrip()


def progress(iterable: Iterable[Any], *, total: int | None = None, text: str = "", file: TextIO | None = None) -> Any:
    """Iterate over `iterable` and show the progress on the standard error.

    The progress is tqdm's bar if tqdm is installed, and otherwise a plain line.

    Parameters
    ----------
    iterable : iterable
        May be iterated several times; each iteration shows a new line.
    total : int, optional
        The number of items. By default `len(iterable)`, if it has a length.
    text : str
        Shown before the count.
    file : text file, optional
        Where to write, by default the standard error. Nothing is shown if it is closed or missing.

    Returns
    -------
    iterable
        With a method `set_postfix(**values)`, which shows values after the count.
    """
    if total is None:
        try:
            total = len(iterable)  # type: ignore[arg-type]
        except Exception:  # any error of a `__len__` means that the length is unknown
            total = None
    return Progress(iterable, total, text, sys.stderr if file is None else file)
