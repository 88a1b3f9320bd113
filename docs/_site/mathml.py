"""Sphinx extension: mathematics as MathML, which browsers render without scripts, offline and on paper."""

from xml.etree import ElementTree

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

_logger = logging.getLogger(__name__)
_NAMESPACE = "http://www.w3.org/1998/Math/MathML"
_CLOSING = set(")]}|")


def mathml(latex, display):
    """Return LaTeX as MathML.

    The converter marks every symbol that is not a letter or digit as an operator. Browsers put spaces around operators,
    which is wrong for a partial derivative, a slash, a bar, and a minus that is a sign.
    """
    ElementTree.register_namespace("", _NAMESPACE)
    root = ElementTree.fromstring(convert(latex, display=display))
    for row in root.iter():
        before = None
        for node in row:
            if node.tag == f"{{{_NAMESPACE}}}mo":
                if node.text == "∂":
                    node.tag = f"{{{_NAMESPACE}}}mi"
                elif node.text in ("/", "|", "∣"):
                    node.attrib.update(lspace="0", rspace="0")
                elif node.text in ("−", "-") and (before is None or _is_open(before)):
                    node.attrib.update(form="prefix", lspace="0", rspace="0")
            before = node
    return ElementTree.tostring(root, encoding="unicode")


def _is_open(node):
    """Return whether a minus after this node is a sign: the node is an operator, and not a closing bracket."""
    return node.tag == f"{{{_NAMESPACE}}}mo" and node.text not in _CLOSING


def _visit(self, node, display):
    latex = node.astext()
    try:
        found = mathml(latex, display)
    except (ElementTree.ParseError, ValueError, IndexError, KeyError) as error:
        _logger.warning("cannot convert %r to MathML: %r", latex, error, location=node)
        found = self.encode(latex)
    self.body.append(f'<div class="math">{found}</div>' if display == "block" else found)
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer(
        "mathml",
        (lambda self, node: _visit(self, node, "inline"), None),
        (lambda self, node: _visit(self, node, "block"), None),
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
