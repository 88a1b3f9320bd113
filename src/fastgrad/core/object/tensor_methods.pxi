# Methods of Tensor for structured ops, straight to the kernel where it takes the call. They are functions beside the class,
# and go before those that both engines share.

class Structured:      # functions of a class, so that what Python says of a wrong call names them as the user does
    def prod(Tensor self, axis=None, keepdims=False, *, dtype=None):
        return reduce_or_rule(PROD, self, axis, keepdims, dtype)

    def logsumexp(Tensor self, axis=None, keepdims=False):
        y = logsumexp(self, axis, keepdims) if type(keepdims) is bool else None
        return y if y is not None else functions["logsumexp"](self, axis=axis, keepdims=keepdims)

    def softmax(Tensor self, axis=-1):
        y = softmax(SOFTMAX, self, axis)
        return y if y is not None else functions["softmax"](self, axis=axis)

    def log_softmax(Tensor self, axis=-1):
        y = softmax(LOG_SOFTMAX, self, axis)
        return y if y is not None else functions["log_softmax"](self, axis=axis)

    def clip(Tensor self, min=None, max=None):
        y = clip(self, min, max)
        return y if y is not None else functions["clip"](self, min, max)

    def reshape(Tensor self, *shape):
        cdef Tensor y = None
        wanted = shape[0] if len(shape) == 1 else shape
        if type(wanted) is tuple or type(wanted) is int:
            y = reshape(self, wanted)
        return y if y is not None else METHODS["reshape"](self, *shape)

    def transpose(Tensor self, *axes):
        return permute_dims(self, None) if not axes else METHODS["transpose"](self, *axes)

    def permute_dims(Tensor self, axes):
        cdef Tensor y = permute_dims(self, axes) if type(axes) is tuple else None
        return y if y is not None else METHODS["permute_dims"](self, axes)


def _methods_of(holder):
    found = {}
    for name, method in vars(holder).items():
        if not name.startswith("_"):
            method.__qualname__ = "Tensor." + name
            found[name] = method
    return found


install_methods(_methods_of(Structured))
