"""The compiled engine. Parts, in dependency order: workers, layout, storage, loops, kernels, tensor.

The `.pxd` files of this package are private: they are not part of a wheel and may change in any release.
"""

import sys

from fastgrad.core.loops import loops_in_use
from fastgrad.core.simd import instruction_set
from fastgrad.core.storage import cache_info, set_cache_limit
from fastgrad.core.storage import clear_cache as _clear_blocks
from fastgrad.core.tensor import (
    Function,
    NumPyFunction,
    Program,
    Run,
    Tensor,
    adam_step,
    asarray,
    batch_moments,
    build_switches,
    can_branch_no_more,
    clear_pool,
    collect_nodes,
    constant_call,
    debug_counts,
    detect_anomaly,
    directional_derivative,
    drawn,
    enable_grad,
    gradient_function,
    gradients,
    graph_signature,
    guard,
    hessian_product,
    host_step,
    install_methods,
    is_capturing,
    is_grad_enabled,
    is_parameter,
    is_traced,
    keep_small_graphs,
    leave,
    leaves,
    map_leaves,
    mark_parameter,
    no_grad,
    node_key,
    node_of,
    ops_with_kernels,
    overwritten_array,
    own_value,
    partial_gradients,
    pull_back,
    push_forward,
    reached_inputs,
    rmsprop_step,
    scale_in_place,
    set_class,
    set_docstring,
    set_receiver,
    set_transform_depth,
    sgd_step,
    subclass,
    sum_of_squares,
    tensor,
    trace,
    transform_depth,
    unit_directions,
    untrace,
    write_count,
)
from fastgrad.core.workers import get_num_threads, set_num_threads, started_threads

name = "cython"


def clear_cache():
    values = sys.modules.get("fastgrad.core.value")  # read with micrograd alone
    return _clear_blocks() + clear_pool() + (values.clear_pool() if values else 0)


__all__ = [
    "Function", "NumPyFunction", "Program", "Run", "Tensor", "adam_step", "asarray", "batch_moments", "build_switches",
    "cache_info", "clear_cache", "collect_nodes", "debug_counts", "detect_anomaly", "directional_derivative",
    "enable_grad", "get_num_threads", "gradient_function", "gradients", "graph_signature", "hessian_product",
    "install_methods", "instruction_set", "is_grad_enabled", "is_parameter", "is_traced", "keep_small_graphs", "leave",
    "leaves", "loops_in_use", "map_leaves", "mark_parameter", "name", "no_grad", "node_key", "node_of",
    "ops_with_kernels", "partial_gradients", "pull_back", "push_forward", "reached_inputs", "rmsprop_step",
    "scale_in_place", "set_cache_limit", "set_class", "set_docstring", "set_num_threads", "set_transform_depth",
    "sgd_step", "started_threads", "subclass", "sum_of_squares", "tensor", "trace", "transform_depth",
    "unit_directions", "untrace", "write_count",
]  # fmt: skip
