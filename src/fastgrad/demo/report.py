"""Writes the results as one self-contained HTML page."""

import sys
from html import escape

import numpy as np

import fastgrad as fg
from fastgrad.benchmark.race import duration
from fastgrad.demo import digits, svg
from fastgrad.demo.predictions import misclassified
from fastgrad.demo.style import CSS
from fastgrad.demo.timing import ENGINES, NAMES, ROUNDS
from fastgrad.demo.train import BATCH

SHOWN = 12  # maximum number of misclassified digits shown
DARKEST = 0.45  # opacity of a cell of the confusion matrix, on which its number can be read
COLOURS = {"svm": "orange", "network": "blue"}
TITLES = {"svm": "linear SVM", "network": "two-layer network"}


def page(results):
    """Return the HTML of the page."""
    sections = (head, curves, confusion, pixels, weights, timings, checks, sources)
    body = "\n".join(section(results) for section in sections)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>fastgrad report</title><style>{CSS}</style></head>\n<body><main>\n{body}\n</main></body></html>\n"
    )


def section(title, text, *parts):
    return f"<section><h2>{escape(title)}</h2><p>{text}</p>{''.join(parts)}</section>"


def row(kind, *parts):
    return f'<div class="row {kind}">{"".join(parts)}</div>'


def framed(picture, caption="", numbers=""):
    """Return a figure. `numbers` is a table with the same content, for those who cannot see the picture."""
    caption = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f"<figure>{picture}{caption}{numbers}</figure>"


def numbers_of(title, columns, rows):
    """Return a table of numbers that is shown on demand. The first column has the headers of the rows."""
    top = "".join(f"<th scope='col' class='n'>{escape(str(name))}</th>" for name in columns)
    body = "".join(
        f"<tr><th scope='row' class='n'>{first}</th>{''.join(map(number, rest))}</tr>" for first, *rest in rows
    )
    return (
        f"<details><summary>numbers</summary><div class='scroll'><table aria-label='{escape(title)}'>"
        f"<tr>{top}</tr>{body}</table></div></details>"
    )


def microseconds(seconds):
    return duration(seconds).replace(" us", " µs")


def percent(share):
    return f"{share:.1%}"


def head(r):
    histories = r.histories
    own = next(t for t in r.timings if t.model == TITLES["network"] and t.name == NAMES[fg.engine])
    hand = next(t for t in r.timings if t.model == TITLES["network"] and t.name == NAMES["numpy"])
    facts = (
        (
            percent(histories["network"].accuracy),
            f"of {len(r.split.held_x)} held-out digits are classified correctly by the two-layer network",
        ),
        (percent(histories["svm"].accuracy), "are classified correctly by the linear SVM"),
        (
            microseconds(own.seconds),
            f"per training step of the network, {own.seconds / hand.seconds:.2f} times that of hand-written NumPy",
        ),
        (
            f"{max(check.difference for check in r.checks):.0e}",
            "largest relative difference between a gradient and a numerical one",
        ),
    )
    cards = (f'<div class="fact"><b>{escape(value)}</b><span>{escape(text)}</span></div>' for value, text in facts)
    version = sys.version_info
    return (
        f'<p class="eyebrow">fastgrad {escape(fg.__version__)}, {ENGINES[fg.engine]} · NumPy {escape(np.__version__)}'
        f" · Python {version.major}.{version.minor}.{version.micro} · seed {r.seed}</p>"
        "<h1>Classifying handwritten digits with fastgrad</h1>"
        f"<p>Two models were trained for {r.steps:,} steps on {len(r.split.x):,} digits, and evaluated on "
        f"{len(r.split.held_x)} other digits. The demo took {r.seconds:.1f} seconds.</p>" + row("facts", *cards)
    )


def curves(r):
    charts = [loss_chart(key, r.histories[key], r.steps) for key in ("svm", "network")]
    text = (
        "The first two charts show the loss of the mini-batches on a logarithmic scale: the line is the mean of "
        "neighbouring steps, the band their range. The last chart shows the accuracy on the held-out digits, which "
        "were not used to choose any setting."
    )
    return section("Training", text, row("charts", *charts, accuracy_chart(r)))


def loss_chart(key, history, steps):
    losses, colour = history.losses, COLOURS[key]
    parts = [part for part in np.array_split(np.arange(steps), min(120, max(20, steps // 5))) if len(part)]
    xs = [float(part.mean()) + 1.0 for part in parts]
    means = [float(losses[part].mean()) for part in parts]
    floor = max(min(means) * 0.3, 1e-6)
    chart = svg.Chart(
        f"Loss of the {TITLES[key]} over {steps} steps", (0, steps), (floor, float(losses.max())), "step", log=True
    )
    lows = [max(floor, float(losses[part].min())) for part in parts]
    chart.band(xs, lows, [float(losses[part].max()) for part in parts], colour)
    chart.line(list(zip(xs, means, strict=True)), colour)
    name = {"svm": "multiclass hinge loss with penalty", "network": "cross-entropy loss"}[key]
    rows = [
        (f"{part[0] + 1:,} to {part[-1] + 1:,}", *(f"{f(losses[part]):.3g}" for f in (np.mean, np.min, np.max)))
        for part in np.array_split(np.arange(steps), min(10, steps))
    ]
    table = numbers_of(chart.title, ("steps", "mean", "smallest", "largest"), rows)
    return framed(chart.draw(), f'<b class="key {colour}">{TITLES[key]}</b>: {name}', table)


def accuracy_chart(r):
    points = {key: history.checks for key, history in r.histories.items()}
    low = min(0.9, *(np.percentile([share for _, share in checks], 25) for checks in points.values()))
    low = float(np.floor(low * 20) / 20)
    chart = svg.Chart("Held-out accuracy of both models", (0, r.steps), (low, 1.0), "step", percent=True)
    for key, checks in points.items():
        chart.line([check for check in checks if check[1] >= low], COLOURS[key])
    keys = list(points)
    rows = [
        (f"{at[0][0]:,}", *(percent(share) for _, share in at)) for at in zip(*(points[k] for k in keys), strict=True)
    ]
    return framed(
        chart.draw(),
        "accuracy on held-out digits: " + ", ".join(f'<b class="key {COLOURS[k]}">{TITLES[k]}</b>' for k in points),
        numbers_of(chart.title, ("step", *(TITLES[k] for k in keys)), rows[:: max(1, len(rows) // 10)]),
    )


def confusion(r):
    counts = r.predictions.confusion
    size, left, top = 34, 44, 38
    parts = [
        svg.label("predicted class", class_="axis", x=left + 5 * size, y=10, text_anchor="middle"),
        svg.label(
            "true class", class_="axis", x=-(top + 5 * size), y=10, text_anchor="middle", transform="rotate(-90)"
        ),
    ]
    for i in range(10):
        parts.append(svg.label(i, class_="axis", x=left + (i + 0.5) * size, y=top - 7, text_anchor="middle"))
        parts.append(svg.label(i, class_="axis", x=left - 10, y=top + (i + 0.5) * size + 4.5, text_anchor="end"))
        for j in range(10):
            parts += confusion_cell(
                int(counts[i, j]), int(counts.sum(axis=1)[i]), i == j, left + j * size, top + i * size, size
            )
    title = "Confusion matrix of the network"
    picture = svg.figure(left + 10 * size, top + 10 * size, title, *parts)
    table = numbers_of(title, ("true \\ predicted", *range(10)), [(i, *counts[i]) for i in range(10)])
    wrong, total = int(counts.sum() - np.trace(counts)), int(counts.sum())
    text = (
        f"The network misclassified {wrong} of {total} held-out digits. Rows of the matrix are true classes, columns "
        "are predicted classes. The misclassified digits are next to it, the most confident mistakes first."
    )
    return section("Confusion matrix", text, row("sides", framed(picture, numbers=table), mistakes(r)))


def confusion_cell(count, of, right, x, y, size):
    name = "pos" if right else "neg"
    shade = 0.1 + (DARKEST - 0.1) * count / max(of, 1) if right else min(DARKEST, 0.15 + 0.1 * count)
    cell = {"x": x + 1, "y": y + 1, "width": size - 2, "height": size - 2, "rx": 3}
    yield svg.tag("rect", class_="cell zero", **cell)
    if count:
        yield svg.tag("rect", class_=name, opacity=float(shade), **cell)
    yield svg.label(
        count or "·",
        class_="count" if count else "count faint",
        x=x + size / 2,
        y=y + size / 2 + 4.5,
        text_anchor="middle",
    )


def mistakes(r):
    wrong = misclassified(r.predictions, r.split)
    pictures = []
    for number in wrong[:SHOWN]:
        truth, guess = int(r.split.held_labels[number]), int(r.predictions.predicted[number])
        probability = float(r.predictions.probabilities[number, guess])
        picture = svg.image(r.split.held_x[number].reshape(8, 8), f"A {truth} classified as {guess}")
        caption = f"true {truth}, predicted <b class='key orange'>{guess}</b><br>probability {probability:.0%}"
        pictures.append(framed(picture, caption))
    rest = f"<p class='quiet'>and {len(wrong) - SHOWN} more</p>" if len(wrong) > SHOWN else ""
    return f"<div>{row('thumbs', *pictures)}{rest}</div>"


def pixels(r):
    g = r.gradient
    before = f"true {g.truth}, predicted {g.predicted}"
    step = f"after a step of length {g.length:.1f} against the gradient"
    after = f"{step}: predicted <b class='key blue'>{g.moved_predicted}</b>"
    choice = "the most confident mistake" if g.predicted != g.truth else "the least certain digit"
    text = (
        f"The loss is also differentiated with respect to the pixels of one digit, {choice}. More ink on "
        '<b class="key blue">blue</b> pixels increases the loss, more ink on <b class="key orange">orange</b> pixels '
        "decreases it."
    )
    return section(
        "Gradient with respect to the input",
        text,
        row(
            "three",
            framed(svg.image(g.digit, f"Held-out digit {g.number}"), before),
            framed(
                svg.signed_image(g.gradient, "Gradient of the loss with respect to the pixels"),
                f"gradient, largest magnitude {np.abs(g.gradient).max():.2g}",
            ),
            framed(svg.image(g.moved, "The digit after a step against the gradient"), after),
        ),
    )


def weights(r):
    w = r.svm_weights
    peak = float(np.abs(w).max())
    pictures = [
        framed(svg.signed_image(w[:, k].reshape(8, 8), f"Weights for class {k}", peak), str(k)) for k in range(10)
    ]
    text = (
        "Each column of W is the image of one class. Ink on <b class='key blue'>blue</b> pixels increases the score of "
        "the class, ink on <b class='key orange'>orange</b> pixels decreases it."
    )
    return section("Weights of the linear SVM", text, row("ten", *pictures))


def timings(r):
    lines = []
    for model in TITLES.values():
        rows = [t for t in r.timings if t.model == model]
        hand = next(t.seconds for t in rows if t.name == NAMES["numpy"])
        longest = max(t.seconds for t in rows if t.seconds)
        lines.append(f"<tr><th colspan='4'>{model}</th></tr>")
        for t in rows:
            name = escape(t.name)
            if t.seconds is None:
                lines.append(cells(name, number("none"), f"<td colspan='2' class='quiet'>{escape(t.reason)}</td>"))
                continue
            drawn = svg.bar(t.seconds / longest, "grey" if t.name == NAMES["numpy"] else "blue")
            ratio = f"{t.seconds / hand:.2f} ×"
            lines.append(cells(name, number(microseconds(t.seconds)), number(ratio), f"<td class='bars'>{drawn}</td>"))
    text = (
        f"A step is forward pass, backward pass and momentum update on a batch of {BATCH}. Times are medians of "
        f"{ROUNDS} alternating rounds, measured after checking that all versions give the same losses and parameters. "
        "Ratios are relative to hand-written NumPy."
    )
    return section("Time per training step", text, f"<div class='scroll'><table>{''.join(lines)}</table></div>")


def cells(*items):
    """Return a table row. Items that are not cells are wrapped in cells."""
    return f"<tr>{''.join(item if item.startswith('<t') else f'<td>{item}</td>' for item in items)}</tr>"


def number(text, name="td"):
    return f"<{name} class='n'>{text}</{name}>"


def checks(r):
    names = cells(
        "<th>model</th>", "<th>gradient with respect to</th>", "<th>shape</th>",
        number("entries compared", "th"), number("largest relative difference", "th"),
    )  # fmt: skip
    lines = (
        cells(escape(c.model), f"<code>{escape(c.of)}</code>", " × ".join(map(str, c.shape)), number(c.compared),
              number(f"{c.difference:.1e}"))
        for c in r.checks
    )  # fmt: skip
    text = (
        "Before training, each gradient was compared with central differences of the loss, "
        "(f(p + h) - f(p - h)) / 2h, at random entries. Differences are relative to the largest entry of the gradient. "
        "Second derivatives of the last layer of the network were checked with <code>testing.check_grads</code>."
    )
    return section("Gradient check", text, f"<div class='scroll'><table>{names}{''.join(lines)}</table></div>")


def sources(r):
    return (
        "<footer class='quiet'><p>Digits: “" + digits.TITLE + f"”, {digits.AUTHORS}, "
        f'DOI <a href="https://doi.org/{digits.DOI}">{digits.DOI}</a>, '
        f'licence <a href="{digits.LICENCE_URL}">{digits.LICENCE}</a>; '
        "the 1,797 digits of the test set, 8 by 8 pixels, unchanged.</p>"
        f"<p>Reproduce with <code>python -m fastgrad --steps {r.steps} --seed {r.seed}</code>; "
        "times depend on the machine.</p></footer>"
    )
