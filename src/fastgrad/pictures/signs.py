"""What stands in a gate and how a node reads as a formula. Knows names of ops, but no rule."""

_SIGNS = {
    "add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "negative": "−(·)", "positive": "+(·)",
    "power": "^", "square": "(·)²", "sqrt": "√", "reciprocal": "1/(·)", "remainder": "mod", "floor_divide": "⌊÷⌋",
    "matmul": "@", "sum": "Σ", "prod": "Π", "sigmoid": "σ", "abs": "|·|", "floor": "⌊·⌋", "ceil": "⌈·⌉",
    "maximum": "max", "minimum": "min", "norm": "‖·‖", "conj": "conj", "arctan2": "atan2",
    "binary_cross_entropy_with_logits": "BCE", "cross_entropy": "cross entropy", "log_softmax": "log softmax",
    "leaky_relu": "leaky relu", "logsumexp": "log Σ exp", "sum_to": "Σ", "broadcast_to": "spread",
    "scatter_add": "scatter", "getitem": "[ ]", "setitem": "[ ] =", "permute_dims": "transpose",
}  # fmt: skip
_FORMULAS = {
    "add": "{} + {}", "subtract": "{} - {}", "multiply": "{} * {}", "divide": "{} / {}", "negative": "-{}",
    "positive": "+{}", "power": "{} ** {}", "matmul": "{} @ {}", "remainder": "{} % {}", "floor_divide": "{} // {}",
}  # fmt: skip
# The same with one plain number among the operands; c stands for it.
_WITH_NUMBER = {
    ("add", 0): "{} + (·)", ("add", 1): "+ {}", ("subtract", 0): "{} − (·)", ("subtract", 1): "− {}",
    ("multiply", 0): "× {}", ("multiply", 1): "× {}", ("divide", 0): "{} ÷ (·)", ("divide", 1): "÷ {}",
    ("power", 0): "{} ^ (·)",
    ("maximum", 0): "max {}", ("maximum", 1): "max {}", ("minimum", 0): "min {}", ("minimum", 1): "min {}",
}  # fmt: skip
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
COMMUTING = {"add", "multiply", "maximum", "minimum", "hypot", "logaddexp"}
LONGEST_SIGN, LONGEST_FORMULA = 16, 60


def short(number, digits=4):
    """A number in `digits` significant digits, with a true minus sign."""
    if isinstance(number, complex):
        return f"{short(number.real, digits)}{'+' if number.imag >= 0 or number.imag != number.imag else ''}" + (
            f"{short(number.imag, digits)}i"
        )
    if not isinstance(number, (int, float)) or isinstance(number, bool):
        return clipped(str(number), 12)
    text = str(number) if isinstance(number, int) and abs(number) < 10**8 else ""
    if not text:
        try:
            text = f"{float(number):.{digits}g}"
        except OverflowError:
            return "huge"
    if "e" in text:
        head, power = text.split("e")
        text = f"{head}e{int(power)}"
    return text.replace("-", "−")


def clipped(text, longest):
    """`text` with the end cut off where it is too long, and "…" in its place."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def sign_of(op, operands, params):
    """What stands in the gate of `op`; `operands` are None for wires and plain numbers for the others."""
    numbers = [(k, o) for k, o in enumerate(operands) if o is not None]
    if op == "power" and len(numbers) == 1 and numbers[0][0] == 1:
        text = short(numbers[0][1])
        if isinstance(numbers[0][1], (int, float)) and float(numbers[0][1]).is_integer() and len(text) < 4:
            return "(·)" + text.replace("−", "-").translate(_RAISED)
        return f"(·) ^ {text}"
    if len(operands) == 2 and len(numbers) == 1 and (op, numbers[0][0]) in _WITH_NUMBER:
        return _WITH_NUMBER[op, numbers[0][0]].format(short(numbers[0][1]))
    sign = _SIGNS.get(op, op.replace("_", " "))
    if op == "getitem" and params and "key" in params:
        sign = clipped(f"[{_key(params['key'])}]", LONGEST_SIGN)
    elif op == "permute_dims" and params and params.get("axes") is not None:
        axes = tuple(params["axes"])
        sign = "T" if axes == tuple(range(len(axes)))[::-1] else sign
    elif numbers:
        sign = f"{sign} {', '.join(short(o) for _, o in numbers)}"
    return clipped(sign, LONGEST_SIGN)


def _key(key):
    """An index as it is written between brackets."""
    if isinstance(key, tuple):
        return ", ".join(map(_key, key))
    if isinstance(key, slice):
        parts = ["" if part is None else str(part) for part in (key.start, key.stop, key.step)]
        return ":".join(parts[:2] if key.step is None else parts).replace("-", "−")
    if key is Ellipsis:
        return "…"
    return str(key).replace("-", "−") if isinstance(key, int) or key is None else "index"


def formula_of(op, words):
    """`op` of operands that read as `words`: "x + y", "sigmoid(x)"."""
    pattern = _FORMULAS.get(op)
    if pattern and pattern.count("{}") == len(words):
        return pattern.format(*words)
    return f"{op}({', '.join(words)})"
