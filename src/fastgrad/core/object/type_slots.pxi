# Slots of the Tensor type for which Cython has no spelling, and the buffer protocol.

cdef extern from "Python.h":
    int PyObject_GetBuffer(object o, Py_buffer* view, int flags) except -1


cdef object exported(Tensor t):
    """The read-only ndarray behind the buffer protocol; as `np.asarray`, an error for what records."""
    if wants_grad(t):
        raise leaving.not_an_array(op_name(t))
    return to_numpy(t)


cdef object refuse(PyTypeObject* cls, object args, PyObject* kwargs):
    raise errors.class_called()


cdef int install_dealloc() except -1:
    """Put `dealloc` in the finished type; Cython has no spelling for that slot."""
    cdef PyTypeObject* type_ = <PyTypeObject*>Tensor
    type_.tp_dealloc = <void*>dealloc
    type_.tp_new = <void*>refuse        # nothing here makes a tensor through the type
    type_.tp_vectorcall = NULL
    return 0


install_dealloc()
