"""The pure-Python engine: the whole of backpropagation in plain Python and NumPy, to be read in one sitting.

Read `tensor.py` (what a node of the graph holds), then `record.py` (how an op becomes a node), then `sweep.py`
(backward).
"""

from fastgrad.anomaly import detect_anomaly
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
from fastgrad.engine_python.record import Function
from fastgrad.engine_python.sweep import gradients, node_key, node_of, partial_gradients
from fastgrad.engine_python.tensor import Tensor, asarray, collect_births, tensor

name = "python"


def clear_cache():
    return 0


def cache_info():
    return {"bytes": 0, "limit": 0, "blocks": 0, "hits": 0, "misses": 0}


def set_cache_limit(nbytes):
    if nbytes < 0:
        raise ValueError(f"a cache limit of {nbytes} bytes: give 0 (no cache) or more")
    return 0


def install_methods(members, numpy_answers=None):
    """Put attributes on the Tensor class, under all names that it does not define itself, and its docstring.

    `numpy_answers` is for an engine with a faster way to NumPy's functions; this one has none.
    """
    for member_name, member in members.items():
        if member_name not in vars(Tensor) or member_name == "__doc__":
            setattr(Tensor, member_name, member)
