"""The handle of a hook, in both engines. Depends on nothing."""


class HookHandle:
    """Returned by `register_hook`. `remove()` removes the hook, as does the end of a `with` block."""

    def __init__(self, hooks, hook):
        self._hooks = hooks  # of the tensor, by key; without a reference to the tensor or to this handle: no cycle
        self._key = object()
        hooks[self._key] = hook

    def remove(self):
        self._hooks.pop(self._key, None)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.remove()
