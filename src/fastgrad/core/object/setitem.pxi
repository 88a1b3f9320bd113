# Writes to a part of a tensor: `x[key] = value`.

cdef tuple PLAIN = (float, int, bool, complex)


cdef bint is_own_part(Tensor x, object key, object value) except -1:
    """Whether `value` is `x[key]` itself, so that `x[key] = value` writes nothing: the last step of `x[key] += 1`."""
    cdef Geometry v
    cdef int k
    if not is_tensor(value):
        return False
    cdef Tensor part = <Tensor>value
    if (not part.flags & VIEW or part.storage != x.storage or part.saved != x.storage.version
            or part.layout.typenum != x.layout.typenum or owner_at(part) != owner_at(x) or owner_at(x) == NULL):
        return False
    if not parse_key(x.layout, key, &v) or v.ndim != part.layout.ndim or part.data != x.data + v.offset:
        return False
    for k in range(v.ndim):
        if v.shape[k] != part.layout.shape[k] or (v.shape[k] > 1 and v.strides[k] != part.layout.strides[k]):
            return False
    return True


cdef Region region_of(Tensor x, object key):
    """What `x[key]` covers at most."""
    cdef Geometry v
    key = basic_key(key)
    if key is None or not parse_key(x.layout, key, &v):
        return whole_region(x)
    return region_at(x.data + v.offset, v.ndim, v.shape, v.strides, x.layout.itemsize)


cdef object set_item(Tensor x, object key, object value, Tensor changed=None):
    """`x[key] = value`. If only a part of `x[key]` is not what it was, `changed` has that memory."""
    cdef Tensor old = None, z = None
    cdef tuple operands = None
    cdef bint recording = False
    rule = (<Function>functions["setitem"]).rule
    # First everything that may run Python code, then the checks.
    params = rule.prepare({"key": key})
    if fg_grad_off == 0:
        refresh_view(x)
        if is_tensor(value):
            refresh_view(<Tensor>value)
        if is_own_part(x, params["key"], value):
            return 0
    recording = wants_grad(x) or (is_tensor(value) and wants_grad(<Tensor>value))
    if recording and x.flags & VIEW:
        return set_view_item(x, params["key"], value)
    check_writable(x)
    if recording:
        value = operand_of(value)
    if is_tensor(value):
        given = array_view(<Tensor>value, value, False) if fg_capture != NULL else to_numpy(<Tensor>value)
    elif type(value) in PLAIN or (PyArray_CheckExact(value) and cnp.PyArray_TYPE(<cnp.ndarray>value) != cnp.NPY_OBJECT):
        given = value
    else:
        try:    # NumPy would convert the object in the middle of the write
            given = np.asarray(value, dtype_of(x))
        except (ValueError, IndexError) as error:
            raise errors.forward_failed("setitem", error, (x, value)).with_traceback(error.__traceback__) from None
    if recording and is_tensor(value) and not np.can_cast(dtype_of(<Tensor>value), dtype_of(x), "same_kind"):
        raise errors.inplace_dtype("setitem", dtype_of(<Tensor>value), dtype_of(x))
    check_writable(x)
    if postponed_values != NULL:
        before_write(x)
    if is_tensor(value):
        check_fresh(<Tensor>value)
    if recording:
        check_fresh(x)
    move_out(x)
    if x.storage.flags & BEING_WRITTEN:
        wait_for_write(x)
    cdef unsigned int version = version_of(x)
    target = array_view(x, x, True)
    cdef bint shared = x.storage.refs > 1      # otherwise no view asks where the write went
    cdef Region region
    if shared:
        region = region_of(x, params["key"]) if changed is None else whole_region(changed)
    if recording:
        z = adopt(x.layout, x.storage, x.data)
        link_unseen(z, rule, (x, value), params, RULE)
        old = snapshot(x, reads_result(x))
        operands = operands_after(x, z, old)
    cdef Storage* storage = storage_keep(x.storage)
    if fg_capture == NULL:      # counted before, since other threads run while NumPy writes
        storage.flags |= BEING_WRITTEN
        storage.version += 1
        version += 1
    try:
        if fg_capture == NULL:
            target[params["key"]] = given
        else:
            captured_write(x, value if is_tensor(value) else given, target, given, params["key"])
        if version_of(x) != version:
            raise errors.written_meanwhile("setitem")
    except BaseException as error:
        if fg_capture == NULL and x.storage == storage and version_of(x) == version:
            storage.version -= 1
        if recording:
            forget_snapshot(old)
        if isinstance(error, (ValueError, IndexError)):     # nothing was written
            raise errors.forward_failed("setitem", error, (x, value)).with_traceback(error.__traceback__) from None
        raise
    finally:
        storage.flags &= ~<unsigned int>BEING_WRITTEN
        storage_release(storage)
    if fg_capture != NULL:
        x.storage.version += 1
    if shared:
        note_write(x.storage, region)
    else:
        storage_forget_writes(x.storage)
    if recording:
        move_node(x, z, old, operands)
        x.storage.taken = x.storage.version
        forget_cycles(x)
        if fg_watch:
            inspect_result(x)
    return 0
