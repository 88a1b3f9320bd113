"""Names of Tensors, arrays and Values: given by the user, or those of the variables that refer to them."""

from types import FunctionType, ModuleType

import numpy as np

from fastgrad._engine import Tensor, node_key
from fastgrad.pictures import messages

_MAX_MEMBERS = 100  # longer lists, tuples and dicts are not searched
_MAX_VISITED = 2000  # objects whose members are searched
_OF_THE_SHELL = {"In", "Out", "exit", "quit", "get_ipython"}


class Names:
    """Look up names by node.

    Parameters
    ----------
    given : dict, list, object with `named_parameters()`, or None
        As the argument `names` of `fg.draw`. If None, the names are those of the variables in `scope`.
    scope : mapping, optional
        Variables by name, such as those of the caller.

    Raises
    ------
    PictureError
        If `given` has another type, or an entry that is not a name with an object that can be named.
    """

    def __init__(self, given=None, scope=None):
        self._names = {}
        self._held = []  # keeps the nodes alive, so that their keys are not reused
        self._arrays = {}  # (shape, dtype) -> pairs (name, array)
        self._of_leaves = None
        self.given = given is not None  # by the user
        if given is None:
            self._add_scope(scope or {})
            return
        if callable(getattr(given, "named_parameters", None)):
            given = dict(given.named_parameters())
        if not isinstance(given, (dict, list, tuple)):
            raise messages.names_type(given)
        if isinstance(given, (list, tuple)) and all(isinstance(name, str) for name in given):
            self._of_leaves = list(given)
            return
        for entry in given.items() if isinstance(given, dict) else given:
            if not isinstance(entry, tuple) or len(entry) != 2:
                raise messages.names_type(given)
            name, value = entry
            if not isinstance(name, str) or not (isinstance(value, (Tensor, np.ndarray)) or _is_value(value)):
                raise messages.names_entry(name, value)
            self._add(name, value)

    def number_leaves(self, leaves):
        """Name the leaves, which are in the order of their first use, if the user gave a list of names."""
        if not self._of_leaves:
            return
        if len(self._of_leaves) != len(leaves):
            raise messages.names_count(len(self._of_leaves), len(leaves))
        for name, leaf in zip(self._of_leaves, leaves, strict=True):
            self._add(name, leaf)

    def _add(self, name, value):
        self._held.append(value)
        if isinstance(value, np.ndarray):
            self._arrays.setdefault((value.shape, value.dtype), []).append((name, value))
        else:
            self._names.setdefault(_key(value), name)

    def _add_scope(self, scope):
        """Add plain variables first, then the members of containers, modules and other objects."""
        variables = [
            (name, value)
            for name, value in tuple(scope.items())
            if name.isidentifier() and not name.startswith("_") and name not in _OF_THE_SHELL
        ]
        for name, value in variables:
            if isinstance(value, (Tensor, np.ndarray)) or _is_value(value):
                self._add(name, value)
        visited = {}
        for name, value in variables:
            self._add_members(name, value, visited)

    def _add_members(self, name, value, visited):
        """Add the members of an object, and theirs. `visited` has the objects that were searched, by id."""
        if isinstance(value, (Tensor, np.ndarray, str, int, float, type, ModuleType, FunctionType)) or value is None:
            return
        if id(value) in visited or len(visited) >= _MAX_VISITED:
            return
        visited[id(value)] = value
        if callable(getattr(type(value), "named_parameters", None)):
            for path, member in value.named_parameters():
                self._add(f"{name}.{path}", member)
        if type(value) in (list, tuple):
            members = [(f"{name}[{k}]", member) for k, member in enumerate(value)]
        elif type(value) is dict:
            members = [(f"{name}[{key!r}]", member) for key, member in value.items()]
        elif _is_value(value):
            return
        else:
            found = getattr(value, "__dict__", None)
            found = found if type(found) is dict else {}
            members = [(f"{name}.{key}", v) for key, v in tuple(found.items()) if str(key)[:1] != "_"]
        if len(members) > _MAX_MEMBERS:
            return
        for path, member in members:
            if isinstance(member, (Tensor, np.ndarray)) or _is_value(member):
                self._add(path, member)
            else:
                self._add_members(path, member, visited)

    def of(self, thing):
        """Return the name of a Tensor or Value, or ""."""
        return self._names.get(_key(thing), "")

    def of_array(self, array):
        """Return the name of the array whose memory `array` is, or of which it is a copy, or "".

        An op copies arrays that its backward pass reads. A copy is recognized by its elements, unless they are all the
        same, as in an array of zeros.
        """
        candidates = self._arrays.get((array.shape, array.dtype), ())
        for name, value in candidates:
            if array.size and _address(value) == _address(array) and value.strides == array.strides:
                return name
        equal = {id(value): name for name, value in reversed(candidates) if np.array_equal(value, array)}
        return next(iter(equal.values())) if len(equal) == 1 and np.unique(array).size > 1 else ""


def _key(thing):
    return node_key(thing) if isinstance(thing, Tensor) else id(thing)


def _address(array):
    return array.__array_interface__["data"][0]


def _is_value(thing):
    """Return whether an object has the attributes of a micrograd Value, without reading them."""
    members = getattr(thing, "__dict__", ())
    return not isinstance(thing, type) and all(
        name in members or hasattr(type(thing), name) for name in ("data", "grad", "_prev", "_op")
    )
