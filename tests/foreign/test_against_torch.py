"""Every name of PyTorch that works here gives PyTorch's values, shapes and gradients."""

import numpy as np
import pytest

import fastgrad as fg

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(0)
A = RNG.uniform(0.2, 0.9, (3, 4))
B = RNG.uniform(0.2, 0.9, (3, 4))
S = RNG.uniform(0.2, 0.9, (4, 4))
STACK = RNG.uniform(0.2, 0.9, (2, 3, 4))
INDEX = np.array([[0, 2, 1], [3, 3, 0]])
PERMUTED = np.array([[0, 1, 2, 3], [3, 1, 0, 2], [1, 0, 3, 2]])
MASK = A > 0.5


def both(call, *arrays):
    """Return the results and gradients of a call with each library as `t`, and arrays as its tensors."""
    results = []
    for t in (fg, torch):
        xs = [t.tensor(a, requires_grad=True) for a in arrays]
        y = call(t, *xs)
        parts = y if isinstance(y, (tuple, list)) else (y,)
        loss = sum((part.double() ** 2).sum() * (k + 1.0) for k, part in enumerate(parts) if part.requires_grad)
        if not isinstance(loss, int):
            loss.backward()
        grads = [None if x.grad is None else np.array(x.grad.numpy()) for x in xs]
        results.append(([np.array(part.detach().numpy()) for part in parts], grads))
    return results


def agree(call, *arrays):
    ours, theirs = both(call, *arrays)
    for a, b in zip(ours[0], theirs[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
        assert a.dtype == b.dtype
    for a, b in zip(ours[1], theirs[1], strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


FUNCTIONS = {
    "unsqueeze": lambda t, x, y: t.unsqueeze(x, 1),
    "cat": lambda t, x, y: t.cat([x, y], dim=1),
    "cat positional": lambda t, x, y: t.cat((x, y), 1),
    "stack": lambda t, x, y: t.stack([x, y], dim=-1),
    "clamp": lambda t, x, y: t.clamp(x, 0.3, 0.6),
    "clamp keywords": lambda t, x, y: t.clamp(x, min=0.4),
    "mul": lambda t, x, y: t.mul(x, y),
    "div": lambda t, x, y: t.div(x, y, rounding_mode="floor"),
    "sub": lambda t, x, y: t.sub(x, y, alpha=2),
    "neg": lambda t, x, y: t.neg(x),
    "pow": lambda t, x, y: t.pow(x, 3),
    "rsqrt": lambda t, x, y: t.rsqrt(x),
    "logit": lambda t, x, y: t.logit(x),
    "lerp": lambda t, x, y: t.lerp(x, y, 0.25),
    "masked_fill": lambda t, x, y: t.masked_fill(x, t.tensor(MASK), -1.0),
    "masked_select": lambda t, x, y: t.masked_select(x, t.tensor(MASK)),
    "gather": lambda t, x, y: t.gather(x, 1, t.tensor(INDEX)),
    "index_select": lambda t, x, y: t.index_select(x, 1, t.tensor([2, 0])),
    "scatter": lambda t, x, y: t.scatter(x, 1, t.tensor(PERMUTED), y),
    "narrow": lambda t, x, y: t.narrow(x, 1, 1, 2),
    "select": lambda t, x, y: t.select(x, 1, 2),
    "chunk": lambda t, x, y: t.chunk(x, 3, dim=1),
    "unbind": lambda t, x, y: t.unbind(x, dim=1),
    "permute": lambda t, x, y: t.permute(x, (1, 0)),
    "t": lambda t, x, y: t.t(x),
    "transpose": lambda t, x, y: t.transpose(x, 0, 1),
    "movedim": lambda t, x, y: t.movedim(x, 0, 1),
    "swapdims": lambda t, x, y: t.swapdims(x, 0, 1),
    "row_stack": lambda t, x, y: t.row_stack((x, y)),
    "take_along_dim": lambda t, x, y: t.take_along_dim(x, t.tensor(INDEX[:, :1]).t().repeat(3, 1, 1)[0].t()[:1], dim=1),
    "unflatten": lambda t, x, y: t.unflatten(x, 1, (2, 2)),
    "flatten": lambda t, x, y: t.flatten(x),
    "squeeze": lambda t, x, y: t.squeeze(t.unsqueeze(x, 0), dim=0),
    "sum": lambda t, x, y: t.sum(x, dim=1),
    "sum keepdim": lambda t, x, y: t.sum(x, dim=(0, 1), keepdim=True),
    "mean": lambda t, x, y: t.mean(x, dim=0, keepdim=True),
    "prod": lambda t, x, y: t.prod(x, dim=1),
    "max": lambda t, x, y: t.max(x, dim=1),
    "max keepdim": lambda t, x, y: t.max(x, dim=0, keepdim=True),
    "min": lambda t, x, y: t.min(x, dim=-1),
    "amax": lambda t, x, y: t.amax(x, dim=1),
    "amin": lambda t, x, y: t.amin(x, dim=(0, 1)),
    "argmax": lambda t, x, y: t.argmax(x, dim=1),
    "argmin": lambda t, x, y: t.argmin(x, dim=0, keepdim=True),
    "argsort": lambda t, x, y: t.argsort(x, dim=0, descending=True),
    "any": lambda t, x, y: t.any(x > 0.8, dim=1),
    "all": lambda t, x, y: t.all(x > 0.3, dim=1, keepdim=True),
    "std": lambda t, x, y: t.std(x, dim=0),
    "std unbiased": lambda t, x, y: t.std(x, dim=0, unbiased=False),
    "var": lambda t, x, y: t.var(x, dim=(0, 1), keepdim=True),
    "var correction": lambda t, x, y: t.var(x, dim=1, correction=0),
    "var_mean": lambda t, x, y: t.var_mean(x, dim=1),
    "std_mean": lambda t, x, y: t.std_mean(x, dim=1, keepdim=True),
    "median": lambda t, x, y: t.median(x, dim=1),
    "median of all": lambda t, x, y: x.median(),
    "topk": lambda t, x, y: t.topk(x, 2, dim=1),
    "topk smallest": lambda t, x, y: t.topk(x, 2, dim=0, largest=False),
    "cumsum": lambda t, x, y: t.cumsum(x, dim=1),
    "cumprod": lambda t, x, y: t.cumprod(x, dim=0),
    "logsumexp": lambda t, x, y: t.logsumexp(x, dim=1, keepdim=True),
    "softmax": lambda t, x, y: t.softmax(x, dim=0),
    "log_softmax": lambda t, x, y: t.log_softmax(x, dim=1),
    "norm": lambda t, x, y: t.norm(x, dim=1),
    "norm p": lambda t, x, y: t.norm(x, p=1, dim=1, keepdim=True),
    "norm p of all": lambda t, x, y: t.norm(x, p=2),
    "flip": lambda t, x, y: t.flip(x, dims=(0,)),
    "roll": lambda t, x, y: t.roll(x, 1, dims=1),
    "eq": lambda t, x, y: t.eq(x, x),
    "ne": lambda t, x, y: t.ne(x, y),
    "lt": lambda t, x, y: t.lt(x, y),
    "le": lambda t, x, y: t.le(x, y),
    "gt": lambda t, x, y: t.gt(x, y),
    "ge": lambda t, x, y: t.ge(x, y),
    "clone": lambda t, x, y: t.clone(x),
    "where": lambda t, x, y: t.where(x > y, x, y),
    "erf": lambda t, x, y: t.erf(x),
    "complex": lambda t, x, y: t.complex(x, y).abs(),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    agree(FUNCTIONS[name], A, B)


def test_products():
    agree(lambda t, x, y: t.mm(x, y.t()), A, B)
    agree(lambda t, x, y: t.bmm(x, y.transpose(1, 2)), STACK, STACK)
    agree(lambda t, x, y: t.mv(x, y[0]), S, S)
    agree(lambda t, x, y: t.ger(x[0], y[1]), A, B)
    agree(lambda t, x, y: t.addmm(x, y, y, beta=0.5, alpha=2), S, S)


METHODS = {
    "view": lambda t, x: x.view(-1, 2, 3),
    "view size": lambda t, x: x.view(x.shape[0], -1),
    "view_as": lambda t, x: x.view_as(t.zeros(2, 12)),
    "reshape_as": lambda t, x: x.reshape_as(t.zeros(12, 2)),
    "unsqueeze": lambda t, x: x.unsqueeze(-1),
    "permute": lambda t, x: x.permute(2, 0, 1),
    "transpose": lambda t, x: x.transpose(1, 2),
    "transpose negative": lambda t, x: x.transpose(-1, 0),
    "swapaxes": lambda t, x: x.swapaxes(0, 2),
    "expand": lambda t, x: x[:, :, :1].expand(-1, 3, 5),
    "expand_as": lambda t, x: x[:1].expand_as(x),
    "repeat": lambda t, x: x.repeat(2, 1, 3),
    "tile": lambda t, x: x.tile(2, 1),
    "contiguous": lambda t, x: x.transpose(0, 1).contiguous(),
    "unflatten": lambda t, x: x.unflatten(2, (2, 2)),
    "flatten": lambda t, x: x.flatten(1),
    "flatten end": lambda t, x: x.flatten(start_dim=0, end_dim=1),
    "split": lambda t, x: x.split(2, dim=2),
    "split sizes": lambda t, x: x.split([1, 3], dim=2),
    "chunk": lambda t, x: x.chunk(2, dim=1),
    "narrow": lambda t, x: x.narrow(2, 1, 2),
    "select": lambda t, x: x.select(1, 2),
    "unbind": lambda t, x: x.unbind(dim=0),
    "sum": lambda t, x: x.sum(dim=1),
    "sum both": lambda t, x: x.sum(dim=(0, 2), keepdim=True),
    "sum positional": lambda t, x: x.sum(1),
    "mean": lambda t, x: x.mean(dim=-1, keepdim=True),
    "prod": lambda t, x: x.prod(dim=1),
    "max": lambda t, x: x.max(dim=1),
    "max keepdim": lambda t, x: x.max(1, keepdim=True),
    "min": lambda t, x: x.min(dim=2, keepdim=True),
    "amax": lambda t, x: x.amax(dim=(0, 1)),
    "argmax": lambda t, x: x.argmax(dim=1),
    "std": lambda t, x: x.std(dim=1, keepdim=True),
    "std unbiased": lambda t, x: x.std(unbiased=False),
    "var": lambda t, x: x.var(dim=0),
    "softmax": lambda t, x: x.softmax(dim=1),
    "log_softmax": lambda t, x: x.log_softmax(dim=-1),
    "logsumexp": lambda t, x: x.logsumexp(dim=1),
    "cumsum": lambda t, x: x.cumsum(dim=1),
    "median": lambda t, x: x.median(dim=1),
    "topk": lambda t, x: x.topk(2),
    "norm": lambda t, x: x.norm(),
    "norm p": lambda t, x: x.norm(1),
    "norm dim": lambda t, x: x.norm(p=2, dim=1, keepdim=True),
    "norm p dim": lambda t, x: x.norm(p=3, dim=2),
    "norm keepdim": lambda t, x: x.norm(keepdim=True),
    "norm fro": lambda t, x: x.norm("fro"),
    "pow": lambda t, x: x.pow(2),
    "clamp": lambda t, x: x.clamp(min=0.3, max=0.5),
    "add alpha": lambda t, x: x.add(x, alpha=3),
    "sub": lambda t, x: x.sub(1.5),
    "mul": lambda t, x: x.mul(2.5),
    "div": lambda t, x: x.div(4),
    "div trunc": lambda t, x: x.div(0.2, rounding_mode="trunc"),
    "matmul": lambda t, x: x.matmul(x.transpose(1, 2)),
    "bmm": lambda t, x: x.bmm(x.transpose(1, 2)),
    "lerp": lambda t, x: x.lerp(x * 2, 0.5),
    "masked_fill": lambda t, x: x.masked_fill(x > 0.5, 0.0),
    "masked_select": lambda t, x: x.masked_select(x > 0.5),
    "gather": lambda t, x: x.gather(2, t.tensor([[[0, 1], [2, 3]]])),
    "index_select": lambda t, x: x.index_select(1, t.tensor([0, 2, 0])),
    "float": lambda t, x: x.float(),
    "double": lambda t, x: x.double(),
    "long": lambda t, x: (x * 10).long(),
    "int": lambda t, x: (x * 10).int(),
    "bool": lambda t, x: (x > 0.5).bool(),
    "type": lambda t, x: x.type(t.float32),
    "type of class": lambda t, x: x.type(t.DoubleTensor),
    "type of name": lambda t, x: x.type("torch.FloatTensor"),
    "type_as": lambda t, x: x.type_as(t.zeros(2, dtype=t.float32)),
    "to": lambda t, x: x.to(t.float32),
    "to device": lambda t, x: x.to(t.device("cpu"), t.float64),
    "to tensor": lambda t, x: x.to(t.zeros(1, dtype=t.float32)),
    "cpu": lambda t, x: x.cpu().to("cpu"),
    "new_zeros": lambda t, x: x.new_zeros(2, 3),
    "new_ones": lambda t, x: x.new_ones((2, 3)),
    "new_full": lambda t, x: x.new_full((2,), 3.0),
    "new_tensor": lambda t, x: x.new_tensor([1.0, 2.0]),
    "data": lambda t, x: x.data * 2,
    "logit": lambda t, x: x.logit(),
    "log2": lambda t, x: x.log2(),
    "floor": lambda t, x: (x * 5).floor(),
    "eq": lambda t, x: x.eq(x[0]),
    "triu": lambda t, x: x.triu(1),
    "diagonal": lambda t, x: x[0].diagonal(),
    "flip": lambda t, x: x.flip(0),
    "take": lambda t, x: x.take(t.tensor([1, 5, 2])),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods(name):
    agree(METHODS[name], STACK)


INPLACE = {
    "add_": lambda t, x, y: x.add_(y, alpha=2),
    "sub_": lambda t, x, y: x.sub_(y),
    "mul_": lambda t, x, y: x.mul_(y),
    "div_": lambda t, x, y: x.div_(y),
    "div_ floor": lambda t, x, y: x.div_(y, rounding_mode="floor"),
    "pow_": lambda t, x, y: x.pow_(3),
    "addcmul_": lambda t, x, y: x.addcmul_(y, y, value=0.5),
    "addcdiv_": lambda t, x, y: x.addcdiv_(y, y + 1, value=2.0),
    "lerp_": lambda t, x, y: x.lerp_(y, 0.25),
    "abs_": lambda t, x, y: x.neg_().abs_(),
    "exp_": lambda t, x, y: x.exp_(),
    "log_": lambda t, x, y: x.log_(),
    "sqrt_": lambda t, x, y: x.sqrt_(),
    "square_": lambda t, x, y: x.square_(),
    "sin_": lambda t, x, y: x.sin_(),
    "cos_": lambda t, x, y: x.cos_(),
    "tanh_": lambda t, x, y: x.tanh_(),
    "sigmoid_": lambda t, x, y: x.sigmoid_(),
    "relu_": lambda t, x, y: x.sub_(0.5).relu_(),
    "reciprocal_": lambda t, x, y: x.reciprocal_(),
    "clamp_": lambda t, x, y: x.clamp_(0.3, 0.7),
    "clamp_min_": lambda t, x, y: x.clamp_min_(0.5),
    "clamp_max_": lambda t, x, y: x.clamp_max_(0.5),
    "fill_": lambda t, x, y: x.fill_(2.0).mul_(y),
    "zero_": lambda t, x, y: x.zero_().add_(y),
    "copy_": lambda t, x, y: x.copy_(y),
    "masked_fill_": lambda t, x, y: x.masked_fill_(t.tensor(MASK), 0.0),
    "index_fill_": lambda t, x, y: x.index_fill_(1, t.tensor([0, 2]), 1.0),
    "scatter_": lambda t, x, y: x.scatter_(1, t.tensor(PERMUTED), y),
    "scatter_ number": lambda t, x, y: x.scatter_(1, t.tensor([[0], [2], [1]]), 1.0),
    "scatter_add_": lambda t, x, y: x.scatter_add_(1, t.tensor(PERMUTED % 3), y),
    "index_add_": lambda t, x, y: x.index_add_(0, t.tensor([0, 2, 0]), y, alpha=2),
    "tril_": lambda t, x, y: x.tril_(),
    "round_": lambda t, x, y: x.round_(),
}


@pytest.mark.parametrize("name", INPLACE)
def test_inplace_methods_are_recorded(name):
    agree(lambda t, x, y: INPLACE[name](t, x * 1.5, y * 1.0), A, B)


@pytest.mark.parametrize("name", INPLACE)
def test_inplace_methods_write_leaves_under_no_grad_only(name):
    for t in (fg, torch):
        x = t.tensor(A, requires_grad=True)
        with pytest.raises((fg.MutationError, RuntimeError), match=r"in-place"):
            INPLACE[name](t, x, t.tensor(B))
        with t.no_grad():
            assert INPLACE[name](t, x, t.tensor(B)) is x
        assert x.is_leaf and x.requires_grad


@pytest.mark.parametrize("name", [name for name in INPLACE if name not in ("fill_", "zero_", "copy_")])
def test_an_inplace_method_never_gives_a_silently_wrong_gradient(name):
    x = fg.tensor(A, requires_grad=True)
    z = x * 1.5
    loss = (z * z).sum()
    INPLACE[name](fg, z, fg.tensor(B))
    try:
        loss.backward()
    except fg.MutationError as error:
        assert "overwritten in place" in str(error)
    else:
        np.testing.assert_allclose(x.grad.numpy(), 4.5 * A)


def test_creation():
    for t in (fg, torch):
        assert t.zeros(2, 3).shape == t.zeros((2, 3)).shape == (2, 3)
        assert t.ones(2, 3, dtype=t.float32).dtype == t.float32
        assert t.full((2,), 3.0, device="cpu").tolist() == [3.0, 3.0]
        assert t.zeros_like(t.ones(2), device=t.device("cpu"), requires_grad=True).requires_grad
        assert t.linspace(0, 1, steps=3).tolist() == t.linspace(0, 1, 3).tolist() == [0.0, 0.5, 1.0]
        assert t.eye(2, device="cpu", dtype=t.float64).sum().item() == 2.0
        assert t.arange(3, dtype=t.float32, device="cpu").tolist() == [0.0, 1.0, 2.0]
        assert t.tensor([1, 2], device="cpu", dtype=t.long).dtype == t.int64
        assert t.Tensor([1, 2]).tolist() == t.FloatTensor([1, 2]).tolist() == [1.0, 2.0]
        assert t.Tensor(2, 3).shape == (2, 3) and t.LongTensor([1]).dtype == t.int64
        assert t.from_numpy(A).shape == t.as_tensor(A).shape == (3, 4)
        assert t.is_tensor(t.ones(1)) and not t.is_tensor(A)
        assert t.numel(t.ones(2, 3)) == t.ones(2, 3).numel() == t.ones(2, 3).nelement() == 6
        assert t.ones(2, 3).dim() == t.ones(2, 3).ndimension() == 2
        assert t.is_floating_point(t.ones(1)) and not t.ones(1).long().is_floating_point()
        assert not t.ones(1).is_cuda and t.ones(1).element_size() == t.ones(1).itemsize
        assert t.cuda.is_available() is False and t.cuda.device_count() == 0
        assert t.device("cpu").type == "cpu" and t.ones(1).device == t.device("cpu")


def test_random_tensors():
    fg.manual_seed(3)
    first = fg.randn(2, 3), fg.rand((2,)), fg.randint(5, (4,)), fg.randperm(5), fg.normal(0.0, 1.0, (2,))
    fg.manual_seed(3)
    again = fg.randn(2, 3), fg.rand((2,)), fg.randint(5, (4,)), fg.randperm(5), fg.normal(0.0, 1.0, (2,))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert sorted(first[3].tolist()) == [0, 1, 2, 3, 4]
    assert fg.randn(()).shape == () and fg.randn(2, dtype=fg.float32, requires_grad=True).requires_grad
    one = fg.rand(3, generator=fg.Generator().manual_seed(1))
    assert one.tolist() == fg.rand(3, generator=fg.Generator().manual_seed(1)).tolist()
    assert fg.bernoulli(fg.tensor([0.0, 1.0])).tolist() == [0.0, 1.0]
    assert fg.multinomial(fg.tensor([0.0, 2.0, 0.0]), 3, replacement=True).tolist() == [1, 1, 1]
    assert fg.multinomial(fg.tensor([[0.0, 1.0], [3.0, 0.0]]), 1).tolist() == [[1], [0]]
    x = fg.zeros(1000, dtype=fg.float32)
    assert abs(x.normal_(2, 0.5).mean().item() - 2) < 0.1 and abs(x.uniform_(-1, 1).mean().item()) < 0.1
    assert set(x.bernoulli_(0.5).tolist()) == {0.0, 1.0} and x.exponential_().min().item() >= 0
    assert set(x.random_(3).tolist()) == {0.0, 1.0, 2.0}
    like = fg.randn_like(x), fg.rand_like(x), fg.randint_like(x, 3)
    assert all(y.dtype == fg.float32 and y.shape == x.shape for y in like)


def test_backward_takes_the_gradient_by_pytorchs_name():
    agree(lambda t, x: x * 1.0, A)
    for t in (fg, torch):
        x = t.tensor(A, requires_grad=True)
        (x * 2).backward(gradient=t.tensor(B))
        np.testing.assert_array_equal(x.grad.numpy(), 2 * B)


def test_data_is_written_without_recording():
    for t in (fg, torch):
        w = t.tensor(A, requires_grad=True)
        (w * w).sum().backward()
        w.data -= 0.5 * w.grad.data
        w.grad.data.zero_()
        np.testing.assert_allclose(w.data.numpy(), 0.0, atol=1e-15)
        w.data = t.tensor(B)
        w.data.add_(1.0)
        np.testing.assert_array_equal(w.detach().numpy(), B + 1.0)
        assert w.requires_grad and w.is_leaf and w.grad.sum().item() == 0.0
    x = fg.tensor(A, requires_grad=True)
    loss = (x * x).sum()
    x.data.zero_()
    with pytest.raises(fg.MutationError, match="overwritten in place"):
        loss.backward()
    with pytest.raises(fg.ShapeError, match=r"in-place 'x\.data = value' gives shape"):
        x.data = fg.zeros(2)
    with pytest.raises(fg.DTypeError, match=r"in-place 'x\.data = value' gives float32"):
        x.data = fg.zeros(3, 4, dtype=fg.float32)


def test_modes():
    for t in (fg, torch):
        x = t.tensor(A, requires_grad=True)
        with t.set_grad_enabled(False):
            assert not (x * 2).requires_grad
            with t.set_grad_enabled(True):
                assert (x * 2).requires_grad
        assert (x * 2).requires_grad
        t.set_grad_enabled(False)
        assert not (x * 2).requires_grad
        t.set_grad_enabled(True)
        assert (x * 2).requires_grad
        with t.inference_mode():
            assert not (x * 2).requires_grad


def test_grad_fn():
    x = fg.tensor(A, requires_grad=True)
    y = (x * 2).exp()
    assert x.grad_fn is None and y.grad_fn.name() == "exp" and repr(y.grad_fn) == "<GradFn exp>"
    assert y.grad_fn.next_functions[0][0].name() == "multiply"
    assert y.grad_fn.next_functions[0][0].next_functions == ((None, 0),)
