"""Module: holds parameters, buffers and modules, names them, and saves and loads them by name. Computes nothing.

`_kinds` records the kind of each attribute. Its value is stored in the dictionary of the instance only, so that
`self.weight` is as fast as any other attribute.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from fastgrad._engine import Tensor, is_parameter, mark_parameter, tensor
from fastgrad._state import clear_gradients
from fastgrad.nn import messages
from fastgrad.nn.conversions import Conversions
from fastgrad.nn.hooks import Hooks, RemovableHandle
from fastgrad.nn.states import BUFFER, MODULE, PARAMETER, TRANSIENT, States
from fastgrad.tracebacks import boundary, shorten


def Parameter(
    data: Tensor | npt.ArrayLike, requires_grad: bool = True, *, dtype: npt.DTypeLike | None = None
) -> Tensor:
    """Return a leaf Tensor with a copy of `data`, which becomes a parameter of the Module that it is assigned to.

    This is a function, not a class: a Module treats as a parameter every leaf that requires a gradient, and every leaf
    made by this function, even if it does not require one. `parameters()`, `named_parameters()` and the state dict
    include both.

    Parameters
    ----------
    data : Tensor or array
        Integers and booleans are converted to float64.
    requires_grad : bool
        False for a frozen parameter, which optimizers skip until `requires_grad_()` is called.
    dtype : dtype, optional
        By default that of `data`.

    Returns
    -------
    Tensor
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


class Module(Conversions, States):
    """Base class of all layers and networks. Assign parameters and modules in `__init__`, and define `forward`.

    A leaf Tensor that requires a gradient becomes a parameter when it is assigned, and a Module becomes a child.
    Buffers, which are tensors that belong to the state but are not trained, are registered with `register_buffer`.
    Names and their order are those of PyTorch. Calling `super().__init__()` is optional.

        class Scale(fg.nn.Module):
            def __init__(self, n):
                self.gain = fg.nn.Parameter(np.ones(n))

            def forward(self, x):
                return x * self.gain
    """

    training: bool
    _kinds: dict[str, str]
    _hooks: Hooks | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        self.__dict__["_kinds"] = {}
        self.__dict__["training"] = True
        return self

    def __init__(self) -> None:
        pass

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in ("__init__", "forward"):  # copied, so that Python's errors name the class that was called
            found = getattr(cls, name)
            if cls.__module__.startswith("fastgrad.") and name not in vars(cls) and isinstance(found, FunctionType):
                setattr(cls, name, _renamed(found, f"{cls.__qualname__}.{name}"))

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output of the module. Defined by each subclass."""
        raise NotImplementedError(f"{type(self).__name__} has no forward: define `def forward(self, x)`")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if self._hooks is not None:
                return self._hooks.call(self, args, kwargs)
            return self.forward(*args, **kwargs)
        except Exception as error:
            shorten(error)
            raise

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after each forward. A result other than None replaces the output.

        Parameters
        ----------
        hook : function
            Called as `hook(module, args, kwargs, output)` if `with_kwargs` is set.
        prepend : bool
            Whether it is called before the hooks that are registered already.
        with_kwargs : bool
        always_call : bool
            Must be False: after an error no hook is called.

        Returns
        -------
        RemovableHandle
            Its method `remove()` removes the hook.
        """
        if always_call:
            raise messages.no_always_call()
        return self._with_hooks().add("after", hook, prepend, with_kwargs)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before each forward. A result other than None replaces the arguments.

        Parameters
        ----------
        hook : function
            Called as `hook(module, args, kwargs)`, to return a pair of both, if `with_kwargs` is set.
        prepend : bool
            Whether it is called before the hooks that are registered already.
        with_kwargs : bool

        Returns
        -------
        RemovableHandle
            Its method `remove()` removes the hook.
        """
        return self._with_hooks().add("before", hook, prepend, with_kwargs)

    def _with_hooks(self) -> Hooks:
        if self._hooks is None:
            self.__dict__["_hooks"] = Hooks()
        return self.__dict__["_hooks"]

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

    @boundary
    def register_parameter(self, name: str, param: Tensor | None) -> None:
        """Register `param` as the parameter `name`. None reserves the name of an absent parameter."""
        if param is not None and not (isinstance(param, Tensor) and param.is_leaf):
            raise messages.not_a_parameter(name, getattr(param, "op", None))
        self._register(name, param, PARAMETER)

    @boundary
    def register_buffer(self, name: str, value: Tensor | npt.ArrayLike | None, persistent: bool = True) -> None:
        """Register `value` as the buffer `name`: a tensor that belongs to the state but is not trained.

        Parameters
        ----------
        name : str
        value : Tensor, array or None
        persistent : bool
            Whether the state dict includes it.
        """
        value = value if value is None or isinstance(value, Tensor) else tensor(value)  # copied, as it may be modified
        self._register(name, value, BUFFER if persistent else TRANSIENT)

    @boundary
    def register_module(self, name: str, module: Module | None) -> None:
        """Register `module` as the child `name`. None reserves the name of an absent child."""
        if module is not None and not isinstance(module, Module):
            raise messages.not_a_module(type(self).__name__, name, type(module).__name__)
        self._register(name, module, MODULE)

    add_module = register_module

    # --- iteration

    def _own(self, *kinds: str) -> Iterator[tuple[str, Any]]:
        """Yield name and value of the attributes of these kinds that are not None, in the order of registration."""
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
        """Yield name and Tensor of each parameter, a module's own before those of its children; shared ones once."""
        return self._named(prefix, recurse, PARAMETER)

    def parameters(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the parameters, a module's own before those of its children; shared ones once."""
        return (value for _, value in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        """Yield name and Tensor of each buffer; shared ones once."""
        return self._named(prefix, recurse, BUFFER, TRANSIENT)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the buffers; shared ones once."""
        return (value for _, value in self.named_buffers(recurse=recurse))

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield name and module of each child; shared ones once."""
        seen = set()
        for name, module in self._own(MODULE):
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        """Yield the children; shared ones once."""
        return (module for _, module in self.named_children())

    def named_modules(self, prefix: str = "", _seen: set[int] | None = None) -> Iterator[tuple[str, Module]]:
        """Yield name and module of this module, named `prefix`, and of all modules below it; shared ones once."""
        seen = set() if _seen is None else _seen
        if id(self) in seen:
            return
        seen.add(id(self))
        yield prefix, self
        for name, module in self._own(MODULE):
            yield from module.named_modules(f"{prefix}.{name}" if prefix else name, seen)

    def modules(self) -> Iterator[Module]:
        """Yield this module and all modules below it; shared ones once."""
        return (module for _, module in self.named_modules())

    # --- all modules

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call `function(module)` for every module, children first. Returns this module."""
        for module in self.children():
            module.apply(function)
        function(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Set training mode, or evaluation mode, for this module and all below it; affects dropout and batch norm."""
        for module in self.modules():
            module.__dict__["training"] = bool(mode)
        return self

    def eval(self) -> Self:
        """Set evaluation mode for this module and all below it."""
        return self.train(False)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set `.grad` of all parameters to None, or to zero if `set_to_none` is False."""
        clear_gradients(self.parameters(), set_to_none)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Make all parameters require a gradient, or not."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def get_submodule(self, target: str) -> Module:
        """Return the module of this name, such as "layers.0.linear"; the empty name is that of this module."""
        module = self
        for name in target.split(".") if target else ():
            if module._kinds.get(name) != MODULE:
                raise messages.unknown_name(type(self).__name__, "module", target)
            module = getattr(module, name)
        return module

    def get_parameter(self, target: str) -> Tensor:
        """Return the parameter of this name, such as "layers.0.weight"."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if module._kinds.get(name) != PARAMETER:
            raise messages.unknown_name(type(self).__name__, "parameter", target)
        return getattr(module, name)

    # --- representation

    def extra_repr(self) -> str:
        """Return the text between the parentheses of `repr`, before the children."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): " + indented(repr(module)) for name, module in self._named_slots()]
        if len(lines) == 1 and not children:
            return f"{type(self).__name__}({extra})"
        body = "".join(f"\n  {line}" for line in lines + children)
        return f"{type(self).__name__}({body}\n)" if body else f"{type(self).__name__}()"

    def _named_slots(self) -> Iterator[tuple[str, Module | None]]:
        for name, kind in self._kinds.items():
            if kind == MODULE:
                yield name, self.__dict__[name]


def indented(text: str) -> str:
    """Return `text` with all lines but the first indented by two spaces."""
    return text.replace("\n", "\n  ")
