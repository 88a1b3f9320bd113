# Walking the edges of a node. Tensors are borrowed pointers here: variables of type Tensor would be counted up and down
# at every step, a third of the time of a sweep over scalars.

ctypedef int (*Visit)(PyObject* x, Sweep* here) except -1


cdef inline int walk_edges(Tensor y, Sweep* here, Visit visit) except -1:
    """Visit the operands of `y` to which a gradient flows. Returns whether a visit returned 1."""
    cdef int found = 0
    if has_many(y):
        return walk_many(y, here, visit)
    cdef PyObject* x = edge1(y)
    if x != NULL:
        found = visit(x, here)
    x = edge2(y)
    if x != NULL:
        found |= visit(x, here)
    return found


cdef int walk_many(Tensor y, Sweep* here, Visit visit) except -1:
    cdef unsigned int flows = flows_of(y)
    cdef Py_ssize_t k
    cdef int found = 0
    for k in range(edge_count(y)):
        x = edge_at(y, k)
        if x != NULL and nth_bit(flows, k):
            found |= visit(x, here)
    return found


cdef inline bint is_input(Tensor x, Sweep* here) except -1:
    """Whether `x` is an input of this sweep. The flag alone says only that it is one of some sweep."""
    return x.flags & INPUT != 0 and here.gradients != NULL and is_target(here.gradients, <PyObject*>x)


cdef inline int enter_counting(PyObject* x, Sweep* here) except -1:
    """Make the scratch of `x`, except `pending`, that of this sweep. `mark_reachable` has done so already."""
    if not here.only_wanted and ((<Tensor>x).flags & SCRATCH or (<Tensor>x).pending):
        enter_tensor(<Tensor>x, here)
    (<Tensor>x).sweep = here.number
    return 0


cdef inline int count_edge(PyObject* x, Sweep* here) except -1:
    """First pass, one edge: count it; if it is the first to `x`, schedule `x`."""
    if not (<Tensor>x).flags & here.mask:
        return 0
    if (<Tensor>x).sweep == here.number:
        (<Tensor>x).pending = (<Tensor>x).pending + 1
        return 0
    enter_counting(x, here)
    (<Tensor>x).pending = 1
    if not is_leaf(<Tensor>x):
        push(&here.ready, x)
    elif here.leaves_counted:
        count_leaf(x, here)
    return 0


cdef inline int count_leaf(PyObject* x, Sweep* here) except -1:
    """Of `gradients`: end the search if the leaf is no input of this sweep."""
    if here.gradients == NULL:
        if here.weighted:
            look_at_leaf(x, here)
    elif not is_input(<Tensor>x, here):
        here.strays = True
        here.ready.n = 0
    return 0


cdef inline int release_edge(PyObject* x, Sweep* here) except -1:
    """Second pass, one edge, whose cotangent has been accumulated: schedule `x` if it was the last to `x`."""
    check_counted(x, here)
    if not (<Tensor>x).flags & here.mask:
        return 0
    if FASTGRAD_DEBUG and (<Tensor>x).pending == 0:
        raise AssertionError("more edges arrived than were counted")
    (<Tensor>x).pending -= 1
    if (<Tensor>x).pending == 0:
        push_owned(&here.ready, <Tensor>x)
    return 0


cdef inline int check_counted(PyObject* x, Sweep* here) except -1:
    """Raise if the first pass has not seen the edge to `x`."""
    return check_entered(x, here) if x != NULL and (<Tensor>x).sweep != here.number else 0


cdef int check_entered(PyObject* x, Sweep* here) except -1:
    """Raise unless the scratch of `x`, if a gradient may flow to it, is that of this sweep. Out of line: a larger
    `backward_scalar` would not be inlined in the loop that calls it."""
    if ((<Tensor>x).flags & REQUIRES_GRAD and (<Tensor>x).sweep != here.number
            and (here.search == 0 or (<Tensor>x).sweep != here.search)):
        raise errors.graph_changed()
    return 0


cdef int check_edges(Tensor y, Sweep* here) except -1:
    """Before and after Python code of an interleaved sweep: raise unless `y` and its operands are still ours."""
    if y.sweep != here.number:
        raise errors.graph_changed()
    return walk_edges(y, here, check_entered)


cdef inline int check_held(Tensor y, unsigned int gen, Sweep* here) except -1:
    """After Python code: raise unless `y` is still the node that it was at `gen`, with the scratch of this sweep."""
    if y.gen != gen or y.sweep != here.number:
        raise errors.graph_changed()
    return 0
