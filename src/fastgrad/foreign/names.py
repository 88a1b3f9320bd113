"""The names that Tensor answers later: its methods in `foreign`, and names of other libraries that are not here.

`import fastgrad` loads this list, and one descriptor per name. The functions and the answers are loaded at first use.
"""

from fastgrad._engine import install_methods
from fastgrad._lazy import lazy_module

tensor = lazy_module("fastgrad.foreign.tensor")
answers = lazy_module("fastgrad.foreign.answers")

METHODS = """
    abs_ absolute acos acosh add add_ addcdiv_ addcmul_ addmm allclose amax amin arccosh arcsinh arctan2 arctanh
    argpartition argsort asin asinh atan atan2 atanh bernoulli_ bmm bool byte cdouble ceil ceil_ cfloat char choose
    chunk clamp clamp_ clamp_max_ clamp_min_ clip_ clone compress conjugate contiguous copy_ cos_ count_nonzero cpu
    cuda data detach_ diag diagonal dim div div_ divide double element_size eq equal erf erfc exp2 exp_ expand
    expand_as exponential_ fill fill_ fill_diagonal_ flags flat flip float floor floor_ floor_divide floor_divide_
    gather ge ger grad_fn greater gt hypot index_add_ index_fill_ index_select int is_complex is_contiguous is_cuda
    is_floating_point isclose isfinite isinf isnan le lerp lerp_ less log10 log2 log_ logaddexp logical_and
    logical_not logical_or logical_xor logit long lt masked_fill masked_fill_ masked_select maximum median minimum mm
    moveaxis movedim mul mul_ multiply multiply_ mv narrow ndimension ne neg neg_ negative nelement new_empty new_full
    new_ones new_tensor new_zeros nonzero norm normal_ not_equal numel partition permute pin_memory pow pow_ ptp put
    random_ reciprocal reciprocal_ relu_ remainder remainder_ reshape_as roll round round_ rsqrt scatter scatter_
    scatter_add_ searchsorted select short sigmoid_ sin_ split sqrt_ square_ sub sub_ subtract swapdims t take
    take_along_dim tanh_ to tobytes topk trace tril tril_ triu triu_ true_divide trunc trunc_ type type_as unbind
    unflatten uniform_ unsqueeze view view_as zero_
"""
FOREIGN = """
    _backward _op _prev _value apply_ at base bfloat16 block_until_ready byteswap copy_to_host_async ctypes cummax
    cummin det dump dumps get_device getfield half index_copy index_put_ inverse is_quantized is_shared is_sparse
    itemset kthvalue layout logdet map_ mode multinomial names nanmean nansum quantile
    register_post_accumulate_grad_hook resize resize_ retains_grad setfield setflags share_memory_ slogdet sort
    squeeze_ svd symeig t_ to_dense to_sparse tofile tostring transpose_ unfold unsafe_buffer_pointer unsqueeze_ where
    xpu
"""


class Later:
    """Stands for a method of Tensor until it is used: then all methods are loaded, and replace their placeholders."""

    __slots__ = ("name",)

    def __init__(self, name):
        self.name = name

    def __get__(self, instance, owner=None):
        load()
        return getattr(owner if instance is None else instance, self.name)

    def __set__(self, instance, value):
        load()
        setattr(instance, self.name, value)


class Absent:
    """Stands for a method of another library: reading it raises the AttributeError that says what is here instead."""

    __slots__ = ("name",)

    def __init__(self, name):
        self.name = name

    def __get__(self, instance, owner=None):
        raise answers.missing("Tensor", self.name)


def load():
    """Install the methods in the place of their placeholders."""
    install_methods(tensor.install(), replace=True)


PLACEHOLDERS = {name: Later(name) for name in METHODS.split()} | {name: Absent(name) for name in FOREIGN.split()}


def names_of(instance):
    """Return the attributes of a Tensor, for `dir`: without those that are not here."""
    return sorted({*object.__dir__(instance)}.difference(FOREIGN.split()))
