"""Methods of Tensor that are plain Python on top of the public functions. Knows no engine's internals.

`METHODS` maps names to functions and properties; `install` puts on a Tensor class those it does not define itself, so
that both engines have the same surface. Functions are looked up at the first call: this module is read before the
rules are.
"""

import operator

import numpy as np

from fastgrad import errors

METHODS = {}
_found = {}  # name -> public function


def install(cls):
    """Give the class `cls` every method here that it does not define itself."""
    for name, member in METHODS.items():
        if name not in vars(cls):
            setattr(cls, name, member)


def _fn(name):
    """The public function of that name."""
    if name not in _found:
        from fastgrad import functions
        from fastgrad.rules import FUNCTIONS

        _found[name] = getattr(functions, name, None) or FUNCTIONS[name]
    return _found[name]


def leave(x, door, warns=False):
    """Refuse, inside a transform, to let a value out of the graph; warn outside, if asked to."""
    from fastgrad import _engine

    _engine.leave(x, door, warns)


def _method(function):
    METHODS[function.__name__] = function
    return function


def _property(function):
    METHODS[function.__name__] = property(function)


def _named(function, name, doc):
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    METHODS[name] = function


# --- the public functions, as methods ---


def _delegate(name):
    _named(lambda self, *args, **kwargs: _fn(name)(self, *args, **kwargs), name, f"`fg.{name}` of this tensor.")


_DELEGATED = """
    exp log log1p expm1 sqrt square sin cos tan sinh cosh tanh arcsin arccos arctan abs sign sigmoid relu softplus clip
    sum mean prod var std max min argmax argmin any all cumsum logsumexp softmax log_softmax
    ravel permute_dims swapaxes squeeze expand_dims broadcast_to repeat matmul dot outer conj copy
"""

for _name in _DELEGATED.split():
    _delegate(_name)


@_method
def reshape(self, *shape):
    """The same elements in another shape, as one sequence or as separate lengths; one of them may be -1."""
    return _fn("reshape")(self, shape[0] if len(shape) == 1 else shape)


@_method
def transpose(self, *axes):
    """The axes reversed, or in the order given, as one sequence or as separate numbers."""
    if len(axes) == 1 and not hasattr(axes[0], "__index__"):
        axes = axes[0]
    return _fn("permute_dims")(self, tuple(axes or range(self.ndim)[::-1]))


@_method
def flatten(self):
    """The elements along one axis, in C order; always a copy."""
    return self.ravel().copy()


@_method
def astype(self, dtype, *, copy=True):
    """The values in another dtype, recorded. The same tensor if nothing changes and `copy` is False."""
    return self if not copy and self.dtype == np.dtype(dtype) else _fn("astype")(self, np.dtype(dtype))


@_property
def T(self):
    """The axes reversed."""
    return self.transpose()


@_property
def mT(self):
    """The last two axes exchanged: every matrix of a stack transposed."""
    return _fn("matrix_transpose")(self)


@_property
def real(self):
    """The real part."""
    return _fn("real")(self)


@_property
def imag(self):
    """The imaginary part."""
    return _fn("imag")(self)


@_property
def device(self):
    """Always "cpu"."""
    return "cpu"


# --- operators ---


_OPERANDS = (np.ndarray, np.generic, bool, int, float, complex, list, tuple)


def own_operator(other, slot):
    """Whether `other` is an ndarray of a class in which the operator means something else: a matrix, a masked array."""
    kind = type(other)
    return (
        kind is not np.ndarray
        and isinstance(other, np.ndarray)
        and (
            getattr(kind, f"__r{slot}__", None) is not getattr(np.ndarray, f"__r{slot}__", None)
            or kind.__array_ufunc__ is not np.ndarray.__array_ufunc__
        )
    )


def _fits(self, other, slot=None):
    """Whether `other` can be an operand, so that other classes get their turn otherwise."""
    kind = type(other)
    if kind is type(self):
        return True
    if isinstance(other, _OPERANDS):
        return slot is None or not own_operator(other, slot)
    if getattr(kind, "__array_ufunc__", True) is None:
        return False
    return hasattr(kind, "__array__") or hasattr(kind, "__dlpack__")


def _binary(slot, op):
    def forth(self, other):
        return _fn(op)(self, other) if _fits(self, other, slot) else NotImplemented

    def back(self, other):
        if slot == "mul" and isinstance(other, np.matrix):
            return _fn("matmul")(other, self)
        return _fn(op)(other, self) if _fits(self, other, slot) else NotImplemented

    def inplace(self, other):
        if not _fits(self, other):
            return NotImplemented
        result = _fn(op)(self, other)
        if result.shape != self.shape:
            raise errors.inplace_shape(op, result.shape, self.shape)
        if not np.can_cast(result.dtype, self.dtype, "same_kind"):
            raise errors.inplace_dtype(op, result.dtype, self.dtype)
        self[...] = result
        return self

    _named(forth, f"__{slot}__", f"`fg.{op}(self, other)`.")
    _named(back, f"__r{slot}__", f"`fg.{op}(other, self)`.")
    _named(inplace, f"__i{slot}__", f"`fg.{op}(self, other)`, written into this tensor.")


def _compare(slot, op):
    def compare(self, other):
        if isinstance(other, np.ndarray) and getattr(type(other), f"__{slot}__") is not getattr(
            np.ndarray, f"__{slot}__"
        ):
            return NotImplemented
        return _fn(op)(self, other) if _fits(self, other) else NotImplemented

    _named(compare, f"__{slot}__", f"`fg.{op}(self, other)`: a tensor of booleans.")


def _unary(slot, op):
    _named(lambda self: _fn(op)(self), f"__{slot}__", f"`fg.{op}(self)`.")


for _slot, _op in {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "power", "matmul": "matmul", "and": "bitwise_and", "or": "bitwise_or",
    "xor": "bitwise_xor",
    "lshift": "bitwise_left_shift", "rshift": "bitwise_right_shift",
}.items():  # fmt: skip
    _binary(_slot, _op)
for _slot, _op in {
    "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
}.items():  # fmt: skip
    _compare(_slot, _op)
for _slot, _op in {"neg": "negative", "pos": "positive", "abs": "abs", "invert": "bitwise_invert"}.items():
    _unary(_slot, _op)


def _divmod(self, other):
    return (_fn("floor_divide")(self, other), _fn("remainder")(self, other)) if _fits(self, other) else NotImplemented


def _rdivmod(self, other):
    return (_fn("floor_divide")(other, self), _fn("remainder")(other, self)) if _fits(self, other) else NotImplemented


_named(_divmod, "__divmod__", "The pair `(self // other, self % other)`.")
_named(_rdivmod, "__rdivmod__", "The pair `(other // self, other % self)`.")


# --- Python's protocols ---


@_method
def __round__(self, ndigits=None):
    """`fg.round` to `ndigits` digits, none by default: a tensor."""
    return _fn("round")(self, ndigits or 0)


@_method
def item(self, *index):
    """One element as a Python number: the only one, or the one at `index`."""
    if not index and self.size != 1:
        raise errors.not_one_element("item()", self.shape)
    leave(self, "x.item()")
    return self.detach().numpy().item(*index)


@_method
def tolist(self):
    """The values as nested lists of Python numbers."""
    leave(self, "x.tolist()")
    return self.detach().numpy().tolist()


def _number(kind):
    loses = kind in (float, complex)  # an integer or a boolean has no gradient to lose

    def convert(self):
        if self.size != 1:
            raise errors.not_one_element(f"{kind.__name__}(x)", self.shape)
        if loses:
            leave(self, f"{kind.__name__}(x)", True)
        return kind(self.detach().item())

    _named(convert, f"__{kind.__name__}__", f"`{kind.__name__}(x)` of a tensor of one element.")


for _kind in (bool, int, float, complex):
    _number(_kind)


@_method
def __index__(self):
    if self.ndim or self.dtype.kind not in "iu":
        raise errors.not_an_index(self.dtype, self.shape)
    return operator.index(self.detach().item())


@_method
def __len__(self):
    if not self.ndim:
        raise errors.unsized("len()")
    return self.shape[0]


@_method
def __iter__(self):
    if not self.ndim:
        raise errors.unsized("iteration")
    return (self[k] for k in range(self.shape[0]))


@_method
def __contains__(self, value):
    return value in self.detach().numpy()


METHODS["__hash__"] = object.__hash__  # == is elementwise, but a tensor is found in a dict or set by identity


@_method
def __format__(self, spec):
    if not spec:
        return str(self)
    if self.size != 1:
        raise errors.bad_format(spec, self.shape)
    return format(self.detach().item(), spec)


# --- how it shows itself ---

_OBVIOUS = (np.dtype(np.float64), np.dtype(np.int64), np.dtype(np.bool), np.dtype(np.complex128))


def _facts(x):
    """What is not seen from the numbers: dtype unless obvious, and the tensor's place in the graph."""
    told = []
    if not x.size and x.shape != (0,):
        told.append(f"shape={x.shape}")
    if x.dtype not in _OBVIOUS or not x.size:
        told.append(f"dtype={x.dtype.name}")
    if x.op is not None:
        told.append(f"op={x.op!r}")
    elif x.requires_grad:
        told.append("requires_grad=True")
    return told


@_method
def __repr__(self):
    """`tensor([1., 2.], requires_grad=True)`; a result shows its op instead."""
    numbers = np.array2string(self.detach().numpy(), separator=", ", prefix="tensor(") if self.size else "[]"
    return f"tensor({', '.join([numbers, *_facts(self)])})"


@_method
def _repr_html_(self):
    """A table of the values, if there are few, under a line of shape, dtype and place in the graph; then the graph."""
    from html import escape

    values = self.detach().numpy()
    place = f"op {self.op}" if self.op else "leaf, requires gradient" if self.requires_grad else "constant"
    head = f"<b>tensor</b> {' &times; '.join(map(str, self.shape)) or 'scalar'} {self.dtype.name}, {escape(place)}"
    if values.ndim > 2 or not 0 < values.size <= 400:
        return f"<div>{head}<pre>{escape(np.array2string(values, separator=', '))}</pre>{_picture(self)}</div>"
    rows = np.atleast_2d(values).tolist()
    cells = "".join("<tr>" + "".join(f"<td>{escape(_short(v))}</td>" for v in row) + "</tr>" for row in rows)
    return f"<div>{head}<table>{cells}</table>{_picture(self)}</div>"


def _picture(x):
    """The graph of a result, if it is there and not large."""
    if x.is_leaf:
        return ""
    from fastgrad.pictures.picture import html_of

    return html_of(x) or ""


def _short(value):
    return format(value, ".5g") if isinstance(value, float) else str(value)


# --- copies ---


def _leaf(array, requires_grad, grad, parameter=False):
    """A leaf as it was copied or pickled."""
    from fastgrad._engine import mark_parameter, tensor

    made = tensor(array, requires_grad=requires_grad)
    if parameter:
        mark_parameter(made)
    made.grad = None if grad is None else tensor(grad)
    return made


def _parts(self, how):
    from fastgrad._engine import is_parameter

    leave(self, how)
    if not self.is_leaf:
        raise errors.not_copied(how, self.op)
    grad = None if self.grad is None else self.grad.detach().numpy()
    return self.detach().numpy(), self.requires_grad, grad, is_parameter(self)


@_method
def __copy__(self):
    """A leaf becomes a leaf of its own, without gradient; a result, and the input of a transform, a recorded copy."""
    from fastgrad._engine import is_parameter, is_traced

    if self.is_leaf and not is_traced(self):
        return _leaf(self.detach().numpy(), self.requires_grad, None, is_parameter(self))
    return self.copy()


@_method
def __deepcopy__(self, memo):
    made = memo[id(self)] = _leaf(*_parts(self, "copy.deepcopy"))
    return made


@_method
def __reduce_ex__(self, protocol):
    array, requires_grad, grad, parameter = _parts(self, "pickle")
    rest = (parameter,) if parameter else ()  # which pickles of earlier versions do not have
    return _leaf, (np.array(array), requires_grad, None if grad is None else np.array(grad), *rest)
