"""`Box`, the base class of what a differentiated function receives, and which box stands for which type of value.

Subclasses of Tensor are made by the engine. All others, for values of types that the engine does not know and for nodes
that a user defines, hold a value, the number of their trace, and their node.
"""

from fastgrad import _engine
from fastgrad._engine import Tensor

_STATE = ("_value", "_trace", "_node")


class BoxMeta(type):
    """Lets the engine make the subclasses of Tensor, and gives the other boxes their three attributes."""

    def __new__(meta, name, bases, members):
        if any(issubclass(base, Tensor) for base in bases):
            return _engine.subclass(meta, name, bases, members)
        if bases and not any(hasattr(base, "_trace") for base in bases):
            slots = members.get("__slots__", ())
            members["__slots__"] = (*_STATE, *((slots,) if isinstance(slots, str) else slots))
        return super().__new__(meta, name, bases, members)

    def __call__(cls, value, trace, node):
        if issubclass(cls, Tensor):
            return cls.of_node(value, trace, node)
        return super().__call__(value, trace, node)

    def __instancecheck__(cls, instance):
        return super().__instancecheck__(instance) or type(instance) in cls._stand_ins


class Box(metaclass=BoxMeta):
    """A value whose computation is recorded."""

    __slots__ = ()
    __array_priority__ = 90.0
    types = set()  # the classes of boxes
    type_mappings = {}  # from the type of a value to the class of its box; may be changed at run time
    _stand_ins = ()  # classes of the slow road that pass for instances of this one

    def __init__(self, value, trace, node):
        self._value = value
        self._trace = trace
        self._node = node

    def __bool__(self):
        return bool(self._value)

    def __str__(self):
        return f"Autograd {type(self).__name__} with value {self._value!s}"

    __repr__ = __str__

    @classmethod
    def register(cls, value_type):
        """Make this class the box of values of a type."""
        Box.types.add(cls)
        Box.type_mappings[value_type] = cls
        Box.type_mappings[cls] = cls


class Node:
    """What is recorded for one call of a primitive. Subclasses decide what they keep."""

    __slots__ = ()

    def __init__(self, value, fun, args, kwargs, parent_argnums, parents):
        raise TypeError(f"{type(self).__name__} defines no __init__, which records a call of a primitive")

    def initialize_root(self, *args, **kwargs):
        """Prepare the node of the input of a trace."""
        raise TypeError(f"{type(self).__name__} defines no initialize_root, which prepares the node of an input")

    @classmethod
    def new_root(cls, *args, **kwargs):
        """Return the node of the input of a trace."""
        root = cls.__new__(cls)
        root.initialize_root(*args, **kwargs)
        return root
