"""Expressions from the command line: parsed, held against a list of what is allowed, computed on Tensors. Never run.

Numbers, names that were given a value, lists of numbers, `+ - * / ** @`, and calls of fastgrad's differentiable
functions of one or two operands, without keywords. Everything else is refused by name.
"""

import ast
import math
import warnings

import numpy as np

from fastgrad._engine import Tensor, tensor
from fastgrad.errors import FastgradError
from fastgrad.pictures.signs import clipped
from fastgrad.rules.rule import FUNCTIONS

LONGEST, DEEPEST = 2000, 150  # characters of an expression; operations inside one another
_CONSTANTS = {"pi": math.pi, "e": math.e}
_OPERATORS = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power",
    ast.MatMult: "matmul",
}  # fmt: skip
_NOT_CALLED = {"copy", "astype", "conj", "real", "imag", "angle", "cross_entropy"}  # of no use here, or for integers


class ExpressionError(FastgradError, ValueError):
    """An expression that is not understood or has no finite value. One line."""


def function_names():
    """The names of all functions that an expression may call."""
    return sorted(name for name, function in FUNCTIONS.items() if _fits(function.rule))


def _fits(rule):
    """Whether a rule takes one or two operands and nothing that has no default."""
    return (
        rule.name not in _NOT_CALLED and rule.has_vjp and not rule.variadic and 1 <= rule.n_operands <= 2
        and all(key in rule.defaults for key in rule.param_names)
    )  # fmt: skip


def read_values(pairs):
    """`["x=3", "w=[1, 2]"]` as a dict from name to Tensor.

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
            raise ExpressionError(f"{clipped(pair, 40)!r} is not of the form name=value, as in x=3")
        if name in values:
            raise ExpressionError(f"{name} is given twice")
        array = _literal(name, text)
        values[name] = tensor(array, requires_grad=True)
    return values


def _literal(name, text):
    wrong = ExpressionError(f"{name}={clipped(text, 40)}: a value is a number or a list of numbers, as x=3 or x=[1,2]")
    tree = _parsed(text.strip(), wrong)
    try:
        array = np.array(_numbers(tree, wrong), dtype=np.float64)
    except (ValueError, OverflowError, RecursionError):
        raise wrong from None
    if not np.all(np.isfinite(array)) or not array.size:
        raise wrong
    return array


def _parsed(text, wrong):
    if not text or len(text) > LONGEST:
        raise wrong
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise wrong from None


def _numbers(node, wrong):
    """The numbers of a literal: a number, with a sign perhaps, or a list of such."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return float(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        number = _numbers(node.operand, wrong)
        if isinstance(number, float):
            return -number if isinstance(node.op, ast.USub) else number
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_numbers(element, wrong) for element in node.elts]
    raise wrong


def evaluate(text, values):
    """The Tensor that an expression stands for.

    Parameters
    ----------
    text : str
    values : dict from name to Tensor

    Raises
    ------
    ExpressionError
        For whatever is not understood; for a value that is not finite.
    """
    text = text.strip()
    if len(text) > LONGEST:
        raise ExpressionError(f"the expression has {len(text):,} characters, {LONGEST:,} are the most")
    if not text:
        raise ExpressionError('there is no expression: write one, as "x * x + x"')
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        place = f" at character {error.offset}" if error.offset else ""
        reason = (error.msg or "invalid syntax").split(". ")[0]
        raise ExpressionError(f"{clipped(text, 60)!r} is not an expression: {reason}{place}") from None
    except (ValueError, RecursionError, MemoryError):
        raise ExpressionError(f"{clipped(text, 60)!r} is not an expression") from None
    reader = _Reader(text, values)
    y = reader.value(tree, 0)
    unused = sorted(set(values) - reader.used)
    if unused:
        raise ExpressionError(f"{' and '.join(unused)}: given, but not in the expression")
    if not isinstance(y, Tensor) or y.is_leaf:
        raise ExpressionError(f"{clipped(text, 60)!r} computes nothing from a name: there is no graph to draw")
    return y


class _Reader:
    """Walks the parsed expression. Constants are Python floats; whatever meets a name becomes a Tensor."""

    def __init__(self, text, values):
        self.text, self.values, self.used = text, values, set()

    def told(self, node):
        return clipped(ast.get_source_segment(self.text, node) or ast.unparse(node), 50)

    def value(self, node, depth):
        if depth > DEEPEST:
            raise ExpressionError(f"the expression is nested more than {DEEPEST} deep")
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
        raise ExpressionError(
            f"{self.told(node)!r} is not allowed: numbers, names, + - * / ** @ and functions such as exp(x) are"
        )

    def constant(self, node):
        if type(node.value) not in (int, float):
            raise ExpressionError(f"{self.told(node)!r} is not allowed: constants are real numbers")
        try:
            number = float(node.value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise ExpressionError(f"{self.told(node)!r} is too large for a float64")
        return number

    def name(self, node):
        if node.id in self.values:
            self.used.add(node.id)
            return self.values[node.id]
        if node.id in _CONSTANTS:
            return _CONSTANTS[node.id]
        if node.id in FUNCTIONS:
            raise ExpressionError(f"{node.id} is a function: call it, as {node.id}(x)")
        raise ExpressionError(f"{node.id} has no value: add {node.id}=NUMBER behind the expression")

    def list(self, node):
        wrong = ExpressionError(f"{self.told(node)!r} is not allowed: a list holds numbers, in rows of equal length")
        try:
            return tensor(np.array(_numbers(node, wrong), dtype=np.float64))
        except (ValueError, OverflowError, RecursionError):
            raise wrong from None

    def call(self, node, depth):
        if not isinstance(node.func, ast.Name):
            raise ExpressionError(f"{self.told(node.func)!r} is not allowed: functions are called by a plain name")
        name = node.func.id
        function = FUNCTIONS.get(name)
        if function is None or not _fits(function.rule):
            raise ExpressionError(f"there is no function {name}: {_near(name)}")
        rule = function.rule
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise ExpressionError(f"{self.told(node)!r}: keywords and stars are not allowed")
        if len(node.args) != rule.n_operands:
            wanted = "one argument" if rule.n_operands == 1 else f"{rule.n_operands} arguments"
            raise ExpressionError(f"{self.told(node)!r}: {name} takes {wanted}, {len(node.args)} given")
        return self.finite(node, function, *(self.value(argument, depth + 1) for argument in node.args))

    def finite(self, node, function, *operands):
        """The result of one op, refused where it is not finite: a picture of infinities explains nothing."""
        try:
            y = function(*operands)
        except FastgradError as error:
            raise ExpressionError(f"{self.told(node)!r}: {error}") from None
        if not np.all(np.isfinite(y.detach().numpy())):
            raise ExpressionError(f"{self.told(node)!r} is {_worst(y)} for these values: choose others")
        return y if y.requires_grad or y.ndim else y.item()


def _worst(y):
    values = y.detach().numpy()
    return "not a number" if np.any(np.isnan(values)) else "infinite"


def _near(name):
    from difflib import get_close_matches

    near = get_close_matches(name, function_names(), 3, 0.6)
    return f"did you mean {' or '.join(near)}?" if near else "exp, log, sqrt, sin, sigmoid, sum and others are there"
