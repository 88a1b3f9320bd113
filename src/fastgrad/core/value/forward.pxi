# The ops, forward. Each first for doubles; where an object is in play, or Python's own arithmetic would raise or change
# the type, by that arithmetic.

cdef inline object data_of(PyObject* x):
    if (<Value>x).data_kind == OBJECT:
        return object_of(x, "data")
    return as_object((<Value>x).data_, <Kind>(<Value>x).data_kind)


cdef inline object grad_of(PyObject* x):
    if (<Value>x).grad_kind == OBJECT:
        return object_of(x, "grad")
    return as_object((<Value>x).grad_, <Kind>(<Value>x).grad_kind)


cdef object object_of(PyObject* x, str name):
    cdef dict kept = dict_in(x)
    if kept is not None:
        found = kept.get(name, kept)
        if found is not kept:
            return found
    raise value_errors.value_emptied(name)


cdef dict shown_dict(Value x):
    """The dict with all that micrograd has in it. From now on this Value is read from there, and written to it."""
    cdef dict made, before
    if x.flags & SHOWN:
        return dict_of(x)
    before = dict_in(<PyObject*>x)
    made = dict.fromkeys(("data", "grad", "_backward", "_prev", "_op"))
    if before is not None:
        made.update(before)
    made["_backward"], made["_prev"], made["_op"] = x._backward, x._prev, op_text(x)
    made["data"], made["grad"] = data_of(<PyObject*>x), grad_of(<PyObject*>x)
    if not x.flags & SHOWN:     # still: looking may have run somebody's code
        replace_dict(x, made)
    return dict_of(x)


cdef int replace_dict(Value x, dict kept) except -1:
    cdef PyObject* before = dict_at(<PyObject*>x)[0]
    Py_INCREF(kept)
    dict_at(<PyObject*>x)[0] = <PyObject*>kept
    x.data_kind = x.grad_kind = OBJECT
    x.flags |= SHOWN | GIVEN
    track(<PyObject*>x)
    if before != NULL:
        Py_DECREF(<object>before)
    return 0


cdef dict dict_of(Value x):
    """The dict, made where there is none."""
    if dict_at(<PyObject*>x)[0] == NULL:
        made = {}
        if dict_at(<PyObject*>x)[0] == NULL:    # still: the collector may have run somebody's code
            Py_INCREF(made)
            dict_at(<PyObject*>x)[0] = <PyObject*>made
    return <dict>dict_at(<PyObject*>x)[0]


cdef inline int set_data(Value x, object o) except -1:
    cdef Number n = number_of(o)
    if x.flags & SHOWN:
        n.kind = OBJECT
    return store_data(x, o, n)


cdef inline int store_data(Value x, object o, Number n) except -1:
    x.data_ = n.value
    x.data_kind = <unsigned char>n.kind
    return keep_object(x, "data", o) if n.kind == OBJECT else 0


cdef int set_grad(Value x, object o) except -1:
    cdef Number n = number_of(o)
    if x.flags & SHOWN:
        n.kind = OBJECT
    x.grad_ = n.value
    x.grad_kind = <unsigned char>n.kind
    return keep_object(x, "grad", o) if n.kind == OBJECT else 0


cdef int keep_object(Value x, str name, object o) except -1:
    """Last of all, as the one that was there before may be let go of."""
    if PyObject_GC_IsTracked(<PyObject*>o):
        track(<PyObject*>x)
    dict_of(x)[name] = o
    return 0


cdef inline Value leaf(object o):
    cdef PyObject* x = alloc_at()
    cdef Value made = fg_owned(x)
    store_data(made, o, number_of(o))
    return made


cdef inline Value leaf_of(double value, Kind kind):
    cdef PyObject* x = alloc_at()
    (<Value>x).data_ = value
    (<Value>x).data_kind = <unsigned char>kind
    return fg_owned(x)


cdef inline Value node(int op, PyObject* x1, PyObject* x2, Number n):
    cdef PyObject* y = node_at(op, x1, x2)
    (<Value>y).data_ = n.value
    (<Value>y).data_kind = <unsigned char>n.kind
    return fg_owned(y)


cdef Value node_object(int op, PyObject* x1, PyObject* x2, object data):
    cdef Value y = fg_owned(node_at(op, x1, x2))
    set_data(y, data)
    return y


cdef inline bint plain(PyObject* a, PyObject* b) noexcept:
    return (<Value>a).data_kind != OBJECT and (<Value>b).data_kind != OBJECT


cdef Value add(PyObject* a, PyObject* b):
    cdef Number n
    if plain(a, b):
        n = number((<Value>a).data_ + (<Value>b).data_, joined(<Kind>(<Value>a).data_kind, <Kind>(<Value>b).data_kind))
        if n.kind != OBJECT:
            return node(ADD, a, b, n)
    return node_object(ADD, a, b, data_of(a) + data_of(b))


cdef Value multiply(PyObject* a, PyObject* b):
    cdef Number n
    if plain(a, b):
        n = number((<Value>a).data_ * (<Value>b).data_, joined(<Kind>(<Value>a).data_kind, <Kind>(<Value>b).data_kind))
        if n.kind != OBJECT:
            return node(MULTIPLY, a, b, n)
    return node_object(MULTIPLY, a, b, data_of(a) * data_of(b))


cdef Value power(PyObject* a, object exponent):
    cdef Number c, n
    if not isinstance(exponent, (int, float)):
        raise AssertionError("only supporting int/float powers for now")
    c = number_of(exponent)
    n = power_of(<Value>a, c)
    if n.kind != OBJECT:
        return node(POWER, a, <PyObject*>exponent, n)
    return node_object(POWER, a, <PyObject*>exponent, data_of(a) ** exponent)


cdef inline Number power_of(Value x, Number c) noexcept:
    """`x.data ** c` where that is a finite float without further ado; OBJECT elsewhere."""
    cdef Number n
    n.value = 0
    n.kind = OBJECT
    if (x.data_kind == FLOAT or x.data_kind == FLOAT64) and c.kind != OBJECT and x.data_ != 0:
        if x.data_ > 0 or floor(c.value) == c.value:
            n.value = pow(x.data_, c.value)
            if isfinite(n.value):
                n.kind = joined(<Kind>x.data_kind, c.kind)
    return n


cdef Value negative(PyObject* a):
    cdef Value minus = leaf_of(-1, INT)
    return multiply(a, <PyObject*>minus)


cdef Value relu(Value x):
    cdef Number n
    if x.data_kind == OBJECT:
        data = data_of(<PyObject*>x)
        return node_object(RELU, <PyObject*>x, NULL, 0 if data < 0 else data)
    n.value = x.data_
    n.kind = <Kind>x.data_kind
    if x.data_ < 0:
        n.value = 0
        n.kind = INT
    return node(RELU, <PyObject*>x, NULL, n)


cdef double real(Value x) except? -1:
    """The data as a float, for a function of the math module."""
    return x.data_ if x.data_kind != OBJECT else data_of(<PyObject*>x)


cdef Value function(int op, Value x):
    cdef double d = real(x)
    cdef Number n
    n.kind = FLOAT
    if op == TANH:
        n.value = tanh(d)
    elif op == EXP:
        n.value = exp(d)
        if not isfinite(n.value):
            n.value = math.exp(d)       # raises OverflowError, or knows why not
    elif op == LOG:
        n.value = log(d) if d > 0 and isfinite(d) else math.log(d)      # likewise ValueError
    else:
        n.value = exp(-fabs(d))
        n.value = (1 if d >= 0 else n.value) / (1 + n.value)
    return node(op, <PyObject*>x, NULL, n)
