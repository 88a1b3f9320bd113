"""Docstrings of ops, made from their rules when somebody asks. Reads sources; computes nothing."""

_OPERAND = "Tensor, array or number."
_PARAMETERS = {
    "axis": (
        "int, tuple of int, or None",
        "Axis or axes, counted from the end if negative. None is all of them; cumsum, repeat and roll flatten first.",
    ),
    "keepdims": ("bool", "Keep the reduced axes with length 1, so that the result broadcasts against the operand."),
    "ddof": ("int or float", "The divisor is n - ddof. `correction` is another word for it."),
    "shape": ("tuple of int", "The shape of the result."),
    "axes": ("tuple", "The axes, as the summary says."),
    "key": ("index", "Integers, slices, None, Ellipsis, integer and boolean arrays, or a tuple of them."),
    "dtype": ("dtype", "The dtype to compute in, and of the result."),
    "reduction": ('"mean", "sum" or "none"', "What to do with the losses of the rows."),
    "k": ("int", "Number of a diagonal: 0 the main one, positive above it, negative below."),
    "offset": ("int", "Number of a diagonal: 0 the main one, positive above it, negative below."),
    "repeats": ("int or array of int", "How often; an array has a count for each element along `axis`."),
    "reps": ("int or tuple of int", "How often, per axis."),
    "shift": ("int or tuple of int", "By how many places, per axis."),
    "pad_width": ("int, pair, or a pair per axis", "How many elements to put before and after."),
    "mode": ("str", "What the border is made of."),
    "decimals": ("int", "How many digits after the point to keep; negative for digits before it."),
    "deg": ("bool", "Degrees instead of radians."),
    "subscripts": ("str", 'Explicit terms, as "ij,jk->ik".'),
    "labels": ("array of int", "Class numbers, one per row; no gradient flows to them."),
    "kernel_size": ("int or pair of int", "Lengths of the windows."),
    "stride": ("int or tuple of int", "Steps from window to window; of pooling the kernel's lengths unless given."),
    "padding": (
        'int, tuple of int or of pairs, "same" or "valid"',
        "Zeros before and after; for the largest element, nothing that wins. The words are for convolutions.",
    ),
    "dilation": ("int or tuple of int", "Distance of the elements that neighbours in the kernel meet."),
    "groups": ("int", "Each group of output channels sees its group of input channels only."),
    "count_include_pad": ("bool", "Whether padding counts as zeros in the mean, or not at all."),
    "lengths": ("tuple of int", "Of the last axes of the result."),
    "kernel": ("tuple of int", "Lengths of the kernel."),
    "nonlinearity": ('"tanh" or "relu"', "What makes the new state of the sum."),
    "condition": ("array of bool", "No gradient flows to it."),
}
_ELEMENTWISE = "Tensor\n    Of the broadcast shape of the operands and the dtype that NumPy gives."
_RESULT = "Tensor"
_RAISES = "ShapeError, DTypeError, IndexError\n    For operands and parameters that do not fit."
_CONSTANT = "None: the result is a constant."


def _tree(function):
    """The definition of a function, its whole module, as syntax trees, and the lines of its file."""
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
    """The syntax trees of the `vjp=` of a decorator, one per operand; none where there is no decorator with one.

    Where it is a name, because several ops share their rules, the trees are those of the value it was assigned.
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
    """The comments of a range of lines, joined."""
    import io
    import tokenize

    text = "".join(lines[first - 1 : last])
    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and not token.string.startswith(("# fmt", "# noqa")):
                found.append(token.string.lstrip("# "))
    except tokenize.TokenError:  # the range ends inside a bracket: all of its comments have been seen
        return " ".join(found)
    return " ".join(found)


def formulas(rule):
    """What the source of a rule says of its gradient.

    Returns
    -------
    list of (str, str)
        Operand and formula, in the words of the vjp; then the helpers that a formula calls, and what they say they do.
    str
        The reason that stands beside it, or an empty string.
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
                if word.startswith("_"):
                    helpers[word] = rule.forward.__globals__.get(word)
    for word, helper in helpers.items():
        if helper is not None and helper.__doc__:
            rows.append((word, " ".join(helper.__doc__.split())))
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
        rows.append(f"{name} : {kind or 'number'}{default}" + (f"\n    {text}" if text else ""))
    return "\n".join(rows)


def _gradient(rule):
    if not rule.has_vjp:
        return _CONSTANT
    rows, reason = formulas(rule)
    if not rows:
        return "By the vjp it was defined with."
    width = max(len(name) for name, _ in rows)
    table = "\n".join(f"    {name:{width}}  {formula}" for name, formula in rows)
    summed = " Summed over the axes along which the operand was broadcast." if rule.elementwise else ""
    return (
        f"With `g` the cotangent of the result `y`:\n\n{table}\n"
        + (f"\nThe reason: {reason}." if reason else "")
        + summed
    )


def docstring(rule):
    """The docstring of an op: its own summary line, what all ops share, and the formula of its rule."""
    summary = " ".join((rule.forward.__doc__ or rule.name).split())
    parts = [
        summary,
        _section("Parameters", _parameters(rule)),
        _section("Returns", _ELEMENTWISE if rule.elementwise else _RESULT),
        _section("Raises", _RAISES),
        _section("Gradient", _gradient(rule)),
    ]
    if rule.aliases:
        parts.insert(1, "Also called " + ", ".join(f"`{word}`" for word in rule.aliases) + ".")
    return "\n\n".join(parts) + "\n"


def signature(rule):
    """The signature of an op: its forward's."""
    import inspect

    return inspect.signature(rule.forward)
