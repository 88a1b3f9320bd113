"""A line of progress for any iterable, rewritten in place; tqdm's bar where that is installed. Computes nothing."""

from __future__ import annotations

import os
import shutil
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, TextIO


class _Line:
    """One line on a text file that cannot fail: what cannot be written, to a file that is closed, is not."""

    def __init__(self, file: TextIO | None) -> None:
        self.file, self.said = file, 0

    def say(self, line: str) -> None:
        """Write `line` over the one before, cut to the width of the terminal."""
        line, width = _cut(line, _columns(self.file) - 1)
        self._write("\r" + line + " " * (self.said - width))
        self.said = width

    def end(self) -> None:
        """Go to the next line."""
        self._write("\n")
        self.said = 0

    def _write(self, text: str) -> None:
        if self.file is None:
            return
        try:
            self.file.write(text)
            self.file.flush()
        except UnicodeEncodeError:
            self._write(text.encode("ascii", "replace").decode())
        except (OSError, ValueError):  # closed, or its reader is gone
            self.file = None


def _columns(file: Any) -> int:
    if not os.environ.get("COLUMNS"):
        try:
            return os.get_terminal_size(file.fileno()).columns or 80
        except (AttributeError, OSError, ValueError):  # no file of the system's, or no terminal
            pass
    return shutil.get_terminal_size().columns


def _cut(line: str, columns: int) -> tuple[str, int]:
    """As much of a line as fits, without what would end it or move the cursor; and how many columns that takes."""
    out, width = [], 0
    for char in line:
        if unicodedata.category(char)[0] == "C":
            char = " "
        wide = 0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if width + wide > columns:
            break
        out.append(char)
        width += wide
    return "".join(out), width


class Progress:
    """What `progress` returns: an iterable that shows how far it is; each walk starts anew."""

    def __init__(self, iterable: Iterable[Any], total: int | None, text: str, file: TextIO | None) -> None:
        self.iterable, self.total, self.text, self.file = iterable, total, text, file
        self.note = ""
        self._bar: Any = None

    def set_postfix(self, **values: Any) -> None:
        """Show `name=value` behind the count."""
        if self._bar is not None:
            self._bar.set_postfix(**values)
        self.note = ", ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in values.items())

    def __len__(self) -> int:
        if self.total is None:
            raise TypeError("how many there are is not known")
        return self.total

    def __iter__(self) -> Iterator[Any]:
        self.note = ""
        bar = self._make_bar()
        return self._walk() if bar is None else self._walk_bar(bar)

    def _make_bar(self) -> Any:
        """tqdm's, or None where there is none, or nothing to write to."""
        if self.file is None or getattr(self.file, "closed", False):
            return None
        try:
            from tqdm import tqdm
        except ImportError:
            return None
        # an iterator: tqdm would ask the iterable for its length once more
        one_by_one = iter(self.iterable)
        return tqdm(one_by_one, total=self.total, desc=self.text or None, file=self.file, dynamic_ncols=True)

    def _walk_bar(self, bar: Any) -> Iterator[Any]:
        self._bar = bar
        try:
            yield from bar
        finally:
            bar.close()
            self._bar = None

    def _walk(self) -> Iterator[Any]:
        line, done = _Line(self.file), 0
        start = last = time.perf_counter()
        try:
            for one in self.iterable:
                yield one
                done += 1
                now = time.perf_counter()
                if now - last > 0.1:  # at most ten times a second
                    line.say(self._text(done, now - start))
                    last = now
        finally:  # after the last one, an error, or a break
            line.say(self._text(done, time.perf_counter() - start))
            line.end()

    def _text(self, done: int, seconds: float) -> str:
        count = f"{done}/{self.total}" if self.total else str(done)
        return f"{self.text}{': ' * bool(self.text)}{count} in {seconds:.1f} s {self.note}".rstrip()


def progress(iterable: Iterable[Any], *, total: int | None = None, text: str = "", file: TextIO | None = None) -> Any:
    """`iterable`, and its progress on the standard error: tqdm's bar where that is installed, else a plain line.

    Parameters
    ----------
    iterable : iterable
        Walked anew, with a new line, as often as it can be walked.
    total : int, optional
        How many there are; `len(iterable)` where it has one.
    text : str
        What stands before the count.
    file : text file, optional
        Where it is closed, or there is no standard error, nothing is shown.

    Returns
    -------
    iterable
        With a method `set_postfix(**values)`, which shows values behind the count.
    """
    if total is None:
        try:
            total = len(iterable)  # type: ignore[arg-type]
        except Exception:  # of whatever class: a length that cannot be told is none
            total = None
    return Progress(iterable, total, text, sys.stderr if file is None else file)
