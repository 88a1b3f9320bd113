"""The README and the pages: their code runs, their pictures are current, their links lead somewhere."""

import re
from pathlib import Path

import pytest

from fastgrad.cli import main

ROOT = Path(__file__).parents[2]
PAGES = sorted(path for folder in (".", "docs", "bench", "examples") for path in (ROOT / folder).glob("*.md"))
PYTHON_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")

pytestmark = pytest.mark.skipif(not PAGES, reason="the pages are not beside these tests")


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def anchors(text):
    """The anchors that GitHub makes of the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def blocks_of_the_pages():
    pages = [path for path in PAGES if path.name in ("README.md", "training.md") and path.parent.name != "examples"]
    return [(path.name, block) for path in pages for block in PYTHON_BLOCK.findall(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(("page", "block"), blocks_of_the_pages())
def test_the_code_of_the_readme_and_the_pages_runs(page, block):
    exec(compile(block, page, "exec"), {})


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_and_headings_of_the_repository(page):
    for target in LINK.findall(re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)):
        if re.match(r"[a-z]+:", target):
            continue  # another site
        name, _, anchor = target.partition("#")
        path = (page.parent / name) if name else page
        assert path.exists(), target
        if anchor:
            assert anchor in anchors(path.read_text(encoding="utf-8")), target


def test_the_readme_has_its_two_lines():
    text = text_of("README.md")
    for what in ("python -m fastgrad", "python -m pytest"):
        lines = [line for line in text.splitlines() if line.startswith("    ") and line.endswith(what)]
        assert len(lines) == 1, what
        assert "-m venv" in lines[0] and "pip install" in lines[0]


def test_the_picture_in_the_readme_is_what_its_command_makes(tmp_path):
    shown = text_of("docs/graph.svg")
    readme = text_of("README.md")
    words = re.search(r'python -m fastgrad draw "(.*)" (x=\S+) (y=[^\s`]+)', readme)
    assert main(["draw", *words.groups(), "-o", str(tmp_path / "graph.svg")]) == 0
    made = (tmp_path / "graph.svg").read_text(encoding="utf-8")
    # Tooltips show all digits, and the last ones depend on the machine's exp.
    assert re.sub("<title>.*?</title>", "", made, flags=re.S) == re.sub("<title>.*?</title>", "", shown, flags=re.S)


def test_the_page_on_pictures_runs_as_it_stands(tmp_path, monkeypatch, capsys):
    text = text_of("docs/pictures.md")
    monkeypatch.chdir(tmp_path)
    [block] = PYTHON_BLOCK.findall(text)
    exec(compile(block, "pictures.md", "exec"), {})
    table = re.search(r"```text\n(.*?)```", text, flags=re.S)[1]
    assert capsys.readouterr().out == table
