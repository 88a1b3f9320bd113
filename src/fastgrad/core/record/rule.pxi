# Every op without a kernel, and every dtype without one: the rule's forward on zero-copy array views.

cdef object dtype_of(Tensor t):
    return PyArray_DescrFromType(t.layout.typenum)


cdef Tensor rule_op(int op, tuple operands):
    """An op with a kernel, on operands that the kernel does not take; parameters have their defaults."""
    cdef Function f = <Function>functions[op_names[op]]
    return apply_rule(f, PySequence_Fast_ITEMS(operands), len(operands), &f.signature.defaults[f.signature.n_operands])


cdef Tensor rule_op_named(str name, tuple operands):
    return apply_rule(<Function>functions[name], PySequence_Fast_ITEMS(operands), len(operands), NULL)


cdef object operand_of(object o):
    """As an op keeps it: a Tensor, a Python number, or None."""
    cdef type t = type(o)
    if is_tensor(o) or t is float or t is int or o is None or t is bool or t is complex:
        return o
    return as_tensor(o)


cdef inline object checked_call(object callable, tuple args):
    """Call Python code. CPython 3.11 returns NULL without an exception if memory runs out for a traceback, which
    Cython's own call does not notice."""
    return PyObject_Vectorcall(callable, PySequence_Fast_ITEMS(args), len(args), NULL)


cdef object half_type = np.float16


cdef Tensor apply_rule(Function f, PyObject** given, Py_ssize_t n, PyObject** values):
    """Run the forward of a rule and record. `given` are the `n` operands, `values` the parameters in the order of the
    rule."""
    cdef tuple operands = PyTuple_New(n), args
    cdef Py_ssize_t k
    cdef unsigned int versions = 0, wanting = 0
    cdef bint foreign = False
    for k in range(n):      # any of them may run user code
        o = operand_of(<object>given[k])
        put_item(operands, k, o)
    if fg_capture != NULL and f.rule.elementwise and f.built_in:
        converted = with_numbers(operands)
        if converted is not None:
            return call_prepared(f, converted, named_params(f, values))
    args = PyTuple_New(n + f.n_params)
    for k in range(n):
        o = operands[k]
        if is_tensor(o):
            x = <Tensor>o
            check_fresh(x)
            versions += version_of(x)
            wanting |= <unsigned int>wants_grad(x) << min(k, 31)
            foreign = foreign or (x.storage != NULL and x.storage.flags & FOREIGN_WRITABLE)
            # Built-in rules write to no operand, and some functions of NumPy copy arrays that are not writeable.
            o = array_view(x, o, f.built_in and (x.storage == NULL or not x.storage.flags & READ_ONLY))
        put_item(args, k, o)
    for k in range(f.n_params):
        put_item(args, n + k, <object>values[k])
    try:
        value = forward_value(f, args, n) if fg_capture == NULL else uncaptured_forward(f, args, n)
    except Exception as error:
        worded = errors.forward_failed(f.rule.name, error, operands)
        if worded is error:
            raise
        raise worded.with_traceback(error.__traceback__) from None
    cdef Tensor y = wrap_result(f.view, value, operands)
    if fg_capture != NULL:
        y = captured_rule(f, operands, args, y)
    if not wanting or not is_inexact(y.layout.typenum):
        return y
    cdef RuleFacts facts = facts_for(f, PySequence_Fast_ITEMS(operands), n)
    if not wanting & facts.flows:
        return y
    if foreign and versions_in(operands) == versions:
        operands = private_operands(facts.reads, operands)
        versions = versions_in(operands)
    link_node(y, f.rule, RULE, facts, operands, None)
    (<NodeExtra>y.extra).values = private_values(args, n)
    if versions_in(operands) != versions:       # by Python code that ran meanwhile
        raise errors.written_meanwhile(f.rule.name)
    if fg_watch:
        inspect_result(y)
    return y


cdef object forward_value(Function f, tuple args, Py_ssize_t n):
    """The forward of a rule, of `n` operands and the parameters."""
    value = call_without_warnings(f, PySequence_Fast_ITEMS(args), n + f.n_positional, f.keywords)
    if type(value) is half_type or (PyArray_Check(value)
                                    and cnp.PyArray_TYPE(<cnp.ndarray>value) == cnp.NPY_FLOAT16):
        return checked_call(f.rule.run_wider, (list(args[:n]), named_params(f, PySequence_Fast_ITEMS(args) + n)))
    return value


cdef dict named_params(Function f, PyObject** values):
    """The parameters by name."""
    return dict(zip(f.rule.param_names, given_tuple(values, f.n_params), strict=True))


cdef tuple private_values(tuple args, Py_ssize_t first):
    """The parameters behind the operands, as values that the user can no longer change: index arrays are copied."""
    if len(args) == first:
        return None
    return tuple([parameters.private(o) if PyArray_Check(o) or type(o) is tuple or type(o) is list else o
                  for o in args[first:]])


cdef Tensor wrap_result(bint view, object value, tuple operands):
    """The forward's result as a tensor; one that shares an operand's memory shares its storage, and so its version."""
    if not PyArray_Check(value):
        return own_result(value)
    cdef cnp.ndarray a = value
    for o in operands:
        if is_tensor(o) and (cnp.PyArray_BASE(a) != NULL or cnp.PyArray_DATA(a) == (<Tensor>o).data):
            x = <Tensor>o
            if bounds_overlap(<cnp.ndarray>a, x):
                if not view or o is not operands[0] or not supported(cnp.PyArray_TYPE(a)):
                    return own_array(PyArray_NewCopy(a, cnp.NPY_CORDER))
                offset = <char*>cnp.PyArray_DATA(a) - x.data
                move_out(x)
                y = adopt(layout_of(a), x.storage, x.data + <Py_ssize_t>offset)
                y.flags |= VIEW
                y.saved = version_of(x)
                if fg_grad_off or not x.flags & REQUIRES_GRAD:
                    note_base(y, x)
                return y
    return own_result(a)


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


cdef tuple COMPARE = (operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge)  # Py_LT to Py_GE


cdef object compare(Tensor x, object other, int op, str slot):
    """A comparison: NumPy's own on array views, whose result is a constant. Other operands take the shared method."""
    cdef type t = type(other)
    if is_tensor(other) or t is float or t is int or PyArray_CheckExact(other):
        check_fresh(x)
        if is_tensor(other):
            check_fresh(<Tensor>other)
        view = array_view(<Tensor>other, other, False) if is_tensor(other) else other
        if fg_capture != NULL and not (<Capture>fg_capture).suspended:
            return captured_call(slot, COMPARE[op], with_numbers((x, other)) or (x, other))
        try:
            return own_result(PyObject_RichCompare(array_view(x, x, False), view, op))
        except Exception:
            pass    # the method raises it with the names of the op and the operands
    return METHODS[slot](x, other)


cdef Tensor own_result(object value):
    """A fresh array, or a scalar, as a Tensor in C order: NumPy keeps the order of its operands."""
    if not PyArray_Check(value):
        return as_tensor(value)
    if not cnp.PyArray_IS_C_CONTIGUOUS(<cnp.ndarray>value):
        value = PyArray_NewCopy(value, cnp.NPY_CORDER)
    return own_array(value)


cdef tuple node_operands(Tensor y):
    """The operands as the rule wants them: Tensors as they were recorded, constants as Python numbers."""
    cdef Py_ssize_t k
    if has_many(y):
        extra = <NodeExtra>y.extra
        for o in extra.operands:
            if is_tensor(o) and (<Tensor>o).gen != 0:
                break
        else:
            return extra.operands
        meant = list(extra.operands)
        if (<NodeExtra>y.extra).operands is None:
            return ()       # freed by what the garbage collector has run
        for k in range(len(meant)):
            if is_tensor(meant[k]):
                meant[k] = nth_operand(extra, k)
        return tuple(meant)
    if y.x1 == NULL and not y.flags & CONST1:
        return ()
    first = constant_of(y.x1) if y.flags & CONST1 else resolve(y.x1, y.gen1)
    if y.flags & OBJECT2 or (y.x2 == NULL and not y.flags & CONST2):
        return (first,)
    return (first, constant_of(y.x2) if y.flags & CONST2 else resolve(y.x2, y.gen2))


cdef dict node_params(Tensor y):
    if y.extra != NULL and (<NodeExtra>y.extra).params is not None:
        return (<NodeExtra>y.extra).params
    rule = rule_for(y)
    if y.extra != NULL and (<NodeExtra>y.extra).values is not None:
        return dict(zip(rule.param_names, (<NodeExtra>y.extra).values, strict=True))
    if not rule.param_names:
        return NO_PARAMS
    if table[y.op].params != NULL:
        return table[y.op].params(y)
    return {name: rule.defaults.get(name) for name in rule.param_names}
