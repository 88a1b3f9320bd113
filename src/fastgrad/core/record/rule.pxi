# Every op without a kernel, and every dtype without one: the rule's forward on zero-copy array views.


cdef object dtype_of(Tensor t):
    return PyArray_DescrFromType(t.layout.typenum)


cdef Tensor rule_op(int op, tuple operands, dict params):
    """A hot op on operands that its kernel does not take."""
    rule = rule_of[op]
    if not params and rule.param_names:
        params = dict(rule.defaults)
        for name in rule.operand_names:
            params.pop(name, None)
    return apply_rule(rule, operands, params)


cdef Tensor rule_op_named(str name, tuple operands):
    return apply_rule((<Function>functions[name]).rule, operands, {})


cdef object operand_of(object o):
    """As an op keeps it: a Tensor, a Python number, or None."""
    cdef type t = type(o)
    if t is Tensor or t is float or t is int or o is None or t is bool or t is complex:
        return o
    return as_tensor(o)


cdef extern from "Python.h":
    object PyObject_Vectorcall(object callable, PyObject** args, size_t n, PyObject* names)
    PyObject** PySequence_Fast_ITEMS(tuple t)


cdef inline object checked_call(object callable, tuple args):
    """Call Python code. Cython's own call believes a function that has failed without an exception, as those of CPython
    3.11 do when memory runs out for a traceback."""
    return PyObject_Vectorcall(callable, PySequence_Fast_ITEMS(args), len(args), NULL)


cdef object half_type = np.float16


cdef inline bint is_half(object value) noexcept:
    if PyArray_Check(value):
        return cnp.PyArray_TYPE(<cnp.ndarray>value) == cnp.NPY_FLOAT16
    return <object>Py_TYPE(value) is half_type


cdef object NUMPY_ERRORS = _numpy_errors.variable
cdef object QUIET = _numpy_errors.quiet


cdef extern from "Python.h":
    object PyObject_Call(object callable, object args, object kwargs)


cdef object run_forward(object rule, list arrays, dict params):
    """`Rule.run`, without a Python frame."""
    if QUIET is None:
        return checked_call(rule.run, (arrays, params))
    before = NUMPY_ERRORS.get()
    try:
        NUMPY_ERRORS.set(QUIET)
        return PyObject_Call(rule.forward, tuple(arrays), params)
    finally:
        NUMPY_ERRORS.set(before)


cdef Tensor apply_rule(object rule, tuple operands, dict params):
    """Run the forward and record."""
    cdef list arrays = [], kept = []
    cdef Py_ssize_t k
    cdef unsigned int versions
    cdef Tensor x, y
    cdef bint wanted = False, foreign = False
    cdef RuleFacts facts
    for o in operands:
        o = operand_of(o)
        if type(o) is Tensor:
            x = <Tensor>o
            check_fresh(x)
            wanted = wanted or wants_grad(x)
            foreign = foreign or (x.storage != NULL and x.storage.flags & FOREIGN_WRITABLE)
            arrays.append(array_view(x, o, False))
        else:
            arrays.append(o)
        kept.append(o)
    operands = tuple(kept)
    versions = versions_in(operands)
    try:
        value = run_forward(rule, arrays, params)
        if is_half(value):
            value = checked_call(rule.run_wider, (arrays, params))
    except Exception as error:
        worded = errors.forward_failed(rule.name, error, kept)
        if worded is error:
            raise
        raise worded from error
    y = wrap_result(rule, value, kept)
    if not wanted or not is_inexact(y.layout.typenum):
        return y
    facts = facts_for(rule, RULE, operands)
    wanted = False
    for k in range(len(operands)):
        if type(operands[k]) is Tensor and wants_grad(<Tensor>operands[k]) and nth_bit(facts.flows, k):
            wanted = True
    if not wanted:
        return y
    if foreign:
        for k in range(len(kept)):
            o = kept[k]
            if (type(o) is Tensor and (<Tensor>o).storage != NULL and (<Tensor>o).storage.flags & FOREIGN_WRITABLE
                    and rule.reads(k)):
                kept[k] = guarded_copy(<Tensor>o)
    params = private_params(params)
    if versions_in(operands) != versions:
        raise errors.written_meanwhile(rule.name)
    link_many(y, rule, tuple(kept) if foreign else operands, params)
    return y


cdef dict private_params(dict params):
    """Parameters that the user can no longer change: index arrays are copied."""
    cdef bint plain = True
    for value in params.values():
        if PyArray_Check(value) or type(value) is tuple or type(value) is list:
            plain = False
    return params if plain else {key: private_param(value) for key, value in params.items()}


cdef object private_param(object value):
    if PyArray_Check(value):
        return value.copy()
    cdef list kept
    if type(value) is tuple or type(value) is list:
        kept = []
        for v in value:
            kept.append(private_param(v))
        return kept if type(value) is list else tuple(kept)
    return value


cdef bint bounds_overlap(cnp.ndarray a, Tensor x) noexcept:
    """Whether the memory that `a` spans meets that of `x`, as `np.may_share_memory` says."""
    cdef char* low[2]
    cdef char* high[2]
    extent(<char*>cnp.PyArray_DATA(a), cnp.PyArray_NDIM(a), <Py_ssize_t*>cnp.PyArray_DIMS(a),
           <Py_ssize_t*>cnp.PyArray_STRIDES(a), PyArray_ITEMSIZE(a), &low[0], &high[0])
    extent(x.data, x.layout.ndim, x.layout.shape, x.layout.strides, x.layout.itemsize, &low[1], &high[1])
    return low[0] < high[1] and low[1] < high[0]


cdef void extent(char* data, int ndim, const Py_ssize_t* shape, const Py_ssize_t* strides, Py_ssize_t itemsize,
                 char** low, char** high) noexcept:
    """The first byte of an array and the one after its last; equal where it has no elements."""
    cdef int k
    low[0] = data
    high[0] = data + itemsize
    for k in range(ndim):
        if shape[k] == 0:
            high[0] = low[0] = data
            return
        if strides[k] < 0:
            low[0] += (shape[k] - 1) * strides[k]
        else:
            high[0] += (shape[k] - 1) * strides[k]


cdef Tensor wrap_result(object rule, object value, list operands):
    """The forward's result as a tensor; one that shares an operand's memory shares its storage, and so its version."""
    cdef Tensor x, y
    if not PyArray_Check(value):
        return own_array(np.asarray(value))
    cdef cnp.ndarray a = value
    for o in operands:
        if type(o) is Tensor and (cnp.PyArray_BASE(a) != NULL or cnp.PyArray_DATA(a) == (<Tensor>o).data):
            x = <Tensor>o
            if bounds_overlap(a, x):
                if not rule.view or o is not operands[0] or not supported(cnp.PyArray_TYPE(a)):
                    return own_array(PyArray_NewCopy(a, cnp.NPY_CORDER))
                offset = <char*>cnp.PyArray_DATA(a) - x.data
                move_out(x)
                y = adopt(layout_get(cnp.PyArray_TYPE(a), PyArray_ITEMSIZE(a), cnp.PyArray_NDIM(a),
                                     <Py_ssize_t*>cnp.PyArray_DIMS(a),
                                     <Py_ssize_t*>cnp.PyArray_STRIDES(a)), x.storage, x.data + <Py_ssize_t>offset)
                y.flags |= VIEW
                y.saved = version_of(x)
                return y
    if not cnp.PyArray_IS_C_CONTIGUOUS(a):
        return own_array(PyArray_NewCopy(a, cnp.NPY_CORDER))      # NumPy keeps the order of its operands; ours is C's
    return own_array(a)


cdef object compare(Tensor x, object other, int operator, str slot):
    """A comparison: NumPy's own on array views, whose result is a constant. Other operands take the shared method."""
    cdef type t = type(other)
    if t is Tensor or t is float or t is int or PyArray_CheckExact(other):
        check_fresh(x)
        if t is Tensor:
            check_fresh(<Tensor>other)
            other_view = array_view(<Tensor>other, other, False)
        else:
            other_view = other
        try:
            return own_result(PyObject_RichCompare(array_view(x, x, False), other_view, operator))
        except Exception:
            return METHODS[slot](x, other)      # raises it with the names of the op and the operands
    return METHODS[slot](x, other)


cdef Tensor own_result(object value):
    """A fresh array, or NumPy scalar, as a Tensor in C order."""
    if not PyArray_Check(value):
        return own_array(np.asarray(value))
    return own_array(value if cnp.PyArray_IS_C_CONTIGUOUS(<cnp.ndarray>value) else PyArray_NewCopy(value,
                                                                                                   cnp.NPY_CORDER))


cdef tuple node_operands(Tensor y):
    """The operands as the rule wants them: Tensors as they were recorded, constants as Python numbers."""
    cdef NodeExtra extra
    cdef Py_ssize_t k
    cdef list meant
    if y.extra != NULL and (<NodeExtra>y.extra).operands is not None:
        extra = <NodeExtra>y.extra
        for o in extra.operands:
            if type(o) is Tensor and (<Tensor>o).gen != 0:
                break
        else:
            return extra.operands
        meant = list(extra.operands)
        if (<NodeExtra>y.extra).operands is None:
            return ()       # freed by what the garbage collector has run
        for k in range(len(meant)):
            if type(meant[k]) is Tensor:
                meant[k] = nth_operand(extra, k)
        return tuple(meant)
    if y.x1 == NULL and not y.flags & CONST1:
        return ()
    first = constant_of(y.x1) if y.flags & CONST1 else resolve(y.x1, y.gen1)
    if y.flags & OBJECT2:
        return (first,)
    if y.flags & CONST2:
        return (first, constant_of(y.x2))
    if y.x2 == NULL:
        return (first,)
    return (first, resolve(y.x2, y.gen2))


cdef dict node_params(Tensor y):
    cdef dict params
    if y.extra != NULL and (<NodeExtra>y.extra).params is not None:
        return (<NodeExtra>y.extra).params
    rule = rule_for(y)
    if not rule.param_names:
        return NO_PARAMS
    if table[y.op].params != NULL:
        return table[y.op].params(y)
    params = dict(rule.defaults)
    for name in rule.param_names:
        if name not in params:
            params[name] = None
    return params
