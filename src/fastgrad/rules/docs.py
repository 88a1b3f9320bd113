"""Docstrings of ops, generated from their rules when they are read. Parses source code; computes nothing."""

from types import FunctionType

from fastgrad import parameters

_OPERAND = "Tensor, array or number."
_PARAMETERS = {
    "axis": (
        "int, tuple of int, or None",
        "Axis or axes; negative ones count from the end.",
    ),
    "keepdims": ("bool", "Keep the reduced axes with length 1, so that the result broadcasts against the operand."),
    "ddof": ("int or float", "The divisor is n - ddof. The keyword `correction` is a synonym."),
    "shape": ("tuple of int", "The shape of the result."),
    "axes": ("tuple", "The axes, as described above."),
    "key": ("index", "Integers, slices, None, Ellipsis, integer and boolean arrays, or a tuple of them."),
    "dtype": ("dtype", "The dtype to compute in, and of the result."),
    "reduction": ('"mean", "sum" or "none"', "How to reduce the losses of the rows."),
    "k": ("int", "The diagonal: 0 is the main diagonal, positive numbers are above it, negative ones below."),
    "offset": ("int", "The diagonal: 0 is the main diagonal, positive numbers are above it, negative ones below."),
    "repeats": ("int or array of int", "The number of repetitions, of all elements or of each element along `axis`."),
    "reps": ("int or tuple of int", "The number of repetitions along each axis."),
    "shift": ("int or tuple of int", "The number of positions to shift by, along each axis."),
    "pad_width": ("int, pair, or a pair per axis", "The number of elements to add before and after."),
    "mode": ("str", "How borders and ends are treated: a mode of NumPy's function."),
    "weights": ("array", "The weights of the elements of the operand."),
    "decimals": ("int", "The number of decimal places; negative numbers round to the left of the decimal point."),
    "deg": ("bool", "Degrees instead of radians."),
    "subscripts": ("str", 'Explicit terms, as "ij,jk->ik".'),
    "labels": ("array of int", "Class numbers, one per row; no gradient flows to them."),
    "kernel_size": ("int or pair of int", "The lengths of the windows."),
    "stride": ("int or tuple of int", "The distance of adjacent windows. For pooling, the default is the kernel size."),
    "padding": (
        'int, tuple of int or of pairs, "same" or "valid"',
        "The number of zeros to add before and after; max_pool2d pads with the lowest value. Strings are for "
        "convolutions only.",
    ),
    "dilation": ("int or tuple of int", "The distance of adjacent kernel elements in the input."),
    "groups": ("int", "The number of groups of channels that are convolved separately."),
    "count_include_pad": ("bool", "Whether the mean includes the zeros of the padding."),
    "lengths": ("tuple of int", "The lengths of the last axes of the result."),
    "kernel": ("tuple of int", "The lengths of the kernel."),
    "nonlinearity": ('"tanh" or "relu"', "The activation function of the hidden state."),
    "N": ("int", "The number of columns, by default the length of `x`."),
    "increasing": ("bool", "Whether the powers increase from left to right."),
    "endpoint": ("bool", "Whether the last value is included."),
    "minlength": ("int", "The smallest length of the result."),
    "new_shape": ("int or tuple of int", "The shape of the result."),
    "kth": ("int or sequence of int", "The positions whose elements are those of the sorted array."),
    "method": ("str", "One of the methods of `numpy.quantile`, for quantiles between two elements."),
    "overwrite_input": ("bool", "Ignored: the operand is not modified."),
    "obj": ("int, slice, or array of int or bool", "The positions along the axis."),
    "condition": ("array of bool", "No gradient flows to it."),
}
_ELEMENTWISE = "Tensor\n    Of the broadcast shape of the operands, and of the dtype of NumPy's result."
_REDUCED = (
    "Tensor\n    Of the shape of the operand without the reduced axes, which have length 1 if `keepdims` is True."
)
_VIEW = "Tensor\n    A view of the operand where possible, and otherwise a copy."
_RESULT = "Tensor"
_UNBROADCAST = "ShapeError\n    If the operands do not broadcast together."
_UNFIT = "ShapeError\n    If the shapes of the operands, or the parameters, do not fit."
_BAD_AXIS = "AxisError\n    If an axis is out of bounds, or occurs twice."
_BAD_DTYPE = "DTypeError\n    If the operation is not defined for the dtype."
_BAD_INDEX = "IndexingError\n    If an index or a label is out of bounds."
_CONSTANT = "None: the result is a constant."


def _tree(function):
    """Return the syntax trees of a function and of its module, and the lines of its file."""
    import ast
    import linecache

    code = function.__code__
    lines = linecache.getlines(code.co_filename)
    if not lines:
        return None, None, lines
    module = ast.parse("".join(lines))
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first <= code.co_firstlineno <= node.lineno:
                return node, module, lines
    return None, module, lines


def _vjp_nodes(node, module):
    """Return the syntax trees of the `vjp=` of a decorator, one per operand, or an empty list if there is none.

    If it is a name, because several ops share their rules, the trees are those of the assigned value.
    """
    import ast

    for decorator in node.decorator_list if node is not None else ():
        for keyword in getattr(decorator, "keywords", ()):
            if keyword.arg == "vjp":
                value = keyword.value
                if isinstance(value, ast.Name):
                    assigned = {
                        target.id: statement.value
                        for statement in module.body
                        if isinstance(statement, ast.Assign)
                        for target in statement.targets
                        if isinstance(target, ast.Name)
                    }
                    value = assigned.get(value.id, value)
                return value, value.elts if isinstance(value, ast.Tuple) else [value]
    return None, []


def _comments(first, last, lines):
    """Return the comments in a range of lines, joined."""
    import io
    import tokenize

    text = "".join(lines[first - 1 : last])
    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and not token.string.startswith(("# fmt", "# noqa")):
                found.append(token.string.lstrip("# "))
    except tokenize.TokenError:  # the range ends inside a bracket, after all of its comments
        return " ".join(found)
    return " ".join(found)


def formulas(rule):
    """Return the formulas of a rule, read from its source.

    Returns
    -------
    list of (str, str)
        Operand and formula, as written in the vjp; then the helpers that a formula calls, with their docstrings.
    str
        The comment beside the vjp, or an empty string.
    """
    import ast

    node, module, lines = _tree(rule.forward)
    whole, parts = _vjp_nodes(node, module)
    if whole is None:
        return [], ""
    names = ["each operand"] if rule.variadic or len(parts) < rule.n_operands else rule.operand_names
    rows, helpers = [], {}
    for name, part in zip(names, parts, strict=False):
        if isinstance(part, ast.Lambda):
            rows.append((name, ast.unparse(part.body).replace("ops.", "")))
            for call in ast.walk(part.body):
                word = getattr(getattr(call, "func", None), "id", "")
                helper = rule.forward.__globals__.get(word)
                if isinstance(helper, FunctionType) and helper.__doc__:
                    helpers[word] = " ".join(helper.__doc__.split())
    rows += helpers.items()
    above = whole.lineno
    while above > 1 and lines[above - 2].lstrip().startswith("#"):
        above -= 1
    return rows, _comments(above, whole.end_lineno, lines)


def _section(title, body):
    return f"{title}\n{'-' * len(title)}\n{body}"


def _parameters(rule):
    rows = []
    for name in (*rule.operand_names, *rule.param_names):
        kind, text = _PARAMETERS.get(name, (None, None))
        if kind is None and name in rule.operand_names:
            rows.append(f"{'*' * rule.variadic}{name} : {_OPERAND[:-1]}")
            continue
        default = f", default {rule.defaults[name]!r}" if name in rule.defaults else ""
        if name == "axis" and "keepdims" in rule.param_names:
            text += " None is all axes."
        rows.append(f"{name} : {kind or 'number'}{default}" + (f"\n    {text}" if text else ""))
    return "\n".join(rows)


def _result(rule):
    if rule.elementwise:
        return _ELEMENTWISE
    return _REDUCED if "keepdims" in rule.param_names else _VIEW if rule.view else _RESULT


def _raises(rule):
    found = [_BAD_DTYPE]
    if not rule.elementwise:
        found.append(_UNFIT)
    elif rule.variadic or rule.n_operands > 1:
        found.append(_UNBROADCAST)
    if "axis" in rule.param_names:
        found.append(_BAD_AXIS)
    if {"key", "labels"}.intersection(rule.param_names):
        found.append(_BAD_INDEX)
    return "\n".join(found)


def saved(rule):
    """Return a sentence on the values that a node of this op keeps for the backward pass."""
    names = [f"`{name}`" for name, read in zip(rule.operand_names, rule.reads_operand, strict=True) if read]
    names += ["the result"] * rule.reads_result
    return f"The backward pass reads {' and '.join(names) or 'no values'}."


def _gradient(rule):
    if not rule.has_vjp:
        return _CONSTANT
    rows, reason = formulas(rule)
    if not rows:
        return "Computed by the vjp that it was defined with."
    width = max(len(name) for name, _ in rows)
    table = "\n".join(f"    {name:{width}}  {formula}" for name, formula in rows)
    summed = "Summed over the axes along which the operand was broadcast. " if rule.elementwise else ""
    note = f"Note: {reason}. " if reason else ""
    return f"With `g` the cotangent of the result `y`:\n\n{table}\n\n{note}{summed}{saved(rule)}"


def docstring(rule):
    """Return the docstring of an op: its summary, the sections that all ops share, and the formula of its rule."""
    summary = " ".join((rule.forward.__doc__ or rule.name).split())
    parts = [
        summary,
        _section("Parameters", _parameters(rule)),
        _section("Returns", _result(rule)),
        _section("Raises", _raises(rule)),
        _section("Gradient", _gradient(rule)),
    ]
    if rule.aliases:
        parts.insert(1, "Also called " + ", ".join(f"`{word}`" for word in rule.aliases) + ".")
    return "\n\n".join(parts) + "\n"


def signature(rule):
    """Return the signature of the forward of an op, with the other names of its parameters, but not PyTorch's."""
    import inspect

    found = inspect.signature(rule.forward)
    more = [word for word in rule.synonyms if word not in parameters.PYTORCH_KEYWORDS]
    return found.replace(
        parameters=[
            *found.parameters.values(),
            *(inspect.Parameter(word, inspect.Parameter.KEYWORD_ONLY, default=None) for word in more),
        ]
    )
