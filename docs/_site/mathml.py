"""Sphinx extension: mathematics as MathML, which browsers render without scripts, offline and on paper."""

import re
from xml.etree.ElementTree import ParseError, fromstring

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

_logger = logging.getLogger(__name__)


def _mathml(latex, display):
    found = convert(latex, display=display)
    fromstring(found)  # raises if it is not well-formed
    return found


def _visit(self, node, display):
    latex = node.astext()
    try:
        found = _mathml(latex, display)
    except (ParseError, ValueError, IndexError, KeyError) as error:
        _logger.warning("cannot convert %r to MathML: %r", latex, error, location=node)
        found = self.encode(latex)
    if display == "block":
        self.body.append(f'<div class="math">{found}</div>')
    else:
        # A line break must not separate a formula from the punctuation that follows it.
        self.body.append(re.sub("<math ", '<math class="inline" ', found, count=1))
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer(
        "mathml",
        (lambda self, node: _visit(self, node, "inline"), None),
        (lambda self, node: _visit(self, node, "block"), None),
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
