"""Elements of SVG as text. Escapes all text."""

import re
from html import escape

_FORBIDDEN = re.compile("[^\\t\\n\\r -\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")  # characters that XML forbids


def tag(name, *children, **attributes):
    """Return an element. Attribute names such as `class_` and `text_anchor` mean class and text-anchor."""
    pairs = [f' {k.rstrip("_").replace("_", "-")}="{_attribute(v)}"' for k, v in attributes.items()]
    return f"<{name}{''.join(pairs)}>{''.join(children)}</{name}>" if children else f"<{name}{''.join(pairs)}/>"


def _attribute(value):
    return format_attribute(value) if type(value) is float else escape(format_attribute(value))


def format_attribute(value):
    """Format an attribute or text. Floats have at most two decimals; '?' replaces characters that XML forbids."""
    if type(value) is float:
        text = f"{value:.2f}"
        return text if text[-1] != "0" else text.rstrip("0").rstrip(".") if value else "0"
    text = str(value)
    return text if text.isascii() and text.isprintable() else _FORBIDDEN.sub("?", text)


def text(content, x, y, class_):
    return tag("text", escape(format_attribute(content)), class_=class_, x=x, y=y)


def title(*lines):
    return tag("title", escape(format_attribute("\n".join(lines))))
