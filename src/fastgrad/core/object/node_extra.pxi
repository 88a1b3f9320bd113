# What few nodes have beside a Tensor's own fields.

@cython.final
@cython.freelist(256)
cdef class NodeExtra:
    def __dealloc__(self):
        if self.kept != NULL:
            storage_release(self.kept)
