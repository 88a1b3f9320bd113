"""`python -m fastgrad info --coverage`: the functions, with their dtypes, derivatives and implementations."""

import warnings

WIDTHS = (26, 9, 20, 5, 12, 12)
HEAD = ("function", "how", "dtypes", "vjp", "jvp", "vmap")
FLOATS = ("float32", "float64")
INTEGERS = ("argsort", "isin", "linalg.matrix_rank")  # their results
RECORDED = ("full", "full_like", "linspace")  # their values, among the functions that make constants
DTYPES = {"float": "float64", "complex": "complex128", "int": "int64"}


def rows():
    """Return one row per function: name, implementation, dtypes, whether it has a vjp, and how jvp and vmap work.

    The implementation is "kernel" or "rule" for an op, "composed" for a function of several ops, and "constant" for one
    through which no gradient flows. See `jvp_of` and `vmap_of`.
    """
    import fastgrad as fg
    import fastgrad.rules.later  # the rules that `import fastgrad` does not load
    import fastgrad.rules.special
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
        how = "kernel" if name in kernels else "rule"
        found[name if callable(named.get(name)) else public.get(name, name)] = (
            how,
            dtypes(rule),
            "yes" if rule.has_vjp else "no",
            jvp_of(rule),
            vmap_of(rule),
        )
    constant = {name for names in _families.CONSTANTS.values() for name in names.split()}
    for name, value in named.items():
        home = getattr(value, "__module__", "")
        if isinstance(value, type) or not callable(value) or FUNCTIONS.get(name) is value or hasattr(value, "rule"):
            continue
        if name in RECORDED:
            found[name] = ("composed", "all", "yes", "by its ops", "by its ops")
        elif home in (constants.__name__, arrays.__name__) or name in constant or name in INTEGERS:
            found[name] = ("constant", "all", "no", "no", "yes")
        elif home.startswith(("fastgrad.functions.", "fastgrad.linalg", "fastgrad.fft")):
            found.setdefault(name, ("composed", "those of its ops", "yes", "by its ops", "by its ops"))
    return [(name, *found[name]) for name in sorted(found)]


def jvp_of(rule):
    """Return how the tangent of a result is computed.

    "own": by functions of the rule; "linear" and "multilinear": by the op itself; "diagonal": by the vjp of an
    elementwise op; "vjp of vjp": by two vjps.
    """
    if not rule.has_vjp:
        return "no"
    if rule.jvp is not None:
        return rule.jvp if isinstance(rule.jvp, str) else "own"
    return "diagonal" if rule.elementwise else "vjp of vjp"


def vmap_of(rule):
    """Return how the op is applied to a batch: by broadcasting, by a batching rule, or to one element at a time."""
    if rule.batch is not None:
        return "rule"
    return "broadcasts" if rule.elementwise else "loop"


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
        except ModuleNotFoundError as error:
            if error.name != "scipy":
                raise
            return "those of SciPy"  # which is not installed
        kinds.append(kind)
    return " ".join(kinds)


def lines():
    """Return the table as text, and a last line with the counts."""
    table = rows()
    counts = {how: sum(row[1] == how for row in table) for how in ("kernel", "rule", "composed", "constant")}
    text = ["  ".join(map(str.ljust, row, WIDTHS)).rstrip() for row in (HEAD, *table)]
    loops = sum(row[5] == "loop" for row in table)
    total = f"{len(table)} functions: " + ", ".join(f"{n} {how}" for how, n in counts.items())
    return [*text, "", f"{total}; under vmap, {loops} in a loop over the elements"]
