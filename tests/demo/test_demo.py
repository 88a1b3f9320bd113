"""The main job in its parts: the digits, the two models, their gradients, the timing, the report."""

import hashlib
import io
import json
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fastgrad import demo
from fastgrad.benchmark import race, worker
from fastgrad.benchmark.worker import serve
from fastgrad.demo import digits, models, predictions, report, run, svg, timing, train
from fastgrad.demo.check import check_model, slope

KINDS = pytest.mark.parametrize("kind", models.KINDS.values(), ids=models.KINDS)


@pytest.fixture(scope="module")
def split():
    return digits.split_digits(digits.load_digits(), seed=0)


class Silent:
    """A speaker that keeps what it is told."""

    def __init__(self):
        self.said = []

    def line(self, text):
        self.said.append(text)

    def progress(self, text, done, total):
        self.said.append(f"{text} {done}/{total}")


# The digits


def test_the_embedded_digits_are_those_of_the_repository():
    images, labels = digits.load_digits()
    assert images.shape == (1797, 8, 8) and images.dtype == np.uint8 and images.max() == 16
    assert labels.shape == (1797,) and labels.dtype == np.int64
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    content = images.tobytes() + labels.astype(np.uint8).tobytes()
    assert hashlib.sha256(content).hexdigest() == "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"


def test_the_data_file_is_small_and_its_licence_and_source_stand_beside_it():
    folder = Path(demo.__file__).parent
    assert (folder / "digits.npz").stat().st_size < 50_000
    about = (folder / "digits.txt").read_text(encoding="utf-8")
    assert "CC BY 4.0" in about and "10.24432/C50P49" in about and "E. Alpaydin and C. Kaynak" in about


def test_a_split_is_a_seeded_partition():
    data = digits.load_digits()
    one, again, other = (digits.split_digits(data, seed) for seed in (5, 5, 6))
    assert one.x.shape == (1797 - digits.HELD_OUT, 64) and one.held_x.shape == (digits.HELD_OUT, 64)
    assert np.array_equal(one.x, again.x) and not np.array_equal(one.x, other.x)
    rows = np.concatenate([one.x, one.held_x]) * 16
    everything = data.images.reshape(-1, 64)
    assert sorted(map(bytes, rows.astype(np.uint8))) == sorted(map(bytes, everything))


def test_batches_show_every_digit_once_before_any_comes_again():
    x, labels = np.arange(70.0).reshape(70, 1), np.arange(70)
    seen = [label for _, chosen in train.batches(x, labels, 2, seed=1) for label in chosen]
    assert len(seen) == len(set(seen)) == 64
    (noisy, chosen), *_ = train.batches(x, labels, 1, seed=1, noise=0.5)
    assert 0.1 < np.std(noisy[:, 0] - x[chosen, 0]) < 1.0
    assert np.array_equal(x, np.arange(70.0).reshape(70, 1))


# The models


@KINDS
def test_by_hand_and_by_fastgrad_take_the_same_steps(kind, split):
    start = kind.initial(3)
    ours, hand = kind.by_fastgrad(start), kind.by_hand(start)
    for x, labels in train.batches(split.x, split.labels, 40, seed=3, noise=kind.noise):
        assert ours.step(x, labels, kind.rate) == pytest.approx(hand.step(x, labels, kind.rate), rel=1e-11, abs=0)
    for name, value in hand.arrays().items():
        np.testing.assert_allclose(ours.arrays()[name], value, rtol=1e-9, atol=1e-12)
        assert not np.array_equal(value, start[name])


@KINDS
def test_gradients_agree_with_differences_of_the_loss(kind, split):
    checks = list(check_model(kind, split.x[:32], split.labels[:32], seed=1))
    assert [check.of for check in checks] == [*kind.initial(0), "input"]
    assert max(check.difference for check in checks) < 1e-7


def test_a_difference_is_taken_on_one_side_of_a_kink():
    place = np.array([2e-5])
    assert slope(lambda: abs(place[0]), place, (0,)) == pytest.approx(1.0, abs=1e-9)
    assert place[0] == 2e-5


def test_the_network_reads_at_least_97_percent_of_digits_it_never_saw(split):
    kind = models.NETWORK
    seen = []
    history = train.train(kind, kind.by_fastgrad(kind.initial(0)), split, 2000, 0, lambda *news: seen.append(news))
    assert history.accuracy >= 0.97
    assert [done for done, _ in history.checks] == [1, *range(2000 // train.CHECKS, 2001, 2000 // train.CHECKS)]
    assert len(seen) >= len(history.checks) and seen[-1] == (2000, 2000, history.losses[-1], history.accuracy)
    assert history.losses[-100:].mean() < 0.1 * history.losses[:10].mean()


def test_the_linear_svm_learns(split):
    kind = models.SVM
    assert train.train(kind, kind.by_fastgrad(kind.initial(0)), split, 500, 0).accuracy >= 0.93


def test_a_step_against_the_input_gradient_mends_a_misread_digit(split):
    kind = models.NETWORK
    network = kind.by_fastgrad(kind.initial(0))
    train.train(kind, network, split, 200, 0)
    results = predictions.classify(network, split)
    assert results.confusion.sum() == digits.HELD_OUT
    assert np.trace(results.confusion) == digits.HELD_OUT - len(predictions.misclassified(results, split))
    seen = predictions.input_gradient(network, split, results)
    assert seen.predicted != seen.truth and seen.moved_predicted == seen.truth
    assert seen.moved.min() >= 0.0 and seen.moved.max() <= 1.0


# The timing


def test_timing_lists_every_form_once_with_a_time_or_a_reason():
    rows = timing.measure(models.SVM, 0, None, "not in this installation", rounds=1)
    assert [row.name for row in rows] == list(timing.NAMES.values())
    for row in rows:
        assert (row.seconds is None) == (row.reason == "not in this installation")
    assert sum(row.seconds is None for row in rows) == 1


def test_forms_that_disagree_are_not_timed(monkeypatch):
    start = models.SVM.initial(0)
    monkeypatch.setattr(models.SVM, "by_hand", lambda _: models.SvmByHand({**start, "b": np.full(10, 1e-7)}))
    with pytest.raises(demo.DemoError, match=r"linear SVM: \w+ of fastgrad, .* engine and NumPy by hand: differ by"):
        timing.measure(models.SVM, 0, None, "", rounds=1)


def test_the_worker_answers_line_by_line():
    out = io.StringIO()
    serve(timing.tasks(0), ['["svm answer"]\n', '["svm time", 1, 5]\n'], out)
    followed, seconds = map(json.loads, out.getvalue().splitlines())
    assert 0.0 < seconds < 5.0
    local = timing.contender(models.SVM, "numpy", 0)
    race.check("SVM", race.Race(local, [race.Contender("worker", "pass", lambda: followed)]))


def test_another_engine_takes_its_turn_in_a_process_of_its_own():
    with timing.engine_worker("python", 0) as process:
        remote = worker.Remote("worker", process, "network")
        race.check("network", race.Race(timing.contender(models.NETWORK, "numpy", 0), [remote]))
        assert remote.timer()(2) > 0.0
    assert process.process.returncode == 0


def test_an_engine_that_does_not_start_is_a_reason_and_no_failure():
    with timing.engine_worker("absent", 0) as process:
        rows = timing.measure(models.SVM, 0, process, "", rounds=1)
    (reason,) = (row.reason for row in rows if row.reason)
    assert reason.startswith("its worker process ended with exit code 1: ") and "absent" in reason


def test_a_worker_that_dies_is_told_in_a_line_and_can_be_closed():
    process = timing.engine_worker("python", 0)
    process.process.kill()
    process.process.wait()
    for _ in range(2):
        with pytest.raises(worker.WorkerError, match="its worker process ended with exit code"):
            process.ask("svm time", 1, 2)
    process.close()


def test_a_worker_that_is_busy_is_ended():
    process = timing.engine_worker("python", 0)
    process.process.stdin.write('["network time", 1, 100000000]\n')
    process.process.stdin.flush()
    process.close()
    assert process.process.returncode != 0


# The report


class Reader(HTMLParser):
    """Checks that tags close in order, and collects what the page would load."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.loads = [], [], []

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [value for name, value in attrs if name in ("src", "href") and tag != "a"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


SHOWN = (
    "Training", "Confusion matrix", "Gradient with respect to the input", "Weights of the linear SVM",
    "Time per training step", "Gradient check", "CC BY 4.0", "10.24432/C50P49", "E. Alpaydin and C. Kaynak",
    "prefers-color-scheme: dark",
)  # fmt: skip


@pytest.mark.parametrize("steps", [1, 60])
def test_the_report_is_one_page_that_needs_nothing_else(tmp_path, steps):
    console = Silent()
    path = run.run(steps, 7, tmp_path, console)
    assert path == tmp_path / "fastgrad-report.html" and [p.name for p in tmp_path.iterdir()] == [path.name]
    text = path.read_text(encoding="utf-8")
    page = Reader()
    page.feed(text)
    assert page.open == [] and page.loads == []
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert "@import" not in text and "url(" not in text
    for words in SHOWN:
        assert words in text
    assert f"--steps {steps} --seed 7" in text
    assert page.tags.count("svg") >= 3 + 1 + 3 + 10
    assert len(text) < 250_000
    assert any("seed 7" in line for line in console.said) and any(f"{steps}/{steps}" in line for line in console.said)


def test_text_in_pictures_is_escaped():
    assert svg.label("<a & b>", class_='x"y') == '<text class="x&quot;y">&lt;a &amp; b&gt;</text>'


def test_pictures_leave_out_what_is_not_there():
    picture = svg.signed_image([[0.0, -2.0], [1.0, 0.0]], "two pixels")
    assert picture.count("<rect") == 3  # the paper and two pixels
    assert 'class="neg" x="1" y="0" width="1" height="1" opacity="1"' in picture
    assert 'class="pos" x="0" y="1" width="1" height="1" opacity="0.5"' in picture


def test_axis_ticks_are_round_numbers():
    assert svg.nice_ticks(0, 2000, 4) == [0, 500, 1000, 1500, 2000]
    assert svg.nice_ticks(0, 1, 4) == [0, 0.5, 1]
    assert svg.nice_ticks(0.9, 1.0) == pytest.approx([0.9, 0.92, 0.94, 0.96, 0.98, 1.0])
    assert svg.decade_ticks(0.004, 12) == pytest.approx([0.01, 0.1, 1, 10])
    assert svg.decade_ticks(0.2, 4) == pytest.approx([0.3, 1, 3])
    assert svg.decade_ticks(0.9, 6) == pytest.approx([1, 2, 5])


def test_no_mistakes_is_a_page_too():
    results = predictions.Predictions(np.arange(10), np.eye(10), np.eye(10, dtype=int))
    r = SimpleNamespace(split=SimpleNamespace(held_labels=np.arange(10)), predictions=results)
    assert "misclassified 0 of 10" in report.confusion(r)


def test_times_are_written_with_three_digits_and_a_unit():
    assert [race.duration(s) for s in (2.1e-8, 4.564e-6, 0.9996e-3, 0.0123, 2.5)] == [
        "21 ns", "4.56 us", "1 ms", "12.3 ms", "2.5 s",
    ]  # fmt: skip
    assert report.microseconds(2.134e-5) == "21.3 µs"


def test_a_report_that_cannot_be_written_is_told_before_any_work(tmp_path):
    (tmp_path / "file").write_text("")
    # Windows has one reason for both.
    for folder, reason in (
        ("absent", "no such file or directory"),
        ("file", "(not a directory|no such file or directory)"),
    ):
        console = Silent()
        text = f"cannot write the report to .*r.html: {reason}; choose another path with --out"
        with pytest.raises(demo.DemoError, match=text):
            run.run(10, 0, tmp_path / folder / "r.html", console)
        assert console.said == []
