"""HTML around pictures: for notebooks and files. Needs no script, except for steps."""

from html import escape

from fastgrad.pictures import svg

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>:root{{color-scheme:light dark}}body{{margin:24px;font-family:ui-sans-serif,system-ui,sans-serif}}
@media(max-width:600px){{body{{margin:8px}}}}svg{{display:block}}summary{{cursor:pointer;margin:8px 0}}
@media print{{svg{{max-width:100%!important;height:auto}}}}</style></head>
<body>{body}</body></html>
"""


def html(graph, caption, page):
    """Return an element with the picture, which scrolls if it is wide, and a `<details>` element for each block."""
    parts = "".join(
        f"<details><summary>{escape(svg.part_title(graph, number))}</summary>"
        f"{_scrolling(svg.render(part, '', page))}</details>"
        for number, part in sorted(graph.parts.items())
    )
    return f"<div>{_scrolling(svg.render(graph, caption, page, unfolds=False))}{parts}</div>"


def _scrolling(picture):
    return f'<div style="overflow-x:auto">{picture}</div>'
