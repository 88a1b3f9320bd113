"""Reads constants of the compiled engine from its sources, so that tests can check their sizes against them."""

import re
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "src" / "fastgrad" / "core"


def core_constants(*names):
    """Return the values of constants, each defined once as `NAME = number` in an enum or by `#define NAME number`."""
    if not CORE.is_dir():
        pytest.skip("the sources are not beside these tests")
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(CORE.rglob("*.p[yx][xid]")))
    found = []
    for name in names:
        values = re.findall(rf"^ *(?:#define {name}|{name} =) (\d+)\b", text, re.MULTILINE)
        assert len(values) == 1, f"{name} is defined {len(values)} times: {values}"
        found.append(int(values[0]))
    return found
