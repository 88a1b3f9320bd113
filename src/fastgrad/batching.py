"""Values that `fg.vmap` batches, and what the engines do with them. Depends on no engine.

A `Batched` stands for one element of a batch, and holds the whole batch along axis 0 of its `value`. To the function
that vmap runs it is a Tensor of the shape of one element. An op that finds one among its operands calls `call`, which
applies the op to the whole batch at once, by the batching rule of the op. Nested vmaps have a `Level` each: `value` is
then a Batched of an outer level, and `call` takes one level off at a time, the innermost first.
"""

from _thread import _local as local  # `threading.local`, without importing the rest of threading
from itertools import count

from fastgrad.errors import VmapError
from fastgrad.op_functions import functions


class Level:
    """One vmap: the number of elements of its batch, and a number that is higher than those of the vmaps around it."""

    __slots__ = ("number", "size")

    _numbers = count()

    def __init__(self, size):
        self.size = size
        self.number = next(Level._numbers)


class Batched:
    """One element of a batch, of the class Tensor for `isinstance`. `transforms.batched` adds the methods of Tensor."""

    __slots__ = ("__weakref__", "level", "value")

    stands_for = object  # the class Tensor, once `transforms.batched` is imported
    __class__ = property(lambda self: Batched.stands_for)

    def __init__(self, value, level):
        self.value = value
        self.level = level


class Part:
    """In place of a parameter, or an index in a key, that is batched: its values, along axis 0."""

    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value


class _Running(local):
    def __init__(self):
        self.levels = []


inside = {}  # the transforms inside vmap that engines call, by name; `transforms.inside_vmap` adds them
_MANY = 1000  # more axes than an array has
_NUMBERS = (float, int)  # which have no dtype of their own
_PLAIN = (type(None), int, bool, str)  # parameters that nothing is inside of
running = _Running()  # the levels of the vmaps that run in this thread, outermost first


def _uncounted(change):
    """What an engine does that needs no count."""


_count = _uncounted


def count_levels(counter):
    """Set the function of the engine that is called with 1 and -1 where a level is entered and left, in any thread."""
    global _count
    _count = counter


class entered:
    """A `with` block in which values of a level exist, so that ops look for them."""

    __slots__ = ("depth", "level", "open")

    def __init__(self, level):
        self.level = level
        self.open = False

    def __enter__(self):
        self.depth = len(running.levels)
        self.open = True
        running.levels.append(self.level)
        _count(1)
        return self.level

    def __exit__(self, *error):
        self.__del__()

    def __del__(self):
        # Also where the call of `__exit__` has failed, because memory was gone: later calls must not find the level.
        if self.open:
            while len(running.levels) > self.depth:
                running.levels.pop()
            self.open = False
            _count(-1)


class left:
    """A `with` block outside of the innermost level of this thread, for the physical values."""

    __slots__ = ("level",)

    def __enter__(self):
        self.level = running.levels.pop()
        return self.level

    def __exit__(self, *error):
        running.levels.append(self.level)


def holds(x, depth=0):
    """Return whether an argument is Batched, or a list, tuple or dict with one inside."""
    kind = type(x)
    if kind is Batched:
        return True
    if kind is dict:
        x = x.values()
    elif kind is not tuple and kind is not list:
        return False
    return depth < 32 and any(holds(part, depth + 1) for part in x)


def not_batched():
    """Error for a write of a batched value to a Tensor that is not batched."""
    return VmapError(
        "x[key] = value inside vmap: value or key differ between the elements of the batch, and x does not, because it "
        "does not depend on a batched argument: make it with fg.zeros_like(b) of a batched b"
    )


def not_swept():
    """Error for a sweep of values of vmap."""
    return VmapError(
        "gradients inside vmap: outputs, inputs and cotangents must not be values of vmap, since a sweep adds up the "
        "gradients of all elements: use fg.grad or fg.vjp"
    )


def innermost(arguments):
    """Return the innermost level of the Batched values in nested lists, tuples and dicts, or None."""
    found = None
    for x in arguments:
        kind = type(x)
        if kind is Batched:
            level = x.level
        elif kind is tuple or kind is list:
            level = innermost(x)
        elif kind is dict:
            level = innermost(x.values())
        else:
            continue
        if level is not None and (found is None or level.number > found.number):
            found = level
    return found


def call(rule, args, kwargs):
    """Return the result of an op that is called with a Batched value among its arguments."""
    if rule.aligns and not kwargs:
        y = _broadcast(rule.function, args)
        if y is not None:
            return y
    meant = rule.other_call(kwargs) if kwargs else None
    if meant is not None:
        return meant(*args, **kwargs)
    if not kwargs and not rule.param_names and len(args) == rule.n_operands:
        return apply(rule, args, {})
    operands, params = rule.bind(args, kwargs)
    return apply(rule, operands, params)


def apply(rule, operands, params):
    """Return the result of an op for operands and parameters as its rule prepares them, of which some are Batched."""
    level = None
    for x in operands:
        kind = type(x)
        if kind is Batched:
            if level is None or x.level.number > level.number:
                level = x.level
        elif kind is list or kind is tuple:
            operands = tuple(_joined(part) if type(part) in (list, tuple) else part for part in operands)
            level = innermost(operands)
            break
    for value in params.values():
        if type(value) not in _PLAIN and holds(value):
            level = innermost((operands, params))
            params = {name: parts(part, level) for name, part in params.items()}
            break
    values, batched = [], []
    for x in operands:
        is_batch = type(x) is Batched and x.level is level
        values.append(x.value if is_batch else x)
        batched.append(is_batch)
    return Batched(rule.batched_call(tuple(values), tuple(batched), params, level.size), level)


def _broadcast(function, args):
    """Return the result of an elementwise op whose operands broadcast as they are; None if they need more than that."""
    if len(args) == 1:
        (x,) = args
        return Batched(function(x.value), x.level) if type(x) is Batched else None
    if len(args) != 2:
        return None
    x1, x2 = args
    if type(x1) is Batched:
        level, y1 = x1.level, x1.value
        if type(x2) is Batched:
            y2 = x2.value
            return Batched(function(y1, y2), level) if x2.level is level and y1.ndim == y2.ndim else None
        if type(x2) in _NUMBERS or getattr(x2, "ndim", _MANY) < y1.ndim:
            return Batched(function(y1, x2), level)
    elif type(x2) is Batched:
        y2 = x2.value
        if type(x1) in _NUMBERS or getattr(x1, "ndim", _MANY) < y2.ndim:
            return Batched(function(x1, y2), x2.level)
    return None


def parts(value, level):
    """Return a parameter with Part in place of what is Batched at a level."""
    if type(value) is Batched:
        return Part(value.value) if value.level is level else value
    return tuple(parts(x, level) for x in value) if type(value) is tuple else value


def _joined(x):
    """Return nested lists of values as one value."""
    return functions["stack"](*map(_joined, x)) if type(x) in (list, tuple) and x and holds(x) else x
