"""Sphinx extension: runs the code of the pages and shows the pictures that it makes; puts SVG files into the page.

The styles of fastgrad's pictures follow the system's dark mode. In a page they follow the theme's switch instead.
"""

import re
from pathlib import Path

import pages
from docutils import nodes

from fastgrad.pictures.picture import Picture

_PAGE_WIDTH = 860  # pixels, at which pictures are wrapped into rows
_DARK = re.compile(r"@media ?\(prefers-color-scheme: ?dark\) ?\{((?:[^{}]*\{[^{}]*\})*)\s*\}", re.DOTALL)
_RULE = re.compile(r"([^{}]+)(\{[^{}]*\})")


def themed(svg):
    """Return a picture whose dark colours apply if the page is dark and shown on a screen."""

    def convert(match):
        rules = []
        for selectors, body in _RULE.findall(match[1]):
            scoped = ",".join(f'html[data-theme="dark"] {selector.strip()}' for selector in selectors.split(","))
            rules.append(scoped + body)
        return "@media screen{" + "\n".join(rules) + "}"

    svg = re.sub(r"^<\?xml[^>]*\?>\s*", "", svg)
    return _DARK.sub(convert, svg)


def figure(markup):
    """Return an SVG, or HTML with one, as a node of a page. It shrinks to three quarters of its width at most."""
    markup = themed(markup)
    if "prefers-color-scheme" in markup:
        raise ValueError("the dark colours of a picture were not found: do its styles have a new form?")
    if found := re.search(r'<svg\b[^>]*?\bwidth="([\d.]+)"[^>]*>', markup):
        whole = re.sub(r' style="[^"]*"', "", found[0])
        style = f' style="min-width:{0.75 * float(found[1]):.0f}px">'
        markup = markup.replace(found[0], whole.removesuffix(">") + style, 1)
    return nodes.raw("", f'<figure class="graph" tabindex="0">{markup}</figure>', format="html")


def markup_of(value):
    """Return the markup of a picture: SVG, or HTML for one that is shown step by step. None for other values."""
    if not isinstance(value, Picture):
        return None
    value.width = _PAGE_WIDTH
    return value.svg if value.steps is None else value._repr_html_()


def run_code(app, doctree):
    """Insert the pictures of a page below the code that makes them."""
    path = Path(app.env.doc2path(app.env.docname))
    if path.suffix != ".md":
        return
    text = path.read_text(encoding="utf-8")
    literal = [node for node in doctree.findall(nodes.literal_block) if node.get("language") == "python"]
    found = pages.run(text, path.name)
    if len(literal) != len(found):
        raise AssertionError(f"{path}: {len(found)} blocks were run, but the page has {len(literal)}")
    for node, block in zip(literal, found):
        if markup := markup_of(block.shown):
            node.parent.insert(node.parent.index(node) + 1, figure(markup))


def inline_pictures(app, doctree):
    """Replace images that are SVG files of the documentation by the pictures themselves."""
    folder = Path(app.env.doc2path(app.env.docname)).parent
    for node in list(doctree.findall(nodes.image)):
        path = folder / node["uri"]
        if path.suffix == ".svg" and path.exists():
            picture = figure(path.read_text(encoding="utf-8"))
            outer = node.parent
            alone = isinstance(outer, nodes.paragraph) and len(outer) == 1
            (outer if alone else node).replace_self(picture)


def setup(app):
    app.connect("doctree-read", run_code)
    app.connect("doctree-read", inline_pictures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
