"""Evaluates expressions from the command line on Tensors. Parses them with `ast` and never executes them.

Expressions consist of numbers, names that have a value, lists of numbers, `+ - * / ** @`, and calls of fastgrad's
differentiable functions of one or two operands without keywords. `^` means `**`, `max` and `min` of several operands
are `maximum` and `minimum`, and the first operand of `where` is a comparison. Anything else raises an error.
"""

import ast
import math
import warnings

import numpy as np

from fastgrad._engine import Tensor, tensor
from fastgrad._lazy import lazy_module
from fastgrad.errors import FastgradError
from fastgrad.pictures.symbols import truncate
from fastgrad.rules.rule import FUNCTIONS

later = lazy_module("fastgrad.rules.later")

MAX_LENGTH, MAX_DEPTH = 2000, 150  # of an expression: characters, nested operations
_CONSTANTS = {"pi": math.pi, "e": math.e}
_OPERATORS = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power",
    ast.MatMult: "matmul",
}  # fmt: skip
_COMPARISONS = {
    ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "greater", ast.GtE: "greater_equal", ast.Eq: "equal",
    ast.NotEq: "not_equal",
}  # fmt: skip
_PAIRWISE = {"max": "maximum", "min": "minimum"}  # of several operands
_MEANT = {"ln": "log", "sgn": "sign", "sqr": "square", "logistic": "sigmoid", "fabs": "abs", "if": "where"}
# Trivial for real floats, or restricted to integer operands.
_EXCLUDED = {"copy", "astype", "conj", "real", "imag", "angle", "cross_entropy"}


class ExpressionError(FastgradError, ValueError):
    """An expression is invalid or its value is not finite. The message is one line."""


def function_names():
    """Return the names of all functions that an expression may call."""
    return sorted(name for name, function in FUNCTIONS.items() if _is_allowed(function.rule))


def _is_allowed(rule):
    """Return whether a rule takes one or two operands, and parameters only with defaults.

    Rules of families that `import fastgrad` does not load are not for expressions: most need matrices or labels.
    """
    return (
        rule.forward.__module__.rpartition(".")[2] not in later.__all__
        and rule.name not in _EXCLUDED and rule.has_vjp and not rule.variadic and 1 <= rule.n_operands <= 2
        and all(key in rule.defaults for key in rule.param_names)
    )  # fmt: skip


def read_values(pairs):
    """Convert pairs such as `["x=3", "w=[1, 2]"]` to a dict from name to Tensor.

    Raises
    ------
    ExpressionError
    """
    values = {}
    for pair in pairs:
        pair = pair.strip()
        name, equals, text = pair.partition("=")
        name = name.strip()
        if not equals or not name.isidentifier():
            raise ExpressionError(f"{truncate(pair, 40)!r} is not of the form name=value, as in x=3")
        if name in values:
            raise ExpressionError(f"{name} is given twice")
        array = _literal(name, text)
        values[name] = tensor(array, requires_grad=True)
    return values


def _literal(name, text):
    wrong = ExpressionError(
        f"{name}={truncate(text, 40)}: a value is a number or a list of numbers, such as x=3 or x=[1,2]"
    )
    tree = _parsed(text.strip(), wrong)
    try:
        array = np.array(_numbers(tree, wrong), dtype=np.float64)
    except (ValueError, OverflowError, RecursionError):
        raise wrong from None
    if not np.all(np.isfinite(array)) or not array.size:
        raise wrong
    return array


def _parsed(text, wrong):
    if not text or len(text) > MAX_LENGTH:
        raise wrong
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise wrong from None


def _numbers(node, wrong):
    """Return the value of a literal: a number, possibly with a sign, or a nested list of numbers."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return float(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        number = _numbers(node.operand, wrong)
        if isinstance(number, float):
            return -number if isinstance(node.op, ast.USub) else number
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_numbers(element, wrong) for element in node.elts]
    raise wrong


def evaluate(text, values, checked=True):
    """Evaluate an expression and return its Tensor.

    Parameters
    ----------
    text : str
    values : dict from name to Tensor
    checked : bool
        Look at the values; not while a program is recorded.

    Raises
    ------
    ExpressionError
        If the expression is invalid or one of its values is not finite.
    """
    text = text.strip().replace("^", "**")
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the expression has {len(text):,} characters, more than the maximum of {MAX_LENGTH:,}")
    if not text:
        raise ExpressionError('the expression is empty: write one, such as "x * x + x"')
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        place = f" at character {error.offset}" if error.offset else ""
        reason = (error.msg or "invalid syntax").split(". ")[0]
        raise ExpressionError(f"{truncate(text, 60)!r} is not an expression: {reason}{place}") from None
    except (ValueError, RecursionError, MemoryError):
        raise ExpressionError(f"{truncate(text, 60)!r} is not an expression") from None
    evaluator = _Evaluator(text, values, checked)
    y = evaluator.value(tree, 0)
    unused = sorted(set(values) - evaluator.used)
    if unused:
        raise ExpressionError(f"the expression does not use {' and '.join(unused)}")
    if not isinstance(y, Tensor) or y.is_leaf:
        raise ExpressionError(f"{truncate(text, 60)!r} applies no op to a name: there is no graph to draw")
    return y


class _Evaluator:
    """Evaluates the parsed expression. Constants are Python floats, names are Tensors."""

    def __init__(self, text, values, checked):
        self.text, self.values, self.checked, self.used = text, values, checked, set()

    def source(self, node):
        return truncate(ast.get_source_segment(self.text, node) or ast.unparse(node), 50)

    def value(self, node, depth):
        if depth > MAX_DEPTH:
            raise ExpressionError(f"the expression is nested more than {MAX_DEPTH} deep")
        if isinstance(node, ast.Constant):
            return self.constant(node)
        if isinstance(node, ast.Name):
            return self.name(node)
        if isinstance(node, ast.List):
            return self.list(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            x = self.value(node.operand, depth + 1)
            return x if isinstance(node.op, ast.UAdd) else self.finite(node, FUNCTIONS["negative"], x)
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            pair = self.value(node.left, depth + 1), self.value(node.right, depth + 1)
            return self.finite(node, FUNCTIONS[_OPERATORS[type(node.op)]], *pair)
        if isinstance(node, ast.Call):
            return self.call(node, depth)
        if isinstance(node, ast.Compare):
            raise ExpressionError(f"{self.source(node)!r} is not allowed here: compare in where(x > 0, x, y)")
        if isinstance(node, ast.IfExp):
            raise ExpressionError(f"{self.source(node)!r} is not allowed: write where(x > 0, x, y)")
        raise ExpressionError(
            f"{self.source(node)!r} is not allowed: use numbers, names, + - * / ** @ and functions such as exp(x)"
        )

    def constant(self, node):
        if type(node.value) not in (int, float):
            raise ExpressionError(f"{self.source(node)!r} is not allowed: constants must be real numbers")
        try:
            number = float(node.value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise ExpressionError(f"{self.source(node)!r} is too large for a float64")
        return number

    def name(self, node):
        if node.id in self.values:
            self.used.add(node.id)
            return self.values[node.id]
        if node.id in _CONSTANTS:
            return _CONSTANTS[node.id]
        if node.id in FUNCTIONS:
            raise ExpressionError(f"{node.id} is a function: call it, as in {node.id}(x)")
        raise ExpressionError(f"{node.id} has no value: add {node.id}=NUMBER after the expression")

    def list(self, node):
        wrong = ExpressionError(
            f"{self.source(node)!r} is not allowed: lists must contain numbers, in rows of equal length"
        )
        try:
            return tensor(np.array(_numbers(node, wrong), dtype=np.float64))
        except (ValueError, OverflowError, RecursionError):
            raise wrong from None

    def call(self, node, depth):
        if not isinstance(node.func, ast.Name):
            raise ExpressionError(f"{self.source(node.func)!r} is not allowed: functions must be called by their name")
        name = node.func.id
        if name == "where":
            return self.where(node, depth)
        if name in _PAIRWISE and len(node.args) > 1 and not node.keywords:
            return self.pairwise(node, FUNCTIONS[_PAIRWISE[name]], depth)
        function = FUNCTIONS.get(name)
        if function is None or not _is_allowed(function.rule):
            raise ExpressionError(f"there is no function {name}: {_suggestion(name)}")
        rule = function.rule
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise ExpressionError(f"{self.source(node)!r}: keywords and stars are not allowed")
        if len(node.args) != rule.n_operands:
            expected = "one argument" if rule.n_operands == 1 else f"{rule.n_operands} arguments"
            raise ExpressionError(f"{self.source(node)!r}: {name} takes {expected}, got {len(node.args)}")
        return self.finite(node, function, *(self.value(argument, depth + 1) for argument in node.args))

    def pairwise(self, node, function, depth):
        """Apply a function of two operands to several, from left to right."""
        y = self.value(node.args[0], depth + 1)
        for argument in node.args[1:]:
            y = self.finite(node, function, y, self.value(argument, depth + 1))
        return y

    def where(self, node, depth):
        if len(node.args) != 3 or node.keywords or not isinstance(node.args[0], ast.Compare):
            raise ExpressionError(f"{self.source(node)!r}: where takes a comparison and two values: where(x > 0, x, y)")
        condition = node.args[0]
        if len(condition.ops) > 1 or type(condition.ops[0]) not in _COMPARISONS:
            raise ExpressionError(f"{self.source(condition)!r} is not allowed: use one of < <= > >= == !=")
        pair = [self.value(side, depth + 2) for side in (condition.left, condition.comparators[0])]
        compare = FUNCTIONS[_COMPARISONS[type(condition.ops[0])]]
        chosen = [self.value(argument, depth + 1) for argument in node.args[1:]]
        return self.finite(node, lambda *values: FUNCTIONS["where"](compare(*pair), *values), *chosen)

    def finite(self, node, function, *operands):
        """Apply one op. Raises if the result is not finite, since a picture of infinities explains nothing."""
        try:
            y = function(*operands)
        except FastgradError as error:
            raise ExpressionError(f"{self.source(node)!r}: {error}") from None
        if not self.checked:
            return y
        if not np.all(np.isfinite(y.detach().numpy())):
            raise ExpressionError(f"{self.source(node)!r} is {_nonfinite_kind(y)} for these values: choose others")
        return y if y.requires_grad or y.ndim else y.item()


def _nonfinite_kind(y):
    values = y.detach().numpy()
    return "not a number" if np.any(np.isnan(values)) else "infinite"


def _suggestion(name):
    from difflib import get_close_matches

    similar = [_MEANT[name]] if name in _MEANT else get_close_matches(name, function_names(), 3, 0.6)
    if similar:
        return f"did you mean {' or '.join(similar)}?"
    return "available are exp, log, sqrt, sin, sigmoid, sum and others"
