# Numbers among the arguments of a program. The function gets Tensors of float64 or int64 in their place, but a number
# does not determine the dtype of `x * 0.5`: where it would, it is first converted to that of the other operands.

cdef frozenset OF_NUMBERS = frozenset((      # what Python's operators make of numbers, which is a number again
    "add", "subtract", "multiply", "divide", "floor_divide", "remainder", "power", "negative", "abs", "copy"))

cdef enum:
    MOST_OPERATORS = 200    # between a number and where it is used


cdef int number_of_buffer(Capture c, Tensor x) except -2:
    """The buffer of a number among the arguments, or of what Python's operators compute from such; NOWHERE for
    others."""
    cdef int number = NOWHERE
    if x.layout.ndim or x.layout.itemsize != 8 or is_recorded(x):
        return NOWHERE
    block = find_block(c, x.data)
    if block != NULL:
        number = block.buffer
    else:
        cell = find_cell(c, x.data)
        number = cell.buffer if cell != NULL else NOWHERE
    return number if holds_number(c, number, 0) else NOWHERE


cdef bint holds_number(Capture c, int number, int depth) except -1:
    """Whether the buffer of a capture holds such a number, or a Python constant; the first step is one of both."""
    cdef const Note* s
    cdef Py_ssize_t k
    cdef int j
    if number < 0 or depth > MOST_OPERATORS:
        return False
    if number in c.number_places:
        return True
    if c.buffers[number].kind == HELD:      # the numbers of `captured_number`
        return depth > 0 and type(<object>PyList_GET_ITEM(c.owners, c.buffers[number].owner)) is bytearray
    for k in range(c.n - 1, -1, -1):
        s = &c.notes[k]
        if s.run == <StepRun>run_host:
            h = <HostStep>s.more
            if h.result is not None and h.result.buffer == number:
                return h.name in OF_NUMBERS and are_numbers(c, h.args, depth + 1)
            continue
        for j in range(s.places):
            if s.buffer[j] == number and s.writes >> j & 1:
                return (RUN_NAMES.get(<size_t>s.run) or kernel_name(s)) in OF_NUMBERS and reads_numbers(c, s, depth + 1)
    return False


cdef bint reads_numbers(Capture c, const Note* s, int depth) except -1:
    cdef int j
    for j in range(s.places):
        if s.reads >> j & 1 and not holds_number(c, s.buffer[j], depth):
            return False
    return True


cdef bint are_numbers(Capture c, tuple args, int depth) except -1:
    for o in args:
        if type(o) is Spot:
            if not holds_number(c, (<Spot>o).buffer, depth):
                return False
        elif type(o) is not float and type(o) is not int:
            return False
    return True


cdef Tensor converted_number(Capture c, Tensor x, object dtype):
    """`x` in another dtype, which is computed once in each call."""
    key = (number_of_buffer(c, x), dtype)
    found = c.converted.get(key)
    if found is None:
        found = captured_call("convert", functools.partial(program_guards.as_number, dtype), (x,))
        c.converted[key] = found
    return found


cdef tuple with_numbers(tuple operands):
    """The operands, where numbers among the arguments have the dtype that Python numbers would take; None where that
    changes nothing."""
    cdef Capture c = <Capture>fg_capture
    cdef list kinds = [], made
    cdef bint others = False, numbers = False
    if not c.number_places or c.suspended:
        return None
    for o in operands:
        if not is_tensor(o):
            kinds.append(o)
        elif number_of_buffer(c, <Tensor>o) >= 0:
            numbers = True
            kinds.append(0.0 if is_inexact((<Tensor>o).layout.typenum) else 0)
        else:
            others = True
            kinds.append(dtype_of(<Tensor>o))
    if not numbers or not others:
        return None
    wanted = np.result_type(*kinds)
    made = []
    numbers = False
    for o, kind in zip(operands, kinds):
        if is_tensor(o) and type(kind) in (float, int) and dtype_of(<Tensor>o) != wanted:
            numbers = True
            o = converted_number(c, <Tensor>o, wanted)
        made.append(o)
    return tuple(made) if numbers else None
