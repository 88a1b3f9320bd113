# Views and writes. A write to a view is one to the tensor that owns the memory, whose other views are derived from it
# again when they are used next.

cdef inline PyObject* base_at(PyObject* x) noexcept:
    """Borrowed: what the view `x` was taken of, as it is now; NULL if that is not known."""
    cdef PyObject* base = (<Tensor>x).x1
    if (<Tensor>x).flags & <int>(FREED | CONST1):
        return NULL
    if has_many(<Tensor>x):
        base = PyTuple_GET_ITEM((<NodeExtra>(<Tensor>x).extra).operands, 0)
        return base if is_tensor(<object>base) else NULL
    return base


cdef PyObject* owner_at(Tensor x) noexcept:
    """Borrowed: the tensor that owns the memory of `x`; NULL if that is not known, as of what `detach` returns."""
    cdef PyObject* owner = <PyObject*>x
    while owner != NULL and (<Tensor>owner).flags & VIEW:
        owner = base_at(owner)
    return owner if owner != NULL and (<Tensor>owner).storage == x.storage else NULL


cdef inline void note_base(Tensor y, Tensor x) noexcept:
    """Let `y`, a view of the constant `x` that nothing recorded, find the owner of its memory."""
    cdef PyObject* owner = x.x1 if x.flags & VIEW else <PyObject*>x
    if not x.flags & REQUIRES_GRAD and owner != NULL and y.x1 == NULL:
        Py_INCREF(<object>owner)
        y.x1 = owner


cdef bint reads_a_leaf(Tensor x) noexcept:
    """Whether `x` is a view of a leaf that requires a gradient: its node is right whatever is written there."""
    cdef PyObject* base = <PyObject*>x
    while base != NULL and (<Tensor>base).flags & VIEW and not is_leaf(<Tensor>base):
        base = base_at(base)
    return base != NULL and is_leaf(<Tensor>base)


cdef enum:
    SETTLED = 65535         # generation of a view that can no longer find the owner of its memory


cdef bint refresh(Tensor x) except -1:
    """Make the node of `x`, a view of memory that has been written, that of its present value; False if it has none."""
    cdef unsigned int version = x.storage.version
    cdef PyObject* owner
    if x.saved == version:
        return True
    if reads_a_leaf(x) if not is_leaf(x) else x.saved >= x.storage.taken or x.x1 == NULL:
        x.saved = version       # of values that no graph contains
        return True
    owner = owner_at(x)
    if owner == NULL or is_leaf(<Tensor>owner) or x.storage.taken != version or x.traced or x.gen == SETTLED:
        return False
    rebase(x, <Tensor>owner, view_key(x, <Tensor>owner))
    return True


cdef inline int refresh_view(Tensor x) except -1:
    """`refresh` before the graph of `x` is asked for; without an error."""
    if x.flags & VIEW and x.storage.version != x.saved:
        refresh(x)
    return 0


cdef inline bint is_recorded(object x) except -1:
    """Whether `x` is a Tensor that requires a gradient, as it is now."""
    if not is_tensor(x):
        return False
    refresh_view(<Tensor>x)
    return (<Tensor>x).flags & REQUIRES_GRAD != 0


cdef object view_key(Tensor x, Tensor owner):
    """The key with which `owner[key]` is `x`."""
    cdef unsigned int version = version_of(x)
    if x.op == GETITEM and x.flags & OBJECT2 and x.x1 == <PyObject*>owner:
        return parameter_of(x)
    key = view_keys.key_of(array_view(owner, owner, False), array_view(x, x, False))
    if key is None:
        raise errors.view_written()
    if version_of(x) != version or owner.storage != x.storage:
        raise errors.written_meanwhile("getitem")
    return key


cdef inline bint is_component(Tensor x, Tensor owner) noexcept:
    """Whether the view `x` has real or imaginary parts of `owner`."""
    return x.layout.typenum != owner.layout.typenum


cdef inline bint is_imaginary(Tensor x, Tensor owner) noexcept:
    return (x.data - owner.data) % owner.layout.itemsize != 0


cdef Tensor part_of(Tensor owner, object key, Tensor x):
    """The view of `owner`, at `key`, whose memory and layout are those of `x`."""
    if not is_component(x, owner):
        return item_of(owner, key, x)
    cdef Tensor whole = item_of(owner, key, complex_view(x, owner)), w = adopt(x.layout, x.storage, x.data)
    w.flags |= VIEW
    w.saved = version_of(x)
    rule = (<Function>functions["imag" if is_imaginary(x, owner) else "real"]).rule
    link_node(w, rule, RULE, facts_for(<Function>rule.function, PySequence_Fast_ITEMS((whole,)), 1), (whole,), None)
    return w


cdef Tensor complex_view(Tensor x, Tensor owner):
    """The elements of `owner` whose real or imaginary parts `x` has."""
    cdef Layout* layout = layout_get(owner.layout.typenum, owner.layout.itemsize, x.layout.ndim, x.layout.shape,
                                     x.layout.strides)
    return adopt(layout, x.storage, x.data - is_imaginary(x, owner) * x.layout.itemsize)


cdef Tensor joined_parts(Tensor owner, object key, Tensor x, Tensor z):
    """The elements of `owner` at `key` with `z` in place of the part that `x` has."""
    cdef Tensor whole = item_of(owner, key, complex_view(x, owner)), other, joined
    cdef bint imaginary = is_imaginary(x, owner)
    z = functions["astype"](z, dtype_of(x))
    other = functions["real" if imaginary else "imag"](whole)
    first, second = (other, z) if imaginary else (z, other)
    joined = functions["add"](first, functions["multiply"](second, 1j))
    value = array_view(joined, joined, True)
    value.real, value.imag = to_numpy(first), to_numpy(second)      # for 1j * inf has a NaN
    return joined


cdef Tensor item_of(Tensor owner, object key, Tensor x):
    """The view `owner[key]`, whose memory and layout are those of `x`."""
    cdef Tensor w = adopt(x.layout, x.storage, x.data)
    w.flags |= VIEW
    w.saved = version_of(x)
    if type(key) is tuple and len(<tuple>key) and PyArray_Check((<tuple>key)[0]):
        rule = rule_of[<int>GETITEM]
        facts = facts_for(<Function>rule.function, PySequence_Fast_ITEMS((owner,)), 1)
        link_node(w, rule, RULE, facts, (owner,), {"key": key})
    else:
        join1(w, GETITEM, owner)
        keep_parameter(w, key)
    return w


cdef int rebase(Tensor x, Tensor owner, object key) except -1:
    """Give `x` the node `owner[key]`."""
    cdef Tensor w = part_of(owner, key, x)
    become(x, w, snapshot(x, False), owner)
    return inspect_result(x) if fg_watch else 0


cdef void become(Tensor x, Tensor w, Tensor old, Tensor owner) noexcept:
    """Complete a write: `x` gets the node of `w`, a view of `owner`."""
    move_node(x, w, old, (<NodeExtra>w.extra).operands if has_many(w) else None)
    x.flags |= VIEW


cdef Tensor writable_owner(Tensor x):
    """The owner of the memory of the view `x`; raises if a recorded write to it is impossible."""
    if x.storage.flags & READ_ONLY or overlaps_itself(x.layout):
        raise errors.read_only()
    cdef PyObject* owner = owner_at(x)
    if owner == NULL or x.traced or (is_leaf(x) and x.flags & REQUIRES_GRAD):
        raise errors.view_written()
    if (<Tensor>owner).flags & REQUIRES_GRAD and is_leaf(<Tensor>owner):
        raise errors.leaf_written()
    return <Tensor>owner


cdef object write_through(Tensor x, Tensor z, str name):
    """As `write_inplace`, of a view: write `z` to the owner of its memory, and make `x` the view of the result."""
    cdef Tensor owner = writable_owner(x), old, w
    cdef unsigned short gen
    check_fits(x, z, name)
    key = view_key(x, owner)
    old = snapshot(x, True)
    gen = x.gen
    try:
        set_item(owner, key, joined_parts(owner, key, x, z) if is_component(x, owner) else z, x)
        w = part_of(owner, key, x)
    except BaseException:
        forget_snapshot(old)
        raise
    if x.gen != gen:        # by Python code: `x` is derived from the owner again at its next use
        forget_snapshot(old)
    else:
        become(x, w, old, owner)
        settle_graph(owner)
        if fg_watch:
            inspect_result(x)
    return x


cdef int set_view_item(Tensor x, object key, object value) except -1:
    """`x[key] = value`, recorded, where `x` is a view."""
    cdef Tensor owner = writable_owner(x), z
    if is_tensor(value) and not np.can_cast(dtype_of(<Tensor>value), dtype_of(x), "same_kind"):
        raise errors.inplace_dtype("setitem", dtype_of(<Tensor>value), dtype_of(x))
    if is_component(x, owner):
        part = view_keys.item_key(array_view(x, x, False), key)
        if part is not None:
            x, key = functions["getitem"](x, part), ...
    else:
        place = view_keys.key_of_item(array_view(owner, owner, False), array_view(x, x, False), key)
        if place is not None:
            set_item(owner, place, value)
            return 0
    z = <Tensor?>functions["setitem"](x, value, key)
    if z.layout.typenum != x.layout.typenum:
        raise errors.inplace_dtype("setitem", dtype_of(z), dtype_of(x))
    write_through(x, z, "setitem")
    return 0
