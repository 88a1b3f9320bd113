# What a micrograd program sees of a Value: each method is a line or two and calls the functions of the parts before.

cdef extern from "Python.h":
    int PyObject_GenericSetAttr(object o, object name, PyObject* value) except -1


cdef class Value:
    """One number, `data`, that remembers how it was computed, and its gradient `grad`, as in Karpathy's micrograd.

    Parameters
    ----------
    data : int or float, or any object that adds and multiplies like one
    _children : iterable of Values
        The operands, for an op of your own; assign its `_backward` as well.
    _op : str
        The name of the op, shown in graphs.
    label : str
        Your own name for the Value, shown in graphs.
    """

    label = ""

    def __init__(self, data, _children=(), _op="", label="", *, grad=0):
        begin_anew(self)
        set_data(self, data)
        set_grad(self, grad)
        children = set(_children)
        if children or _op:
            self.op = OTHER
        if children or _op or self.flags & SHOWN:
            self._prev = children
            self._op = _op
        if self.flags & SHOWN:
            dict_of(self)["_backward"] = self._backward
        if label:
            dict_of(self)["label"] = label

    @property
    def data(self):
        return data_of(self)

    @data.setter
    def data(self, value):
        set_data(self, value)

    @property
    def grad(self):
        return grad_of(self)

    @grad.setter
    def grad(self, value):
        set_grad(self, value)

    @property
    def _prev(self):
        cdef dict kept = dict_of(self)
        if "_prev" not in kept:
            kept["_prev"] = set(operands_of(self))
            self.flags |= GIVEN         # the program may change it in place
        return kept["_prev"]

    @_prev.setter
    def _prev(self, value):
        dict_of(self)["_prev"] = value if type(value) is set else set(value)
        self.flags |= GIVEN
        track(self)

    @property
    def _all_attributes(self):      # installed as `__dict__`
        """All attributes, as of a Value of micrograd; changes to the dict take effect."""
        return shown_dict(self)

    @_all_attributes.setter
    def _all_attributes(self, value):
        if not isinstance(value, dict):
            raise value_errors.dict_kind(type(value).__name__)
        replace_dict(self, value)

    @property
    def _operands(self):
        """The operands of a rule, in its order. `_prev` is a set."""
        return tuple(operands_of(self))

    def __dir__(self):
        kept = dict_in(self)
        return sorted({*dir(type(self)), *(kept or ())})

    @property
    def _op(self):
        return op_text(self)

    @_op.setter
    def _op(self, value):
        dict_of(self)["_op"] = value

    def _backward(self):
        """Apply the chain rule at this node: add its gradient times the local gradients to those of its operands."""
        table[self.op].backward(self)

    def backward(self):
        """Compute the gradient of this Value with respect to every Value it depends on, as their `grad`.

        Gradients of leaves add up from call to call; those of other Values are of the last call alone. Graphs may be
        of any depth.
        """
        sweep(self)

    def relu(self):
        """Rectified linear unit, `max(x, 0)`; local gradient 0 or 1."""
        return relu(self)

    def tanh(self):
        """Hyperbolic tangent; local gradient `1 - y**2`."""
        return function(TANH, self)

    def exp(self):
        """Exponential; local gradient `y`."""
        return function(EXP, self)

    def log(self):
        """Natural logarithm; local gradient `1 / x`."""
        return function(LOG, self)

    def sigmoid(self):
        """`1 / (1 + exp(-x))`; local gradient `(1 - y) * y`."""
        return function(SIGMOID, self)

    def __neg__(self):
        return minus_of(self) if is_exact(self) else self * -1

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

    def _repr_html_(self):
        return None if html_of is None else html_of(self)

    def __setattr__(self, name, value):
        PyObject_GenericSetAttr(self, name, <PyObject*>value)
        if PyObject_IS_GC(value):     # even if it is not tracked yet, as an empty dict
            track(self)

    def __delattr__(self, name):
        PyObject_GenericSetAttr(self, name, NULL)

    def __reduce__(self):
        kept = dict_in(self)
        if kept is not None:
            own = getattr(kept.get("_backward"), "__self__", None) is self
            kept = {k: v for k, v in kept.items() if k not in ("data", "grad") and not (own and k == "_backward")}
        given = self.flags & GIVEN != 0
        return restored, (type(self), self.data, self.grad, self.op, operands_of(self), exponent_of(self), kept, given)


cdef int begin_anew(Value x) except -1:
    """Make `x` a leaf. Attributes of the program's own stay, as in micrograd."""
    release_operands(x)
    cdef dict kept = dict_in(x)
    if kept is not None:
        if not x.flags & SHOWN:
            x.data_kind, x.grad_kind = FLOAT, INT
        for name in ("data", "grad", "_prev", "_op", "_backward"):
            kept.pop(name, None)
    return 0


cdef list operands_of(Value x):
    cdef list found = []
    if x.x1 != NULL:
        found.append(<object>x.x1)
    if second_operand(x) != NULL:
        found.append(<object>x.x2)
    return found


def restored(cls, data, grad, op, operands, exponent, kept, given):
    """Rebuild a Value from the parts that `__reduce__` returned. A file may hold anything in their place."""
    cdef int wanted
    cdef bint is_power
    if not isinstance(cls, type) or not issubclass(cls, Value):
        raise value_errors.value_parts("its class", cls)
    if type(op) is not int or not 0 <= op < N_OPS:
        raise value_errors.value_parts("its op", op)
    wanted, is_power = table[<int>op].n_operands, op == POWER
    if type(operands) is not list or len(<list>operands) != wanted:
        raise value_errors.value_parts("its operands", operands)
    operands = tuple(operands)
    for operand in <tuple>operands:
        if not isinstance(operand, Value):
            raise value_errors.value_parts("its operands", operands)
    if not isinstance(exponent, (int, float)) if is_power else exponent is not None:
        raise value_errors.value_parts("its exponent", exponent)
    if kept is not None and type(kept) is not dict:
        raise value_errors.value_parts("its attributes", kept)
    made = cls.__new__(cls)
    if type(made) is not cls or (<Value>made).op != LEAF or (<Value>made).x1 != NULL or (<Value>made).x2 != NULL:
        raise value_errors.value_parts("its class", cls)
    cdef Value x = <Value>made
    x.op = op
    if wanted:
        Py_INCREF(operands[0])
        x.x1 = <PyObject*>operands[0]
    last = exponent if is_power else operands[1] if wanted == 2 else None
    if last is not None:
        Py_INCREF(last)
        x.x2 = <PyObject*>last
    set_data(x, data)
    set_grad(x, grad)
    if kept is not None:
        dict_of(x).update(kept)
    if given:
        x.flags |= GIVEN
    track(x)
    return x


cdef object call_value(PyObject* cls, PyObject* const* args, size_t nargsf, PyObject* names):
    """tp_vectorcall of exactly this class."""
    cdef Py_ssize_t n = PyVectorcall_NARGS(nargsf), k
    if n == 1 and names == NULL:
        return leaf(<object>args[0])
    cdef list positional = []
    for k in range(n):
        positional.append(<object>args[k])
    cdef dict keywords = {}
    if names != NULL:
        for k in range(len(<tuple>names)):
            keywords[(<tuple>names)[k]] = <object>args[n + k]
    return type.__call__(Value, *positional, **keywords)


cdef int install() except -1:
    """Install the slots that Cython cannot declare. A subclass finds the operators by their names."""
    cdef PyTypeObject* t = POOLED
    t.tp_dealloc = <void*>dealloc
    t.tp_traverse = <void*>traverse
    t.tp_clear = <void*>clear
    t.tp_new = <void*>new_value
    t.tp_vectorcall = <void*>call_value
    attributes = <dict>t.tp_dict
    attributes["__dict__"] = attributes.pop("_all_attributes")
    return install_operators()


install()
