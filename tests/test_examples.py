"""Every example runs, prints, and passes the comparisons it contains."""

import pathlib
import runpy

import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "examples"
FILES = sorted(EXAMPLES.glob("*.py"))

pytestmark = pytest.mark.skipif(not FILES, reason="the examples are not part of this distribution")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_example(file, capsys):
    runpy.run_path(str(file), run_name="__main__")
    assert "by hand" in capsys.readouterr().out


def test_the_readme_lists_every_example():
    text = (EXAMPLES / "README.md").read_text()
    assert [file.name for file in FILES if f"[{file.name}]" not in text] == []
