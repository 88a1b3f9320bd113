"""Fonts, colours and text widths of the pictures. No content.

Values and gradients differ in position (above and below the wire) and slant, not only in colour. The two colours, a
bluish green and a vermilion, can be distinguished with any colour vision and are dark enough for print.
"""

FONT = "ui-sans-serif, system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
# Every selector starts with the class of the picture, because the styles of an inline SVG apply to the whole page.
_LIGHT = """
.page{fill:#fcfbf8;stroke:#d9d5ca}
.gate{fill:#fff;stroke:#5d6878}
.block{fill:#f1f0ec;stroke:#8a93a3}
.leaf{fill:#eef4fb;stroke:#3f6ea8}
.constant{fill:#f4f3ef;stroke:#8a93a3}
.root{fill:#fdf3e7;stroke:#b5651d}
.e,.tip{stroke:#8a93a3}
.tip,.dot{fill:#8a93a3}
text{fill:#262b34}
.v{fill:#006d57}
.g{fill:#b03c00}
.q{fill:#6a7280}
.paper{fill:#efede6}
.p1,.p2,.p3,.p4,.p5,.p6{fill:#0b6fb8}
.m1,.m2,.m3,.m4,.m5,.m6{fill:#d4570a}
.nan{fill:#262b34}
.w:hover .e{stroke:#262b34}
.w:hover .tip{fill:#262b34;stroke:#262b34}
"""
_DARK = """
.page{fill:#14181f;stroke:#343b47}
.gate{fill:#1d232d;stroke:#94a0b3}
.block{fill:#232a35;stroke:#758093}
.leaf{fill:#172a41;stroke:#5b93d6}
.constant{fill:#20252e;stroke:#758093}
.root{fill:#33230f;stroke:#d98b3f}
.e,.tip{stroke:#758093}
.tip,.dot{fill:#758093}
text{fill:#e3e7ee}
.v{fill:#4fd1b0}
.g{fill:#ff9f68}
.q{fill:#98a1ae}
.paper{fill:#262c36}
.p1,.p2,.p3,.p4,.p5,.p6{fill:#5db4f5}
.m1,.m2,.m3,.m4,.m5,.m6{fill:#ff9447}
.nan{fill:#e3e7ee}
.w:hover .e{stroke:#e3e7ee}
.w:hover .tip{fill:#e3e7ee;stroke:#e3e7ee}
"""
_SHAPE = (
    """
text{font-family:FONT;font-size:12px;text-anchor:middle;font-variant-numeric:tabular-nums}
.gate,.leaf,.constant,.root,.block{stroke-width:1.4}
.block{stroke-dasharray:5 3}
.freed{stroke-dasharray:2 3}
[data-part]{cursor:pointer}
.e{fill:none;stroke-width:1.4;stroke-linecap:round}
.hit{fill:none;stroke:transparent;stroke-width:12;pointer-events:stroke}
.tip{stroke-width:.6;stroke-linejoin:round}
.g{font-style:italic}
.s{font-size:14px}
.name{font-size:13px;font-weight:600}
.c{font-size:10px}
.h{font-size:15px;font-weight:600;text-anchor:start}
.k{text-anchor:start}
.end{text-anchor:end}
.w:hover .e{stroke-width:2.4}
.n:hover .gate,.n:hover .leaf,.n:hover .constant,.n:hover .block{stroke-width:2.6}
""".replace("FONT", FONT)
    + "".join(f".p{k},.m{k}{{opacity:{o}}}\n" for k, o in enumerate((0.16, 0.32, 0.48, 0.64, 0.82, 1), 1))
)
CLASS = "fastgrad-graph"


def _add_scope(rules):
    lines = []
    for line in rules.strip().splitlines():
        selectors, rest = line.split("{", 1)
        lines.append(",".join(f".{CLASS} {s}" for s in selectors.split(",")) + "{" + rest)
    return "\n".join(lines)


CSS = f"{_add_scope(_SHAPE)}\n{_add_scope(_LIGHT)}\n@media (prefers-color-scheme:dark){{\n{_add_scope(_DARK)}\n}}"

_NARROW, _WIDE = set("ijltfrI.,:;'|![]() ·-"), set("mwMW@Σ…⋯√∂—−+×÷■")


def width(text, size=12.0):
    """Estimate the width of `text` in pixels, in DejaVu Sans, the widest common font of those above."""
    units = sum(
        0.38 if c in _NARROW else 0.88 if c in _WIDE else 1.0 if ord(c) > 0x2E80 else 0.7 if c.isupper() else 0.62
        for c in text
    )
    return units * size
