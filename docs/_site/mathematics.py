"""Python expressions of vjps as LaTeX. Knows the functions that the rules use; does not import Sphinx."""

import ast
import re

_OPERATORS = {
    ast.Add: (1, " + "),
    ast.Sub: (1, " - "),
    ast.Mult: (2, r"\,"),
    ast.Div: (2, "/"),
    ast.MatMult: (2, r"\,"),
}
_COMPARISONS = {"less": "<", "less_equal": r"\leq", "greater": ">", "greater_equal": r"\geq", "equal": "="}
_NAMED = {"exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "log"}
_WORDS = {"erf", "erfc", "sign", "signbit", "mean", "diag", "one_hot", "softmax", "standardize", "real"}
_CONSTANTS = {
    "_LN2": r"\ln 2",
    "_LN10": r"\ln 10",
    "_SLOPE": r"\tfrac{2}{\sqrt{\pi}}",
    "_SQRT_HALF": r"\tfrac{1}{\sqrt{2}}",
    "_INV_SQRT_2PI": r"\tfrac{1}{\sqrt{2\pi}}",
}
_GREEK = {"alpha": r"\alpha"}
_ATOM = 9


def latex(formula):
    """Return a Python expression as LaTeX; None if it contains syntax or functions without a notation."""
    try:
        return _convert(ast.parse(formula, mode="eval").body)[0]
    except (SyntaxError, NoNotation):
        return None


def cotangent(name):
    """Return the notation for the cotangent of an operand."""
    if match := re.fullmatch(r"([a-z])(\d?)", name):
        return rf"\bar{{{match[1]}}}" + (f"_{match[2]}" if match[2] else "")
    return rf"\overline{{{_name(name)}}}"


def is_formula(text):
    """Return whether inline code of a docstring is mathematics rather than the name of something."""
    return bool(re.fullmatch(r"[a-zA-Z]\d?", text) or re.search(r"[-+*/@(]", text))


def helper_of(formula):
    """Return the name of the function if the whole formula is one call, and otherwise an empty string."""
    return getattr(getattr(ast.parse(formula, mode="eval").body, "func", None), "id", "")


class NoNotation(Exception):
    """An expression contains something that this module cannot write as mathematics."""


def _name(word):
    if word in _CONSTANTS:
        return _CONSTANTS[word]
    if word in _GREEK:
        return _GREEK[word]
    if match := re.fullmatch(r"([a-z])(\d?)", word):
        return match[1] + (f"_{match[2]}" if match[2] else "")
    if match := re.fullmatch(r"(\w+)_(shape|dtype)", word):
        return rf"\operatorname{{{match[2]}}}({_name(match[1])})"
    return rf"\mathit{{{_escaped(word)}}}"


def _bracketed(node, least):
    """Return the LaTeX of an expression, in brackets if it binds less tightly than `least`."""
    text, level = _convert(node)
    return text if level >= least else rf"\left({text}\right)"


def _binary(node):
    if isinstance(node.op, (ast.Mod, ast.FloorDiv)):
        raise NoNotation(ast.unparse(node))
    if isinstance(node.op, ast.Pow):
        return f"{{{_bracketed(node.left, _ATOM)}}}^{{{_convert(node.right)[0]}}}", 3
    if isinstance(node.op, ast.Div):
        return rf"\frac{{{_convert(node.left)[0]}}}{{{_convert(node.right)[0]}}}", _ATOM - 1
    level, symbol = _OPERATORS[type(node.op)]
    if isinstance(node.op, ast.Mult) and isinstance(node.right, ast.Constant):
        symbol = r" \cdot "
    right = level + (isinstance(node.op, ast.Sub) or isinstance(node.right, ast.UnaryOp))
    return f"{_bracketed(node.left, level)}{symbol}{_bracketed(node.right, right)}", level


def _call(node):
    name = getattr(node.func, "id", "")
    inner = [_convert(argument)[0] for argument in node.args[: 2 if name == "sum" else None]]
    if name == "sqrt":
        return rf"\sqrt{{{inner[0]}}}", _ATOM
    if name == "conj":
        return rf"\overline{{{inner[0]}}}", _ATOM
    if name == "abs":
        return rf"\left|{inner[0]}\right|", _ATOM
    if name == "floor_divide":
        return rf"\left\lfloor \frac{{{inner[0]}}}{{{inner[1]}}} \right\rfloor", _ATOM
    if name == "where":
        condition, yes, no = inner
        return rf"\begin{{cases}}{yes} & \text{{if }} {condition} \\ {no} & \text{{otherwise}}\end{{cases}}", _ATOM
    if name in _COMPARISONS:
        return f"{inner[0]} {_COMPARISONS[name]} {inner[1]}", 0
    if name == "zeros_of":
        return "0", _ATOM
    if name == "sum":
        below = f"_{{{inner[1]}}}" if len(inner) > 1 else ""
        return rf"\sum{below} {_bracketed(node.args[0], 2)}", 2
    if name == "sigmoid":
        head = r"\sigma"
    elif name in _NAMED:
        head = "\\" + name
    elif name in _WORDS or name.startswith("_"):
        head = rf"\operatorname{{{_escaped(name)}}}"
    else:
        raise NoNotation(name)
    return rf"{head}\left({', '.join(inner)}\right)", _ATOM


def _escaped(word):
    return word.strip("_").replace("_", r"\_")


def _constant(value):
    if value == 1j:
        return "i"
    if isinstance(value, (str, bool)) or value is None:
        raise NoNotation(value)
    return repr(value)


def _convert(node):
    """Return the LaTeX of a syntax tree and how tightly it binds."""
    if isinstance(node, ast.Name):
        return _name(node.id), _ATOM
    if isinstance(node, ast.Constant):
        return _constant(node.value), _ATOM
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return f"-{_bracketed(node.operand, 2)}", 2
    if isinstance(node, ast.BinOp):
        return _binary(node)
    if isinstance(node, ast.Call):
        return _call(node)
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return rf"{{{_bracketed(node.value, _ATOM)}}}^\top", _ATOM
    if isinstance(node, ast.Subscript):
        return rf"{{{_bracketed(node.value, _ATOM)}}}_{{{_convert(node.slice)[0]}}}", _ATOM
    raise NoNotation(ast.unparse(node))
