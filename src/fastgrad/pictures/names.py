"""Names of Tensors: given by the user, or those of the variables that refer to them."""

from fastgrad._engine import Tensor, node_key

_MAX_MEMBERS = 100  # longer lists, tuples and dicts are not searched


class Names:
    """Look up names by node.

    Parameters
    ----------
    given : mapping from name to Tensor, object with `named_parameters()`, or None
        If None, the names are those of the variables in `scope`.
    scope : mapping, optional
        Variables by name, such as those of the caller.
    """

    def __init__(self, given=None, scope=None):
        self._names = {}
        self._held = []  # keeps the nodes alive, so that their keys are not reused
        if given is None:
            for name, value in tuple((scope or {}).items()):
                if name.isidentifier() and not name.startswith("_"):
                    self._add_variable(name, value)
            return
        if callable(getattr(given, "named_parameters", None)):
            given = dict(given.named_parameters())
        for name, value in given.items():
            self._add(str(name), value)

    def _add(self, name, value):
        if isinstance(value, Tensor):
            self._held.append(value)
            self._names.setdefault(node_key(value), name)

    def _add_variable(self, name, value):
        """Add a variable: a Tensor, a container with Tensors, or a module with parameters."""
        if isinstance(value, Tensor):
            self._add(name, value)
        elif type(value) in (list, tuple) and len(value) <= _MAX_MEMBERS:
            for k, member in enumerate(value):
                self._add(f"{name}[{k}]", member)
        elif type(value) is dict and len(value) <= _MAX_MEMBERS:
            for key, member in value.items():
                self._add(f"{name}[{key!r}]", member)
        elif not isinstance(value, type) and callable(getattr(type(value), "named_parameters", None)):
            for path, member in value.named_parameters():
                self._add(f"{name}.{path}", member)

    def of(self, tensor):
        """Return the name of a Tensor, or ""."""
        return self._names.get(node_key(tensor), "")
