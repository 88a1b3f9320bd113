"""Text for terminals: ASCII characters replace those that the encoding of stdout does not have."""

import sys

_ASCII = str.maketrans(
    {"─": "-", "−": "-", "—": "-", "×": "x", "÷": "/", "∂": "d", "…": "...", "⋯": "...", "·": ".", "√": "sqrt",
     "σ": "sigmoid", "Σ": "sum", "Π": "prod", "‖": "||", "²": "^2", "⌊": "floor(", "⌋": ")", "⌈": "ceil(", "⌉": ")"}
)  # fmt: skip


def printable(text):
    """Return `text`, or its ASCII form if stdout cannot print it. Characters without ASCII form become escapes."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")
    except LookupError:  # an encoding that Python does not know
        pass
    return text
