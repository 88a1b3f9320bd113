"""Views and writes: a write to a view is one to the tensor that owns the memory, whose other views are derived from it
again when they are used next."""

from fastgrad import errors, view_keys
from fastgrad.engine_python.tensor import Node, Storage, Tensor, is_leaf, new_tensor, overlaps_itself
from fastgrad.op_functions import functions


def owner_of(x):
    """Return the tensor that owns the memory of `x`; None if that is not known, as of what `detach` returns."""
    if x.view_version is None:
        return x
    return None if x.node is not None and x.node.operands is None else x._owner


def note_owner(view, x, recording):
    """Let `view`, a view of `x`, find the owner of its memory."""
    view._owner = owner_of(x) if x.node is None or recording else None


def refresh(x):
    """Make the node of `x`, a view of written memory, that of its present value; return False if it has none."""
    version = x.storage.version
    if x.view_version == version:
        return True
    owner = owner_of(x)
    if _reads_a_leaf(x) if not is_leaf(x) else x.view_version >= x.storage.recorded_version or x._owner is None:
        x.view_version = version  # of values that no graph contains
        return True
    if owner is None or is_leaf(owner) or owner.node.version != version:
        return False
    if x.node is not None and x.node.traced:
        return False
    become(x, owner, view_key(x, owner))
    return True


def _reads_a_leaf(x):
    """Return whether `x` is a view of a leaf that requires a gradient: its node is right whatever is written there."""
    while x.view_version is not None and not is_leaf(x):
        if not x.node.operands:
            return False
        x = x.node.operands[0]
    return is_leaf(x)


def refresh_view(x):
    """As `refresh`, before the graph of `x` is asked for."""
    if isinstance(x, Tensor):
        x._refreshed()


def _refreshed(x):
    if x.view_version is not None and x.view_version != x.storage.version:
        refresh(x)
    return x


Tensor._refreshed = _refreshed


def view_key(x, owner):
    """Return the key with which `owner[key]` is `x`."""
    key = view_keys.key_of(owner.array, x.array)
    if key is None:
        raise errors.view_written()
    return key


def become(x, owner, key):
    """Give the view `x` the node `owner[key]`. The node that it was stays with the ops that were recorded on it."""
    node = _item_node(x, owner, key)
    if is_component(x, owner):
        whole = complex_part(owner, x, key)
        name = "imag" if view_keys.is_imaginary(owner.array, x.array) else "real"
        node = Node(functions[name].rule, (whole,), (whole.node,), (whole,), {})
        node.version, node.base = x.storage.version, owner.node
    if x.node is not None:
        node.grad_owner, x.node.grad_owner = x.node.grad_owner, None
    x.node, x.view_version = node, x.storage.version


def _item_node(x, owner, key):
    node = Node(functions["getitem"].rule, (owner,), (owner.node,), (owner,), {"key": key})
    node.version, node.base = x.storage.version, owner.node
    return node


def is_component(x, owner):
    """Return whether the view `x` has real or imaginary parts of `owner`."""
    return x.dtype != owner.dtype


def complex_part(owner, x, key):
    """Return `owner[key]`, the elements whose real or imaginary parts the view `x` has."""
    whole = new_tensor(owner.array[key], None, owner.storage)
    whole._owner = owner
    if owner.node is not None:
        whole.node = _item_node(x, owner, key)
    return whole


def joined_parts(owner, key, x, z):
    """Return `owner[key]` with `z` in place of the part that `x` has."""
    imaginary = view_keys.is_imaginary(owner.array, x.array)
    z = functions["astype"](z, x.dtype)
    other = functions["real" if imaginary else "imag"](complex_part(owner, x, key))
    first, second = (other, z) if imaginary else (z, other)
    joined = functions["add"](first, functions["multiply"](second, 1j))
    joined.array.real, joined.array.imag = first.array, second.array  # for 1j * inf has a NaN
    return joined


def writable_owner(x):
    """Return the owner of the memory of the view `x`; raise if a recorded write to it is impossible."""
    if not x.array.flags.writeable or overlaps_itself(x.array):
        raise errors.read_only()
    owner = owner_of(x)
    if owner is None or (x.node is not None and (x.node.traced or is_leaf(x))):
        raise errors.view_written()
    if owner.node is not None and is_leaf(owner):
        raise errors.leaf_written()
    return owner


def former(x):
    """Return a tensor with the node that `x` is now, to which ops recorded earlier on `x` have edges."""
    before = new_tensor(x.array, x.node)
    before.storage, before.view_version, before._owner = x.storage, x.view_version, x._owner
    return before


def keep_value(x, before):
    """Copy the value of `x`, which is about to be written, to `before`, and let `x` remember it."""
    before.array, before.storage, before.view_version, before._owner = x.array.copy(), Storage(), None, None
    before.storage.version = x.storage.version
    x._history = x._history or []
    x._history.append(before)
