# The leaves of arguments and results: what a transform differentiates, and what it hands back.

cdef inline bint lifts(Tensor x) noexcept:
    """Whether there are gradients with respect to values of the dtype of `x`."""
    return is_inexact(x.layout.typenum)


cdef Tensor copy_of_array(cnp.ndarray a):
    """A Tensor with the array's value in C order."""
    if not supported(cnp.PyArray_TYPE(a)) or not PyArray_ISALIGNED(a) or not PyArray_ISNOTSWAPPED(a):
        return private_copy(wrap_array(a))      # which converts the array, or raises
    cdef Layout* layout = layout_of(a)
    cdef Tensor x = new_tensor(layout_contiguous(layout))
    if fg_capture != NULL:
        note_array(a)
    copy_door(layout.itemsize, layout, <const char*>cnp.PyArray_DATA(a), layout.strides, x.data, x.layout.strides)
    return x


cdef Tensor lifted(Run run, object leaf):
    """The Tensor that `run` differentiates with respect to, in place of `leaf`. A copy: the function may write to it,
    and the graph may outlive the call."""
    cdef Tensor x
    if type(leaf) is float or type(leaf) is float64_type:
        x = float_tensor(PyFloat_AS_DOUBLE(<PyObject*>leaf))
    elif PyArray_CheckExact(leaf) and (run.dialect is None or supported(cnp.PyArray_TYPE(leaf))):
        x = copy_of_array(leaf)
    elif is_tensor(leaf):
        x = lifted_tensor(run, <Tensor>leaf)
    else:
        x = transform_arguments.lift_other(run, leaf, tensor)
    if not lifts(x):
        if run.dialect is None:
            raise transform_arguments.refused(run, leaf)
        x = <Tensor?>run.dialect.lift(run, leaf)
    x.flags |= REQUIRES_GRAD
    if run.dialect is not None:
        if Py_TYPE(x) == POOLED:
            set_class(x, run.dialect.box)
        run.adapts = run.adapts or is_complex(x.layout.typenum)
    return x


cdef Tensor lifted_tensor(Run run, Tensor t):
    if not is_recorded(t):
        check_fresh(t)
        return detached(t) if run.private else private_copy(t)
    if not run.recording:
        return functions["copy"](detached(t))
    run.tracked = True
    if run.private:
        return t
    return functions["entry"](t)


cdef object private_array(Tensor t):
    """The value as an array in memory that nobody else has. `t` is a copy, or held only by the caller."""
    if fg_capture != NULL:
        leave_program(t, "an array")
    move_out(t)
    return array_view(t, t, True)


cdef object number_of(Tensor t):
    """The value of a 0-d Tensor as a NumPy scalar."""
    if fg_capture != NULL:
        leave_program(t, "a number")
    if t.layout != number_layout:
        return PyArray_Scalar(t.data, dtype_of(t), None)
    cdef PyTypeObject* kind = <PyTypeObject*>float64_type
    o = kind.tp_alloc(kind, 0)
    if o == NULL:
        raise MemoryError()
    (<PyDoubleScalarObject*>o).obval = (<double*>t.data)[0]
    return fg_result(o)


cdef object handed_back(Tensor x, object g, object original):
    """The gradient `g` of the input `x`, None for zero, as the type of the value that the caller passed for `x`."""
    cdef Tensor t
    if g is None:
        t = new_tensor(layout_contiguous(x.layout))
        zero_door(t.data, t.layout.nbytes)
    else:
        t = <Tensor>g
        if is_recorded(t):
            return t
    if Py_TYPE(original) == POOLED:
        return t
    if not PyArray_Check(original) and t.layout.ndim == 0:
        return number_of(t)
    return private_array(t) if g is None else given_away(t)


cdef object given_away(Tensor t):
    """The value of `t`, which is held only by the caller, as an array in memory that nobody else has."""
    # The value of a Tensor without a kernel dtype, or of a subclass, may be one that a rule returned and still holds.
    if (t.layout.kernel == NO_KERNEL or not t.layout.flags & C_CONTIGUOUS
            or (t.storage != NULL and (t.storage.refs > 1 or t.storage.base != NULL))):
        t = private_copy(t)
    return private_array(t)


def own_value(Tensor t):
    """Return the value of `t` as an array, or as a number if it is 0-d. The caller gives up `t`: its memory may be
    that of the array."""
    if t.layout.ndim == 0:
        return number_of(t)
    return private_array(private_copy(t)) if is_recorded(t) else given_away(t)


cdef object value_leaf(void* state, object leaf):
    """A leaf of a result for the caller: a Tensor, detached if not tracked, or an array or NumPy scalar."""
    cdef Run run = <Run>state
    if not is_tensor(leaf) or (run.tracked and is_recorded(leaf)):
        return leaf
    if run.tensors:
        return detached(<Tensor>leaf)
    return number_of(<Tensor>leaf) if (<Tensor>leaf).layout.ndim == 0 else private_array(private_copy(<Tensor>leaf))
