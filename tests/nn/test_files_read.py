"""Saved values are refused or load unchanged; whatever is wrong with a file gives one error that names it."""

import io
import json
import os
import struct
import zipfile

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn
from fastgrad.errors import DTypeError, StateError

FORMATS = ["npz", "safetensors"]


@pytest.fixture(params=FORMATS)
def format(request):
    if request.param == "safetensors":
        pytest.importorskip("safetensors")
    return request.param


HELD = [np.dtype(c) for c in "?bBhHiIlLqQfdFD"]
SHAPES = [(), (0,), (3,), (2, 0, 3), (2, 3)]


@pytest.mark.parametrize("dtype", HELD, ids=str)
def test_every_dtype_and_layout_comes_back(tmp_path, format, dtype):
    path = tmp_path / f"a.{format}"
    for shape in SHAPES:
        a = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
        ways = {
            "c": a,
            "f": np.asfortranarray(a),
            "turned": a.T,
            "back": a[::-1] if shape else a,
            "tensor": fg.tensor(a),
        }
        ways["swapped"] = a.astype(dtype.newbyteorder("S"))
        if dtype == np.complex128 and format == "safetensors":
            with pytest.raises(DTypeError, match=r"entry 'c' is of dtype complex128, which \.safetensors files do not"):
                nn.save(ways, path)
            continue
        nn.save(ways, path)
        for name, got in nn.load(path).items():
            assert (got.dtype, got.shape) == (dtype, np.shape(ways[name])), name
            np.testing.assert_array_equal(got.numpy(), ways["c"] if name == "tensor" else ways[name])


@pytest.mark.parametrize("value", [
    np.ones(2, np.float16), np.ones(2, np.longdouble), np.array(["a"]), "text", b"bytes", np.array([b"a"]), None,
    np.array("2020", "M8[D]"), np.array(3, "m8[s]"), np.zeros(2, "i4,f8"), np.array([None]), [[1], [1, 2]], object(),
    np.ma.masked_array([1.0, 2.0], [True, False]), {1, 2}, 2**70,
], ids=lambda v: str(getattr(v, "dtype", type(v).__name__)))  # fmt: skip
@pytest.mark.parametrize("nested", [False, True])
def test_what_would_not_come_back_is_refused(tmp_path, format, value, nested):
    if value is np.longdouble and np.dtype(np.longdouble) == float:
        pytest.skip("long doubles are doubles here")
    path = tmp_path / f"a.{format}"
    nn.save({"kept": 1.0}, path)
    state = {"more": {"b": value}} if nested else {"b": value}
    if nested and (value is None or isinstance(value, (str, int, list))):
        nn.save(state, path)
        assert nn.load(path) == state
        return
    with pytest.raises(DTypeError, match=r"save: entry '(more\.)?b' is of (type|dtype)"):
        nn.save(state, path)
    assert list(nn.load(path)) == ["kept"]


NAMES = ["", "a", "a.npy", "a.npy.npy", ".npy", "a/b", "/a", "../a", "a\\b", "é中", "file", "arr_0", "fastgrad.json",
         " ", "a\nb", "__metadata__", "x" * 5000, "shape", "\U0001f600"]  # fmt: skip


def test_every_name_comes_back_or_is_refused(tmp_path, format):
    path = tmp_path / f"a.{format}"
    names = [name for name in NAMES if name != "__metadata__" or format == "npz"]
    nn.save({name: float(k) for k, name in enumerate(names)}, path)
    assert {name: value.item() for name, value in nn.load(path).items()} == {n: k for k, n in enumerate(names)}
    refused = {"npz": ["a\0b", "\0", "x" * 70_000, "\ud800"], "safetensors": ["__metadata__", "\ud800"]}[format]
    for name in refused:
        with pytest.raises(StateError, match="cannot name an entry"):
            nn.save({name: 1.0}, path)
    if format == "safetensors":
        nn.save({"a\0b": 1.0}, path)
        assert list(nn.load(path)) == ["a\0b"]
    with pytest.raises(DTypeError, match="entry 3 is of type"):
        nn.save({3: 1.0}, path)


def test_the_same_name_twice_is_refused(tmp_path, format):
    class Twice(dict):
        def items(self):
            return [("a", 1.0), ("a", 2.0)]

    with pytest.raises(StateError, match="'a' cannot name an entry: it occurs twice"):
        nn.save(Twice(a=1.0), tmp_path / f"a.{format}")


def npy(array, **changes):
    out = io.BytesIO()
    np.lib.format.write_array(out, np.asarray(array), allow_pickle=True)
    data = out.getvalue()
    for old, new in changes.items():
        old, new = old.encode(), new.encode()
        data = data.replace(old, new.ljust(len(old)))
    return data


def archive(path, entries, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in entries:
            with file.open(zipfile.ZipInfo(name), "w") as entry:
                entry.write(data)


ONE = npy(np.ones(3))
LONGER = b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + (
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(117) + b"\n"
)  # fmt: skip


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ([("a.npy", ONE), ("b", ONE)], r"entry 'b': it is not a \.npy"),
        ([("a.npy", ONE), ("b.npy", ONE[:-1])], r"entry 'b': shape \(3,\) of float64 does not fit"),
        ([("b.npy", ONE + b"x")], r"entry 'b': shape \(3,\) of float64 does not fit"),
        ([("b.npy", b"")], "entry 'b': "),
        ([("b.npy", b"\x93NUMPY\x07\x00")], r"entry 'b': "),
        ([("b.npy", LONGER)], r"entry 'b': shape \(1000000000000,\) of float64 does not fit"),
        ([("a.npy", ONE), ("a.npy", ONE)], "entry 'a': it occurs twice"),
        ([("b.npy", npy(np.array([{}])))], "entry 'b': it contains Python objects, .*allow_pickle"),
        ([("b.npy", npy(np.ones(2, np.float16)))], "entry 'b': it is of dtype float16, which a Tensor cannot hold"),
        ([("b.npy", npy(np.array(["x"])))], "entry 'b': it is of dtype <U1"),
        ([("b.npy", npy(np.zeros(2, "M8[s]")))], "entry 'b': it is of dtype datetime64"),
        ([("b.npy", npy(np.zeros(2, "i4,f8")))], "entry 'b': it is of dtype "),
        ([("a.npy", ONE), ("fastgrad.json", b"{")], "entry 'fastgrad.json': "),
        ([("a.npy", ONE), ("fastgrad.json", b'{"dict": []}')], "the array 'a' is not used"),
        ([("fastgrad.json", b'{"dict": [["a", {"array": "a"}]]}')], "the array 'a' is missing"),
        ([("fastgrad.json", b'{"dict": [["a", 1], ["a", 2]]}')], "the key 'a'"),
        ([("fastgrad.json", b'{"dict": [["a", {"dict": 1}]]}')], "entry 'fastgrad.json'"),
        ([("fastgrad.json", b'{"dict": [["a", {"code": 1}]]}')], "entry 'fastgrad.json'"),
        ([("fastgrad.json", b'{"list": []}')], "it is not a dict"),
        ([("fastgrad.json", b'{"dict": [["a", ' + b'{"list": [' * 100000)], "entry 'fastgrad.json'"),
        (
            [("fastgrad.json", b'{"dict": [["a", {"generator": {"dict": [["bit_generator", "os"]]}}]]}')],
            "bit generator",
        ),
        ([("fastgrad.json", b"\xff")], "entry 'fastgrad.json'"),
    ],
)
def test_an_archive_with_a_fault_is_refused_by_name(tmp_path, entries, text):
    path = tmp_path / "a.npz"
    archive(path, entries)
    with pytest.raises(StateError, match=rf"a\.npz' cannot be read as a state dict: {text}|{text}") as caught:
        nn.load(path)
    assert "a.npz" in str(caught.value)


def safetensors_of(header, data=b""):
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(header)) + header + data


F8 = {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "a header of 0 bytes in a file of 0"),
        (b"\xff" * 8, "a header of .* bytes in a file of 8"),
        (safetensors_of(b"{"), "cannot be read"),
        (safetensors_of(b"[]"), "its header is no dict"),
        (safetensors_of(b"[" * 200_000), "cannot be read"),
        (safetensors_of({"a": F8}), "entry 'a': shape .* does not fit bytes 0 to 8"),
        (safetensors_of({"a": F8}, b"x" * 9), "its arrays end at byte"),
        (safetensors_of({"a": {**F8, "data_offsets": [1, 9]}}, b"x" * 9), "do not follow one another at byte 0"),
        (safetensors_of({"a": F8, "b": F8}, b"x" * 8), "do not follow one another at byte 8"),
        (safetensors_of({"a": {**F8, "shape": [-1]}}, b"x" * 8), r"entry 'a': \[-1\] are not whole numbers"),
        (safetensors_of({"a": {**F8, "shape": [True]}}, b"x" * 8), "entry 'a': .* are not whole numbers"),
        (safetensors_of({"a": {**F8, "shape": 1}}, b"x" * 8), "entry 'a': 1 are not whole numbers"),
        (safetensors_of({"a": {**F8, "shape": [2**40]}}, b"x" * 8), "entry 'a': shape"),
        (safetensors_of({"a": {**F8, "dtype": "BF16"}}, b"x" * 8), "entry 'a': it is of dtype BF16"),
        (safetensors_of({"a": {**F8, "dtype": []}}, b"x" * 8), "entry 'a': "),
        (safetensors_of({"a": {"dtype": "F64"}}, b"x" * 8), "entry 'a': it has not dtype, shape and data_offsets"),
        (safetensors_of({"a": 3}, b"x" * 8), "entry 'a': it has not"),
        (safetensors_of(b'{"a": {}, "a": {}}'), "'a' is there twice"),
        (safetensors_of({"__metadata__": {"fastgrad.json": "{"}}), "entry 'fastgrad.json'"),
        (safetensors_of({"__metadata__": {"a": 1}}), "__metadata__ is not a dict of text"),
    ],
)
def test_safetensors_with_a_fault_are_refused_by_name(tmp_path, content, text):
    pytest.importorskip("safetensors")
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(StateError, match=text) as caught:
        nn.load(path)
    assert "a.safetensors" in str(caught.value)


def test_what_unpacks_to_more_than_the_limit_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, a=np.zeros(1 << 20))
    declared = sum(entry.file_size for entry in zipfile.ZipFile(path).infolist())
    with pytest.raises(StateError, match=rf"a.npz' .* take {declared} bytes .* limit is 8000000: .* limit={declared}"):
        nn.load(path, limit=8_000_000)
    assert nn.load(path, limit=declared)["a"].shape == (1 << 20,)
    stored = tmp_path / "b.npz"
    nn.save({"a": np.zeros(1 << 20)}, stored)
    assert nn.load(stored, limit=10)["a"].shape == (1 << 20,)  # what is not packed has its own size
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", 0xF0000000)
    path.write_bytes(content)
    with pytest.raises(StateError, match="4026531840 bytes uncompressed, the limit is 1073741824"):
        nn.load(path)
    content[at + 24 : at + 28] = struct.pack("<I", 200)  # it says less than it has
    path.write_bytes(content)
    with pytest.raises(StateError, match="entry 'a'"):
        nn.load(path)


@pytest.mark.parametrize("packed", [False, True])
def test_bits_that_flip_and_ends_that_are_missing_give_no_wrong_value(tmp_path, format, packed):
    path = tmp_path / f"a.{format}"
    state = {"first": np.arange(5.0), "second": np.ones((2, 3), np.float32), "third": np.int64(7)}
    if packed and format == "npz":
        np.savez_compressed(path, **state)
    else:
        nn.save({"nested": state} if packed else state, path)
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    changed = [good[: rng.integers(len(good))] for _ in range(40)]
    for _ in range(400):
        one = bytearray(good)
        one[rng.integers(len(good))] ^= 1 << rng.integers(8)
        changed.append(bytes(one))
    for content in changed:
        path.write_bytes(content)
        try:
            got = nn.load(path, limit=1 << 22)
        except StateError as error:
            assert f"a.{format}" in str(error)
            continue
        if format == "npz" and not packed:  # has checksums; a name is not among what they are of
            for name in set(got) & set(state):
                np.testing.assert_array_equal(got[name].numpy(), state[name])


def test_reading_errors_of_the_system_are_its_own(tmp_path, format):
    with pytest.raises(FileNotFoundError):
        nn.load(tmp_path / f"none.{format}")
    os.mkdir(tmp_path / f"folder.{format}")
    with pytest.raises(OSError):
        nn.load(tmp_path / f"folder.{format}")


# --- nested states


def test_nested_states_come_back_as_they_were(tmp_path, format):
    path = tmp_path / f"a.{format}"
    state = {
        "numbers": {0: 1, "0": 2.5, -3: True}, "none": None, "text": "a\0é\ud800", "large": 2**200, "tiny": 5e-324,
        "inf": [float("inf"), -0.0], "tuple": (1, (2, [])), "empty": {}, "a.b": {"c": fg.tensor([1.0, 2.0])},
        "a": {"b.c": np.float32(0.1), "b": {"c": np.arange(3)}}, "\0": {"\0": np.ones(1)},
    }  # fmt: skip
    nn.save(state, path)
    got = nn.load(path)
    assert got["a.b"]["c"].tolist() == [1, 2] and got["a"]["b"]["c"].tolist() == [0, 1, 2]
    assert got["\0"]["\0"].tolist() == [1] and got["a"]["b.c"] == np.float32(0.1)
    for key in ("numbers", "none", "text", "large", "tiny", "inf", "tuple", "empty"):
        assert repr(got[key]) == repr(state[key])
    assert list(got) == list(state)


@pytest.mark.parametrize("name", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
def test_generators_go_on_where_they_were(tmp_path, format, name):
    rng = np.random.Generator(getattr(np.random, name)(3))
    rng.random(5, np.float32)
    nn.save({"rng": rng}, tmp_path / f"a.{format}")
    again = nn.load(tmp_path / f"a.{format}")["rng"]
    assert again.random(7, np.float32).tolist() == rng.random(7, np.float32).tolist()


def test_a_state_that_holds_itself_is_refused(tmp_path):
    state = {"a": {}}
    state["a"]["b"] = [state]
    with pytest.raises(DTypeError, match=r"entry 'a\.b\.0' is of type a part of itself"):
        nn.save(state, tmp_path / "a.npz")
    with pytest.raises(DTypeError, match=r"entry 'a.\(1, 2\)' is of type tuple as a key"):
        nn.save({"a": {(1, 2): 3}}, tmp_path / "a.npz")
