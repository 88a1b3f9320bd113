"""Modules that hold others: one after another, or as a list. Compute nothing of their own."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from fastgrad.nn import messages
from fastgrad.nn.module import MODULE, Module


class _Numbered(Module):
    """Children called "0", "1", ..., or as they were given, reached by position."""

    def _fill(self, modules: Iterable[Module]) -> None:
        for number, module in enumerate(modules):
            self._put(str(number), module)

    def _put(self, name: str, module: Module) -> None:
        if module is None:
            raise messages.not_a_module(type(self).__name__, name, "None")
        self.register_module(name, module)

    def _all(self) -> list[Module]:
        return [self.__dict__[name] for name in self._kinds if self._kinds[name] == MODULE]

    def _name_at(self, index: Any) -> str:
        names = [name for name in self._kinds if self._kinds[name] == MODULE]
        at = operator.index(index)
        if not -len(names) <= at < len(names):
            raise IndexError(f"{type(self).__name__}: index {at} is out of range for {len(names)} modules")
        return names[at]

    def _renumber(self, modules: Iterable[Module]) -> None:
        modules = list(modules)
        for name in [name for name in self._kinds if self._kinds[name] == MODULE]:
            delattr(self, name)
        self._fill(modules)

    def __len__(self) -> int:
        return len(self._all())

    def __iter__(self) -> Iterator[Module]:
        return iter(self._all())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._sliced(index)
        return self.__dict__[self._name_at(index)]

    def _sliced(self, index: slice) -> Self:
        raise NotImplementedError

    def __setitem__(self, index: Any, module: Module) -> None:
        self._put(self._name_at(index), module)

    def __delitem__(self, index: Any) -> None:
        modules = self._all()
        del modules[index]
        self._renumber(modules)

    def append(self, module: Module) -> Self:
        """Put `module` at the end."""
        self._put(str(len(self)), module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Put `module` before number `index`."""
        modules = self._all()
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Put each of `modules` at the end."""
        for module in modules:
            self.append(module)
        return self


class Sequential(_Numbered):
    """Modules one after another: each gets what the one before it returned.

    Parameters
    ----------
    *modules : Module, or one mapping of names to modules
        Called "0", "1", ... where no names are given.
    """

    def __init__(self, *modules: Any) -> None:
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            for name, module in modules[0].items():
                self._put(name, module)
        else:
            self._fill(modules)

    def _sliced(self, index: slice) -> Self:
        names = [name for name in self._kinds if self._kinds[name] == MODULE][index]
        return type(self)({name: self.__dict__[name] for name in names})

    def forward(self, x: Any) -> Any:
        values = self.__dict__
        for name in self._kinds:  # all are modules: nothing else is ever assigned here
            x = values[name](x)
        return x


class ModuleList(_Numbered):
    """A list of modules whose parameters are known to the module that it is assigned to. It has no forward."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self._fill(modules)

    def _sliced(self, index: slice) -> Self:
        return type(self)(self._all()[index])

    def __repr__(self) -> str:
        """As PyTorch's: equal neighbours are written once, with their number."""
        runs: list[list[Any]] = []
        for number, said in enumerate(map(repr, self)):
            if runs and runs[-1][2] == said:
                runs[-1][1] = number
            else:
                runs.append([number, number, said])
        lines = []
        for first, last, said in runs:
            said = said.replace("\n", "\n  ")
            lines.append(f"({first}): {said}" if first == last else f"({first}-{last}): {last - first + 1} x {said}")
        return f"{type(self).__name__}(" + ("\n  " + "\n  ".join(lines) + "\n" if lines else "") + ")"
