# The functions around the sweep: checks of cotangents, and gradients that are returned instead of accumulated.

cdef Tensor one_like(Tensor t):
    cdef Tensor g = new_tensor(layout_contiguous(t.layout))
    store_door(t.layout.kernel, g.data, 1)
    return g


cdef Tensor checked_cotangent(object y, object cotangent, int k):
    """The cotangent of the root `y`; None, which stands for 1, if none was given and `y` is one real number. `k` is the
    number of `y` among several outputs, or -1."""
    cdef Tensor g = None
    if (cotangent is not None or not is_recorded(y)
            or (<Tensor>y).layout.size != 1 or is_complex((<Tensor>y).layout.typenum)):
        what = "this tensor" if k < 0 else f"outputs[{k}]"
        g = sweep_arguments.checked_cotangent(y, cotangent, what, Tensor, asarray)
    check_fresh(<Tensor>y)      # after the Python code that the cotangent may have run
    return g


def gradients(outputs, inputs, cotangents=None, *, bint retain_graph=False, bint create_graph=False,
              bint allow_unused=False):
    return swept_gradients(outputs, inputs, cotangents, retain_graph, create_graph, allow_unused, False)


def partial_gradients(outputs, inputs, cotangents, *, bint create_graph=False):
    """As `gradients`, but only what flows to an input directly, not through another input, and without the hooks of the
    inputs; None for an unused input. Keeps the graph."""
    return swept_gradients(outputs, inputs, cotangents, True, create_graph, True, True)


cdef tuple recorded_tensors(object given):
    """A Tensor, or a tuple or list of them, as a tuple; None for anything else, for `checked_sequences` to look at."""
    if not is_tensor(given) and type(given) is not tuple and type(given) is not list:
        return None
    cdef tuple found = (given,) if is_tensor(given) else tuple(given)
    for x in found:
        if not is_recorded(x):
            return None
    return found or None


cdef tuple swept_gradients(outputs, inputs, cotangents, bint retain_graph, bint create_graph, bint allow_unused,
                           bint partial):
    cdef Tensor y
    cdef tuple ys = recorded_tensors(outputs), xs = recorded_tensors(inputs)
    if ys is not None and xs is not None and cotangents is None:
        outputs, inputs, cotangents = ys, xs, (None,) * len(ys)
    else:
        outputs, inputs, cotangents = sweep_arguments.checked_sequences(outputs, inputs, cotangents, Tensor)
    cdef list roots = [(y, checked_cotangent(y, g, k))
                       for k, (y, g) in enumerate(zip(outputs, cotangents, strict=True))]
    for y, _ in roots:
        check_fresh(y)
    y, g = roots[0]
    return tuple(input_gradients(y, g, roots[1:] or None, inputs, retain_graph, create_graph, allow_unused, partial))


cdef list input_gradients(Tensor root, Tensor cotangent, list more, object inputs, bint retain_graph,
                          bint create_graph, bint allow_unused, bint partial):
    """The gradients of checked outputs with respect to `inputs`, a tuple or list of Tensors."""
    cdef Tensor freed = None
    cdef Targets targets = targets_of(inputs)
    cdef list result = []
    cdef Py_ssize_t k
    for k in range(Py_SIZE(inputs)):
        x = PySequence_Fast_ITEMS(inputs)[k]
        if (<Tensor>x).flags & FREED:
            freed = <Tensor>x
    sweep(root, cotangent, more, targets, retain_graph or create_graph, create_graph, partial)
    for k in range(Py_SIZE(inputs)):
        g = gradient_of(targets, PySequence_Fast_ITEMS(inputs)[k])
        if g is None and freed is not None:
            raise errors.graph_freed(op_name(freed))    # it may have led to the unused input
        if g is None and not allow_unused:
            raise errors.input_unused(k)
        if g is not None and (<Tensor>g).storage != NULL and (<Tensor>g).storage.refs > 1:
            # Cotangents may share their memory with each other, or with what the caller passed.
            g = functions["copy"](g) if create_graph else private_copy(<Tensor>g)
        result.append(g)
    return result


def node_of(Tensor x not None):
    """How `x` was computed: `(rule, operands, params, origins, current)`; None for a leaf.

    `operands` are as the rule reads them, `origins` as they hang in the graph: here the same. `current`: whether no
    value that the backward reads was modified since.
    """
    refresh_view(x)
    if is_leaf(x):
        return None
    if x.flags & FREED and x.x1 == NULL and x.x2 == NULL and not has_many(x):
        raise errors.graph_freed(op_name(x))
    operands = node_operands(x)
    try:
        current = check_versions(x) == 0
    except errors.MutationError:
        current = False
    return rule_for(x), operands, node_params(x), operands, current


cdef enum:
    KEPT_NODES = 200        # of a graph that stays drawable
    KEPT_BYTES = 65536      # of all its values

cdef bint keeps_small_graphs = False


def keep_small_graphs(bint on):
    """Let `backward` keep the edges of small graphs that it frees, so that they can be drawn."""
    global keeps_small_graphs
    keeps_small_graphs = on


cdef list small_graph(Tensor root):
    """The nodes of a small graph, operands included; None for a larger one."""
    cdef list found = [root]
    cdef set seen = {<size_t><PyObject*>root}
    cdef Tensor x
    cdef Py_ssize_t at = 0, nbytes = 0
    while at < len(found):
        x = found[at]
        at += 1
        nbytes += x.layout.nbytes
        if at > KEPT_NODES or nbytes > KEPT_BYTES:
            return None
        for o in node_operands(x) if not is_leaf(x) else ():
            if is_tensor(o) and <size_t><PyObject*>o not in seen:
                seen.add(<size_t><PyObject*>o)
                found.append(o)
    return found


cdef int backward_drawable(Tensor root, Tensor cotangent) except -1:
    """As `backward`, but a small graph keeps its edges, for pictures alone: it is freed for everything else."""
    cdef list kept = small_graph(root)
    cdef Tensor x
    sweep(root, cotangent, None, None, kept is not None, False)
    if kept is not None:
        for x in kept:
            if not is_leaf(x):
                x.flags |= FREED
    return 0


def node_key(Tensor x not None):
    """A number that stands for the node of `x` as long as it lives."""
    return <size_t><PyObject*>x
