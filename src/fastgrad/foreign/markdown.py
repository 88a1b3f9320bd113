"""The table of foreign names as Markdown, one section per library. Reads the table; writes to no file."""

from fastgrad.foreign import functions, table, tensor

TITLES = {"pytorch": "PyTorch", "numpy": "NumPy", "jax": "JAX", "autograd": "HIPS autograd", "micrograd": "micrograd"}
_HEADS = {True: ("name", "here", "what differs"), False: ("name", "here", "why")}


def _code(text):
    return f"`{text}`" if text else ""


def _cell(text):
    return text.replace("|", "\\|")


def _rows(rows, head):
    lines = ["| " + " | ".join(head) + " |", "|---|---|---|"]
    for row in sorted(rows, key=lambda row: (row.where, row.name.lower())):
        spelled = f"x.{row.name}" if row.where == "Tensor" else f"{row.where}.{row.name}"
        lines.append(f"| {_code(spelled)} | {_cell(_code(row.here))} | {_cell(row.why)} |")
    return "\n".join(lines)


def aliases():
    """Return the aliases of PyTorch's names as a Markdown table."""
    lines = ["| name | alias of |", "|---|---|"]
    lines += [f"| `fg.{name}` | `fg.{target}` |" for name, target in sorted(functions.ALIASES.items())]
    own = set(functions.ALIASES)
    lines += [f"| `x.{name}()` | `fg.{target}` |" for name, target in sorted(tensor.ALIASES.items()) if name not in own]
    return "\n".join(lines)


def markdown(library, level=2):
    """Return the names of one library that differ from those of fastgrad, as Markdown.

    Parameters
    ----------
    library : {"pytorch", "numpy", "jax", "autograd", "micrograd"}
    level : int
        The level of the headings.

    Returns
    -------
    str
        Tables of what means something else, of what is called otherwise or is not here, and for PyTorch of aliases.

    Raises
    ------
    ValueError
        If the library is unknown.
    """
    if library not in table.LIBRARIES:
        raise ValueError(f"library must be one of {', '.join(table.LIBRARIES)}, got {library!r}")
    rows = table.rows(library)
    head = "#" * level
    parts = [f"{head} Names that mean something else", _rows([row for row in rows if row.differs], _HEADS[True])]
    parts += [f"{head} Names that are called otherwise, or are not here"]
    parts += [_rows([row for row in rows if not row.differs], _HEADS[False])]
    if library == "pytorch":
        parts += [f"{head} Aliases", aliases()]
    return "\n\n".join(parts) + "\n"
