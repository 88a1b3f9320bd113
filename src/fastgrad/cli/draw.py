"""`python -m fastgrad draw`: draws the graph of an expression and saves it to a file, or prints it."""

import os
import sys
from pathlib import Path

DEFAULT = "graph.svg"


def draw(expression, values, out, program=False):
    """Draw an expression, or the program of it and its gradients, and return the exit code.

    `out` is a file, a folder, or "-" for an SVG on stdout.
    """
    import fastgrad as fg
    from fastgrad.errors import FastgradError
    from fastgrad.pictures.expression import ExpressionError, evaluate, read_values

    try:
        names = read_values(values)
        y = evaluate(expression, names)
        result = next(name for name in ("f", "g", "h", "result", "the result") if name not in names)
        point = ", ".join(" ".join(pair.split()).replace("=", " = ", 1) for pair in values)
        title = f"{result} = {' '.join(expression.split())}" + (f" at {point}" if point else "")
        title = title.replace("-", "−")
        if program:
            picture = fg.draw(_program(fg, lambda given: evaluate(expression, given, False), names), title=title)
        else:
            picture = fg.draw(y, names={**names, result: y}, title=title)
        if out == "-":
            sys.stdout.buffer.write(picture.svg.encode() + b"\n")
            return 0
        path = picture.save(_file(out))
    except ExpressionError as error:
        return _fail(error, 2)
    except FastgradError as error:
        return _fail(error, 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return _fail(f"cannot write the picture to {out}: {reason}; choose another path with -o", 1)
    print(f"picture: {path.resolve()}")
    return 0


def _program(fg, f, names):
    """Return the compiled function of the value and the gradients, which has been called once."""
    made = fg.compile(fg.value_and_grad(f))
    made({name: x.detach() for name, x in names.items()})
    return made


def _file(out):
    """Return the path of the file to write: `out`, or a file in it if it is a folder."""
    is_folder = os.path.isdir(out) or out.endswith((os.sep, "/"))
    return Path(out, DEFAULT) if is_folder else Path(out)


def _fail(error, code):
    print(f"fastgrad: {' '.join(str(error).split())}", file=sys.stderr)
    return code
