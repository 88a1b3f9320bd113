"""The text of one page of the reference, as reStructuredText: signature, numpydoc sections, the vjp as mathematics."""

import inspect
import re
import textwrap

import mathematics
import names
import numpy as np
from numpydoc.docscrape_sphinx import SphinxDocString

import fastgrad
from fastgrad.rules import Rule
from fastgrad.rules.docs import formulas, saved

_SECTIONS = ("Parameters", "Returns", "Yields", "Raises", "Warns", "Attributes")
_CODE = re.compile(r"(?<![`\w:])`([^`\n]+)`(?!`)")
_ANY_CODE = re.compile(r"(``[^`]+``|(?<![`\w:])`[^`\n]+`(?!`))")
_ANY, _ANY_KEYWORD = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
_OF_THIS = re.compile(r"`fg\.(\w+)` of this tensor\.")
_MATH = "= "  # begins a formula that is displayed
_ERROR = re.compile(r"\b([A-Z]\w*(?:Error|Warning))\b")


def _marked(text):
    """Return a docstring in which indented code after the summary is a literal block of reStructuredText."""
    head, line, rest = text.partition("\nParameters\n---")
    return re.sub(r"(?<=\n\n)((?: {4}.*\n?|\n)+)", r"::\n\n\1\n", head) + line + rest


class Docstring(SphinxDocString):
    """A numpydoc docstring with fastgrad's section on the gradient."""

    sections = {**SphinxDocString.sections, "Gradient": ""}


class Pages:
    """Writes the pages. Holds the table of names, so that names in docstrings become links."""

    def __init__(self, entries):
        self.entries = entries
        self.targets = {}
        for entry in entries:
            for name in (entry.name, *entry.aliases):
                self.targets[name] = name
                self.targets["fg." + name.removeprefix("fastgrad.")] = name
            if entry.kind in ("class", "exception"):
                short = entry.name.rpartition(".")[2]
                self.targets.setdefault(short, entry.name)
                for member in names.members(entry.obj):
                    self.targets[f"{entry.name}.{member}"] = f"{entry.name}.{member}"
                    self.targets.setdefault(f"{short}.{member}", f"{entry.name}.{member}")

    def link(self, text):
        """Return inline code, as a link if it is a public name."""
        name = re.sub(r"\(.*\)$", "", text)
        shown = text.replace("\\", r"\\")
        if name in self.targets:
            return f":py:obj:`{shown} <{self.targets[name]}>`"
        return f"``{text}``"

    def prose(self, text, convert=None):
        """Return the text of a docstring as reStructuredText: inline code marked up, and all else taken literally.

        `convert` returns the markup of inline code. By default, public names are links.
        """
        convert = convert or self.link
        parts = _ANY_CODE.split(text)
        parts[::2] = [re.sub(r"([*|]|(?<=\w)_(?!\w))", r"\\\1", part) for part in parts[::2]]
        parts[1::2] = [part if part.startswith("``") else convert(part[1:-1]) for part in parts[1::2]]
        return "".join(parts)

    def page(self, entry):
        """Return the whole page of an entry."""
        title = entry.name
        lines = [title, "=" * len(title), ""]
        if entry.kind == "data":
            return "\n".join([*lines, *self._data(entry)])
        first, *others = [self._signature(name, entry.obj) for name in (entry.name, *entry.aliases)]
        lines += [f".. py:{entry.kind}:: {first}", *(" " * (len(entry.kind) + 9) + other for other in others)]
        lines += [""] if entry.kind == "class" else ["   :no-contents-entry:", ""]
        lines.append(textwrap.indent(self._body(entry.obj, entry.obj.__doc__), "   "))
        if entry.kind == "class":
            lines += self._members(entry)
        return "\n".join(lines) + "\n"

    def _data(self, entry):
        obj = entry.obj
        value = f"NumPy's dtype ``{obj.__name__}``." if inspect.isclass(obj) else f"The constant ``{obj!r}``."
        if entry.name == "fastgrad.engine":
            value = 'The name of the engine in use, ``"cython"`` or ``"python"``, which ``FASTGRAD_ENGINE`` selects.'
        if obj is None:
            value = "An alias for None, which adds an axis of length 1 when it is used as an index."
        return [f".. py:data:: {entry.name}", "", f"   {value}", ""]

    @staticmethod
    def _signature(name, obj):
        """Return the name and the parameters of an object, without annotations and `self`."""
        if inspect.isclass(obj) and issubclass(obj, BaseException):
            return name
        try:
            found = inspect.signature(obj)
        except (TypeError, ValueError):
            return name if inspect.isclass(obj) else f"{name}(...)"
        kept = [p.replace(annotation=p.empty) for p in found.parameters.values() if p.name != "self"]
        word = name.rpartition(".")[2]
        if [p.kind for p in kept] == [_ANY, _ANY_KEYWORD] and hasattr(np, word):  # it calls the function of NumPy
            kept = list(inspect.signature(getattr(np, word)).parameters.values())
        if kept and kept[0].name in ("x", "a") and "." not in name:  # the method of a Tensor that calls a function
            kept = kept[1:]
        shown = str(found.replace(parameters=kept, return_annotation=found.empty))
        return name + re.sub(r"<(\w+\.)*(\w+).*?>", r"\2", shown).replace("(/, ", "(").replace("(/)", "()")

    def _body(self, obj, text):
        rule = getattr(obj, "rule", None)
        doc = Docstring(self.prose(_marked(inspect.cleandoc(text or ""))), config={"use_plots": False})
        parts = [*doc["Summary"], "", *doc["Extended Summary"], ""]
        for section in _SECTIONS:
            if doc[section]:
                listed = section in ("Parameters", "Attributes")
                found = doc._str_param_list(section) if listed else doc._str_returns(section)
                parts += self._errors(found) if section in ("Raises", "Warns") else found
        if isinstance(rule, Rule):
            parts += ["", ".. rubric:: Gradient", "", *self.gradient(rule)]
        for section in ("Notes", "References"):
            if doc[section]:
                parts += ["", f".. rubric:: {section}", "", *doc[section]]
        parts += doc._str_examples() if doc["Examples"] else []
        return "\n".join(parts)

    def _errors(self, lines):
        """Make the names of error classes links."""

        def target(match):
            name = self.targets.get(match[1])
            return f":py:exc:`{match[1]} <{name}>`" if name else match[0]

        return [_ERROR.sub(target, line) if line.startswith("    ") and line[4] != " " else line for line in lines]

    def gradient(self, rule):
        """Return the vjp of a rule as mathematics, or in words where it is not a formula."""
        if not rule.has_vjp:
            return ["The result is a constant: no gradient flows to the operands."]
        rows, reason = formulas(rule)
        operands = (*rule.operand_names, "each operand")
        helpers = {name: text for name, text in rows if name not in operands}
        equal, described = {}, set()  # operands with the same formula, by its markup
        for name, formula in rows:
            if name in operands:
                equal.setdefault(self._formula(formula, helpers, described), []).append(name)
        lines = ["With :math:`g` the cotangent of the result :math:`y`, the cotangents of the operands are:", ""]
        for text, operands in equal.items():
            if text.startswith(_MATH) and "each operand" not in operands:
                left = " = ".join(mathematics.cotangent(name) for name in operands)
                lines += ["", f".. math:: {left} = {text.removeprefix(_MATH)}", ""]
            else:
                lines += [", ".join(f"``{name}``" if " " not in name else name for name in operands), f"   {text}"]
        for name in helpers.keys() - described:
            lines += [f"``{name.strip('_')}``", f"   {self.mathematical(helpers[name])}"]
        notes = [f"Note: {reason}." if reason else ""]
        if rule.elementwise and (rule.variadic or rule.n_operands > 1):
            notes.append("Each is summed over the axes along which its operand was broadcast.")
        return [*lines, "", self.prose(" ".join([*notes, saved(rule)]).strip())]

    def _formula(self, formula, helpers, described):
        """Return a formula as mathematics, in the words of its helper if it only calls one, or else as code."""
        helper = mathematics.helper_of(formula)
        if helper in helpers:
            described.add(helper)
            return self.mathematical(helpers[helper])
        found = mathematics.latex(formula)
        return f"``{formula}``" if found is None else _MATH + found

    def mathematical(self, text):
        """Return prose in which inline code that is a formula is set as mathematics."""

        def convert(code):
            found = mathematics.latex(code) if mathematics.is_formula(code) else None
            return self.link(code) if found is None else f":math:`{found}`"

        return self.prose(text, convert)

    def _members(self, entry):
        """Return the methods and attributes of a class. Those of a documented base class are on its page."""
        documented = {other.obj: other.name for other in self.entries if other.kind == "class"}
        bases = [base for base in entry.obj.__mro__[1:] if base in documented]
        lines = [f"   Base class: :py:class:`{documented[base]}`." for base in bases[:1]]
        found = {
            name: member
            for name, member in names.members(entry.obj).items()
            if not any(getattr(base, name, None) is member for base in bases)
            and (inspect.getdoc(member) or not names.is_described(entry.obj, name))
        }
        texts = {name: inspect.getdoc(member) or "" for name, member in found.items()}
        functions = {name: match[1] for name, text in texts.items() if (match := _OF_THIS.fullmatch(text))}
        attributes = [name for name, member in found.items() if not callable(member)]
        methods = [name for name in found if name not in attributes and name not in functions]
        for name in attributes:
            lines += ["", f"   .. py:attribute:: {name}", "", textwrap.indent(self._body(None, texts[name]), "      ")]
        for name in methods:
            lines += ["", f"   .. py:method:: {self._signature(name, found[name])}", ""]
            lines.append(textwrap.indent(self._body(found[name], texts[name]), "      "))
        if functions:
            lines += ["", "   .. rubric:: Functions as methods", "", "   The tensor is the first argument.", ""]
        for name, function in functions.items():
            signature = self._signature(name, getattr(fastgrad, function))
            lines += [f"   .. py:method:: {signature}", "      :no-contents-entry:", ""]
            lines += [f"      {self.prose(texts[name])}", ""]
        return lines
