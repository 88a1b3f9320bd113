"""Symbols and formulas of ops. Uses the names of ops, but no rules."""

_SYMBOLS = {
    "add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "negative": "−(·)", "positive": "+(·)",
    "power": "^", "square": "(·)²", "sqrt": "√", "reciprocal": "1/(·)", "remainder": "mod", "floor_divide": "⌊÷⌋",
    "matmul": "@", "sum": "Σ", "prod": "Π", "sigmoid": "σ", "abs": "|·|", "floor": "⌊·⌋", "ceil": "⌈·⌉",
    "maximum": "max", "minimum": "min", "norm": "‖·‖", "conj": "conj", "arctan2": "atan2",
    "binary_cross_entropy": "BCE", "binary_cross_entropy_with_logits": "BCE", "cross_entropy": "cross entropy",
    "log_softmax": "log softmax",
    "leaky_relu": "leaky relu", "logsumexp": "log Σ exp", "sum_to": "Σ", "broadcast_to": "spread",
    "scatter_add": "scatter", "getitem": "[ ]", "setitem": "[ ] =", "permute_dims": "transpose",
}  # fmt: skip
_FORMULAS = {
    "add": "{} + {}", "subtract": "{} - {}", "multiply": "{} * {}", "divide": "{} / {}", "negative": "-{}",
    "positive": "+{}", "power": "{} ** {}", "matmul": "{} @ {}", "remainder": "{} % {}", "floor_divide": "{} // {}",
}  # fmt: skip
# Symbols of ops with one plain number, by the position of the number.
_SYMBOLS_WITH_NUMBER = {
    ("add", 0): "{} + (·)", ("add", 1): "+ {}", ("subtract", 0): "{} − (·)", ("subtract", 1): "− {}",
    ("multiply", 0): "× {}", ("multiply", 1): "× {}", ("divide", 0): "{} ÷ (·)", ("divide", 1): "÷ {}",
    ("power", 0): "{} ^ (·)",
    ("maximum", 0): "max {}", ("maximum", 1): "max {}", ("minimum", 0): "min {}", ("minimum", 1): "min {}",
}  # fmt: skip
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
COMMUTATIVE = {"add", "multiply", "maximum", "minimum", "hypot", "logaddexp"}
MAX_SYMBOL, MAX_FORMULA = 16, 60


def format_scalar(number, digits=4):
    """Format a number with `digits` significant digits and a typographic minus sign."""
    if isinstance(number, complex):
        return (
            f"{format_scalar(number.real, digits)}{'+' if number.imag >= 0 or number.imag != number.imag else ''}"
            + (f"{format_scalar(number.imag, digits)}i")
        )
    if not isinstance(number, (int, float)) or isinstance(number, bool):
        return truncate(str(number), 12)
    text = str(number) if isinstance(number, int) and abs(number) < 10**8 else "" if number else "0"  # no "-0"
    if not text:
        try:
            text = f"{float(number):.{digits}g}"
        except OverflowError:
            return "huge"
    if "e" in text:
        head, power = text.split("e")
        text = f"{head}e{int(power)}"
    return text.replace("-", "−")


def truncate(text, length):
    """Shorten `text` to `length` characters, ending in "…", if it is longer."""
    return text if len(text) <= length else text[: length - 1] + "…"


def op_symbol(op, operands, params):
    """Return the symbol of `op`. `operands` has the plain numbers of the call, and None for Tensors."""
    numbers = [(k, o) for k, o in enumerate(operands) if o is not None]
    if op == "power" and len(numbers) == 1 and numbers[0][0] == 1:
        text = format_scalar(numbers[0][1])
        if isinstance(numbers[0][1], (int, float)) and float(numbers[0][1]).is_integer() and len(text) < 4:
            return "(·)" + text.replace("−", "-").translate(_SUPERSCRIPT)
        return f"(·) ^ {text}"
    if len(operands) == 2 and len(numbers) == 1 and (op, numbers[0][0]) in _SYMBOLS_WITH_NUMBER:
        return _SYMBOLS_WITH_NUMBER[op, numbers[0][0]].format(format_scalar(numbers[0][1]))
    sign = _SYMBOLS.get(op, op.replace("_", " "))
    if op == "getitem" and params and "key" in params:
        sign = truncate(f"[{_format_key(params['key'])}]", MAX_SYMBOL)
    elif op == "permute_dims" and params and params.get("axes") is not None:
        axes = tuple(params["axes"])
        sign = "T" if axes == tuple(range(len(axes)))[::-1] else sign
    elif numbers:
        sign = f"{sign} {', '.join(format_scalar(o) for _, o in numbers)}"
    return truncate(sign, MAX_SYMBOL)


def _format_key(key):
    """Format an index as it is written between brackets."""
    if isinstance(key, tuple):
        return ", ".join(map(_format_key, key))
    if isinstance(key, slice):
        parts = ["" if part is None else str(part) for part in (key.start, key.stop, key.step)]
        return ":".join(parts[:2] if key.step is None else parts).replace("-", "−")
    if key is Ellipsis:
        return "…"
    return str(key).replace("-", "−") if isinstance(key, int) or key is None else "index"


def op_formula(op, names):
    """Return `op` applied to operands named `names`, such as "x + y" or "sigmoid(x)"."""
    pattern = _FORMULAS.get(op)
    if pattern and pattern.count("{}") == len(names):
        return pattern.format(*names)
    return f"{op}({', '.join(names)})"
