"""`python -m fastgrad info --coverage`: the functions, with their dtypes, derivatives and implementations."""

import warnings

WIDTHS = (26, 9, 20, 5, 5)
HEAD = ("function", "how", "dtypes", "vjp", "jvp")
FLOATS = ("float32", "float64")
INTEGERS = ("argsort", "isin", "linalg.matrix_rank")  # their results
RECORDED = ("full", "full_like", "linspace")  # their values, among the functions that make constants
DTYPES = {"float": "float64", "complex": "complex128", "int": "int64"}


def rows():
    """Return one row per function: name, implementation, dtypes, and whether it has a vjp and a jvp.

    The implementation is "kernel" or "rule" for an op, "composed" for a function of several ops, and "constant" for one
    through which no gradient flows. Forward mode is the vjp of the vjp, so that an op has both or none.
    """
    import fastgrad as fg
    import fastgrad.rules.later  # the rules that `import fastgrad` does not load
    from fastgrad import _engine, _families
    from fastgrad.functions import arrays, constants
    from fastgrad.rules import FUNCTIONS, RULES

    kernels = set(_engine.ops_with_kernels() if _engine.ops_with_kernels is not None else ())
    found = {}
    named = {name: getattr(fg, name) for name in dir(fg) if name[0] != "_"}
    for space in _families.NAMESPACES:
        module = getattr(fg, space)
        named |= {f"{space}.{name}": getattr(module, name) for name in module.__all__}
    public = {value.rule.name: name for name, value in named.items() if hasattr(value, "rule") and "." in name}
    for name, rule in RULES.items():
        derivative = "yes" if rule.has_vjp else "no"
        how = "kernel" if name in kernels else "rule"
        found[name if callable(named.get(name)) else public.get(name, name)] = (
            how,
            dtypes(rule),
            derivative,
            derivative,
        )
    constant = {name for names in _families.CONSTANTS.values() for name in names.split()}
    for name, value in named.items():
        home = getattr(value, "__module__", "")
        if isinstance(value, type) or not callable(value) or FUNCTIONS.get(name) is value or hasattr(value, "rule"):
            continue
        if name in RECORDED:
            found[name] = ("composed", "all", "yes", "yes")
        elif home in (constants.__name__, arrays.__name__) or name in constant or name in INTEGERS:
            found[name] = ("constant", "all", "no", "no")
        elif home.startswith(("fastgrad.functions.", "fastgrad.linalg", "fastgrad.fft")):
            found.setdefault(name, ("composed", "those of its ops", "yes", "yes"))
    return [(name, *found[name]) for name in sorted(found)]


def dtypes(rule):
    """Return the kinds of dtypes that a rule's forward supports, found by calling it on a sample of each."""
    import numpy as np

    rng = np.random.default_rng(0)
    samples = list(rule.samples(rng)) if rule.samples else []
    if rule.domain:
        intervals = rule.domain if isinstance(rule.domain[0], tuple) else (rule.domain,) * rule.n_operands
        samples.append((tuple(rng.uniform(*interval, size=3) for interval in intervals), {}))
    kinds = []
    for kind, dtype in DTYPES.items():
        operands, params = samples[0]
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                converted = [x.astype(dtype) if getattr(x, "dtype", x) in FLOATS else x for x in operands]
                rule.run(*rule.bind(tuple(converted), params))
        except (TypeError, ValueError):  # what NumPy and the rules raise for other dtypes
            continue
        kinds.append(kind)
    return " ".join(kinds)


def lines():
    """Return the table as text, and a last line with the counts."""
    table = rows()
    counts = {how: sum(row[1] == how for row in table) for how in ("kernel", "rule", "composed", "constant")}
    text = ["  ".join(map(str.ljust, row, WIDTHS)).rstrip() for row in (HEAD, *table)]
    return [*text, "", f"{len(table)} functions: " + ", ".join(f"{n} {how}" for how, n in counts.items())]
