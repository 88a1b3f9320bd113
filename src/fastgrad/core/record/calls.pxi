# The usual spellings of a call, straight to the kernel: binding by the rule takes longer than a small kernel.
# Never refuses a call: what it does not know is None, and the rule binds it or says what is wrong.

cdef extern from "Python.h":
    ctypedef object (*vectorcallfunc)(PyObject* callable, PyObject* const* args, size_t nargsf, PyObject* kwnames)
    Py_ssize_t PyVectorcall_NARGS(size_t nargsf)
    const unsigned long Py_TPFLAGS_HAVE_VECTORCALL
    double PyFloat_AS_DOUBLE(PyObject* o)

cdef struct Given:          # borrowed; NULL: left to its default
    PyObject* axis
    PyObject* keepdims
    PyObject* reduction


cdef bint read_keywords(tuple names, PyObject* const* values, Given* given) except -1:
    """False where a keyword is another one."""
    cdef Py_ssize_t k
    for k in range(len(names)):
        name = names[k]
        if name == "axis":
            given.axis = values[k]
        elif name == "keepdims" and type(<object>values[k]) is bool:
            given.keepdims = values[k]
        elif name == "reduction":
            given.reduction = values[k]
        else:
            return False
    return True


cdef tuple given_tuple(PyObject* const* args, Py_ssize_t n):
    """The positional arguments of a vectorcall."""
    cdef tuple made = PyTuple_New(n)
    cdef Py_ssize_t k
    for k in range(n):
        Py_INCREF(<object>args[k])      # PyTuple_SET_ITEM takes it
        PyTuple_SET_ITEM(made, k, <object>args[k])
    return made


cdef Tensor call_directly(int op, PyObject* const* args, Py_ssize_t n, object names):
    """The result of a structured op; None for what is spelled, or is, less common: the rule binds that."""
    cdef Given given
    cdef Py_ssize_t k
    cdef Tensor x, y
    memset(&given, 0, sizeof(Given))
    if n == 0 or (names is not None and not read_keywords(names, args + n, &given)):
        return None
    first = <object>args[0]
    if op == CONCAT or op == STACK:
        if given.keepdims != NULL or given.reduction != NULL:
            return None
        return join(op, given_tuple(args, n), <object>given.axis if given.axis != NULL else 0)
    if op == WHERE and n == 3 and names is None:
        first = tensor_or_number(first)
        if type(first) is not Tensor:
            return None
        return where(<Tensor>first, tensor_or_number(<object>args[1]), tensor_or_number(<object>args[2]))
    if type(first) is not Tensor:
        return None
    x = <Tensor>first
    if op == CLIP:
        return clip(x, <object>args[1], <object>args[2]) if n == 3 and names is None else None
    if op == CROSS_ENTROPY:
        if given.axis != NULL or given.keepdims != NULL or n != 2:
            return None
        labels = tensor_or_number(<object>args[1])
        if type(labels) is not Tensor:
            return None
        return cross_entropy(x, <Tensor>labels, <object>given.reduction if given.reduction != NULL else "mean")
    if op == LAYER_NORM:
        return layer_norm(x, <object>args[1], <object>args[2], <object>args[3], <object>args[4]) if n == 5 and names is None else None
    if op == BATCH_NORM:
        return batch_norm(x, <object>args[1], <object>args[2], <object>args[3]) if n == 4 and names is None else None
    if op == GETITEM:
        if n != 2 or names is not None:
            return None
        y = getitem_basic(x, <object>args[1])
        return y if y is not None else getitem_array(x, <object>args[1])
    if op == RESHAPE or op == PERMUTE_DIMS or op == BROADCAST_TO or op == SUM_TO:
        if n != 2 or names is not None or type(<object>args[1]) is not tuple:
            return None
        return (reshape(x, <object>args[1]) if op == RESHAPE else permute_dims(x, <object>args[1]) if op == PERMUTE_DIMS
                else broadcast_to(x, <object>args[1]) if op == BROADCAST_TO else sum_to(x, <object>args[1]))
    return call_along(op, x, args, n, &given)


cdef Tensor call_along(int op, Tensor x, PyObject* const* args, Py_ssize_t n, Given* given):
    """Ops with an axis, those that reduce with `keepdims` too."""
    cdef bint reduces = op == SUM or op == MEAN or op == MAX or op == MIN or op == PROD or op == LOGSUMEXP
    if given.reduction != NULL or n > (3 if reduces else 2) or (given.keepdims != NULL and not reduces):
        return None
    if n > 1:
        if given.axis != NULL:
            return None
        given.axis = args[1]
    if n > 2:
        if given.keepdims != NULL or type(<object>args[2]) is not bool:
            return None
        given.keepdims = args[2]
    if op == SOFTMAX or op == LOG_SOFTMAX:
        return softmax(op, x, <object>given.axis if given.axis != NULL else -1)
    axis = <object>given.axis if given.axis != NULL else None
    if op == CUMSUM:
        return cumsum(x, axis)
    if not reduces:
        return None
    if op == LOGSUMEXP:
        return logsumexp(x, axis, given.keepdims != NULL and <object>given.keepdims)
    return reduce(op, x, axis, given.keepdims != NULL and <object>given.keepdims)


cdef vectorcallfunc parse_tensor        # how `tensor` is called in general
cdef PyObject* requires_grad_name       # interned, as the names in a call are


cdef object call_tensor(PyObject* callable, PyObject* const* args, size_t nargsf, PyObject* names):
    """`tensor(0.5)` and `tensor(0.5, requires_grad=True)`: leaves of scalar graphs, where parsing takes most of the time."""
    cdef PyObject* t
    if PyVectorcall_NARGS(nargsf) == 1 and type(<object>args[0]) is float:
        if names == NULL:
            return fg_owned(number_at(PyFloat_AS_DOUBLE(args[0])))
        if len(<tuple>names) == 1 and <PyObject*>(<tuple>names)[0] == requires_grad_name and <object>args[1] is True:
            t = number_at(PyFloat_AS_DOUBLE(args[0]))
            (<Tensor>t).flags = REQUIRES_GRAD
            return fg_owned(t)
    return parse_tensor(callable, args, nargsf, names)


cdef int install_call_tensor() except -1:
    """A function of Python has its way of being called in itself; put ours before it."""
    global parse_tensor, requires_grad_name
    cdef PyTypeObject* t = Py_TYPE(tensor)
    cdef vectorcallfunc* where
    if not t.tp_flags & Py_TPFLAGS_HAVE_VECTORCALL or t.tp_vectorcall_offset <= 0:
        return 0
    where = <vectorcallfunc*>(<char*><PyObject*>tensor + t.tp_vectorcall_offset)
    if where[0] != NULL:
        requires_grad_name = <PyObject*>REQUIRES_GRAD_NAME
        parse_tensor = where[0]
        where[0] = call_tensor
    return 0


cdef object REQUIRES_GRAD_NAME = sys.intern("requires_grad")
install_call_tensor()
