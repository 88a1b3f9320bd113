"""Values, gradients and second derivatives on PyTorch's own sample inputs, for every op that both have."""

from collections import Counter

import pytest

pytest.importorskip("torch")
pytest.importorskip("expecttest", reason="PyTorch's samples need it")

from tests.support import torch_samples

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
OPS = {torch_samples.name_of(op): (op, function) for op, function in torch_samples.ops()}
total: Counter = Counter()


@pytest.mark.parametrize("name", OPS)
def test_samples_agree(name):
    found = list(torch_samples.outcomes(*OPS[name]))
    count = Counter(kind for kind, _ in found)
    total.update(count)
    first = {kind: error for kind, error in reversed(found)}
    assert name in torch_samples.DIFFERENT or not count["differs"], first["differs"]
    assert name in torch_samples.PARTIAL or not count["refused"], first["refused"]


def test_the_tables_of_exceptions_name_ops():
    assert {*torch_samples.DIFFERENT, *torch_samples.PARTIAL, *torch_samples.CALLS} <= {*OPS, "equal", "batch_norm"}


def test_most_samples_agree():
    if sum(total.values()) < 1000:
        pytest.skip("the samples were not run")
    print(f"\nPyTorch's samples: {total['agrees']} agree, {total['refused']} are refused, {total['differs']} differ")
    assert total["agrees"] > 4000
