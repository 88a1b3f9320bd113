"""Compiled functions of this engine: the function itself, called as the compiled engine calls it when it records.

Arguments become Tensors, and results take the types of the arguments. Nothing is replayed.
"""

import numpy as np

from fastgrad import _tree, made_functions, program_errors
from fastgrad.engine_python.leaving import is_grad_enabled
from fastgrad.engine_python.tensor import NumberStorage, Tensor, asarray, tensor
from fastgrad.engine_python.transform import transform_depth

_NUMBERS = (float, np.float64, int)


class Program:
    """A function that is called as a compiled one."""

    def __init__(self, f, static=(), check=False):
        self.f, self.static, self.check = f, frozenset(static), check

    def __get__(self, instance, owner):
        return self if instance is None else _Bound(self, instance)

    def __call__(self, *args, **kwargs):
        if transform_depth() or any(map(_is_tracked, _tree.leaves([args, kwargs]))):
            return self.f(*args, **kwargs)
        pairs = []
        lifted = [x if k in self.static else _tree.map_leaves(_lifting(pairs), x) for k, x in enumerate(args)]
        named = {k: x if k in self.static else _tree.map_leaves(_lifting(pairs), x) for k, x in kwargs.items()}
        result = self.f(*lifted, **named)
        tensors = any(isinstance(x, Tensor) for x in _tree.leaves([args, kwargs]))
        return _tree.map_leaves(lambda x: _returned(x, pairs, tensors), result)

    __reduce__ = made_functions.reduced
    __copy__ = __deepcopy__ = made_functions.itself
    _carrier = made_functions.carrier

    def __repr__(self):
        return f"<fastgrad.compile of {self.f!r}>"

    def steps(self):
        return []

    def timed(self, *args, **kwargs):
        return self(*args, **kwargs)

    def buffers(self):
        return []

    def arenas(self):
        return []


class _Bound:
    """A compiled method of one object."""

    def __init__(self, program, instance):
        self.__func__, self.__self__ = program, instance

    def __call__(self, *args, **kwargs):
        return self.__func__(self.__self__, *args, **kwargs)


def _is_tracked(x):
    return isinstance(x, Tensor) and x.requires_grad and is_grad_enabled()


def _lifting(pairs):
    def lift(x):
        if type(x) in _NUMBERS:
            made = tensor(x)
            made.storage = NumberStorage()
        elif type(x) is np.ndarray and x.dtype.kind in "biufc":
            made = asarray(x)
        else:
            made = x
        pairs.append((made, x))
        return made

    return lift


def _returned(x, pairs, tensors):
    for made, given in pairs:
        if x is made:
            return given
    if not isinstance(x, Tensor):
        return x
    if x.requires_grad and not x.is_leaf and x.node.operands is not None:
        raise program_errors.result_recorded(x.op)
    if tensors:
        return x.detach()
    array = x.detach().numpy()
    return array.copy() if array.ndim else array[()]


def host_step(name, call, *, effect=True):
    return call()


def drawn(call):
    return asarray(call())


def constant_call(name, call, args):
    raise AssertionError("this engine records no programs")


def can_branch_no_more():
    return False


def is_capturing():
    return False


def guard(x):
    raise AssertionError("this engine records no programs")
