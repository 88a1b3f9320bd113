"""Sphinx extension: writes one page per public object, and their index, before the sources are read."""

import re
import sys
from collections import defaultdict
from pathlib import Path

import entries
import names

# Where a comment in `fastgrad/__init__.py` is not a good heading.
_HEADINGS = {
    "the tensor and its graph": "Tensors and gradients",
    "memory of results, cached for later results": "Memory",
    "activations; fastgrad.nn.functional has these and the losses": "Activations",
}


def _slug(title):
    return re.sub(r"\W+", "-", title.lower())


def _summary(obj):
    """Return the first paragraph of a docstring."""
    return " ".join((obj.__doc__ or "").strip().partition("\n\n")[0].split())


def _write(path, text):
    """Write a page, unless the file is current, so that Sphinx reads only changed pages again."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _group_page(title, members, pages):
    lines = [title, "=" * len(title), "", ".. toctree::", "   :hidden:", ""]
    lines += [f"   {entry.name.rpartition('.')[2]} <{entry.name}>" for entry in members]
    lines += ["", ".. list-table::", "   :class: summary", "   :widths: 30 70", ""]
    for entry in members:
        shown = entry.name.removeprefix("fastgrad.")
        about = pages.prose(_summary(entry.obj)) if entry.kind != "data" else ""
        lines += [f"   * - :py:obj:`{shown} <{entry.name}>`", f"     - {about}"]
    return "\n".join(lines) + "\n"


def generate(folder):
    """Write all pages of the reference into `folder` and return the number of objects.

    The order of the groups is that of the toctree in `reference/index.md`, where new groups come last.
    """
    folder.mkdir(exist_ok=True)
    found = names.entries()
    pages, groups, written = entries.Pages(found), defaultdict(list), set()
    for entry in found:
        groups[entry.group].append(entry)
        _write(folder / f"{entry.name}.rst", pages.page(entry))
        written.add(f"{entry.name}.rst")
    for group, members in groups.items():
        title = _HEADINGS.get(group, group if "." in group else group[:1].upper() + group[1:])
        _write(folder / f"group-{_slug(title)}.rst", _group_page(title, members, pages))
        written.add(f"group-{_slug(title)}.rst")
    for old in folder.glob("*.rst"):
        if old.name not in written:
            old.unlink()
    return len(found)


def _before_reading(app):
    sys.stdout.write(f"reference: {generate(Path(app.srcdir) / 'reference' / 'generated')} entries\n")


def setup(app):
    app.connect("builder-inited", _before_reading)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
