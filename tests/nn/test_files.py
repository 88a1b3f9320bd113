"""State dicts saved to files and loaded again, and the errors for files that hold none."""

import builtins
import os

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn
from fastgrad.errors import DTypeError, StateError


def network(seed=0):
    nn.seed(seed)
    return nn.Sequential(nn.Linear(3, 4, dtype=np.float32), nn.BatchNorm1d(4), nn.Embedding(3, 2))


def test_npz_there_and_back(tmp_path):
    model, other = network(), network(1)
    path = tmp_path / "model.npz"
    nn.save(model, path)
    state = nn.load(path)
    assert list(state) == list(model.state_dict())
    other.load_state_dict(state)
    for name, value in model.state_dict().items():
        got = other.state_dict()[name]
        assert got.dtype == value.dtype
        np.testing.assert_array_equal(got.numpy(), value.numpy())
    with np.load(path) as file:
        assert file["0.weight"].dtype == np.float32
    nn.save({"file": np.ones((2, 3)).T, "b": 1, "/x": fg.tensor(2.0, requires_grad=True)}, str(path))
    assert {k: v.tolist() for k, v in nn.load(path).items()} == {"file": [[1, 1]] * 3, "b": 1, "/x": 2.0}
    assert os.listdir(tmp_path) == ["model.npz"]


def test_safetensors_there_and_back(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    model, path = network(), tmp_path / "model.safetensors"
    nn.save(model.state_dict(), path)
    for name, value in numpy.load_file(path).items():
        np.testing.assert_array_equal(value, model.state_dict()[name].numpy())
    other = network(1)
    assert other.load_state_dict(nn.load(path)) == ([], [])
    np.testing.assert_array_equal(other[0].weight.detach().numpy(), model[0].weight.detach().numpy())
    path.write_bytes(b"nothing")
    with pytest.raises(StateError, match=r"model.safetensors' cannot be read as a state dict"):
        nn.load(path)


def test_without_safetensors_the_error_says_what_to_install(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("safetensors"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"need the package safetensors: run pip install safetensors, or use .*\.npz"):
        nn.save({}, tmp_path / "a.safetensors")
    with pytest.raises(ImportError, match="pip install safetensors"):
        nn.load(tmp_path / "a.safetensors")


def test_what_cannot_be_saved_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.npz"
    nn.save({"a": 1}, path)
    with pytest.raises(DTypeError, match="entry 'b' is of type str"):
        nn.save({"a": 2, "b": "text"}, path)
    with pytest.raises(DTypeError, match=r"save takes a Module or a mapping .* got list"):
        nn.save([1], path)
    with pytest.raises(StateError, match=r"must end in \.npz or \.safetensors"):
        nn.save({}, tmp_path / "a.hdf5")
    assert nn.load(path)["a"].item() == 1


def test_what_cannot_be_loaded(tmp_path):
    path = tmp_path / "a.npz"
    with pytest.raises(FileNotFoundError):
        nn.load(path)
    for content in (b"", b"PK\x03\x04 but no more", b"text"):
        path.write_bytes(content)
        with pytest.raises(StateError, match=r"a.npz' cannot be read as a state dict"):
            nn.load(path)
    np.save(tmp_path / "one.npy", np.ones(3))
    os.replace(tmp_path / "one.npy", path)
    with pytest.raises(StateError, match="one array without a name"):
        nn.load(path)
    np.savez(path, a=np.array([{}]))
    with pytest.raises(StateError, match="allow_pickle"):
        nn.load(path)
