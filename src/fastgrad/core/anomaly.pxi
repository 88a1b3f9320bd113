# Naming the op that first made a NaN or an infinity. The checks are those of both engines, in fastgrad/anomaly.py; none changes a value.

class detect_anomaly(anomaly.detect_anomaly):  # noqa: N801 - used as `with fg.detect_anomaly():`
    __doc__ = anomaly.detect_anomaly.__doc__

    def __enter__(self):
        global fg_anomaly
        fg_anomaly += 1
        return super().__enter__()

    def __exit__(self, *exc):
        global fg_anomaly
        fg_anomaly -= 1
        return super().__exit__(*exc)


cdef int look_at(Tensor y) except -1:
    """Note the line that recorded `y`; raise where its value is the first that is not finite."""
    extra_of(y).where = errors.user_line()
    anomaly.check(op_name(y), False, y, node_operands(y), lambda: (<Extra>y.extra).where)
    return 0


cdef int look_at_gradient(Tensor y, Tensor g, Tensor gx) except -1:
    anomaly.check(op_name(y), True, gx, [g], lambda: (<Extra>y.extra).where if y.extra != NULL else None)
    return 0
