"""The pure-Python engine: all of backpropagation in plain Python and NumPy, written to be read.

Read `tensor.py` (the Tensor and the nodes of the graph), then `record.py` (how an op becomes a node), `sweep.py` (the
backward pass), `forward.py` (forward mode), and `transform.py` (what `grad` does around them).
"""

from fastgrad import _threads
from fastgrad._tree import leaves, map_leaves
from fastgrad.anomaly import detect_anomaly
from fastgrad.engine_python.forward import graph_signature, pull_back, push_forward, reached_inputs, unit_directions
from fastgrad.engine_python.leaving import (
    enable_grad,
    is_grad_enabled,
    is_parameter,
    is_traced,
    leave,
    mark_parameter,
    no_grad,
    trace,
    untrace,
    write_count,
)
from fastgrad.engine_python.numpy_function import NumPyFunction
from fastgrad.engine_python.program import (
    Program,
    can_branch_no_more,
    constant_call,
    drawn,
    guard,
    host_step,
    is_capturing,
)
from fastgrad.engine_python.record import Function
from fastgrad.engine_python.sweep import (
    gradients,
    keep_small_graphs,
    node_key,
    node_of,
    overwritten_array,
    partial_gradients,
    set_receiver,
)
from fastgrad.engine_python.tensor import Tensor, asarray, collect_nodes, set_class, subclass, tensor
from fastgrad.engine_python.transform import (
    Run,
    directional_derivative,
    gradient_function,
    hessian_product,
    own_value,
    set_transform_depth,
    transform_depth,
)

name = "python"
_wanted_threads = _threads.from_environment()


def clear_cache():
    return 0


def cache_info():
    return {"bytes": 0, "limit": 0, "blocks": 0, "hits": 0, "misses": 0}


def set_cache_limit(nbytes):
    if nbytes < 0:
        raise ValueError(f"the cache limit must be 0 (no cache) or more, got {nbytes} bytes")
    return 0


def get_num_threads():
    return _wanted_threads


def set_num_threads(n):
    global _wanted_threads
    before, _wanted_threads = _wanted_threads, _threads.checked(n)
    return before


def install_methods(members, *, replace=False):
    """Set attributes on the Tensor class, and its docstring; names that it defines itself only if `replace` is set."""
    for member_name, member in members.items():
        if replace or member_name not in vars(Tensor) or member_name == "__doc__":
            setattr(Tensor, member_name, member)


def set_docstring(function, doc):
    """Give a function or method its docstring."""
    function.__doc__ = doc
