# NumPy's functions called with a Tensor: their dispatch arrives here.

cdef dict numpy_functions = op_functions.numpy_functions    # by NumPy's function, or (ufunc, method)


cdef bint are_plain_operands(tuple inputs):
    """Whether all inputs are Tensors, arrays and numbers, and none is an array of another class."""
    for o in inputs:
        if not (is_tensor(o) or PyArray_CheckExact(o) or PyFloat_CheckExact(o) or type(o) is int
                or PyObject_TypeCheck(o, <PyTypeObject*>generic_type)):
            return False
    return True


cdef object call_entry(object entry, tuple args, dict kwargs):
    """The result of fastgrad's function for arguments that NumPy's dispatch passes on, or UNBOUND."""
    cdef PyObject* names[MOST_NAMES]
    cdef PyObject* values[MOST_NAMES]
    cdef Py_ssize_t n = 0, at = 0
    if type(entry) is not NumPyFunction or len(kwargs) >= MOST_NAMES:
        return UNBOUND
    while PyDict_Next(kwargs, &at, &names[n], &values[n]):
        n += 1
    held = given_tuple(values, n) if n else ()      # what the call runs may change the dict
    return call_counterpart(<NumPyFunction>entry, PySequence_Fast_ITEMS(args), len(args), names,
                            PySequence_Fast_ITEMS(held), n)


cdef object call_ufunc(Tensor self, ufunc, method, tuple inputs, dict kwargs):
    """`__array_ufunc__`: a call that has a plan goes straight to the function that records it."""
    entry = numpy_functions.get(ufunc if method == "__call__" else (ufunc, method))
    if entry is not None and are_plain_operands(inputs):
        y = call_entry(entry, inputs, kwargs)
        if y is not UNBOUND:
            return y
    return METHODS["__array_ufunc__"](self, ufunc, method, *inputs, **kwargs)


cdef object call_function(Tensor self, function, types, args, kwargs):
    """`__array_function__`, in the same way."""
    entry = numpy_functions.get(function)
    if entry is not None and type(types) is tuple and type(args) is tuple and type(kwargs) is dict:
        for kind in <tuple>types:
            if kind is not Tensor and kind is not ndarray_type:
                break
        else:
            y = call_entry(entry, <tuple>args, <dict>kwargs)
            if y is not UNBOUND:
                return y
    return METHODS["__array_function__"](self, function, types, args, kwargs)
