"""Modules that hold other modules: a sequence that is applied in order, and a list. They compute nothing themselves."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableSequence
from typing import Any, Self

from fastgrad.nn import messages
from fastgrad.nn.module import Module
from fastgrad.nn.states import MODULE
from fastgrad.tracebacks import boundary


class _ModuleSequence(Module, MutableSequence[Module]):
    """Base of containers whose children are indexed by position, with all methods of a list.

    Children are named "0", "1", ..., or as given. Parameters and buffers of a subclass are not part of the list.
    """

    def _set_children(self, modules: Iterable[Module]) -> None:
        for number, module in enumerate(modules):
            self._set_child(str(number), module)

    def _set_child(self, name: str, module: Module) -> None:
        self._require_modules([module], name)
        self.register_module(name, module)

    def _require_modules(self, modules: Iterable[Any], first: Any = 0) -> list[Module]:
        """Return the modules as a list; raise if one is not a Module, before anything is changed."""
        made = list(modules)
        for number, module in enumerate(made):
            if not isinstance(module, Module):
                name = first if isinstance(first, str) else str(first + number)
                came = "None" if module is None else type(module).__name__
                raise messages.not_a_module(type(self).__name__, name, came)
        return made

    def _names(self) -> list[str]:
        return [name for name, kind in self._kinds.items() if kind == MODULE]

    def _all(self) -> list[Module]:
        return [self.__dict__[name] for name in self._names()]

    def _name_at(self, index: Any) -> str:
        names = self._names()
        at = operator.index(index)
        if not -len(names) <= at < len(names):
            raise IndexError(f"{type(self).__name__}: index {at} is out of range for {len(names)} modules")
        return names[at]

    def _renumber(self, modules: list[Module]) -> None:
        for name in self._names():
            delattr(self, name)
        self._set_children(modules)

    def __len__(self) -> int:
        return len(self._names())

    def __iter__(self) -> Iterator[Module]:
        return iter(self._all())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._sliced(index)
        return self.__dict__[self._name_at(index)]

    def _sliced(self, index: slice) -> Self:
        raise NotImplementedError

    def __setitem__(self, index: Any, module: Any) -> None:
        if isinstance(index, slice):
            modules = self._all()
            modules[index] = self._require_modules(module)
            self._renumber(modules)
        else:
            self._set_child(self._name_at(index), module)

    def __delitem__(self, index: Any) -> None:
        modules = self._all()
        if not isinstance(index, slice):
            self._name_at(index)  # raises for an index that is out of range
        del modules[index]
        self._renumber(modules)

    def append(self, module: Module) -> Self:  # type: ignore[override]
        """Append `module`."""
        number = len(self)
        while str(number) in self._kinds:  # a name that was given by the user
            number += 1
        self._set_child(str(number), module)
        return self

    def insert(self, index: int, module: Module) -> Self:  # type: ignore[override]
        """Insert `module` before index `index`."""
        modules = self._all()
        modules.insert(index, *self._require_modules([module], len(modules)))
        self._renumber(modules)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:  # type: ignore[override]
        """Append each of `modules`."""
        for module in self._require_modules(modules, len(self)):
            self.append(module)
        return self

    def sort(self, *, key: Callable[[Module], Any], reverse: bool = False) -> None:
        """Sort the modules by `key(module)`."""
        self._renumber(sorted(self, key=key, reverse=reverse))

    def copy(self) -> Any:
        """Return a Sequential or ModuleList of the same modules."""
        raise NotImplementedError

    def __add__(self, modules: Iterable[Module]) -> Any:
        return self.copy().extend(modules)

    def __mul__(self, times: int) -> Any:
        made = self.copy()
        made *= times
        return made

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Self:
        self._renumber(self._all() * operator.index(times))
        return self


class Sequential(_ModuleSequence):
    """Applies modules in order: the output of each is the input of the next.

    Parameters
    ----------
    *modules : Module, or one mapping of names to modules
        Named "0", "1", ... if no names are given.
    """

    @boundary
    def __init__(self, *modules: Any) -> None:
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            for name, module in modules[0].items():
                self._set_child(name, module)
        else:
            self._set_children(modules)

    def _sliced(self, index: slice) -> Self:
        return type(self)({name: self.__dict__[name] for name in self._names()[index]})

    def copy(self) -> Sequential:
        """Return a Sequential of the same modules."""
        return Sequential(*self)

    def forward(self, x: Any) -> Any:
        values = self.__dict__
        for name, kind in self._kinds.items():
            if kind == MODULE:
                x = values[name](x)
        return x


class ModuleList(_ModuleSequence):
    """A list of modules, whose parameters belong to the module that it is assigned to. It has no forward."""

    @boundary
    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self._set_children(modules)

    def _sliced(self, index: slice) -> Self:
        return type(self)(self._all()[index])

    def copy(self) -> ModuleList:
        """Return a ModuleList of the same modules."""
        return ModuleList(self)

    def __repr__(self) -> str:
        """In PyTorch's format: adjacent modules with the same representation are shown once, with their number."""
        runs: list[list[Any]] = []
        for number, text in enumerate(map(repr, self)):
            if runs and runs[-1][2] == text:
                runs[-1][1] = number
            else:
                runs.append([number, number, text])
        lines = []
        for first, last, text in runs:
            text = text.replace("\n", "\n  ")
            lines.append(f"({first}): {text}" if first == last else f"({first}-{last}): {last - first + 1} x {text}")
        return f"{type(self).__name__}(" + ("\n  " + "\n  ".join(lines) + "\n" if lines else "") + ")"
