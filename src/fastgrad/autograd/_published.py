"""The public names of autograd 1.9.1, by module, and the report.

Names that a module only imports, and those of NumPy and SciPy, are left out.

A fact about another package: `python -m fastgrad.autograd --report` compares fastgrad's modules with it.
"""

import importlib
import re

VERSION = "1.9.1"

NAMES = """
autograd: checkpoint deriv dict elementwise_grad grad grad_and_aux grad_named hessian hessian_tensor_product
    hessian_vector_product holomorphic_grad isinstance jacobian list make_ggnvp make_hvp make_jvp make_vjp
    multigrad_dict primitive tensor_jacobian_product tuple type value_and_grad vector_jacobian_product
autograd.builtins: Box ContainerVSpace DictBox DictMeta DictVSpace ListMeta ListVSpace NamedTupleVSpace SequenceBox
    SequenceVSpace TupleMeta TupleVSpace VSpace container_take container_untake dict dict_ fwd_grad_make_sequence
    grad_container_take grad_sequence_extend_left grad_sequence_extend_right isinstance isinstance_ list list_
    make_sequence notrace_primitive primitive sequence_extend_left sequence_extend_right subvals tuple tuple_ type
    vspace
autograd.core: Box JVPNode Node SparseBox SparseObject VJPNode VSpace add_outgrads backward_pass def_linear defjvp
    defjvp_argnum defjvp_argnums defvjp defvjp_argnum defvjp_argnums deprecated_defgrad deprecated_defvjp
    deprecated_defvjp_is_zero deprecated_defvjp_message func getval identity_jvp identity_vjp isbox make_jvp make_vjp
    primitive primitive_jvps primitive_vjps primitive_with_deprecation_warnings sparse_add sparse_object_types subval
    sum_outgrads toposort trace translate_jvp translate_vjp vspace
autograd.differential_operators: checkpoint deriv elementwise_grad grad grad_and_aux grad_named hessian
    hessian_tensor_product hessian_vector_product holomorphic_grad jacobian make_ggnvp make_hvp make_jvp_reversemode
    multigrad_dict tensor_jacobian_product value_and_grad vector_jacobian_product
autograd.extend: Box JVPNode SparseObject VJPNode VSpace def_linear defjvp defjvp_argnum defjvp_argnums defvjp
    defvjp_argnum defvjp_argnums notrace_primitive primitive register_notrace vspace
autograd.misc: const_graph flatten
autograd.misc.fixed_points: fixed_point fixed_point_vjp
autograd.misc.flatten: flatten flatten_func
autograd.misc.optimizers: adam rmsprop sgd unflatten_optimizer
autograd.misc.tracers: ConstGraphNode FullGraphNode const_graph const_graph_unary full_graph trace
autograd.numpy: array_from_args c_class concatenate_args custom_where make_diagonal metadata notrace_functions
    parse_einsum_input r_class wrap_if_boxes_inside wrap_intdtype wrap_namespace
autograd.numpy.fft: check_even_shape check_no_repeated_axes fft_grad get_fft2_args get_fft_args get_fftn_args
    irfft_grad make_rfft_factors rfft_grad truncate_pad wrap_namespace
autograd.numpy.linalg: T add2d grad_cholesky grad_eig grad_eigh grad_inv grad_pinv grad_solve grad_svd norm_jvp
    norm_vjp wrap_namespace
autograd.numpy.numpy_boxes: ArrayBox SequenceBox trace_primitives_map
autograd.numpy.numpy_jvps: atleast_jvpmaker broadcast forward_grad_np_std forward_grad_np_var fwd_grad_chooser
    fwd_grad_concatenate_args fwd_grad_partition fwd_grad_sort np_abs_jvp np_conj_jvp
autograd.numpy.numpy_vjps: array_from_args_gradmaker array_from_scalar_or_array_gradmaker balanced_eq dot_adjoint_0
    dot_adjoint_1 dot_vjp_0 dot_vjp_1 grad_broadcast_to grad_chooser grad_concatenate_args grad_diff grad_einsum
    grad_gradient grad_inner grad_kron grad_np_cumsum grad_np_mean grad_np_prod grad_np_std grad_np_sum grad_np_var
    grad_partition grad_repeat grad_reshape_list grad_rollaxis grad_sort grad_tile grad_transpose match_complex
    matmul_adjoint_0 matmul_adjoint_1 matmul_vjp_0 matmul_vjp_1 nograd_functions np_abs_vjp np_conj_vjp pad_vjp
    repeat_to_match_shape replace_zero reverse_axis tensordot_adjoint_0 tensordot_adjoint_1 tensordot_vjp_0
    tensordot_vjp_1 unbroadcast unbroadcast_einsum unbroadcast_f unpermuter untake wrapped_reshape
autograd.numpy.numpy_vspaces: ArrayVSpace ComplexArrayVSpace EigResultVSpace EighResultVSpace NamedTupleVSpace
    QRResultVSpace SVDResultVSpace SlogdetResultVSpace
autograd.numpy.numpy_wrapper: array_from_args c_class concatenate_args make_diagonal metadata notrace_functions
    parse_einsum_input r_class wrap_if_boxes_inside wrap_intdtype wrap_namespace
autograd.numpy.random: wrap_namespace
autograd.scipy.integrate: grad_odeint
autograd.scipy.linalg: defjvp_argnums grad_solve_banded grad_solve_triangular wrap_namespace
autograd.scipy.signal: compute_conv_size einsum_tensordot flipped_idxs grad_convolve parse_axes
autograd.scipy.special: fwd_grad_logsumexp inv_root_pi make_gammainc_vjp_arg1 make_grad_logsumexp
    repeat_to_match_shape root_pi
autograd.scipy.stats.beta: cdf grad_beta_logpdf_arg0 grad_beta_logpdf_arg1 grad_beta_logpdf_arg2 logpdf pdf
autograd.scipy.stats.chi2: cdf grad_chi2_logpdf logpdf pdf
autograd.scipy.stats.dirichlet: logpdf pdf rvs
autograd.scipy.stats.gamma: cdf grad_gamma_logpdf_arg0 grad_gamma_logpdf_arg1 logpdf pdf
autograd.scipy.stats.multivariate_normal: covgrad entropy generalized_outer_product logpdf pdf
autograd.scipy.stats.norm: cdf logcdf logpdf logsf pdf sf
autograd.scipy.stats.poisson: cdf grad_poisson_logpmf logpmf pmf
autograd.scipy.stats.t: cdf grad_tlogpdf_df grad_tlogpdf_diff grad_tlogpdf_loc grad_tlogpdf_scale grad_tlogpdf_x
    logcdf logpdf pdf
autograd.test_util: EPS RTOL TOL check_equivalent check_grads check_jvp check_vjp combo_check make_numerical_jvp
    scalar_close
autograd.tracer: Box Node TraceStack box_type_mappings box_types find_top_boxed_args getval isbox new_box
    notrace_primitive notrace_primitives primitive register_notrace subvals toposort trace trace_primitives_map
    trace_stack wraps
autograd.util: deprecation_msg func quick_grad_check subval subvals toposort
autograd.wrap_util: get_doc get_name subvals unary_to_nary wrap_nary_f wraps
"""

BY_DESIGN = {
    r"(fwd_)?grad_\w+|\w*_(grad|v?jp)maker|\w+_gradmaker|\w+_vjp(_[01])?|(forward_|fwd_)grad\w*|\w+_jvp|i?r?fft_grad"
    r"|check_(even_shape|no_repeated_axes)|get_fft\w*_args|make_rfft_factors|truncate_pad|atleast_jvpmaker|make_grad_\w+":
        "a derivative of one function: fastgrad's are in its table of rules (fastgrad.rules)",
    r"(Eig|Eigh|QR|Slogdet|SVD)ResultVSpace": "the space of a named tuple, which `vspace` makes of any of them",
    r"find_top_boxed_args": "how autograd finds boxes among arguments; the engine does",
    r"deprecated_\w+|deprecation_msg": "the texts of autograd's warnings",
}  # fmt: skip


def published():
    """Return autograd's names by module."""
    found = {}
    for word in NAMES.split():
        if word.endswith(":"):
            names = found[word[:-1]] = []
        else:
            names.append(word)
    return found


def reason(name):
    """Return why fastgrad has no such name, or None."""
    return next((why for pattern, why in BY_DESIGN.items() if re.fullmatch(pattern, name)), None)


def compared():
    """Return, by module, the names that exist, differ by design, and are missing; None for a module that is missing."""
    found = {}
    for module, names in published().items():
        try:
            ours = importlib.import_module("fastgrad." + module)
            here = [name for name in names if hasattr(ours, name)]  # reads SciPy, which may not be there
        except ImportError as error:
            found[module] = error
            continue
        left = [name for name in names if name not in here]
        designed = [name for name in left if reason(name)]
        found[module] = here, designed, [name for name in left if not reason(name)]
    return found


def report():
    """Return the comparison as text."""
    lines = [f"autograd {VERSION} under fastgrad.autograd: names that exist, differ by design, are missing", ""]
    totals = [0, 0, 0]
    reasons = {}
    for module, found in compared().items():
        if isinstance(found, ImportError):
            lines.append(f"{module:36} not available: {found}")
            continue
        totals = [a + len(b) for a, b in zip(totals, found, strict=True)]
        counts = " ".join(f"{len(names):5}" for names in found)
        lines.append(f"{module:36}{counts}" + (f"   missing: {' '.join(found[2])}" if found[2] else ""))
        for name in found[1]:
            reasons.setdefault(reason(name), []).append(f"{module.rpartition('.')[2]}.{name}")
    lines += ["", f"{'all':36}" + " ".join(f"{n:5}" for n in totals), ""]
    for why, names in reasons.items():
        lines += [f"By design, {why}:", "    " + " ".join(names)]
    lines.append("All names of NumPy are in autograd.numpy; all of SciPy's in the modules of autograd.scipy.")
    return "\n".join(lines)
