"""Matrix products: of our own kernel, and some that it just leaves to BLAS, against NumPy's; and of joined matrices."""

import numpy as np
import pytest

import fastgrad as fg
from tests.support.core_constants import core_constants

# m, k, n of an m by k matrix times a k by n matrix. The next test says what they cover.
SHAPES = [
    (96, 128, 96), (97, 33, 500), (108, 256, 48), (109, 257, 63), (120, 255, 512), (128, 300, 529), (131, 513, 32),
    (200, 200, 200), (300, 47, 1030), (784, 128, 256), (64, 300, 300), (1000, 40, 40),
]  # fmt: skip


def test_the_shapes_cover_whole_and_partial_tiles_and_panels():
    rows, columns, depth, panels, fewest = core_constants("ROWS", "COLUMNS", "DEPTH", "COLUMN_PANELS", "FEWEST")
    for size, sizes in zip((rows, depth, columns), zip(*SHAPES, strict=True), strict=True):
        assert {n % size == 0 for n in sizes} == {True, False}
        assert max(sizes) > size
    m, k, n = zip(*SHAPES, strict=True)
    assert {depth - 1, depth, depth + 1} <= set(k)
    assert columns * panels in n and max(n) > columns * panels
    assert min(m) < fewest in m


@pytest.fixture(autouse=True, params=["BLAS", "own"])
def whose(request):
    """Run every test with NumPy's BLAS and with our own kernel; otherwise the number of BLAS threads decides."""
    if fg.engine != "cython":
        if request.param == "own":
            pytest.skip("only the compiled engine has products of its own")
        yield
        return
    from fastgrad.core.tensor import own_products

    before = own_products(request.param == "own")
    yield
    own_products(before)


def plain(rng, m, n):
    return rng.normal(size=(m, n))


def transposed(rng, m, n):
    return rng.normal(size=(n, m)).T


def part(rng, m, n):
    return rng.normal(size=(m + 2, n + 7))[1:-1, 3 : 3 + n]


def part_transposed(rng, m, n):
    return rng.normal(size=(n + 1, m + 5))[1:, 2 : 2 + m].T


def upside_down(rng, m, n):
    return np.flipud(rng.normal(size=(m, n)))


def one_row(rng, m, n):
    return np.broadcast_to(rng.normal(size=n), (m, n))


def every_other(rng, m, n):
    return rng.normal(size=(m, 2 * n))[:, ::2]


MAKERS = (plain, transposed, part, part_transposed, upside_down, one_row, every_other)


def near(got, a, b):
    """Equal up to the rounding of n products and n sums with random signs."""
    bound = 1e-15 * np.sqrt(a.shape[1]) * (np.abs(a) @ np.abs(b))
    assert (np.abs(got.numpy() - a @ b) <= bound).all()


@pytest.mark.parametrize("m, n, p", SHAPES)
@pytest.mark.parametrize("make", MAKERS)
def test_products_and_their_gradients(rng, make, m, n, p):
    a, b, g = make(rng, m, n), plain(rng, n, p), plain(rng, m, p)
    x1, x2 = fg.tensor(a, requires_grad=True), fg.tensor(b, requires_grad=True)
    near(fg.asarray(a) @ fg.asarray(b), a, b)
    near(fg.asarray(b.T) @ fg.asarray(a.T), b.T, a.T)
    g1, g2 = fg.gradients(fg.asarray(a) @ x2, [x2], [g])[0], fg.gradients(x1 @ fg.asarray(b), [x1], [g])[0]
    near(g1, a.T, g)
    near(g2, g, b.T)


def test_gradients_of_two_products_add_up(rng):
    x, w, g = plain(rng, 128, 200), plain(rng, 200, 64), plain(rng, 128, 64)
    leaf = fg.tensor(w, requires_grad=True)
    (fg.asarray(x) @ leaf + fg.asarray(x) @ leaf).backward(g)
    near(leaf.grad * 0.5, x.T, g)


def test_what_is_not_finite_stays_where_it_is(rng):
    a, b = plain(rng, 150, 100), plain(rng, 100, 90)
    a[7, 3], b[5, 60] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        y, wanted = (fg.asarray(a) @ fg.asarray(b)).numpy(), a @ b
    np.testing.assert_array_equal(np.isfinite(y), np.isfinite(wanted))
    np.testing.assert_array_equal(np.isnan(y), np.isnan(wanted))


@pytest.mark.parametrize("rows", [1, 2, 9])
@pytest.mark.parametrize("lead", [(5,), (2, 5), (1,), (0,)])
def test_a_stack_times_one_matrix_for_all_of_it(rows, lead):
    """A matrix that a view repeats along the stack gives what its copies give."""
    rng = np.random.default_rng(5)
    a, b, c = rng.normal(size=(*lead, rows, 3)), rng.normal(size=(3, 4)), rng.normal(size=(*lead, rows, 4))

    def loss(a, b, own):
        repeated = fg.broadcast_to(b, (*lead, 3, 4))
        return (c * (a @ (fg.copy(repeated) if own else repeated)) ** 2).sum()

    for first in (a, a[:1], a[..., ::-1]):
        found, wanted = (fg.grad(loss, argnums=(0, 1))(first, b, own) for own in (False, True))
        for g, w in zip(found, wanted, strict=True):
            np.testing.assert_allclose(g, w, rtol=1e-12)


# r, n, q of a product with r rows or columns, sums of n terms and q columns or rows: more than 10^6 multiplications, so
# that our kernels are used, for every number of rows, and at the ends of blocks of sums and of columns.
SKINNY = [
    *((r, 255 + r % 3, 1_000_000 // (r * (255 + r % 3)) + 1 + r) for r in range(2, 17)),
    (10, 64, 2049), (9, 100, 1300), (14, 70, 1025), (3, 513, 1024), (12, 3073, 65), (2, 20_000, 40), (16, 300, 1023),
]  # fmt: skip


def skinny_near(got, a, b):
    """Equal up to rounding in the dtype of the product."""
    wide, other = a.astype(float), b.astype(float)
    assert got.dtype == a.dtype
    bound = 4.5 * np.finfo(a.dtype).eps * np.sqrt(a.shape[1]) * (np.abs(wide) @ np.abs(other))
    assert (np.abs(got.numpy() - wide @ other) <= bound).all()


LAYOUTS = {
    "rows": lambda x: x,
    "columns": np.asfortranarray,
    "rows with gaps": lambda x: np.concatenate([x, x], axis=1)[:, : x.shape[1]],
    "columns with gaps": lambda x: np.asfortranarray(np.concatenate([x, x]))[: len(x)],
    "backwards": lambda x: np.flipud(np.flipud(x).copy()),
    "one row": lambda x: np.broadcast_to(x[0], x.shape),
    "every other": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("r, n, q", SKINNY)
def test_products_with_a_skinny_factor(rng, dtype, layout, r, n, q):
    """The large factor in any layout, and the whole product transposed."""
    small, large = rng.normal(size=(r, n)).astype(dtype), LAYOUTS[layout](rng.normal(size=(n, q)).astype(dtype))
    skinny_near(fg.asarray(small) @ fg.asarray(large), small, large)
    skinny_near(fg.asarray(np.asfortranarray(small)) @ fg.asarray(large), small, large)
    skinny_near(fg.asarray(large.T) @ fg.asarray(small.T), large.T, small.T)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("m, n, p", [(500, 10, 513), (301, 3, 1200), (131, 16, 600), (1030, 2, 520)])
def test_products_with_sums_of_few_terms(rng, dtype, m, n, p):
    for layout in LAYOUTS.values():
        a, b = layout(rng.normal(size=(m, n)).astype(dtype)), rng.normal(size=(n, p)).astype(dtype)
        skinny_near(fg.asarray(a) @ fg.asarray(b), a, b)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_skinny_product_leaves_what_is_not_finite_where_it_is(rng, dtype, order):
    """Also at the edges, which are padded with zeros: 0 * inf is not among the sums of other elements."""
    a, b = rng.normal(size=(7, 301)).astype(dtype), rng.normal(size=(301, 603)).astype(dtype, order=order)
    a[3, 300], b[300, 602], b[0, 0], b[17, 5] = np.nan, np.inf, np.inf, -np.inf
    with np.errstate(invalid="ignore"):
        y, wanted = (fg.asarray(a) @ fg.asarray(b)).numpy(), a @ b
        z = (fg.asarray(b.T) @ fg.asarray(a.T)).numpy()
    for found in (y, z.T):
        np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
        np.testing.assert_array_equal(found[np.isinf(wanted)], wanted[np.isinf(wanted)])
        assert np.isfinite(found[np.isfinite(wanted)]).all()


def test_a_skinny_product_is_the_same_each_time(rng):
    a, b = plain(rng, 10, 777), plain(rng, 777, 333)
    first = (fg.asarray(a) @ fg.asarray(b)).numpy()
    for start in range(1, 4):  # wherever the factors begin in memory
        moved = np.empty(b.size + start)[start:].reshape(b.shape)
        moved[...] = b
        np.testing.assert_array_equal((fg.asarray(a) @ fg.asarray(moved)).numpy(), first)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_of_a_linear_classifier(rng, dtype):
    """Both layouts of the notes: weights times columns of data, and rows of data times weights."""
    w, x = rng.normal(size=(10, 513)).astype(dtype), rng.normal(size=(513, 250)).astype(dtype)
    g = rng.normal(size=(10, 250)).astype(dtype)
    w1, x1 = fg.tensor(w, requires_grad=True), fg.tensor(x, requires_grad=True)
    (w1 @ x1).backward(g)
    skinny_near(w1.grad, g, x.T)
    skinny_near(x1.grad, w.T, g)
    w2, x2 = fg.tensor(w.T.copy(), requires_grad=True), fg.tensor(x.T.copy(), requires_grad=True)
    (x2 @ w2).backward(g.T.copy())
    skinny_near(w2.grad, x, g.T)
    skinny_near(x2.grad, g.T, w)


C, H, W = (np.random.default_rng(3).normal(size=shape) for shape in ((3, 4), (3, 2), (7, 5)))


@pytest.mark.parametrize("also_used", [False, True])
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1)])
def test_products_of_joined_matrices_find_the_one_part_that_has_a_gradient(order, also_used):
    """The layer of a recurrent network, [x, h, 1] @ w: only the columns of `h` of the cotangent are computed."""

    def joined(h):
        parts = (C, h, np.ones((3, 1)))
        return fg.concat([fg.asarray(parts[k]) for k in order], axis=1)

    def f(h, w):
        z = joined(h)
        return (np.tanh(z @ w) ** 2).sum() + (np.sin(z).sum() if also_used else 0.0)

    h, w = fg.tensor(H, requires_grad=True), fg.tensor(W, requires_grad=True)
    f(h, w).backward()
    z = joined(H).numpy()
    a = np.tanh(z @ W)
    g = 2 * a * (1 - a**2)
    gz = g @ W.T + (np.cos(z) if also_used else 0.0)
    first = {(0, 1, 2): 4, (1, 0, 2): 0, (2, 0, 1): 5}[order]
    np.testing.assert_allclose(w.grad.numpy(), z.T @ g, rtol=1e-12)
    np.testing.assert_allclose(h.grad.numpy(), gz[:, first : first + 2], rtol=1e-12)


def test_the_whole_cotangent_of_joined_matrices_can_be_asked_for():
    h = fg.tensor(H, requires_grad=True)
    z = fg.concat([fg.asarray(C), h, fg.asarray(np.ones((3, 1)))], axis=1)
    seen = []
    z.register_hook(lambda g: seen.append(g.numpy()))
    z.retain_grad()
    (z @ W).sum().backward(retain_graph=True)
    np.testing.assert_allclose(z.grad.numpy(), np.ones((3, 5)) @ W.T)
    np.testing.assert_array_equal(seen[0], z.grad.numpy())
    gz, gh = fg.gradients([(z @ W).sum()], [z, h])
    np.testing.assert_allclose(gz.numpy(), np.ones((3, 5)) @ W.T)
    np.testing.assert_allclose(gh.numpy(), gz.numpy()[:, 4:6])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("lead", [(), (1,), (3,), (2, 3), (0,)])
@pytest.mark.parametrize("m, p", [(1, 1), (1, 5), (7, 1), (13, 9), (0, 2)])
def test_columns_times_rows(dtype, lead, m, p):
    """Sums of one product each, rounded once: equal to products of the elements, whatever the strides."""
    rng = np.random.default_rng(6)
    a, b = rng.normal(size=(*lead, m, 4)).astype(dtype), rng.normal(size=(*lead, 4, p)).astype(dtype)
    a[..., :1, :] = 0.0
    columns = np.swapaxes(np.swapaxes(b, -1, -2).copy(), -1, -2)
    for left in (a[..., 1:2], np.ascontiguousarray(a[..., 1:2])):
        for right in (b[..., 1:2, :], b[..., ::-1][..., 1:2, :], columns[..., 1:2, :]):
            y = (fg.asarray(left) @ fg.asarray(right)).numpy()
            np.testing.assert_array_equal(y, left * right)
            assert not np.signbit(y[y == 0]).any()


def test_a_column_times_a_row_that_is_not_finite():
    a, b = np.array([[1.0], [0.0], [np.inf]]), np.array([[2.0, np.nan, np.inf]])
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal((fg.asarray(a) @ fg.asarray(b)).numpy(), a * b)


def test_gradients_of_the_weights_of_single_rows(rng):
    """One matrix per row, in a stack, as `vmap` computes them, and summed where the matrix is shared."""
    x, w, g = plain(rng, 6, 5), rng.normal(size=(6, 5, 4)), rng.normal(size=(6, 1, 4))
    leaf = fg.tensor(w, requires_grad=True)
    (fg.asarray(x[:, None, :]) @ leaf).backward(g)
    np.testing.assert_array_equal(leaf.grad.numpy(), x[:, :, None] * g)
