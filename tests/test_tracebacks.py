"""Tracebacks end at the user's line: no frames of the engine, no errors of NumPy before ours, and all of the user's."""

import traceback

import pytest

import fastgrad as fg
from fastgrad import errors, nn, tracebacks
from tests.support.error_routes import ROUTES, USER, seen

# Python's own modules between the user and fastgrad, or NumPy's functions called by the user.
THROUGH = {"copy.deepcopy(x * 2)": 3, "pickle.dumps(x * 2)": 2, "fg.grad(lambda x: np.linalg.solve(a, a))(1.0)": 2,
           "fg.draw(3)": 2, "fg.explain(3)": 2}  # fmt: skip


@pytest.mark.parametrize("source", [source for sources in ROUTES.values() for source in sources])
def test_the_users_line_is_last_or_last_but_one(source):
    found = seen(source)
    assert len(found.after) <= THROUGH.get(source, 1), found.after
    assert found.between == []
    if "np.linalg" not in source or isinstance(found.error, fg.FastgradError):
        assert found.before == []


def lines(call):
    with pytest.raises(Exception) as caught:
        call()
    return [frame.line for frame in traceback.extract_tb(caught.value.__traceback__)][1:]


def raises(*_):
    return {}["missing"]


@pytest.mark.parametrize("call", [
    lambda: fg.grad(raises)(1.0),
    lambda: fg.primitive(vjp=lambda g: g)(user_forward)(1.0),
    lambda: fg.jacobian(raises)(1.0),
    lambda: fg.checkpoint(raises)(fg.tensor(1.0)),
    lambda: nn.Sequential(UserModule())(1.0),
])  # fmt: skip
def test_frames_of_the_user_stay(call):
    assert lines(call)[-1] == 'return {}["missing"]'


def user_forward(x):
    return {}["missing"]


class UserModule(nn.Module):
    def forward(self, x):
        return raises(x)


def test_frames_of_hooks_stay():
    x = fg.tensor(1.0, requires_grad=True)
    y = x * 2
    y.register_hook(raises)

    def call():
        y.backward()

    assert lines(call) == ["y.backward()", 'return {}["missing"]']


def test_the_cause_in_a_users_op_is_a_frame_and_its_text():
    """The error names the op and its operands; the line in the op that failed is the last one."""

    @fg.primitive(vjp=lambda g: g)
    def narrow(x):
        return x.reshape(7)

    def call():
        narrow(fg.tensor([1.0, 2.0]))

    assert lines(call)[-1] == "return x.reshape(7)"
    with pytest.raises(
        fg.ShapeError, match=r"narrow: cannot reshape array of size 2 into shape \(7,\); the operands"
    ) as e:
        call()
    assert e.value.__suppress_context__


def test_all_frames_on_request(monkeypatch):
    monkeypatch.setenv("FASTGRAD_TRACEBACK", "full")
    full = seen("x + w")
    assert len(full.after) >= 2
    assert any("fastgrad" in name for name in full.after)
    monkeypatch.setenv("FASTGRAD_TRACEBACK", "")
    assert seen("x + w").after == []


def test_a_defect_of_fastgrad_keeps_its_frames(monkeypatch):
    """Errors of the classes that wrong code raises are not of the user's making."""
    monkeypatch.delattr(errors, "broadcast")
    found = seen("x + w")
    assert isinstance(found.error, NameError)
    assert any("fastgrad" in name for name in found.after)


def test_a_boundary_keeps_name_signature_and_result():
    @tracebacks.boundary
    def twice(x, /, *, times=2):
        """Return `x`, several times."""
        if times < 0:
            raise errors.FastgradError("negative")
        return x * times

    assert twice(3) == 6
    assert (twice.__name__, twice.__doc__) == ("twice", "Return `x`, several times.")
    # The function that it bounds is the user's here: only the frame of the boundary itself is removed.
    assert lines(lambda: twice(3, times=-1))[-1] == 'raise errors.FastgradError("negative")'
    assert seen("fg.grad(3)").after == []
    assert USER in str(traceback.extract_tb(seen("fg.grad(3)").error.__traceback__)[-1].filename)
