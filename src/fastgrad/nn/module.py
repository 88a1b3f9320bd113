"""Module: what has parameters, buffers and modules as attributes, names them, and can save and load them by name.

What an attribute is stands in `_kinds`, its value in the instance's dictionary and nowhere else, so that reading
`self.weight` costs what reading any attribute costs. Computes nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from fastgrad._engine import Tensor, is_parameter, mark_parameter, no_grad, tensor
from fastgrad._state import clear_gradients, fitted
from fastgrad.errors import FastgradError
from fastgrad.nn import messages

PARAMETER, BUFFER, TRANSIENT, MODULE = "parameter", "buffer", "buffer that is not saved", "module"


def Parameter(
    data: Tensor | npt.ArrayLike, requires_grad: bool = True, *, dtype: npt.DTypeLike | None = None
) -> Tensor:
    """A leaf Tensor with a copy of `data`, which a Module that it is assigned to takes as a parameter.

    There is no class of that name: a Module takes as a parameter a leaf that requires a gradient, and what this
    function has made, frozen or not. `parameters()`, `named_parameters()` and the state dict have both.

    Parameters
    ----------
    data : Tensor or array
        Integers become float64.
    requires_grad : bool
        False for a parameter that is frozen: optimisers pass it over until `requires_grad_()`.
    dtype : dtype, optional
        The dtype wanted, that of `data` otherwise.
    """
    if isinstance(data, Tensor):
        data = data.detach()
    made = tensor(data, dtype=dtype)
    if made.dtype.kind in "biu":
        made = made.astype(np.float64)
    mark_parameter(made)
    return made.requires_grad_() if requires_grad else made


def _renamed(function: FunctionType, name: str) -> FunctionType:
    made = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    functools.update_wrapper(made, function)
    made.__kwdefaults__ = function.__kwdefaults__
    del made.__wrapped__
    made.__qualname__ = name
    return made


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` did not find, and what it did not need."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module:
    """Base of all layers and networks. Assign parameters and modules in `__init__`, and define `forward`.

    A leaf Tensor that requires a gradient becomes a parameter when it is assigned, a Module a child; buffers, the
    tensors that belong to the state but are not trained, are told by `register_buffer`. Names and their order are
    PyTorch's. Calling `super().__init__()` is allowed, and not needed.

        class Scale(fg.nn.Module):
            def __init__(self, n):
                self.gain = fg.nn.Parameter(np.ones(n))

            def forward(self, x):
                return x * self.gain
    """

    training: bool
    _kinds: dict[str, str]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        self.__dict__["_kinds"] = {}
        self.__dict__["training"] = True
        return self

    def __init__(self) -> None:
        pass

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in ("__init__", "forward"):  # one that is inherited names the class it is called on in Python's errors
            found = getattr(cls, name)
            if cls.__module__.startswith("fastgrad.") and name not in vars(cls) and isinstance(found, FunctionType):
                setattr(cls, name, _renamed(found, f"{cls.__qualname__}.{name}"))

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; each subclass says what."""
        raise NotImplementedError(f"{type(self).__name__} has no forward: define `def forward(self, x)`")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.forward(*args, **kwargs)

    # --- registration

    def __setattr__(self, name: str, value: Any) -> None:
        kinds = self._kinds
        if isinstance(value, Tensor):
            known = kinds.get(name)
            if value.is_leaf and (value.requires_grad or is_parameter(value)):
                if known not in (BUFFER, TRANSIENT):
                    kinds[name] = PARAMETER
            elif known == PARAMETER and value is not self.__dict__.get(name):
                raise messages.not_a_parameter(name, value.op)
            elif known == MODULE:
                del kinds[name]
        elif isinstance(value, Module):
            kinds[name] = MODULE
        elif value is not None and name in kinds:
            if kinds[name] != MODULE:
                raise messages.not_a_state(name, kinds[name], type(value).__name__)
            del kinds[name]
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        self._kinds.pop(name, None)

    def _register(self, name: str, value: Any, kind: str) -> None:
        if not isinstance(name, str) or not name or "." in name:
            raise messages.bad_state_name(name)
        self._kinds[name] = kind
        self.__dict__[name] = value

    def register_parameter(self, name: str, param: Tensor | None) -> None:
        """Make `param` the parameter `name`. None keeps the name for a parameter that this module does without."""
        if param is not None and not (isinstance(param, Tensor) and param.is_leaf):
            raise messages.not_a_parameter(name, getattr(param, "op", None))
        self._register(name, param, PARAMETER)

    def register_buffer(self, name: str, value: Tensor | npt.ArrayLike | None, persistent: bool = True) -> None:
        """Make `value` the buffer `name`: state that is not trained.

        Parameters
        ----------
        name : str
        value : Tensor, array or None
        persistent : bool
            Whether it belongs to the state dict.
        """
        value = value if value is None or isinstance(value, Tensor) else tensor(value)  # a copy: it will be written
        self._register(name, value, BUFFER if persistent else TRANSIENT)

    def register_module(self, name: str, module: Module | None) -> None:
        """Make `module` the child `name`. None keeps the name for a child that this module does without."""
        if module is not None and not isinstance(module, Module):
            raise messages.not_a_module(type(self).__name__, name, type(module).__name__)
        self._register(name, module, MODULE)

    add_module = register_module

    # --- walking

    def _own(self, *kinds: str) -> Iterator[tuple[str, Any]]:
        """Name and value of the attributes of these kinds that are not None, in the order of registration."""
        for name, kind in self._kinds.items():
            if kind in kinds and self.__dict__[name] is not None:
                yield name, self.__dict__[name]

    def _named(self, prefix: str, recurse: bool, *kinds: str) -> Iterator[tuple[str, Tensor]]:
        seen = set()
        for path, module in self.named_modules(prefix) if recurse else [(prefix, self)]:
            for name, value in module._own(*kinds):
                if id(value) not in seen:
                    seen.add(id(value))
                    yield (f"{path}.{name}" if path else name), value

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        """Name and Tensor of each parameter, the module's own before those of its children; shared ones once."""
        return self._named(prefix, recurse, PARAMETER)

    def parameters(self, recurse: bool = True) -> Iterator[Tensor]:
        """The parameters, the module's own before those of its children; shared ones once."""
        return (value for _, value in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        """Name and Tensor of each buffer."""
        return self._named(prefix, recurse, BUFFER, TRANSIENT)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers."""
        return (value for _, value in self.named_buffers(recurse=recurse))

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Name and module of each child; one that has two names once."""
        seen = set()
        for name, module in self._own(MODULE):
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules assigned to this one."""
        return (module for _, module in self.named_children())

    def named_modules(self, prefix: str = "", _seen: set[int] | None = None) -> Iterator[tuple[str, Module]]:
        """Name and module of this one, named `prefix`, and of all below it; each module once."""
        seen = set() if _seen is None else _seen
        if id(self) in seen:
            return
        seen.add(id(self))
        yield prefix, self
        for name, module in self._own(MODULE):
            yield from module.named_modules(f"{prefix}.{name}" if prefix else name, seen)

    def modules(self) -> Iterator[Module]:
        """This module and all below it."""
        return (module for _, module in self.named_modules())

    # --- doing something with all of them

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call `function(module)` for every module, children before this one; returns this one."""
        for module in self.children():
            module.apply(function)
        function(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Put this module and all below it into training mode, or out of it; dropout and batch norm ask."""
        for module in self.modules():
            module.__dict__["training"] = bool(mode)
        return self

    def eval(self) -> Self:
        """Put this module and all below it into evaluation mode."""
        return self.train(False)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters: `.grad` is None, or zero where `set_to_none` is False."""
        clear_gradients(self.parameters(), set_to_none)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Make all parameters require a gradient, or freeze them."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def to(self, dtype: npt.DTypeLike) -> Self:
        """Convert all floating parameters and buffers to `dtype`.

        Parameters become new Tensors: make the optimiser afterwards.
        """
        made: dict[int, Tensor] = {}
        for module in self.modules():
            for name, old in list(module._own(PARAMETER, BUFFER, TRANSIENT)):
                if old.dtype.kind not in "fc" or old.dtype == np.dtype(dtype):
                    continue
                if id(old) not in made:
                    made[id(old)] = old.detach().astype(dtype).requires_grad_(old.requires_grad)
                module.__dict__[name] = made[id(old)]
        return self

    # --- state

    def _states(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """Name and Tensor of all that a state dict holds, in PyTorch's order; shared ones under each of their names."""
        for kind in PARAMETER, BUFFER:
            for name, value in self._own(kind):
                yield prefix + name, value
        for name, module in self._own(MODULE):
            yield from module._states(f"{prefix}{name}.")

    def state_dict(self) -> dict[str, Tensor]:
        """Parameters and persistent buffers by name, as PyTorch names and orders them.

        The Tensors share the memory of the module's: copy what is to outlive the next training step.
        """
        return {name: value.detach() for name, value in self._states()}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Copy the values of a state dict into parameters and buffers, in place. All of them or, on error, none.

        Parameters
        ----------
        state_dict : mapping of str to Tensor or array
            As `state_dict()` gives it, or PyTorch's with its tensors converted to NumPy. Values take the dtype of
            what they are copied into.
        strict : bool
            Refuse missing and unexpected names. Where False they are left alone; shapes must fit in any case.

        Returns
        -------
        IncompatibleKeys
            `missing_keys` and `unexpected_keys`.

        Raises
        ------
        StateError
            Names every missing, unexpected and mis-shaped entry, and values that are none of the dtype, as NaN in an
            integer buffer.
        """
        if not isinstance(state_dict, Mapping):
            raise messages.no_state_dict(type(state_dict).__name__)
        own = dict(self._states())
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        values, unfit = {}, []
        for name, mine in own.items():
            if name not in state_dict:
                continue
            value = fitted(state_dict[name], mine.shape, mine.dtype)
            if isinstance(value, str):
                unfit.append(f"{name}: {value}")
            else:
                values[name] = value
        if unfit or (strict and (missing or unexpected)):
            raise messages.state_mismatch(type(self).__name__, *((missing, unexpected) if strict else ([], [])), unfit)
        self._write(own, values)
        return IncompatibleKeys(missing, unexpected)

    def _write(self, own: dict[str, Tensor], values: dict[str, np.ndarray]) -> None:
        """Write all of the values; where one cannot be written, put back those that were."""
        before: list[tuple[Tensor, np.ndarray]] = []
        name = ""
        with no_grad():
            try:
                for name, value in values.items():
                    before.append((own[name], own[name].detach().numpy().copy()))
                    own[name][...] = value
            except BaseException as error:
                for p, value in reversed(before):
                    if p.detach().numpy().tobytes() != value.tobytes():  # not the one that refused to be written
                        p[...] = value
                if isinstance(error, FastgradError):
                    raise messages.not_written(type(self).__name__, name, error) from error
                raise

    # --- words

    def extra_repr(self) -> str:
        """What stands between the parentheses of `repr`, beside the children."""
        return ""

    def __repr__(self) -> str:
        said = self.extra_repr()
        lines = said.split("\n") if said else []
        children = [f"({name}): " + indented(repr(module)) for name, module in self._shown()]
        if len(lines) == 1 and not children:
            return f"{type(self).__name__}({said})"
        body = "".join(f"\n  {line}" for line in lines + children)
        return f"{type(self).__name__}({body}\n)" if body else f"{type(self).__name__}()"

    def _shown(self) -> Iterator[tuple[str, Module | None]]:
        for name, kind in self._kinds.items():
            if kind == MODULE:
                yield name, self.__dict__[name]


def indented(text: str) -> str:
    """All lines but the first two columns further to the right."""
    return text.replace("\n", "\n  ")
