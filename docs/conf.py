"""Configuration of the documentation site. `nox -s docs` builds it."""

import sys
from pathlib import Path

import fastgrad

sys.path.insert(0, str(Path(__file__).parent / "_site"))

project = "fastgrad"
author = "The fastgrad contributors"
copyright = author
version = release = fastgrad.__version__
language = "en"

extensions = [
    "myst_parser",
    "sphinx_copybutton",
    "directives",
    "figures",
    "mathml",
    "reference",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "_site"]
templates_path = ["_templates"]
nitpicky = True
highlight_language = "python"
pygments_style = "friendly"
trim_footnote_reference_space = True
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence", "attrs_block"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
copybutton_exclude = ".linenos, .gp, .go"
copybutton_selector = "div:not(.highlight-output) > div.highlight > pre"

html_theme = "pydata_sphinx_theme"
html_math_renderer = "mathml"
html_title = f"fastgrad {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_baseurl = "https://fastgrad.github.io/fastgrad/"
html_sidebars = {name: [] for name in ("install", "training", "pictures", "numerics", "gallery")}
html_theme_options = {
    "logo": {"text": "fastgrad"},
    "github_url": "https://github.com/fastgrad/fastgrad",
    "show_toc_level": 2,
    "show_prev_next": True,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}
