"""Steps on several ranks are those of one process with the whole batch, and leave the same bits on every rank."""

from pathlib import Path

import pytest

from tests.parallel.ranks import needs_mpi, run

pytestmark = needs_mpi

# Every rank also trains a second model, alone, with the whole batch.
MODELS = """
def build(seed):
    rng = np.random.default_rng(seed)
    model = nn.Sequential(nn.Linear(12, 300), nn.Tanh(), nn.Linear(300, 20), nn.ReLU(), nn.Linear(20, 3))
    with fg.no_grad():
        for p in model.parameters():
            p[...] = rng.normal(size=p.shape) / 4
    return model

def twins(make, **settings):
    model = build(rank)     # of other values on every rank
    optimizer = distributed(make(model.parameters()), model=model, **settings)
    alone = build(0)
    return model, optimizer, alone, make(alone.parameters())

def equal(model, alone, tolerance=1e-12):
    for p, q in zip(model.parameters(), alone.parameters()):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-9, atol=tolerance)

def loss_of(model, x, y):
    return F.cross_entropy(model(fg.tensor(x)), fg.tensor(y))

rng = np.random.default_rng(5)
X, Y = rng.normal(size=(47, 12)), rng.integers(0, 3, 47)

def part(n, first=0):
    begin, end = (first + rank * n // size), (first + (rank + 1) * n // size)
    ranks.share = (end - begin) / n
    return slice(begin, end)
"""

STEPS = """
model, optimizer, alone, single = twins(MAKE, verify=1)
for step in range(6):
    n = 47 - step
    at = part(n)
    optimizer.zero_grad(); single.zero_grad()
    loss = loss_of(model, X[at], Y[at])
    loss.backward()
    whole = loss_of(alone, X[:n], Y[:n])
    whole.backward()
    np.testing.assert_allclose(ranks.mean(loss), whole.item(), rtol=1e-12)
    norms = [optim.clip_grad_norm_(m.parameters(), 0.05).item() for m in (model, alone)]
    np.testing.assert_allclose(*norms, rtol=1e-12)
    optimizer.step(); single.step()
equal(model, alone)
assert optimizer.steps == 6
say("done")
"""


def everywhere(ended, n):
    assert [ended.said(rank) for rank in range(n)] == [["done"]] * n


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_steps_are_those_of_one_process(n, tmp_path):
    made = "lambda params: optim.SGD(params, lr=0.1, momentum=0.9)"
    everywhere(run(MODELS + STEPS.replace("MAKE", made), n, tmp_path), n)


def test_adam_in_float32(tmp_path):
    program = """
models = [nn.Sequential(nn.Linear(40, 300, dtype=np.float32), nn.Tanh(), nn.Linear(300, 1)) for _ in range(2)]
with fg.no_grad():
    for p, q in zip(models[0].parameters(), models[1].parameters()):
        p[...] = np.random.default_rng(rank).normal(size=p.shape)
        q[...] = np.random.default_rng(0).normal(size=p.shape)
model, alone = models
optimizer = distributed(optim.Adam(model.parameters(), lr=1e-3), model=model, verify=1)
single = optim.Adam(alone.parameters(), lr=1e-3)
x = np.random.default_rng(1).normal(size=(8, 40)).astype(np.float32)
half = slice(rank * 4, rank * 4 + 4)
for step in range(3):
    optimizer.zero_grad(); single.zero_grad()
    (model(fg.tensor(x[half])) ** 2).mean().backward()
    (alone(fg.tensor(x)) ** 2).mean().backward()
    for p, q in zip(model.parameters(), alone.parameters()):
        assert p.grad.dtype == p.dtype
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=2e-5, atol=1e-5 * abs(q.grad.numpy()).max())
    optimizer.step(); single.step()
say("done")
"""
    everywhere(run(program, 2, tmp_path), 2)


def test_accumulation_without_communication(tmp_path):
    program = """
model, optimizer, alone, single = twins(lambda params: optim.SGD(params, lr=0.1), verify=1)
for step in range(3):
    optimizer.zero_grad(); single.zero_grad()
    for k, (first, n) in enumerate([(0, 20), (20, 7), (27, 20)]):
        at = part(n, first)
        if k < 2:
            with optimizer.local():
                loss_of(model, X[at], Y[at]).backward()
        else:
            loss_of(model, X[at], Y[at]).backward()
        loss_of(alone, X[first : first + n], Y[first : first + n]).backward()
    optimizer.step(); single.step()
equal(model, alone)
# two passes that are both averaged, and one that begins with averages
optimizer.zero_grad(); single.zero_grad()
for first, n in [(0, 20), (20, 27)]:
    at = part(n, first)
    loss_of(model, X[at], Y[at]).backward()
    loss_of(alone, X[first : first + n], Y[first : first + n]).backward()
optimizer.step(); single.step()
equal(model, alone)
optimizer.check()
say("done")
"""
    everywhere(run(MODELS + program, 3, tmp_path), 3)


def test_parameters_that_only_some_ranks_use(tmp_path):
    program = """
a, b, c, big = (fg.tensor(np.full(n, 1.0 + rank), requires_grad=True) for n in (1, 3, 2, 9000))
optimizer = distributed(optim.Adam([a, b, c, big], lr=0.1), verify=1)
assert a.numpy().item() == 1.0 and big.numpy().max() == 1.0
loss = (a * a).sum() if rank else (a * a).sum() + (b * 2).sum() + (big * 4).sum()
loss.backward()
np.testing.assert_allclose(a.grad.numpy(), 2.0)
np.testing.assert_allclose(b.grad.numpy(), 2.0 / size)
np.testing.assert_allclose(big.grad.numpy(), 4.0 / size)
assert c.grad is None
optimizer.step()
np.testing.assert_array_equal(c.numpy(), 1.0)
assert len(optimizer.state_dict()["state"]) == 3
(big.sum() * rank).backward()       # in addition to what is there
np.testing.assert_allclose(big.grad.numpy(), 4.0 / size + sum(range(size)) / size)
np.testing.assert_allclose(b.grad.numpy(), 2.0 / size)
optimizer.zero_grad()
with optimizer.local():
    if rank == 0:
        (b * 6).sum().backward()
(a * 5).sum().backward()
np.testing.assert_allclose(b.grad.numpy(), 6.0 / size)
np.testing.assert_allclose(a.grad.numpy(), 5.0)
optimizer.step()
say("done")
"""
    everywhere(run(program, 3, tmp_path), 3)


def test_shared_and_uniform_gradients(tmp_path):
    """Cotangents that share memory with one another, or are one number for all elements."""
    program = """
rng = np.random.default_rng(0)
for n in (1, 5, 20000):
    p, q, r = (fg.tensor(rng.normal(size=n), requires_grad=True) for _ in range(3))
    optimizer = distributed(optim.SGD([p, q, r], lr=0.1))
    ((p + q) * (1.0 + rank) + r).sum().backward()
    mean = sum(1.0 + k for k in range(size)) / size
    for x, g in (p, mean), (q, mean), (r, 1.0):
        np.testing.assert_allclose(x.grad.numpy(), np.full(n, g))
    p.grad[...] = 7.0
    assert q.grad.numpy().max() < 7.0
    (p + q).sum().backward()
    np.testing.assert_allclose(p.grad.numpy(), 8.0)
    np.testing.assert_allclose(q.grad.numpy(), mean + 1)
    optimizer.zero_grad()
    (p.sum() * p.sum()).backward()
    np.testing.assert_allclose(p.grad.numpy(), 2 * p.numpy().sum(), rtol=1e-12)
    optimizer.step()
say("done")
"""
    everywhere(run(program, 2, tmp_path), 2)


def test_hooks_frozen_parameters_and_transforms_go_on_working(tmp_path):
    program = """
w = fg.tensor(np.ones(4), requires_grad=True)
v = fg.tensor(np.ones(4), requires_grad=True)
optimizer = distributed(optim.SGD([w, v], lr=0.1))
with w.register_hook(lambda g: g * 3):
    (w * (1.0 + rank)).sum().backward()
np.testing.assert_allclose(w.grad.numpy(), 4.5)
optimizer.zero_grad()
w.requires_grad_(False)
(w * v * rank).sum().backward()
assert w.grad is None
np.testing.assert_allclose(v.grad.numpy(), 0.5)
w.requires_grad_(True)
(w * rank).sum().backward()
np.testing.assert_allclose(w.grad.numpy(), 0.5)
(g,) = fg.gradients([(w * (1.0 + rank)).sum()], [w])
np.testing.assert_allclose(g.numpy(), 1.0 + rank)     # this rank's own
np.testing.assert_allclose(ranks.mean(g), 1.5)
assert ranks.sum({"a": [rank, 2.5], "b": None}) == {"a": [1.0, 5.0], "b": None}
try:
    (w * w).sum().backward(create_graph=True)
except fg.BackwardError as error:
    assert "ranks.mean" in str(error)
    say("done")
"""
    everywhere(run(program, 2, tmp_path), 2)


def test_lbfgs_decides_alike_on_all_ranks(tmp_path):
    program = """
model, optimizer, alone, single = twins(lambda p: optim.LBFGS(p, line_search_fn="strong_wolfe", max_iter=5), verify=1)
at = part(47)
def closure():
    optimizer.zero_grad()
    loss = loss_of(model, X[at], Y[at])
    loss.backward()
    return loss
def closure_alone():
    single.zero_grad()
    loss = loss_of(alone, X, Y)
    loss.backward()
    return loss
for _ in range(2):
    optimizer.step(closure)
    single.step(closure_alone)
equal(model, alone, 1e-7)
say("done")
"""
    everywhere(run(MODELS + program, 2, tmp_path), 2)


def test_a_compiled_step(tmp_path):
    program = """
model, optimizer, alone, single = twins(lambda params: optim.Adam(params, lr=0.01), verify=1)
@fg.compile
def step(x, y):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optim.clip_grad_norm_(model.parameters(), 0.05)
    optimizer.step()
    return loss
@fg.compile
def accumulated(x, y):
    optimizer.zero_grad()
    with optimizer.local():
        F.cross_entropy(model(x), y).backward()
    F.cross_entropy(model(2 * x), y).backward()
    optimizer.step()
at = part(40)
for k in range(6):
    loss = step(X[at], Y[at])
    accumulated(X[at], Y[at])
    single.zero_grad()
    whole = loss_of(alone, X[:40], Y[:40])
    whole.backward()
    np.testing.assert_allclose(ranks.mean(loss), whole.item(), rtol=1e-9)
    optim.clip_grad_norm_(alone.parameters(), 0.05)
    single.step()
    single.zero_grad()
    loss_of(alone, X[:40], Y[:40]).backward()
    loss_of(alone, 2 * X[:40], Y[:40]).backward()
    single.step()
equal(model, alone, 1e-9)
assert optimizer.steps == 12
say("done")
"""
    everywhere(run(MODELS + program, 2, tmp_path), 2)


def test_schedulers_states_and_groups(tmp_path):
    program = """
w = fg.tensor(np.full(3, 1.0 + rank), requires_grad=True)
inner = optim.Adam([w], lr=0.1)
if rank == 0:       # a state that was loaded on rank 0 alone
    (w * w).sum().backward()
    inner.step()
optimizer = distributed(inner, verify=1)
assert inner.state_dict()["state"][0]["step"] == 1
schedule = optim.StepLR(optimizer, 1, gamma=0.5)
v = fg.tensor(np.full(2, 5.0 + rank), requires_grad=True)
optimizer.add_param_group({"params": [v], "lr": 0.2})
np.testing.assert_array_equal(v.numpy(), 5.0)
for _ in range(2):
    optimizer.zero_grad()
    ((w * w).sum() + (v * rank).sum()).backward()
    np.testing.assert_allclose(v.grad.numpy(), 0.5)
    optimizer.step()
    schedule.step()
assert [group["lr"] for group in optimizer.param_groups] == [0.025, 0.05]
kept = optimizer.state_dict()
optimizer.load_state_dict(kept)
assert isinstance(optimizer, optim.Optimizer) and "lr: 0.025" in repr(optimizer)
say("done")
"""
    everywhere(run(program, 2, tmp_path), 2)


def test_a_gradient_that_the_user_has_set_before_a_program(tmp_path):
    program = """
w, v = (fg.tensor(np.ones((3, 4)), requires_grad=True) for _ in range(2))
optimizer = distributed(optim.SGD([w, v], lr=0.1))
given = np.full((4, 3), 10.0)
step = fg.compile(lambda x: (w * x).sum().backward())
for _ in range(3):
    w.grad = fg.tensor(given.T.copy()).T.T
    step(fg.tensor(np.full((3, 4), 1.0 + rank)))
    np.testing.assert_allclose(w.grad.numpy(), 11.5)
    w.grad = given.T
    step(fg.tensor(np.full((3, 4), 1.0 + rank)))
    np.testing.assert_allclose(w.grad.numpy(), 11.5)
    assert v.grad is None
say("done")
"""
    everywhere(run(program, 2, tmp_path), 2)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the size of a process from /proc")
def test_many_steps_on_more_ranks_than_cores(tmp_path):
    program = """
import resource
model, x, y = build(rank), fg.tensor(X[rank::size]), Y[rank::size]
optimizer = distributed(optim.Adam(model.parameters(), lr=1e-3), model=model, verify=500)
sizes = []
for step in range(10_000):
    optimizer.zero_grad()
    F.cross_entropy(model(x), y).backward()
    optimizer.step()
    if step % 1000 == 999:
        sizes.append(int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize())
assert max(sizes[2:]) - sizes[2] < 1 << 20, sizes
say("done")
"""
    everywhere(run(MODELS + program, 4, tmp_path, timeout=600), 4)
