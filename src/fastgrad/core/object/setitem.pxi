# Writes to a part of a tensor: `x[key] = value`, and in-place ops on a slice of a recorded result.

cdef tuple PLAIN = (float, int, bool, complex)


cdef bint is_recorded_part(Tensor x) noexcept:
    """Whether a write to `x` can be recorded as one to its base: a recorded result, not written since, of which `x` is
    a slice."""
    cdef Tensor base
    if fg_grad_off or x.op != GETITEM or not x.flags & VIEW or not x.flags & REQUIRES_GRAD or x.x1 == NULL:
        return False
    if x.flags & FREED:
        return False
    base = <Tensor>x.x1
    return base.gen == x.gen1 and not is_leaf(base) and not base.flags & VIEW


cdef object write_through(Tensor x, Tensor z, str name):
    """As `write_inplace`, of a slice: write to its base, `base[key] = z`, and make `x` the slice of the result."""
    cdef Tensor base = <Tensor>x.x1, old, w
    key = parameter_of(x)
    check_fresh(x)
    check_fits(x, z, name)
    old = snapshot(x, reads_operand(z, x))
    try:
        set_item(base, key, z)
        w = getitem_basic(base, key)
    except BaseException:
        forget_snapshot(old)
        raise
    move_node(x, w, old, None)
    x.flags |= VIEW
    return x


cdef bint is_own_part(Tensor x, object key, object value) except -1:
    """Whether `value` is `x[key]` itself, so that `x[key] = value` writes nothing: the last step of `x[key] += 1`."""
    cdef Geometry v
    cdef int k
    if type(value) is not Tensor:
        return False
    cdef Tensor part = <Tensor>value
    if (part.op != GETITEM or not part.flags & VIEW or part.x1 != <PyObject*>x or part.gen1 != x.gen
            or part.storage != x.storage or part.saved != x.storage.version):
        return False
    if not parse_key(x.layout, key, &v) or v.ndim != part.layout.ndim or part.data != x.data + v.offset:
        return False
    for k in range(v.ndim):
        if v.shape[k] != part.layout.shape[k] or (v.shape[k] > 1 and v.strides[k] != part.layout.strides[k]):
            return False
    return True


cdef object set_item(Tensor x, object key, object value):
    cdef Tensor old = None, z = None
    cdef tuple operands = None
    cdef bint recording = False
    rule = (<Function>functions["setitem"]).rule
    # First everything that may run Python code, then the checks.
    params = rule.prepare({"key": key})
    if fg_grad_off == 0 and is_own_part(x, params["key"], value):
        return 0
    recording = wants_grad(x) or (type(value) is Tensor and wants_grad(<Tensor>value))
    check_writable(x, recording)
    if recording:
        value = operand_of(value)
    if type(value) is Tensor:
        given = to_numpy(<Tensor>value)
    elif type(value) in PLAIN or (PyArray_CheckExact(value) and cnp.PyArray_TYPE(<cnp.ndarray>value) != cnp.NPY_OBJECT):
        given = value
    else:
        try:    # NumPy would convert the object in the middle of the write
            given = np.asarray(value, dtype_of(x))
        except (ValueError, IndexError) as error:
            raise errors.forward_failed("setitem", error, (x, value)).with_traceback(error.__traceback__) from None
    if recording and type(value) is Tensor and not np.can_cast(dtype_of(<Tensor>value), dtype_of(x), "same_kind"):
        raise errors.inplace_dtype("setitem", dtype_of(<Tensor>value), dtype_of(x))
    check_writable(x, recording)
    if type(value) is Tensor:
        check_fresh(<Tensor>value)
    if recording:
        check_fresh(x)
    move_out(x)
    cdef unsigned int version = version_of(x)
    target = array_view(x, x, True)
    if recording:
        z = adopt(x.layout, x.storage, x.data)
        link_unseen(z, rule, (x, value), params, RULE)
        old = snapshot(x, False)
        operands = operands_after(x, z, old)
    try:
        target[params["key"]] = given
        if version_of(x) != version:
            raise errors.written_meanwhile("setitem")
    except BaseException as error:
        if recording:
            forget_snapshot(old)
        if isinstance(error, (ValueError, IndexError)):     # nothing was written
            raise errors.forward_failed("setitem", error, (x, value)).with_traceback(error.__traceback__) from None
        raise
    x.storage.version += 1
    if recording:
        move_node(x, z, old, operands)
        x.storage.taken = x.storage.version
        if fg_watch:
            inspect_result(x)
    return 0
