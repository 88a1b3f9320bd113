# `data`, `grad` and the dict of a Value.

cdef inline object data_of(Value x):
    if x.data_kind == OBJECT:
        return object_in_dict(x, "data")
    return as_object(x.data_, x.data_kind)


cdef inline object grad_of(Value x):
    if x.grad_kind == OBJECT:
        return object_in_dict(x, "grad")
    return as_object(x.grad_, x.grad_kind)


cdef object object_in_dict(Value x, str name):
    cdef dict kept = dict_in(x)
    if kept is not None:
        found = kept.get(name, kept)
        if found is not kept:
            return found
    raise value_errors.value_emptied(name)


cdef inline dict dict_in(Value x):
    """The dict, or None."""
    return <dict>fg_dict_at(x)[0] if fg_dict_at(x)[0] != NULL else None


cdef dict dict_of(Value x):
    """The dict, made if there is none."""
    if fg_dict_at(x)[0] == NULL:
        made = {}
        if fg_dict_at(x)[0] == NULL:    # still: the collector may have run Python code
            Py_INCREF(made)
            fg_dict_at(x)[0] = <PyObject*>made
    return <dict>fg_dict_at(x)[0]


cdef dict shown_dict(Value x):
    """The dict with all of micrograd's attributes. From now on they are read from it and written to it."""
    if x.flags & SHOWN:
        return dict_of(x)
    cdef dict before = dict_in(x)
    cdef dict made = dict.fromkeys(("data", "grad", "_backward", "_prev", "_op"))
    if before is not None:
        made.update(before)
    made["_backward"], made["_prev"], made["_op"] = x._backward, x._prev, op_text(x)
    made["data"], made["grad"] = data_of(x), grad_of(x)
    if not x.flags & SHOWN:     # still: the lines above may have run Python code
        replace_dict(x, made)
    return dict_of(x)


cdef int replace_dict(Value x, dict kept) except -1:
    cdef PyObject* before = fg_dict_at(x)[0]
    Py_INCREF(kept)
    fg_dict_at(x)[0] = <PyObject*>kept
    x.data_kind = x.grad_kind = OBJECT
    x.flags |= SHOWN | GIVEN
    track(x)
    if before != NULL:
        Py_DECREF(<object>before)
    return 0


cdef inline int set_data(Value x, object o) except -1:
    cdef Number n = number_of(o)
    if x.flags & SHOWN:
        n.kind = OBJECT
    x.data_ = n.value
    x.data_kind = <unsigned char>n.kind
    return store_object(x, "data", o) if n.kind == OBJECT else 0


cdef int set_grad(Value x, object o) except -1:
    cdef Number n = number_of(o)
    if x.flags & SHOWN:
        n.kind = OBJECT
    x.grad_ = n.value
    x.grad_kind = <unsigned char>n.kind
    return store_object(x, "grad", o) if n.kind == OBJECT else 0


cdef int store_object(Value x, str name, object o) except -1:
    """Call this last: it may release the object that was there before."""
    if PyObject_IS_GC(o):
        track(x)
    dict_of(x)[name] = o
    return 0
