# Writing the `.grad`s when a sweep has succeeded: all of them, or none.

cdef Tensor add_quietly(Tensor a, Tensor b, bint record):
    cdef Scope block = switched(record)
    try:
        return functions["add"](a, b)
    finally:
        close_scope(block)


cdef enum:
    TRIES = 10000           # at a sum of gradients that other code keeps changing
    SUMMED = UNIFORM        # with COTANGENT_TENSOR, of a leaf: a Sum has the cotangent too, and computes the `.grad`


@cython.final
cdef class Sum:
    """The next `.grad` of a tensor and the one it was computed from. If that has changed, it is computed again."""
    cdef Tensor tensor, g, before, total
    cdef unsigned int version


cdef int add_sum(Tensor x, Tensor g, Sweep* here) except -1:
    cdef Sum s = Sum.__new__(Sum)
    s.tensor = x
    s.g = g
    if here.sums == NULL:
        sums = []
        if here.sums == NULL:       # still: making a list may run the garbage collector
            Py_INCREF(sums)
            here.sums = <PyObject*>sums
    (<list>here.sums).append(s)
    return 0


cdef int retain(Tensor y, Sweep* here) except -1:
    """Note the cotangent of an interior tensor, to be added to its `.grad`."""
    cdef Tensor g = cotangent_tensor(y)
    if y.grad_ != NULL and here.watched:
        inspect_total(y)
    return add_sum(y, g if here.record else private_copy(g), here)


cdef inline bint is_current(Sum s) noexcept:
    if s.total is None:
        return False
    if s.before is None:
        return s.tensor.grad_ == NULL
    return s.tensor.grad_ == <PyObject*>s.before and version_of(s.before) == s.version


cdef int make_sum(Sum s, bint record) except -1:
    """Runs Python code, which may replace the `.grad`."""
    s.before = <Tensor>s.tensor.grad_ if s.tensor.grad_ != NULL else None
    s.version = version_of(s.before) if s.before is not None else 0
    s.total = add_quietly(s.before, s.g, record) if s.before is not None else s.g
    return 0


cdef inline bint adds_in_place(Tensor x, const Layout* like, bint record) noexcept:
    """Whether the cotangent of the leaf `x`, of layout `like`, can be added to its `.grad` in place."""
    cdef PyObject* before = x.grad_
    return (before != NULL and not record and like.kernel != NO_KERNEL and (<Tensor>before).layout == like
            and not (<Tensor>before).flags & REQUIRES_GRAD
            and ((<Tensor>before).storage == NULL or (<Tensor>before).storage.flags == 0))


cdef inline int make_gradient(Tensor x, bint record) except -1:
    """Replace the cotangent of the leaf `x`, which has no `.grad`, by the Tensor that will be its `.grad`."""
    if x.layout == number_layout and not x.flags & COTANGENT_TENSOR and fg_captures == 0:
        g = number_at((<double*>x.cotangent.value)[0])
        x.cotangent.tensor = g
        x.flags |= COTANGENT_TENSOR
        return 0
    return make_gradient_array(x, record)


cdef int make_gradient_array(Tensor x, bint record) except -1:
    cdef Tensor g = cotangent_tensor(x)
    if g.storage != NULL and g.storage.refs > (1 if x.flags & COTANGENT_TENSOR else 2) and not record:
        g = private_copy(g)     # cotangents may share their memory with each other
    free_cotangent(x)
    set_cotangent_tensor(x, g)
    return 0


cdef void add_gathered(Tensor x) noexcept:
    cdef Tensor before = <Tensor>x.grad_
    if x.flags & UNIFORM:
        add_number_door(x.layout.kernel, x.cotangent.value, 1, 0, before.data, x.layout.size)
    elif is_small(x.layout):
        accumulate_door(x.layout.kernel, x.cotangent.value, before.data, x.layout.size)
    else:
        accumulate_door(x.layout.kernel, payload(x.cotangent.storage), before.data, x.layout.size)
    if before.storage != NULL:
        before.storage.version += 1
    else:
        before.gen += 1         # `is_settled` has left room


cdef inline int prepare_leaf(Tensor x, Sweep* here) except -1:
    """Compute the next `.grad` of the leaf `x`. Returns whether there is one already, which may change until `commit`.
    The cotangent stays in `x`, where a sweep of another thread finds it and waits."""
    if x.sweep != here.number:
        raise errors.graph_changed()
    if fg_capture != NULL:
        capture_first_grad(x)
    if x.grad_ == NULL:
        if not x.flags & COTANGENT_TENSOR or not x.flags & SUMMED:
            make_gradient(x, here.record)
        return 0
    if x.flags & COTANGENT_TENSOR:
        if not x.flags & SUMMED:
            x.flags |= SUMMED
            add_sum(x, <Tensor>x.cotangent.tensor, here)
    elif not adds_in_place(x, layout_contiguous(x.layout), here.record):
        g = cotangent_tensor(x)
        free_cotangent(x)       # a block of our own: runs no Python code
        set_cotangent_tensor(x, g)
        x.flags |= SUMMED
        add_sum(x, g, here)
    return 1


cdef bint is_settled(Sweep* here) except -1:
    """Whether Python code has changed nothing since `prepare_leaf` and `make_sum`."""
    cdef Py_ssize_t k
    cdef Sum s
    for k in range(here.leaves.n):
        x = <Tensor>here.leaves.items[k]
        if x.sweep != here.number:
            raise errors.graph_changed()
        if x.flags & COTANGENT_TENSOR:
            if x.grad_ != NULL and not x.flags & SUMMED:
                return False
        else:
            if not adds_in_place(x, layout_contiguous(x.layout), False):
                return False
            expect_contiguous(<Tensor>x.grad_)
            if postponed_values != NULL:
                before_write(<Tensor>x.grad_)
            if (<Tensor>x.grad_).gen == 65535 or not is_leaf(<Tensor>x.grad_):
                move_out(<Tensor>x.grad_)       # so that the write can be counted
    if here.sums != NULL:
        for s in <list>here.sums:
            if not is_current(s):
                return False
    return True


cdef inline void write_grad(Tensor x) noexcept:
    x.sweep = 0
    if not x.flags & COTANGENT_TENSOR:
        add_gathered(x)
        free_cotangent(x)
        return
    if x.flags & SUMMED:
        Py_DECREF(<object>x.cotangent.tensor)       # not the last: the Sum holds it
    else:
        x.grad_ = x.cotangent.tensor
        if fg_capture != NULL:
            capture_set_gradient(x, x.grad_)
    x.flags &= ~<int>(COTANGENT | COTANGENT_TENSOR | SUMMED)


cdef int commit(Sweep* here) except -1:
    """Add the cotangents of the leaves to their `.grad`s. First everything that may fail or run Python code, until that
    has left all `.grad`s alone; then only what cannot, so that all are written or none."""
    cdef Vector* leaves = &here.leaves
    cdef Py_ssize_t k
    cdef int tries = 0, adding = 0
    cdef Sum s
    if here.watched:
        adding = 1          # the checks run Python code
        for k in range(leaves.n):
            inspect_total(<Tensor>leaves.items[k])
    while True:
        for k in range(leaves.n):
            if FASTGRAD_DEBUG and (<Tensor>leaves.items[k]).pending:
                raise AssertionError("a leaf was reached before all edges had arrived")
            adding |= prepare_leaf(<Tensor>leaves.items[k], here)
        if here.sums != NULL:
            for s in <list>here.sums:
                if not is_current(s):
                    make_sum(s, here.record)
        if (not adding and here.sums == NULL) or is_settled(here):
            break
        tries += 1
        if tries == TRIES:
            raise errors.written_meanwhile("backward")
    for k in range(leaves.n):
        write_grad(<Tensor>leaves.items[k])
    if here.sums != NULL:
        for s in <list>here.sums:       # they hold the old `.grad`s: nothing dies here
            Py_INCREF(s.total)
            s.tensor.grad_ = <PyObject*>s.total
            if fg_capture != NULL:
                capture_set_gradient(s.tensor, s.tensor.grad_)
            if s.before is not None:
                Py_DECREF(s.before)
    return 0
