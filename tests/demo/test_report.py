"""The report of the demo can be read: contrast of its colours, tables behind its figures, narrow screens, print."""

import re
from html.parser import HTMLParser

import pytest

from fastgrad.cli import main
from fastgrad.demo.report import DARKEST
from fastgrad.demo.style import CSS

PALETTES = [dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in re.findall(r":root \{([^}]*)\}", CSS)]


def channels(colour):
    return [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]


def contrast(one, other):
    """Return the contrast ratio of two colours, as channels from 0 to 1, by the definition of WCAG 2."""

    def luminance(colour):
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_contrast_of_known_colours():
    assert contrast(channels("#000000"), channels("#ffffff")) == pytest.approx(21)
    assert contrast(channels("#777777"), channels("#ffffff")) == pytest.approx(4.48, abs=0.01)


def test_there_are_palettes_for_light_and_dark_screens_and_for_paper():
    assert len(PALETTES) == 3
    assert all(palette.keys() == PALETTES[0].keys() for palette in PALETTES)
    assert PALETTES[2]["page"] == "#ffffff"


@pytest.mark.parametrize("palette", PALETTES, ids=["light", "dark", "print"])
@pytest.mark.parametrize("colour", ["text", "quiet", "blue", "orange"])
def test_text_has_enough_contrast(palette, colour):
    for ground in ("page", "card", "paper"):
        assert contrast(channels(palette[colour]), channels(palette[ground])) >= 4.5, ground


@pytest.mark.parametrize("palette", PALETTES, ids=["light", "dark", "print"])
@pytest.mark.parametrize("fill", ["blue", "orange"])
def test_numbers_on_the_darkest_cell_have_enough_contrast(palette, fill):
    cell = [
        DARKEST * over + (1 - DARKEST) * under
        for over, under in zip(channels(palette[fill]), channels(palette["paper"]), strict=True)
    ]
    assert contrast(channels(palette["text"]), cell) >= 4.5


class Outline(HTMLParser):
    """Notes, of each figure, its pictures and tables, and which tables are not in a box that scrolls."""

    def __init__(self):
        super().__init__()
        self.open, self.figures, self.wide, self.unnamed = [], [], 0, 0

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "figure":
            self.figures.append({"classes": [], "tables": 0, "titles": 0})
        if tag == "svg" and given.get("aria-hidden") != "true":
            self.unnamed += not (given.get("role") == "img" and given.get("aria-label"))
            self.figures[-1]["classes"].append(given.get("class"))
        if self.figures and "figure" in self.open:
            self.figures[-1]["tables"] += tag == "table"
            self.figures[-1]["titles"] += tag == "title"
        if tag == "table":
            self.wide += "scroll" not in self.open
        if tag not in ("meta", "br"):
            self.open.append("scroll" if given.get("class") == "scroll" else tag)

    def handle_endtag(self, tag):
        self.open.pop()


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "r.html"
    assert main(["demo", "--steps", "20", "--quiet", "--out", str(path)]) == 0
    return path.read_text(encoding="utf-8")


def test_pictures_have_names_and_those_of_numbers_have_tables(report):
    outline = Outline()
    outline.feed(report)
    assert outline.unnamed == 0
    assert all(figure["titles"] == len(figure["classes"]) == 1 for figure in outline.figures)
    of_numbers = [figure for figure in outline.figures if figure["classes"] != ["pixels"]]
    assert len(of_numbers) == 4
    assert all(figure["tables"] == 1 for figure in of_numbers)


def test_tables_scroll_on_a_narrow_screen(report):
    outline = Outline()
    outline.feed(report)
    assert outline.wide == 0
    assert 'name="viewport" content="width=device-width' in report
