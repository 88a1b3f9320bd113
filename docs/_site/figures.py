"""Sphinx extension: runs the code of the pages and shows the pictures that it makes; puts SVG files into the page.

The styles of fastgrad's pictures follow the system's dark mode. In a page they follow the theme's switch instead.
"""

import re
from pathlib import Path

import pages
from docutils import nodes

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


def figure(svg):
    """Return a picture as a node of a page. It shrinks to at least three quarters of its width."""
    svg = themed(svg)
    if "prefers-color-scheme" in svg:
        raise ValueError("the dark colours of a picture were not found: do its styles have a new form?")
    if width := re.search(r'<svg\b[^>]*?\bwidth="([\d.]+)', svg):
        svg = re.sub(r"<svg\b", f'<svg style="min-width:{0.75 * float(width[1]):.0f}px"', svg, count=1)
    return nodes.raw("", f'<figure class="graph" tabindex="0">{svg}</figure>', format="html")


def _picture_of(value):
    svg = getattr(value, "svg", None)
    return svg if isinstance(svg, str) and svg.lstrip().startswith("<") else None


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
        if svg := _picture_of(block.shown):
            node.parent.insert(node.parent.index(node) + 1, figure(svg))


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
