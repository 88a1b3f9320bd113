# NumPy's ufuncs called with a Tensor.

cdef dict answers = None        # NumPy's functions that fastgrad answers, with its own
cdef object numpy_table         # makes them, when the first is asked for


cdef object call_ufunc(Tensor self, ufunc, method, tuple inputs, dict kwargs):
    """`__array_ufunc__`: a plain call goes straight to the function that records it."""
    global answers
    if method == "__call__" and not kwargs:
        if answers is None:
            answers = numpy_table()
        answer = answers.get(ufunc)
        if answer is not None:
            for o in inputs:
                if not (type(o) is Tensor or PyArray_CheckExact(o)
                        or PyObject_TypeCheck(o, <PyTypeObject*>generic_type)):
                    break
            else:
                return checked_call(answer, inputs)
    return METHODS["__array_ufunc__"](self, ufunc, method, *inputs, **kwargs)
