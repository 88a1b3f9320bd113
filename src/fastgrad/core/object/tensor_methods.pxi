# Methods of Tensor for structured ops, straight to the kernel where it takes the call. They are functions beside the
# class, and go before those that both engines share.

class Structured:      # functions of a class, so that what Python says of a wrong call names them as the user does
    def prod(Tensor self, axis=None, keepdims=False, *, dtype=None):
        cdef pointer[4] given = [<PyObject*>self, <PyObject*>axis, <PyObject*>keepdims, <PyObject*>dtype]
        return call_method(PROD, given)

    def logsumexp(Tensor self, axis=None, keepdims=False):
        cdef pointer[3] given = [<PyObject*>self, <PyObject*>axis, <PyObject*>keepdims]
        return call_method(LOGSUMEXP, given)

    def softmax(Tensor self, axis=-1):
        cdef pointer[2] given = [<PyObject*>self, <PyObject*>axis]
        return call_method(SOFTMAX, given)

    def log_softmax(Tensor self, axis=-1):
        cdef pointer[2] given = [<PyObject*>self, <PyObject*>axis]
        return call_method(LOG_SOFTMAX, given)

    def clip(Tensor self, min=None, max=None):
        cdef pointer[3] given = [<PyObject*>self, <PyObject*>min, <PyObject*>max]
        return call_method(CLIP, given)

    def reshape(Tensor self, *shape):
        cdef Tensor y = None
        wanted = shape[0] if len(shape) == 1 else shape
        if type(wanted) is tuple or type(wanted) is int:
            y = reshape(self, wanted)
        return y if y is not None else METHODS["reshape"](self, *shape)

    def transpose(Tensor self, *axes):
        return permute_dims(self, None) if not axes else METHODS["transpose"](self, *axes)

    def permute_dims(Tensor self, axes):
        cdef Tensor y = permute_dims(self, axes) if type(axes) is tuple else None
        return y if y is not None else METHODS["permute_dims"](self, axes)

    def __array_ufunc__(Tensor self, ufunc, method, *inputs, **kwargs):
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
                    return checked_call(answer, <tuple>inputs)
        return METHODS["__array_ufunc__"](self, ufunc, method, *inputs, **kwargs)


cdef dict answers = None        # NumPy's functions that fastgrad answers, with its own
cdef object numpy_table         # makes them, when the first is asked for


def _methods_of(holder):
    found = {}
    for name, method in vars(holder).items():
        if callable(method):
            method.__qualname__ = "Tensor." + name
            found[name] = method
    return found


install_methods(_methods_of(Structured))
