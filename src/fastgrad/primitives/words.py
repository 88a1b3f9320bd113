"""Names of parameters: which are operands and which options, and what a vjp or jvp reads. Computes nothing."""

import inspect

from fastgrad import primitive_errors as messages
from fastgrad.primitives.calls import CALL

NEEDS = {"vjp": "g", "jvp": "t"}  # the parameter that a rule must have


def signature(function):
    """Return the parameters of a callable, or None if it is a class or has no signature."""
    try:
        return None if isinstance(function, type) else list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None


class Forward:
    """The function of a user, as a rule calls it: with its operands first, then the options.

    Attributes
    ----------
    operands, options : tuple of str
        The names of its operands, or the name of `*xs`; the names of its options.
    many : bool
        Whether the operands are `*xs`.
    reordered : bool
        Whether an option comes before an operand, so that `bind` is needed.
    """

    def __init__(self, function, name, options, takes_call):
        parameters = signature(function)
        if parameters is None:
            raise messages.not_a_forward(function)
        if any(p.kind == p.VAR_KEYWORD or (p.kind == p.VAR_POSITIONAL and k > 0) for k, p in enumerate(parameters)):
            raise messages.primitive_without_operands(name)
        unknown = [word for word in options if word not in (p.name for p in parameters)]
        if unknown:
            raise messages.unknown_option(name, unknown[0], [p.name for p in parameters])
        self.function, self.parameters = function, parameters
        self.many = bool(parameters) and parameters[0].kind == parameters[0].VAR_POSITIONAL
        first = [p for p in parameters if p.kind == p.POSITIONAL_ONLY and p.name not in options]
        if self.many:
            operands = parameters[:1]
        elif first:
            operands = first
        else:
            operands = [p for p in parameters if p.default is p.empty and p.name not in options]
        if not operands:
            raise messages.primitive_without_operands(name)
        others = [p for p in parameters if p not in operands]
        self.operands, self.options = tuple(p.name for p in operands), tuple(p.name for p in others)
        self.reordered = operands != parameters[: len(operands)] or any(p.kind == p.KEYWORD_ONLY for p in operands)
        self.__name__, self.__module__ = name, getattr(function, "__module__", None) or type(function).__module__
        self.__doc__ = getattr(function, "__doc__", None)
        self.__wrapped__ = function
        if self.reordered:
            operands = [p.replace(kind=p.POSITIONAL_ONLY) for p in operands]
            others = [p.replace(kind=p.KEYWORD_ONLY) for p in others]
        call = [inspect.Parameter(CALL, inspect.Parameter.KEYWORD_ONLY)] * takes_call
        self.called_as = [*operands, *others, *call]

    def __call__(self, *values, **options):
        """Call the function with the operands, then the options, by position or by name."""
        if not self.reordered:
            return self.function(*values, **options)
        options.update(zip(self.operands, values, strict=True))
        args = [options.pop(p.name) for p in self.parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        return self.function(*args, **options)

    def bind(self, args, kwargs):
        """Return the operands and options of a call."""
        try:
            bound = inspect.Signature(self.parameters).bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.__name__}(): {error}") from None
        bound.apply_defaults()
        return [bound.arguments[name] for name in self.operands], {name: bound.arguments[name] for name in self.options}


class Reader:
    """A vjp or jvp of a user, and the names of the parameters that it is called with, `words`.

    `needs` is the parameter that it must have: `g`, the cotangent, for a vjp, and `t`, the tangent, for a jvp.
    """

    __slots__ = ("by_name", "needs", "rule", "words")

    def __init__(self, name, rule, kind, known):
        """Find the parameters that are passed; the others keep their default. Raises for an ambiguous name.

        `kind` is "vjp" or "jvp". `known` maps each name to its meanings.
        """
        self.rule, self.needs = rule, NEEDS[kind]
        parameters = signature(rule) or ()
        if self.needs not in (p.name for p in parameters):
            raise messages.not_a_rule(name, rule, kind)
        read = []
        for p in parameters:
            has_default = p.default is not p.empty
            if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
                raise messages.not_a_rule(name, rule, kind)
            if p.name not in known and has_default:
                if p.kind == p.POSITIONAL_ONLY:
                    raise messages.ambiguous_word(name, p.name, kind, ["positional-only with a default of its own"])
                continue
            meanings = known.get(p.name, []) + ["a name with a default"] * has_default
            if not meanings:
                raise messages.unknown_word(name, p.name, kind)
            if len(meanings) > 1:
                raise messages.ambiguous_word(name, p.name, kind, meanings)
            read.append(p)
        skipped = False  # parameters after one that keeps its default are passed by name
        self.by_name = []
        for p in parameters:
            if p not in read:
                skipped = True
            elif skipped or p.kind == p.KEYWORD_ONLY:
                self.by_name.append(p.name)
        self.words = tuple(p.name for p in read)

    def __call__(self, values):
        if not self.by_name:
            return self.rule(*values)
        n = len(values) - len(self.by_name)
        return self.rule(*values[:n], **dict(zip(self.by_name, values[n:], strict=True)))


def meanings(forward, kind, saves):
    """Return what the parameter names of a vjp or jvp can stand for, by name."""
    known = {NEEDS[kind]: ["the cotangent" if kind == "vjp" else "the tangent"], "y": ["the result"]}
    if forward.many:
        known["i"] = ["the operand's number"]
    if saves:
        known["saved"] = ["the saved values"]
    for word in forward.operands:
        for attribute in "shape", "dtype":
            known.setdefault(f"{word}_{attribute}", []).append(f"the {attribute} of {word!r}")
        known.setdefault(word, []).append(f"the operands '*{word}'" if forward.many else f"the operand {word!r}")
    for word in forward.options:
        known.setdefault(word, []).append(f"the option {word!r}")
    return known
