"""What the user calls a Tensor: names that were given, or those of the variables it is bound to."""

from fastgrad._engine import Tensor, node_key

_MOST = 100  # members of one list, tuple or dict that are looked at


class Names:
    """Names by node.

    Parameters
    ----------
    given : mapping from name to Tensor, object with `named_parameters()`, or None
        None looks through `scope`.
    scope : mapping, optional
        Variables, of the caller for instance.
    """

    def __init__(self, given=None, scope=None):
        self._found = {}
        self._held = []  # as long as they live, no other node gets their key
        if given is None:
            for name, value in tuple((scope or {}).items()):
                if name.isidentifier() and not name.startswith("_"):
                    self._take(name, value)
            return
        if callable(getattr(given, "named_parameters", None)):
            given = dict(given.named_parameters())
        for name, value in given.items():
            self._enter(str(name), value)

    def _enter(self, name, value):
        if isinstance(value, Tensor):
            self._held.append(value)
            self._found.setdefault(node_key(value), name)

    def _take(self, name, value):
        """A variable: a Tensor, a few of them in a container, or a module with parameters."""
        if isinstance(value, Tensor):
            self._enter(name, value)
        elif type(value) in (list, tuple) and len(value) <= _MOST:
            for k, member in enumerate(value):
                self._enter(f"{name}[{k}]", member)
        elif type(value) is dict and len(value) <= _MOST:
            for key, member in value.items():
                self._enter(f"{name}[{key!r}]", member)
        elif not isinstance(value, type) and callable(getattr(type(value), "named_parameters", None)):
            for path, member in value.named_parameters():
                self._enter(f"{name}.{path}", member)

    def of(self, tensor):
        """The name of a Tensor; "" if it has none."""
        return self._found.get(node_key(tensor), "")
