"""Sphinx extension: parts of pages that are made from data: the gallery, the citation, foreign names."""

import importlib
import importlib.util
import sys
from pathlib import Path

import yaml
from docutils import nodes
from figures import figure, markup_of
from sphinx.util.docutils import SphinxDirective

_BIBTEX = """@software{{fastgrad,
  title   = {{{title}}},
  author  = {{{{{author}}}}},
  version = {{{version}}},
  url     = {{{url}}},
  license = {{{license}}}
}}"""


class Gallery(SphinxDirective):
    """All pictures of `docs/make_pictures.py`, each with the docstring of its function as its heading."""

    def run(self):
        sys.path.insert(0, self.env.srcdir.__fspath__())
        try:
            module = importlib.import_module("make_pictures")
        finally:
            sys.path.pop(0)
        self.env.note_dependency(module.__file__)
        found = []
        for function in module.PICTURES:
            title = " ".join(function.__doc__.split())
            section = nodes.section(ids=[nodes.make_id(function.__name__)])
            section += nodes.title(title, title)
            section += figure(markup_of(function()))
            found.append(section)
        return found


class Citation(SphinxDirective):
    """The data of `CITATION.cff` as BibTeX."""

    def run(self):
        path = Path(self.env.srcdir).parent / "CITATION.cff"
        self.env.note_dependency(str(path))
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        text = _BIBTEX.format(
            title=data["title"],
            author=" and ".join(author["name"] for author in data["authors"]),
            version=data["version"],
            url=data["repository-code"],
            license=data["license"],
        )
        return [nodes.literal_block(text, text, language="bibtex")]


class ForeignNames(SphinxDirective):
    """The table of names of another library, from the same rows as the answers to unknown names."""

    required_arguments = 1

    def run(self):
        if importlib.util.find_spec("fastgrad.foreign") is None:
            return []
        markdown = importlib.import_module("fastgrad.foreign.markdown").markdown
        return self.parse_text_to_nodes(markdown(self.arguments[0]), allow_section_headings=True)


def setup(app):
    app.add_directive("gallery", Gallery)
    app.add_directive("citation", Citation)
    app.add_directive("foreign-names", ForeignNames)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
