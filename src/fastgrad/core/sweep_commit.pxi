# What a sweep that has succeeded writes: all of it, or nothing.

cdef Tensor add_quietly(Tensor a, Tensor b, bint record):
    cdef Block block = switched(record)
    try:
        return functions["add"](a, b)
    finally:
        close_block(block)


cdef int retain(Tensor y, Running* here) except -1:
    """Note what the `.grad` of an interior tensor will be. Its cotangent is about to be used up."""
    cdef Tensor g = cotangent_tensor(y)
    if y.grad_ != NULL:
        if fg_watch & ANOMALIES:
            look_at_total(y)
        g = add_quietly(<Tensor>y.grad_, g, here.record)
    elif not here.record:
        g = private_copy(g)
    if here.retained == NULL:
        retained = []
        Py_INCREF(retained)
        here.retained = <PyObject*>retained
    (<list>here.retained).append((y, g))
    return 0


cdef inline bint adds_in_place(Tensor x, const Layout* like, bint record) noexcept:
    """Whether the gradient that has gathered in the leaf `x`, of layout `like`, may simply be added to its `.grad`."""
    cdef Tensor before
    if x.grad_ == NULL or record or like.kernel == NO_KERNEL:
        return False
    before = <Tensor>x.grad_
    return before.layout == like and not before.flags & REQUIRES_GRAD and (before.storage == NULL or before.storage.flags == 0)


cdef inline int make_gradient(Tensor x, bint record) except -1:
    """What the `.grad` of the leaf `x` will be, to the place of its cotangent."""
    cdef PyObject* g
    if x.layout == number_layout and x.grad_ == NULL and not x.flags & COTANGENT_TENSOR:
        g = number_at((<double*>x.cotangent.value)[0])
        x.cotangent.tensor = g
        x.flags |= COTANGENT_TENSOR
        return 0
    return make_gradient_array(x, record)


cdef int make_gradient_array(Tensor x, bint record) except -1:
    cdef Tensor g = cotangent_tensor(x)
    free_cotangent(x)
    if x.grad_ != NULL:
        g = add_quietly(<Tensor>x.grad_, g, record)
    elif g.storage != NULL and g.storage.refs > 1 and not record:
        g = private_copy(g)     # cotangents may share their memory with each other
    Py_INCREF(g)
    x.cotangent.tensor = <PyObject*>g
    x.flags |= COTANGENT | COTANGENT_TENSOR
    return 0


cdef void set_grad(Tensor x, PyObject* g) noexcept:
    """`x.grad = g`; takes over the reference."""
    cdef PyObject* old = x.grad_
    x.grad_ = g
    drop(old)


cdef void add_gathered(Tensor x) noexcept:
    cdef Tensor before = <Tensor>x.grad_
    if x.flags & UNIFORM:
        add_same(x.layout.kernel, before.data, x.layout.size, uniform_value(x))
    elif is_small(x.layout):
        accumulate(x.layout.kernel, x.cotangent.value, before.data, x.layout.size)
    else:
        accumulate(x.layout.kernel, payload(x.cotangent.storage), before.data, x.layout.size)
    if before.storage != NULL:
        before.storage.version += 1
    else:
        before.gen += 1


cdef inline int will_add(Tensor x, Running* here) except -1:
    """Make what the `.grad` of the leaf `x` will be. Returns whether it will be added to the one there is instead."""
    if x.flags & COTANGENT:
        if x.grad_ != NULL and adds_in_place(x, layout_contiguous(x.layout), here.record):
            return 1
        make_gradient(x, here.record)
    return 0


cdef int check_addable(Tensor x) except -1:
    """Once more, after the code that `will_add` may have run for other leaves."""
    if x.flags & COTANGENT and not x.flags & COTANGENT_TENSOR:
        if not adds_in_place(x, layout_contiguous(x.layout), False):
            raise errors.graph_changed()
        expect_contiguous(<Tensor>x.grad_)
        if (<Tensor>x.grad_).gen == 65535 or (<Tensor>x.grad_).op != LEAF:
            move_out(<Tensor>x.grad_)       # where its writes are counted on
    return 0


cdef inline int write_grad(Tensor x) except -1:
    if FASTGRAD_DEBUG and x.pending:
        raise AssertionError("a leaf was reached before all edges had arrived")
    x.sweep = 0
    if x.flags & COTANGENT_TENSOR:
        x.flags &= ~<int>(COTANGENT | COTANGENT_TENSOR)
        set_grad(x, x.cotangent.tensor)
    elif x.flags & COTANGENT:
        add_gathered(x)
        free_cotangent(x)
    return 0


cdef int commit(Running* here) except -1:
    """The sweep has succeeded: what the leaves have gathered goes to their `.grad`. First all that may fail, or run somebody's
    code, then what cannot, so that either every `.grad` is written or none."""
    cdef Vector* leaves = &here.leaves
    cdef Py_ssize_t k
    cdef Tensor x, g
    cdef int adding = 0
    if fg_watch & ANOMALIES:
        for k in range(leaves.n):
            look_at_total(<Tensor>leaves.items[k])
    for k in range(leaves.n):
        adding |= will_add(<Tensor>leaves.items[k], here)
    if adding:
        for k in range(leaves.n):
            check_addable(<Tensor>leaves.items[k])
    for k in range(leaves.n):
        write_grad(<Tensor>leaves.items[k])
    if here.retained != NULL:
        for x, g in <list>here.retained:
            Py_INCREF(g)
            set_grad(x, <PyObject*>g)
    return 0
