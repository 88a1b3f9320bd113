"""The README and the pages: their code runs, their pictures are current, their links lead somewhere.

The documentation site is built by `nox -s docs`. What can be tested without Sphinx is tested here.
"""

import importlib
import inspect
import re
import sys
from pathlib import Path

import pytest

import fastgrad as fg
from fastgrad.cli import main
from fastgrad.rules import FUNCTIONS, RULES

ROOT = Path(__file__).parents[2]
SITE = sorted((ROOT / "docs").rglob("*.md"))
PAGES = sorted(path for folder in (".", "bench", "examples") for path in (ROOT / folder).glob("*.md")) + SITE
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
    pages = [path for path in PAGES if path.name == "README.md" and path.parent.name != "examples"]
    return [(path.name, block) for path in pages for block in PYTHON_BLOCK.findall(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(("page", "block"), blocks_of_the_pages())
def test_the_code_of_the_readme_runs(page, block):
    exec(compile(block, page, "exec"), {})


def site(name):
    """Import a module of the site's tools. None of these imports Sphinx."""
    sys.path.insert(0, str(ROOT / "docs" / "_site"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)


@pytest.fixture
def registry():
    """Remove the ops that a page defines."""
    before = set(RULES), set(FUNCTIONS)
    yield
    for table, names in zip((RULES, FUNCTIONS), before, strict=True):
        for name in set(table) - names:
            del table[name]


@pytest.mark.parametrize("page", SITE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_code_of_a_page_runs_and_prints_what_the_page_says(page, registry):
    text = page.read_text(encoding="utf-8")
    if "\nfrom scipy" in text:
        pytest.importorskip("scipy")
    blocks = site("pages").run(text, page.name)
    assert len(blocks) == text.count("```python")


def test_a_page_that_prints_something_else_fails():
    page = "```python\nprint(1 + 1)\n```\n\n```output\n{}\n```\n"
    [block] = site("pages").run(page.format("2"), "page.md")
    assert block.printed == "2\n"
    with pytest.raises(AssertionError, match=r"page\.md, line 2: the block prints\n2\n\nbut the page says\n3"):
        site("pages").run(page.format("3"), "page.md")
    with pytest.raises(AssertionError, match="prints"):
        site("pages").run("```python\nprint(1)\n```\n", "page.md")


def public_names():
    """All public names, found by looking at the modules: what `dir` lists, or `__all__` where there is one."""
    found = set()
    modules = [fg, fg.nn, fg.nn.functional, fg.nn.init, fg.nn.utils, fg.optim, fg.optimize, fg.data]
    modules += [fg.testing, fg.transforms, fg.parallel]
    for module in modules:
        for name in getattr(module, "__all__", None) or dir(module):
            obj = getattr(module, name)
            ours = getattr(obj, "__module__", "").startswith(module.__name__)
            if name[0] != "_" and not inspect.ismodule(obj) and (hasattr(module, "__all__") or module is fg or ours):
                found.add(f"{module.__name__}.{name}")
    errors = {error for error in vars(fg.errors).values() if inspect.isclass(error)}
    return found | {f"fastgrad.errors.{error.__name__}" for error in errors}


def test_every_public_name_has_a_page_in_the_reference():
    entries = site("names").entries()
    documented = {name for entry in entries for name in (entry.name, *entry.aliases)}
    assert public_names() - documented == set()
    assert {"fastgrad.tanh", "fastgrad.acos", "fastgrad.Tensor", "fastgrad.micrograd.engine.Value"} <= documented


def test_every_page_of_the_reference_has_a_text():
    names = site("names")
    for entry in names.entries():
        if entry.kind != "data":
            assert inspect.getdoc(entry.obj), entry.name
        if entry.kind == "class":
            for name, member in names.members(entry.obj).items():
                described = inspect.getdoc(member) or names.is_described(entry.obj, name)
                assert described or fg.engine == "python", f"{entry.name}.{name}"  # whose slots have no docstrings


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        ("g * (1 - y) * (1 + y)", r"g\,\left(1 - y\right)\,\left(1 + y\right)"),
        ("-g * x / sqrt(1 - x)", r"\frac{-g\,x}{\sqrt{1 - x}}"),
        ("a - (b - c)", r"a - \left(b - c\right)"),
        ("a * -b", r"a\,\left(-b\right)"),
        ("x1.T @ g", r"{x_1}^\top\,g"),
        ("sum(g * y, axis, True)", r"\sum_{\mathit{axis}} g\,y"),
        ("x**(n - 1)", r"{x}^{n - 1}"),
        ("g[key]", r"{g}_{\mathit{key}}"),
        ("conj(g) * 1j", r"\overline{g} \cdot i"),
        ("unknown(g)", None),
        ("lambda: g", None),
        ("not python", None),
    ],
)
def test_a_formula_as_mathematics(formula, latex):
    assert site("mathematics").latex(formula) == latex


def test_links_of_a_built_site_are_checked(tmp_path, capsys):
    (tmp_path / "a.html").write_text('<a href="b.html#there">b</a> <a href="https://example.org/x">x</a>')
    (tmp_path / "b.html").write_text('<p id="there"><a href="a.html"></a></p>')
    assert site("links").main([str(tmp_path)]) == 0
    assert "0 broken links; 1 links to other sites" in capsys.readouterr().out
    (tmp_path / "c.html").write_text('<a href="b.html#here"></a><img src="no.png">')
    assert site("links").main([str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "c.html: b.html#here leads to no element" in out and "c.html: no.png leads to no file" in out


def test_the_pages_on_installation_have_the_lines_of_the_readme():
    lines = [line.strip() for line in text_of("README.md").splitlines() if line.startswith("    python3 -m venv")]
    assert len(lines) == 2
    assert all(line in text_of("docs/install.md") for line in lines)
    assert lines[0] in text_of("docs/index.md")


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
