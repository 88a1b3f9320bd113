"""Modules and parameters by name or number, which belong to the module that holds the container."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fastgrad._engine import Tensor, is_parameter
from fastgrad.nn import messages
from fastgrad.nn.module import Module, Parameter
from fastgrad.nn.states import MODULE, PARAMETER


class _Keyed(Module):
    """Base of the dictionaries: the attributes of one kind, by name."""

    _kind = MODULE

    def _checked(self, name: Any, value: Any) -> Any:
        """Return the value to be stored."""
        raise NotImplementedError

    def _names(self) -> list[str]:
        return [name for name, kind in self._kinds.items() if kind == self._kind]

    def __setitem__(self, key: str, value: Any) -> None:
        value = self._checked(key, value)
        if isinstance(key, str) and key not in self._kinds and hasattr(self, key):
            raise messages.name_taken(type(self).__name__, key)
        self._register(key, value, self._kind)

    def __getitem__(self, key: str) -> Any:
        if self._kinds.get(key) != self._kind:
            raise KeyError(key)
        return self.__dict__[key]

    def __delitem__(self, key: str) -> None:
        if self._kinds.get(key) != self._kind:
            raise KeyError(key)
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._names())

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._kinds.get(key) == self._kind

    def keys(self) -> list[str]:
        """Return the names."""
        return self._names()

    def values(self) -> list[Any]:
        """Return the values."""
        return [self.__dict__[name] for name in self._names()]

    def items(self) -> list[tuple[str, Any]]:
        """Return pairs of name and value."""
        return [(name, self.__dict__[name]) for name in self._names()]

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of this name, or `default`."""
        return self.__dict__[key] if key in self else default

    def pop(self, key: str) -> Any:
        """Remove the value of this name and return it."""
        value = self[key]
        del self[key]
        return value

    def clear(self) -> None:
        """Remove all values."""
        for name in self._names():
            del self[name]

    def update(self, values: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Add or replace the values of a mapping, or of pairs of name and value."""
        pairs = values.items() if isinstance(values, (Mapping, _Keyed)) else values
        for name, value in [(name, self._checked(name, value)) for name, value in pairs]:
            self[name] = value


class ModuleDict(_Keyed):
    """Modules by name. It has no forward.

    Parameters
    ----------
    modules : mapping of str to Module, or iterable of pairs, optional

    Raises
    ------
    DTypeError
        If a value is not a Module.
    StateError
        If a name is empty, contains a dot, or is that of a method.
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        self.update(modules or {})

    def _checked(self, name: Any, value: Any) -> Any:
        if not isinstance(value, Module):
            raise messages.not_a_module(type(self).__name__, name, type(value).__name__)
        return value


def _as_parameter(value: Any) -> Tensor:
    """Return `value` itself if it is a parameter, or can be, else a parameter with a copy of its values."""
    is_one = isinstance(value, Tensor) and value.is_leaf and (value.requires_grad or is_parameter(value))
    return value if is_one else Parameter(value)


class ParameterDict(_Keyed):
    """Parameters by name. Arrays and other Tensors are copied to parameters.

    Parameters
    ----------
    parameters : mapping of str to Tensor or array, or iterable of pairs, optional

    Raises
    ------
    StateError
        If a name is empty, contains a dot, or is that of a method.
    """

    _kind = PARAMETER

    def __init__(self, parameters: Any = None) -> None:
        self.update(parameters or {})

    def _checked(self, name: Any, value: Any) -> Any:
        return _as_parameter(value)

    def extra_repr(self) -> str:
        return "\n".join(f"({name}): {_described(value)}" for name, value in self.items())


class ParameterList(Module):
    """A list of parameters. Arrays and other Tensors are copied to parameters.

    Parameters
    ----------
    values : iterable of Tensor or array
    """

    def __init__(self, values: Iterable[Any] = ()) -> None:
        self.extend(values)

    def _all(self) -> list[Tensor]:
        return [value for _, value in self._own(PARAMETER)]

    def _name_at(self, index: Any) -> str:
        at, n = operator.index(index), len(self)
        if not -n <= at < n:
            raise IndexError(f"{type(self).__name__}: index {at} is out of range for {n} parameters")
        return str(at % n)

    def __len__(self) -> int:
        return len(self._all())

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self._all())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(self._all()[index])
        return self.__dict__[self._name_at(index)]

    def __setitem__(self, index: Any, value: Any) -> None:
        self._register(self._name_at(index), _as_parameter(value), PARAMETER)

    def append(self, value: Any) -> ParameterList:
        """Append a parameter."""
        self._register(str(len(self)), _as_parameter(value), PARAMETER)
        return self

    def extend(self, values: Iterable[Any]) -> ParameterList:
        """Append each of `values`."""
        for value in [_as_parameter(value) for value in values]:
            self.append(value)
        return self

    __iadd__ = extend

    def extra_repr(self) -> str:
        return "\n".join(f"({k}): {_described(value)}" for k, value in enumerate(self))


def _described(value: Tensor) -> str:
    return f"Parameter of shape {value.shape}, {value.dtype}"
