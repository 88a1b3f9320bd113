# Nested tuples, lists and dicts, as in _tree.py. Knows nothing of Tensors.
#
# Functions that are called with leaves may run Python code. It may change lists and dicts that are being walked, so
# that items are held while they are used.

cdef extern from "Python.h":
    void Py_LeaveRecursiveCall() noexcept
    bint PyTuple_Check(object o)
    bint PyList_Check(object o)
    bint PyDict_Check(object o)

cdef extern from *:
    """
    /* Python's own returns 1 or -1 on failure. */
    #define fg_enter_recursion(where) (Py_EnterRecursiveCall(where) ? -1 : 0)
    """
    int enter_recursion "fg_enter_recursion"(const char* where) except -1

# `state` is a struct of the caller.
ctypedef object (*LeafMap)(void* state, object leaf)
ctypedef int (*LeafVisit)(void* state, object leaf) except -1


cdef inline bint is_container(object tree) noexcept:
    return PyTuple_Check(tree) or PyList_Check(tree) or PyDict_Check(tree)


cdef inline object map_tree(object tree, LeafMap f, void* state):
    """The tree with `f(state, leaf)` in place of each leaf."""
    if not is_container(tree):
        return None if tree is None else f(state, tree)
    return map_container(tree, f, state)


cdef object map_container(object tree, LeafMap f, void* state):
    enter_recursion(" in nested arguments")
    try:
        if PyDict_Check(tree):
            return map_dict(tree, f, state)
        return map_sequence(tree, f, state)
    finally:
        Py_LeaveRecursiveCall()


cdef object map_sequence(object tree, LeafMap f, void* state):
    cdef list children = []
    if PyTuple_CheckExact(tree):
        for child in <tuple>tree:
            children.append(map_tree(child, f, state))
        return tuple(children)
    for child in tree:
        children.append(map_tree(child, f, state))
    kind = type(tree)
    if kind is list:
        return children
    return kind(*children) if hasattr(kind, "_fields") else kind(children)


cdef object map_dict(object tree, LeafMap f, void* state):
    cdef dict filled = {}
    if type(tree) is not dict:
        return map_other_dict(tree, f, state)
    for key, child in (<dict>tree).items():
        filled[key] = map_tree(child, f, state)
    return filled


cdef object map_other_dict(object tree, LeafMap f, void* state):
    import copy

    filled = copy.copy(tree)    # keeps the attributes of a subclass, such as the factory of a defaultdict
    for key, child in tree.items():
        filled[key] = map_tree(child, f, state)
    return filled


cdef object call_leaf(void* function, object leaf):
    return (<object>function)(leaf)


def map_leaves(function, tree):
    """Return the tree with `function(leaf)` in place of each leaf."""
    return map_tree(tree, call_leaf, <void*>function)


cdef inline int walk_tree(object tree, LeafVisit visit, void* state) except -1:
    """Visit the leaves in the same order, until a visit returns 1. Return whether one did."""
    if not is_container(tree):
        return 0 if tree is None else visit(state, tree)
    return walk_container(tree, visit, state)


cdef int walk_container(object tree, LeafVisit visit, void* state) except -1:
    enter_recursion(" in nested arguments")
    try:
        return walk_children(tree.values() if PyDict_Check(tree) else tree, visit, state)
    finally:
        Py_LeaveRecursiveCall()


cdef int walk_children(object children, LeafVisit visit, void* state) except -1:
    for child in children:
        if walk_tree(child, visit, state):
            return 1
    return 0
