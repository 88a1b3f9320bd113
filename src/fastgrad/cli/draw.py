"""`python -m fastgrad draw`: draws the graph of an expression and saves it to a file."""

import sys


def draw(expression, values, out):
    """Draw an expression and return the exit code."""
    import fastgrad as fg
    from fastgrad.errors import FastgradError
    from fastgrad.pictures.expression import ExpressionError, evaluate, read_values

    try:
        names = read_values(values)
        y = evaluate(expression, names)
        result = next(name for name in ("f", "g", "h", "result", "the result") if name not in names)
        point = ", ".join(" ".join(pair.split()).replace("=", " = ", 1) for pair in values)
        title = f"{result} = {' '.join(expression.split())}" + (f" at {point}" if point else "")
        picture = fg.draw(y, names={**names, result: y}, title=title.replace("-", "−"))
        path = picture.save(out)
    except ExpressionError as error:
        return _fail(error, 2)
    except FastgradError as error:
        return _fail(error, 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return _fail(f"cannot write the picture to {out}: {reason}; choose another path with -o", 1)
    print(f"picture: {path.resolve()}")
    return 0


def _fail(error, code):
    print(f"fastgrad: {' '.join(str(error).split())}", file=sys.stderr)
    return code
