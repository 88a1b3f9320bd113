# Methods of Tensor for structured ops, straight to the kernel where it takes the call. They are functions beside the class,
# and go before those that both engines share.

def method_prod(Tensor self, axis=None, keepdims=False, *, dtype=None):
    """`fg.prod` of this tensor."""
    return reduce_or_rule(PROD, self, axis, keepdims, dtype)


def method_logsumexp(Tensor self, axis=None, keepdims=False):
    """`fg.logsumexp` of this tensor."""
    y = logsumexp(self, axis, keepdims)
    return y if y is not None else functions["logsumexp"](self, axis=axis, keepdims=keepdims)


def method_softmax(Tensor self, axis=-1):
    """`fg.softmax` of this tensor."""
    y = softmax(SOFTMAX, self, axis)
    return y if y is not None else functions["softmax"](self, axis=axis)


def method_log_softmax(Tensor self, axis=-1):
    """`fg.log_softmax` of this tensor."""
    y = softmax(LOG_SOFTMAX, self, axis)
    return y if y is not None else functions["log_softmax"](self, axis=axis)


def method_clip(Tensor self, min=None, max=None):
    """`fg.clip` of this tensor."""
    y = clip(self, min, max)
    return y if y is not None else functions["clip"](self, min, max)


def method_reshape(Tensor self, *shape):
    """The same elements in another shape, as one sequence or as separate lengths; one of them may be -1."""
    cdef Tensor y = None
    wanted = shape[0] if len(shape) == 1 else shape
    if type(wanted) is tuple or type(wanted) is int:
        y = reshape(self, wanted)
    return y if y is not None else METHODS["reshape"](self, *shape)


def method_transpose(Tensor self, *axes):
    """The axes reversed, or in the order given, as one sequence or as separate numbers."""
    return permute_dims(self, None) if not axes else METHODS["transpose"](self, *axes)


def method_permute_dims(Tensor self, axes):
    """`fg.permute_dims` of this tensor."""
    cdef Tensor y = permute_dims(self, axes) if type(axes) is tuple else None
    return y if y is not None else METHODS["permute_dims"](self, axes)


def _name_methods(*given):
    for method in given:
        method.__name__ = method.__name__.removeprefix("method_")
        method.__qualname__ = "Tensor." + method.__name__
    return {method.__name__: method for method in given}


install_methods(_name_methods(
    method_prod, method_logsumexp, method_softmax, method_log_softmax, method_clip,
    method_reshape, method_transpose, method_permute_dims,
))
