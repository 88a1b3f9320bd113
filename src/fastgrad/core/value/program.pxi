# A graph of Values as a list of steps on an array of doubles. Its slots are the leaves, the exponents of powers, then
# the results of the steps in their order. A step takes 12 bytes, its value and gradient 16.
#
# A sum of products, as in a neuron, is one step: it holds the slots of the factors, 8 bytes for each product, instead
# of the results. Only nodes that follow one another in the order of the sweep are fused, so that every gradient adds up
# in the same order, and therefore to the same bits, as in a sweep over the Values.

cdef enum:
    PRODUCTS = N_OPS            # x1 plus the products of pairs of slots
    OP_BITS = 4
    MOST_PRODUCTS = (1 << 28) - 1

cdef struct Step:
    uint32_t x1
    uint32_t x2                 # of PRODUCTS, the index of its first pair
    uint32_t code               # the op, and above OP_BITS the number of products

cdef struct Node:               # of a graph that is being converted
    uint32_t x1                 # positions in the order
    uint32_t x2                 # of POWER, the slot of the exponent among the exponents
    uint32_t uses
    uint32_t slot
    unsigned char op            # LEAF of whatever has no operands
    unsigned char kept          # `.data` is refreshed, so that the result needs a slot


cdef class Program:
    """The computation of a Value and of the gradients of its leaves, as a list of steps; made by `replay`."""

    cdef tuple held                     # the leaves
    cdef tuple refreshed
    cdef uint32_t* refreshed_slots      # before `emit_steps`, the positions
    cdef Step* steps
    cdef uint32_t* pairs
    cdef double* values                 # of all slots, and behind them the gradients
    cdef Py_ssize_t n_ops, n_inputs, n_steps, n_pairs, n_slots
    cdef uint32_t root
    cdef bint running
    cdef object __weakref__

    def __cinit__(self, loss, refresh=()):
        cdef Vector order
        cdef Node* nodes = NULL
        if not is_value(loss):
            raise value_errors.replay_kind("the loss", type(loss).__name__)
        self.refreshed = tuple(refresh)
        for x in self.refreshed:
            if not is_value(x):
                raise value_errors.replay_kind("a member of refresh", type(x).__name__)
        clear_vector(&order)
        try:
            sort_graph(loss, &order, False)
            if order.n > MOST_PRODUCTS:
                raise MemoryError()
            nodes = <Node*>PyMem_RawCalloc(order.n, sizeof(Node))
            self.refreshed_slots = <uint32_t*>PyMem_RawMalloc(max(len(self.refreshed), 1) * sizeof(uint32_t))
            if nodes == NULL or self.refreshed_slots == NULL:
                raise MemoryError()
            exponents = read_ops(&order, nodes)
            link_nodes(self, &order, nodes)
            self.held = leaves_of(&order, nodes)
            self.n_ops = order.n - len(self.held)
            self.n_inputs = len(self.held) + len(exponents)
            allocate_steps(self, nodes, order.n)
            emit_steps(self, nodes, order.n)
            allocate_slots(self, exponents)
        finally:
            PyMem_RawFree(nodes)
            free_vector(&order)

    def __dealloc__(self):
        PyMem_RawFree(self.refreshed_slots)
        PyMem_RawFree(self.steps)
        PyMem_RawFree(self.pairs)
        PyMem_RawFree(self.values)

    @property
    def leaves(self):
        """The leaves, a tuple of Values: each call reads their `data` and adds to their `grad`."""
        return self.held

    def __call__(self):
        """Compute the value from the `data` of the leaves, and add its gradients to their `grad`. Returns a float."""
        return replay_once(self)

    def __repr__(self):
        return f"<Program of {self.n_ops} ops on {len(self.held)} leaves>"

    def __sizeof__(self):
        return (
            object.__sizeof__(self) + self.n_steps * sizeof(Step) + self.n_pairs * 2 * sizeof(uint32_t)
            + self.n_slots * 2 * sizeof(double) + len(self.refreshed) * sizeof(uint32_t)
        )

    def __reduce__(self):
        raise value_errors.program_pickled()


# Reading the graph. The first pass may run Python code, of numbers and attributes of the user's classes. The second one
# cannot, and checks that the graph is still the one that the first pass has seen.

cdef dict read_ops(Vector* order, Node* nodes):
    """Set the ops of the nodes and the exponents of powers. Returns these in a dict, with their indices."""
    cdef dict exponents = {}
    cdef Py_ssize_t k
    cdef Value y
    for k in range(order.n):
        y = <Value>order.items[k]
        if fg_dict_at(y)[0] != NULL:
            require_own_rule(y)
        if y.x1 == NULL:
            continue
        nodes[k].op = y.op
        if y.op == POWER:
            exponent = float(<object>y.x2)
            nodes[k].x2 = <uint32_t>exponents.setdefault(exponent, len(exponents))
    return exponents


cdef int require_own_rule(Value y) except -1:
    """Raise unless the sweep would apply the rule of the op of `y` to its operands, and nothing else."""
    cdef dict kept = dict_in(y)
    given = kept.get("_backward")
    if given is not None and getattr(given, "__self__", None) is not y:
        raise value_errors.not_replayable(op_text(y))
    given = kept.get("_prev")
    if given is not None and not (type(given) is set and are_operands(y, given)):
        raise value_errors.not_replayable(op_text(y))
    return 0


cdef int link_nodes(Program p, Vector* order, Node* nodes) except -1:
    """Set the positions of operands and of the Values to refresh. Runs no Python code: marks hold positions."""
    cdef bint linked = True
    cdef Py_ssize_t k, missing = -1
    for k in range(order.n):
        (<Value>order.items[k]).mark = <unsigned int>k + 1
    for k in range(order.n):
        linked &= link_node(order, nodes, k)
    for k in range(len(p.refreshed)):
        p.refreshed_slots[k] = position(order, <PyObject*>p.refreshed[k])
        if p.refreshed_slots[k] == order.n:
            missing = k
        else:
            nodes[p.refreshed_slots[k]].kept = True
    for k in range(order.n):
        (<Value>order.items[k]).mark = 0
    if not linked:
        raise value_errors.values_changed()
    if missing >= 0:
        raise value_errors.refresh_missing(missing)
    return 0


cdef bint link_node(Vector* order, Node* nodes, Py_ssize_t k) noexcept:
    cdef Value y = <Value>order.items[k]
    cdef Node* node = &nodes[k]
    cdef PyObject* x2 = second_operand(y)
    if node.op != (y.op if y.x1 != NULL else LEAF):
        return False
    if node.op == LEAF:
        return True
    node.x1 = position(order, y.x1)
    if node.x1 == order.n:
        return False
    nodes[node.x1].uses += 1
    if x2 != NULL:
        node.x2 = position(order, x2)
        if node.x2 == order.n:
            return False
        nodes[node.x2].uses += 1
    return True


cdef inline uint32_t position(Vector* order, PyObject* x) noexcept:
    """The position of `x`, whose mark holds it if it is in the order; the length of the order otherwise."""
    cdef unsigned int mark = (<Value>x).mark
    if 1 <= mark <= order.n and order.items[mark - 1] == x:
        return mark - 1
    return <uint32_t>order.n


cdef tuple leaves_of(Vector* order, Node* nodes):
    cdef list found = []
    cdef Py_ssize_t k
    for k in range(order.n):
        if nodes[k].op == LEAF:
            nodes[k].slot = <uint32_t>len(found)
            found.append(<object>order.items[k])
    return tuple(found)


# Steps.

cdef int allocate_steps(Program p, Node* nodes, Py_ssize_t n) except -1:
    cdef Py_ssize_t k, n_steps = p.n_ops
    for k in range(n):
        if is_term(nodes, n, k):
            p.n_pairs += 1
            n_steps -= is_continued(nodes, n, k) + 1
    p.steps = <Step*>PyMem_RawMalloc(max(n_steps, 1) * sizeof(Step))
    p.pairs = <uint32_t*>PyMem_RawMalloc(max(p.n_pairs, 1) * 2 * sizeof(uint32_t))
    if p.steps == NULL or p.pairs == NULL:
        raise MemoryError()
    return 0


cdef inline bint is_term(Node* nodes, Py_ssize_t n, Py_ssize_t k) noexcept:
    """Whether node `k` is a product that only the next node uses, as a term of a sum."""
    cdef Node* sum_ = &nodes[k + 1]
    if nodes[k].op != MULTIPLY or nodes[k].uses != 1 or nodes[k].kept or k + 1 == n or sum_.op != ADD:
        return False
    return sum_.x1 == k or sum_.x2 == k


cdef inline uint32_t other_term(Node* nodes, Py_ssize_t k) noexcept:
    """The position of what is added to the product at `k`."""
    return nodes[k + 1].x2 if nodes[k + 1].x1 == k else nodes[k + 1].x1


cdef bint is_continued(Node* nodes, Py_ssize_t n, Py_ssize_t k) noexcept:
    """Whether the term at `k` is added to a sum of products that only this sum uses, with leaves alone between them."""
    cdef Py_ssize_t before = k - 1
    while before > 0 and nodes[before].op == LEAF:
        before -= 1
    return (
        before > 0 and before == other_term(nodes, k) and nodes[before].uses == 1 and not nodes[before].kept
        and is_term(nodes, n, before - 1)
    )


cdef int emit_steps(Program p, Node* nodes, Py_ssize_t n) except -1:
    cdef Py_ssize_t k, n_pairs = 0
    cdef Step* step = p.steps - 1
    cdef Node* node
    cdef bint term
    cdef uint32_t* pair
    for k in range(n):
        node = &nodes[k]
        if node.op == LEAF:
            continue
        term = is_term(nodes, n, k)
        if not (term and is_continued(nodes, n, k)) and not (k > 0 and is_term(nodes, n, k - 1)):
            step += 1
            p.n_steps += 1
            if term:
                step.x1 = nodes[other_term(nodes, k)].slot
                step.x2 = <uint32_t>n_pairs
                step.code = PRODUCTS
            else:
                step.x1 = nodes[node.x1].slot
                step.x2 = <uint32_t>len(p.held) + node.x2 if node.op == POWER else nodes[node.x2].slot
                step.code = node.op
        if term:
            pair = p.pairs + 2 * n_pairs
            pair[0], pair[1] = nodes[node.x1].slot, nodes[node.x2].slot
            n_pairs += 1
            step.code += 1 << OP_BITS
        node.slot = <uint32_t>(p.n_inputs + p.n_steps - 1)
    for k in range(len(p.refreshed)):
        p.refreshed_slots[k] = nodes[p.refreshed_slots[k]].slot
    p.root = nodes[n - 1].slot
    return 0


cdef int allocate_slots(Program p, dict exponents) except -1:
    cdef Py_ssize_t k = len(p.held)
    p.n_slots = p.n_inputs + p.n_steps
    p.values = <double*>PyMem_RawCalloc(p.n_slots, 2 * sizeof(double))
    if p.values == NULL:
        raise MemoryError()
    for exponent in exponents:
        p.values[k] = exponent
        k += 1
    return 0
