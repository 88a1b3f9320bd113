"""The table of names of other libraries that are called otherwise here, are not here, or mean something else here.

Names that are the same here, or are aliases, need no row. The rows are in the files `rows_*.py`, as text, one a line:

    where.name | what to use here | why, or what differs

A line that is indented continues the row.

`where` is fg, Tensor, nn, nn.functional or optim. `python -m fastgrad.foreign` writes the rows as Markdown.
"""

from fastgrad._lazy import lazy_module

_FILES = {
    "pytorch": lazy_module("fastgrad.foreign.rows_pytorch"),
    "numpy": lazy_module("fastgrad.foreign.rows_numpy"),
    "jax": lazy_module("fastgrad.foreign.rows_jax"),
    "autograd": lazy_module("fastgrad.foreign.rows_autograd"),
    "micrograd": lazy_module("fastgrad.foreign.rows_micrograd"),
}
LIBRARIES = tuple(_FILES)
_WHERE = ("nn.functional", "Tensor", "optim", "nn", "fg")


class Row:
    """One name of another library.

    Attributes
    ----------
    library : str
    where : {"fg", "Tensor", "nn", "nn.functional", "optim"}
    name : str
    here : str
        Code to use instead; empty if there is none.
    why : str
        The reason or the difference; may be empty.
    differs : bool
        Whether the name is here, with another meaning.
    """

    __slots__ = ("differs", "here", "library", "name", "where", "why")

    def __init__(self, library, spelled, here, why, differs):
        self.library, self.here, self.why, self.differs = library, here, why, differs
        self.where = next(where for where in _WHERE if spelled.startswith(where + "."))
        self.name = spelled.removeprefix(self.where + ".")

    def answer(self):
        """Return what an error says about the name."""
        if self.here and self.why:
            return f"use {self.here} ({self.why})"
        return f"use {self.here}" if self.here else self.why


def rows(library=None):
    """Return the rows of one library, or of all.

    Parameters
    ----------
    library : str, optional
        One of `LIBRARIES`.

    Returns
    -------
    list of Row
    """
    found = []
    for each in LIBRARIES if library is None else (library,):
        for text, differs in ((_FILES[each].NAMES, False), (_FILES[each].DIFFERENT, True)):
            for line in text.strip().replace("\n    ", " ").splitlines():
                spelled, here, why = (*(part.strip() for part in line.split("|")), "")[:3]
                found.append(Row(each, spelled, here, why, differs))
    return found


_by_name: dict[tuple[str, str], Row] = {}


def find(where, name):
    """Return the row of a name, or None."""
    if not _by_name:
        _by_name.update({(row.where, row.name): row for row in reversed(rows()) if not row.differs})
    return _by_name.get((where, name))
