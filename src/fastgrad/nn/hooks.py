"""Functions that a module calls before and after its forward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Hooks:
    """The hooks of one module, in the order in which they are called."""

    def __init__(self) -> None:
        self.before: list[tuple[Callable[..., Any], bool]] = []
        self.after: list[tuple[Callable[..., Any], bool]] = []

    def add(self, when: str, hook: Callable[..., Any], prepend: bool, with_kwargs: bool) -> RemovableHandle:
        """Add a hook and return what removes it."""
        entries, entry = getattr(self, when), (hook, bool(with_kwargs))
        entries.insert(0 if prepend else len(entries), entry)
        return RemovableHandle(entries, entry)

    def call(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the hooks and, between them, the forward of the module."""
        for hook, with_kwargs in tuple(self.before):
            changed = hook(module, args, kwargs) if with_kwargs else hook(module, args)
            if changed is not None and with_kwargs:
                args, kwargs = changed
            elif changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        output = module.forward(*args, **kwargs)
        for hook, with_kwargs in tuple(self.after):
            changed = hook(module, args, kwargs, output) if with_kwargs else hook(module, args, output)
            output = output if changed is None else changed
        return output


class RemovableHandle:
    """Removes a hook: by `remove()`, or at the end of a `with` block."""

    def __init__(self, entries: list[Any], entry: Any) -> None:
        self._entries, self._entry = entries, entry

    def remove(self) -> None:
        """Remove the hook. Calling it again has no effect."""
        self._entries[:] = [entry for entry in self._entries if entry is not self._entry]

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()
