"""Nested tuples, lists and dicts of values, traversed in a fixed order. Knows nothing of Tensors.

None is an empty tree: a missing bias has no gradient and stays None. Any object that is not a container is a leaf.
"""

from numpy import ndarray


def map_leaves(function, tree):
    """Return the tree with `function(leaf)` in place of each leaf."""
    if type(tree) is ndarray:  # the common case first
        return function(tree)
    if tree is None:
        return None
    if isinstance(tree, (tuple, list)):
        return like(tree, [map_leaves(function, child) for child in tree])
    if isinstance(tree, dict):
        if type(tree) is dict:
            return {key: map_leaves(function, child) for key, child in tree.items()}
        return like(tree, [map_leaves(function, child) for child in tree.values()])
    return function(tree)


def like(tree, children):
    """Return a container of the kind of `tree`, with its keys, and these children, a list."""
    kind = type(tree)
    if kind is list:
        return children
    if isinstance(tree, dict):
        import copy  # of few programs

        filled = copy.copy(tree)  # keeps the attributes of a subclass, such as the factory of a defaultdict
        for key, child in zip(list(tree), children, strict=True):
            filled[key] = child
        return filled
    return kind(*children) if hasattr(kind, "_fields") else kind(children)


def leaves(tree):
    """Return the leaves, in the order in which `map_leaves` visits them."""
    found = []
    _collect(found, tree)
    return found


def _collect(found, tree):
    if isinstance(tree, (tuple, list)):
        for child in tree:
            _collect(found, child)
    elif isinstance(tree, dict):
        for child in tree.values():
            _collect(found, child)
    elif tree is not None:
        found.append(tree)


def fill(tree, values):
    """Return `tree` with its leaves replaced by `values`, in order."""
    values = iter(values)
    return map_leaves(lambda _: next(values), tree)


def align(tree, other):
    """Return the leaves of `other` in the order of `tree`, or None if the two are nested differently."""
    found = []
    return found if _align(tree, other, found) else None


def _align(node, twin, found):
    if isinstance(node, dict):
        return (
            isinstance(twin, dict)
            and node.keys() == twin.keys()
            and all([_align(child, twin[key], found) for key, child in node.items()])
        )
    if isinstance(node, (tuple, list)):
        return (
            isinstance(twin, (tuple, list))
            and len(node) == len(twin)
            and all([_align(a, b, found) for a, b in zip(node, twin, strict=True)])
        )
    if node is None or twin is None or isinstance(twin, (tuple, list, dict)):
        return node is None and twin is None
    found.append(twin)
    return True


def path(tree, number):
    """Return how a user writes leaf `number` of `tree`, as `['w'][1]`, for error messages."""
    return paths(tree)[number]


def paths(tree):
    """Return how a user writes each leaf of `tree`."""
    found = []

    def walk(node, text):
        if isinstance(node, dict):
            for key, child in node.items():
                walk(child, f"{text}[{key!r}]")
        elif isinstance(node, (tuple, list)):
            for k, child in enumerate(node):
                walk(child, f"{text}[{k}]")
        elif node is not None:
            found.append(text)

    walk(tree, "")
    return found
