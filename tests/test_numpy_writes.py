"""NumPy's functions that write into an argument write all or nothing, count as a write, and lose no gradient."""

import numpy as np
import pytest

import fastgrad as fg

# what is called, and what it writes, of a vector of four
WRITERS = {
    "add.at": lambda a, v: np.add.at(a, [0, 0, 2], v),
    "subtract.at": lambda a, v: np.subtract.at(a, [1], v),
    "multiply.at": lambda a, v: np.multiply.at(a, np.array([0, 3]), v),
    "maximum.at": lambda a, v: np.maximum.at(a, [1], v),
    "copyto": lambda a, v: np.copyto(a, v),
    "copyto_where": lambda a, v: np.copyto(a, v, where=np.array([True, False, True, False])),
    "copyto_named": lambda a, v: np.copyto(dst=a, src=v),
    "put": lambda a, v: np.put(a, [0, 3], v),
    "put_named": lambda a, v: np.put(a=a, ind=[0], v=v),
    "place": lambda a, v: np.place(a, np.array([True, False, True, True]), v),
    "putmask": lambda a, v: np.putmask(a, np.array([True, False, True, True]), v),
    "put_along_axis": lambda a, v: np.put_along_axis(a, np.array([0, 2]), v, 0),
    "out_of_add": lambda a, v: np.add(a, v, out=a),
    "out_of_exp": lambda a, v: np.exp(v, out=a),
    "out_of_sum": lambda a, v: np.cumsum(np.ones(4) * v, out=a),
    "out_of_clip": lambda a, v: np.clip(np.arange(4.0), 0, v, out=a),
}
RECORDED = WRITERS.keys() - {"multiply.at", "maximum.at"}
SCALARS = "place"  # takes a vector of values


def value_for(name, v):
    return np.array([v]) if name in SCALARS else v


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_written_is_what_numpy_writes(name):
    write = WRITERS[name]
    array = np.array([1.0, 2.0, 3.0, 4.0])
    t = fg.tensor(array)
    write(array, value_for(name, 5.0))
    write(t, value_for(name, 5.0))
    assert t.tolist() == array.tolist()
    write(t, fg.tensor(value_for(name, 6.0)))
    write(array, value_for(name, 6.0))
    assert t.tolist() == array.tolist()
    other = np.array([1.0, 2.0, 3.0, 4.0])
    write(other, fg.tensor(value_for(name, 5.0)))


@pytest.mark.parametrize("name", WRITERS)
def test_a_sweep_that_needs_the_old_value_is_refused(name):
    x, t = fg.tensor(np.ones(4), requires_grad=True), fg.tensor([1.0, 2.0, 3.0, 4.0])
    y = (x * t).sum()
    WRITERS[name](t, value_for(name, 10.0))
    with pytest.raises(fg.MutationError):
        y.backward()


@pytest.mark.parametrize("name", WRITERS)
def test_a_leaf_that_is_refused_keeps_its_values(name):
    u = fg.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    y = u * 2
    for target in (u,) if name in RECORDED else (u, y):
        before = target.tolist()
        with pytest.raises(fg.FastgradError):
            WRITERS[name](target, value_for(name, 10.0))
        assert target.tolist() == before
    with fg.no_grad():
        WRITERS[name](u, value_for(name, 10.0))
    assert u.tolist() != [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("name", WRITERS)
def test_a_recorded_value_is_not_written_as_a_constant(name):
    v = fg.tensor(value_for(name, 2.5), requires_grad=True) * 1
    target = fg.tensor([1.0, 2.0, 3.0, 4.0])
    if name in RECORDED:
        WRITERS[name](target, v)
        assert target.requires_grad and fg.gradients(target.sum(), v)[0].numpy().any()
    for refused in (np.ones(4),) if name in RECORDED else (target, np.ones(4)):
        before = refused.tolist()
        with pytest.raises(fg.NotDifferentiableError):
            WRITERS[name](refused, v)
        assert refused.tolist() == before


@pytest.mark.parametrize("name", WRITERS)
def test_memory_that_is_read_only_or_broadcast_stays(name):
    locked = np.array([1.0, 2.0, 3.0, 4.0])
    locked.flags.writeable = False
    for t in fg.asarray(locked), fg.broadcast_to(fg.tensor([1.0]), (4,)):
        before = t.tolist()
        with pytest.raises(ValueError):
            WRITERS[name](t, value_for(name, 10.0))
        assert t.tolist() == before


def test_the_diagonal_of_a_matrix():
    x, m = fg.tensor(np.ones((2, 2)), requires_grad=True), fg.ones((2, 2))
    y = (x * m).sum()
    np.fill_diagonal(m, 5.0)
    assert m.tolist() == [[5.0, 1.0], [1.0, 5.0]]
    with pytest.raises(fg.MutationError):
        y.backward()
    with pytest.raises(fg.FastgradError):
        np.fill_diagonal(x, 5.0)
    assert x.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_a_write_that_fails_half_way_leaves_all_as_it_was():
    t = fg.tensor([1.0, 2.0])
    with pytest.raises(IndexError):
        np.add.at(t, [0, 5], 1.0)
    with pytest.raises(IndexError):
        np.put(t, [0, 5], 1.0)
    first, second = fg.tensor([1.0, 2.0]), fg.tensor([1, 2])
    with pytest.raises(fg.DTypeError):
        np.divmod(np.array([5.0, 6.0]), t, out=(first, second))
    with pytest.raises(fg.ShapeError):
        np.divmod(np.array([5.0, 6.0]), t, out=(first, fg.zeros(3)))
    assert t.tolist() == first.tolist() == [1.0, 2.0] and second.tolist() == [1, 2]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
@pytest.mark.parametrize(
    ("key", "shape"),
    [([0, 0, 2], (3, 4)), ((np.array([0, 2, 0]), np.array([1, 1, 1])), (3,)), ((slice(None), [3, 3]), (3, 1)), (1, ())],
)
def test_what_is_added_at_repeated_places_is_recorded(key, shape, dtype, rng):
    """As in `col2im` of convolutional networks: each value gets the cotangent of the element it was added to."""
    start, values, weights = (rng.normal(size=s).astype(dtype) for s in ((3, 4), shape, (3, 4)))
    for add in np.add, np.subtract:
        wanted = start.copy()
        add.at(wanted, key, values)
        x, v = fg.tensor(start, requires_grad=True), fg.tensor(values, requires_grad=True)
        y = x * 1
        add.at(y, key, v)
        assert y.numpy().tolist() == wanted.tolist() and y.dtype == dtype
        gx, gv = fg.gradients(y, [x, v], [fg.tensor(weights)])
        sign = 1 if add is np.add else -1
        gathered = np.broadcast_to(sign * weights[key], np.broadcast_shapes(weights[key].shape, shape))
        lead = gathered.ndim - len(shape)
        axes = tuple(k + lead for k, n in enumerate(shape) if n == 1 and gathered.shape[k + lead] != 1)
        gathered = gathered.sum(axis=(*range(lead), *axes), keepdims=True).reshape(shape)
        np.testing.assert_array_equal(gx.numpy(), weights)
        np.testing.assert_allclose(gv.numpy(), gathered, rtol=1e-6 if dtype == np.float32 else 1e-14)


def test_what_is_added_is_cast_as_numpy_casts_it():
    v = fg.tensor([0.5, 1.5], requires_grad=True)
    single = fg.zeros(2, dtype=np.float32)
    np.add.at(single, [1, 1], v)
    assert single.dtype == np.float32 and single.tolist() == [0.0, 2.0]
    assert fg.gradients(single.sum(), v)[0].dtype == np.float64
    with pytest.raises(ValueError, match="shape"):
        np.add.at(single, [0, 1, 1], v)


@pytest.mark.parametrize("name", sorted(RECORDED) + ["copyto_unsafe"])
def test_a_recorded_float_is_not_written_as_an_integer(name):
    """NumPy's `add.at`, `put` and `put_along_axis` would truncate it, and the others raise."""
    v = fg.tensor(value_for(name, 2.5), requires_grad=True) * 1
    target = fg.tensor([1, 2, 3, 4])
    writers = WRITERS | {"copyto_unsafe": lambda a, v: np.copyto(a, v, casting="unsafe")}
    with pytest.raises(TypeError, match=r"float64.*int64"):
        writers[name](target, v)
    assert target.tolist() == [1, 2, 3, 4]
