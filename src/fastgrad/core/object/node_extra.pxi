# What few nodes have beside a Tensor's own fields, and the handle of a hook.

cdef class Hook:
    """What `register_hook` returns: `remove()` takes the hook away again, and so does leaving a `with` block."""
    # of the tensor: pairs (key, function). No reference to the tensor, so that there is no cycle
    cdef list hooks
    cdef object key

    def remove(self):
        for k in range(len(self.hooks)):
            if self.hooks[k][0] is self.key:
                del self.hooks[k]
                return

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.remove()


@cython.final
@cython.freelist(256)
cdef class NodeExtra:
    def __dealloc__(self):
        if self.kept != NULL:
            storage_release(self.kept)
