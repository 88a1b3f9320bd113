"""Chooses the engine, once, at import. Modules above import names from here and do not ask which engine it is.

`FASTGRAD_ENGINE` is "cython", "python", or unset: the compiled engine if it was built, else the pure-Python one.
"""

import os
import sys

_wanted = os.environ.get("FASTGRAD_ENGINE", "")
if _wanted not in ("", "cython", "python"):
    raise ImportError(f'FASTGRAD_ENGINE={_wanted!r} is not an engine: use "cython", "python", or leave it unset')

if _wanted != "python":
    try:
        from fastgrad import core as _chosen
    except ModuleNotFoundError as error:
        # Fall back only if an extension module is missing; errors of a broken one must be visible.
        if not (error.name or "").startswith("fastgrad.core"):
            raise
        if _wanted == "cython":
            raise ImportError(
                'FASTGRAD_ENGINE="cython", but the compiled engine is not part of this installation: '
                "install a wheel for this platform, or build it with a C compiler, or leave FASTGRAD_ENGINE unset"
            ) from error
        from fastgrad import engine_python as _chosen
else:
    from fastgrad import engine_python as _chosen

name = _chosen.name
Tensor = _chosen.Tensor
Function = _chosen.Function
NumPyFunction = _chosen.NumPyFunction
install_methods, set_docstring = _chosen.install_methods, _chosen.set_docstring  # for `_assemble`
tensor = _chosen.tensor
asarray = _chosen.asarray
no_grad = _chosen.no_grad
enable_grad = _chosen.enable_grad
is_grad_enabled = _chosen.is_grad_enabled
gradients = _chosen.gradients
node_of = _chosen.node_of  # for pictures
# At a prompt and in notebooks, small graphs can be drawn after `backward`. Elsewhere this would cost time and memory:
# 4 % of the time of the staged expression.
_chosen.keep_small_graphs(hasattr(sys, "ps1"))
node_key = _chosen.node_key
trace, untrace, is_traced = _chosen.trace, _chosen.untrace, _chosen.is_traced  # for transforms
Run, gradient_function, own_value = _chosen.Run, _chosen.gradient_function, _chosen.own_value
directional_derivative, hessian_product = _chosen.directional_derivative, _chosen.hessian_product
leaves, map_leaves = _chosen.leaves, _chosen.map_leaves  # those of `_tree`, faster
transform_depth, set_transform_depth = _chosen.transform_depth, _chosen.set_transform_depth
leave = _chosen.leave
Program, host_step, drawn = _chosen.Program, _chosen.host_step, _chosen.drawn
constant_call, guard, is_capturing = _chosen.constant_call, _chosen.guard, _chosen.is_capturing
can_branch_no_more = _chosen.can_branch_no_more
subclass, set_class = _chosen.subclass, _chosen.set_class  # for the names of other packages
write_count = _chosen.write_count
collect_nodes = _chosen.collect_nodes  # for `checkpoint`
partial_gradients = _chosen.partial_gradients
set_receiver, overwritten_array = _chosen.set_receiver, _chosen.overwritten_array  # for `parallel`
unit_directions = _chosen.unit_directions
push_forward, pull_back, reached_inputs, graph_signature = (
    _chosen.push_forward,
    _chosen.pull_back,
    _chosen.reached_inputs,
    _chosen.graph_signature,
)  # for derivatives in several directions
mark_parameter, is_parameter = _chosen.mark_parameter, _chosen.is_parameter  # for nn.Parameter
detect_anomaly = _chosen.detect_anomaly
clear_cache = _chosen.clear_cache
cache_info = _chosen.cache_info
set_cache_limit = _chosen.set_cache_limit
get_num_threads = _chosen.get_num_threads
set_num_threads = _chosen.set_num_threads

# Only in the compiled engine, else None: facts about the build, the moments that batch_norm computed, and optimizer
# steps over a list of parameters.
loops_in_use = getattr(_chosen, "loops_in_use", None)
instruction_set = getattr(_chosen, "instruction_set", None)
build_switches = getattr(_chosen, "build_switches", None)
started_threads = getattr(_chosen, "started_threads", None)
ops_with_kernels = getattr(_chosen, "ops_with_kernels", None)
batch_moments = getattr(_chosen, "batch_moments", None)
sgd_step = getattr(_chosen, "sgd_step", None)
adam_step = getattr(_chosen, "adam_step", None)
rmsprop_step = getattr(_chosen, "rmsprop_step", None)
sum_of_squares = getattr(_chosen, "sum_of_squares", None)
scale_in_place = getattr(_chosen, "scale_in_place", None)
