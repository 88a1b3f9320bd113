"""The style sheet of the report: one column of text, wider figures, light and dark mode."""

CSS = """
:root { color-scheme: light dark;
  --page: #faf9f6; --card: #ffffff; --text: #1c2430; --quiet: #596372; --rule: #e2dfd8; --paper: #f1efe9;
  --blue: #1759c4; --orange: #a94404; }
@media (prefers-color-scheme: dark) { :root {
  --page: #12151a; --card: #1a1e25; --text: #e8e6e1; --quiet: #98a1ae; --rule: #2c323b; --paper: #21262e;
  --blue: #6cb0ff; --orange: #ff9a4d; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 56px 24px 72px; }
h1 { font-size: 2.1rem; line-height: 1.2; font-weight: 680; letter-spacing: -.02em; margin: 0 0 .5rem; }
h1, h2 { max-width: 24em; }
h2 { font-size: 1.25rem; font-weight: 650; letter-spacing: -.01em; margin: 3.2rem 0 .4rem; }
p { margin: .4rem 0 1rem; max-width: 44rem; }
.eyebrow { color: var(--quiet); font-size: .85rem; margin: 0 0 .6rem; }
.quiet, figcaption { color: var(--quiet); font-size: .875rem; }
a { color: var(--blue); }
code { font: .9em ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
figure { margin: 0; min-width: 0; }
figcaption { line-height: 1.4; margin-top: .35rem; }
.grid { stroke: var(--rule); }
.row { display: grid; gap: 20px; margin: 1.2rem 0; }
.facts { grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); margin: 2rem 0 0; }
.fact { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 16px 18px; }
.fact b { display: block; font-size: 1.8rem; line-height: 1.15; font-weight: 650; letter-spacing: -.02em;
  font-variant-numeric: tabular-nums; }
.fact span { color: var(--quiet); font-size: .875rem; line-height: 1.35; display: block; margin-top: .3rem; }
.charts { grid-template-columns: repeat(auto-fit, minmax(290px, 1fr)); }
.sides { grid-template-columns: minmax(0, 480px) minmax(0, 1fr); gap: 40px; align-items: start; }
.thumbs { grid-template-columns: repeat(auto-fill, minmax(100px, 1fr)); gap: 18px; margin-top: 30px; }
.ten { grid-template-columns: repeat(10, minmax(0, 1fr)); gap: 12px; }
.three { grid-template-columns: repeat(3, minmax(0, 210px)); gap: 28px; }
@media (max-width: 760px) { .sides { grid-template-columns: minmax(0, 1fr); }
  .ten { grid-template-columns: repeat(5, minmax(0, 1fr)); }
  main { padding-top: 32px; } h1 { font-size: 1.6rem; } .three { gap: 12px; } }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { font-family: inherit; fill: var(--text); font-variant-numeric: tabular-nums; }
.pixels { border-radius: 4px; overflow: hidden; shape-rendering: crispEdges; }
.paper { fill: var(--paper); } .ink { fill: var(--text); }
.pos { fill: var(--blue); } .neg { fill: var(--orange); }
svg .tick { font-size: 11px; fill: var(--quiet); }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
.line.blue { stroke: var(--blue); } .line.orange { stroke: var(--orange); }
.band { opacity: .2; } .band.blue, rect.blue { fill: var(--blue); } .band.orange, rect.orange { fill: var(--orange); }
rect.grey { fill: var(--quiet); opacity: .55; }
.cell.zero { fill: var(--paper); } svg .count { font-size: 13px; } svg .count.faint { fill: var(--quiet); }
svg .axis { font-size: 12px; fill: var(--quiet); }
table { border-collapse: collapse; width: 100%; font-size: .94rem; margin: .8rem 0;
  font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 550; color: var(--quiet); font-size: .85rem; }
th, td { padding: .42rem .8rem .42rem 0; border-bottom: 1px solid var(--rule); vertical-align: middle; }
td.n, th.n { text-align: right; } td.bars { width: 38%; padding-left: .6rem; }
svg.bar { height: 10px; width: 100%; }
b.key { font-weight: 650; } b.blue { color: var(--blue); } b.orange { color: var(--orange); }
.scroll { overflow-x: auto; }
details { font-size: .875rem; margin: .4rem 0; } summary { cursor: pointer; color: var(--quiet); }
details table { width: auto; font-size: .8rem; } details th, details td { padding: .2rem .7rem .2rem 0; }
footer { margin-top: 4rem; border-top: 1px solid var(--rule); padding-top: 1rem; }
@media print { :root { color-scheme: light;
  --page: #ffffff; --card: #ffffff; --text: #1c2430; --quiet: #596372; --rule: #d5d2cb; --paper: #f1efe9;
  --blue: #1759c4; --orange: #a94404; }
  body { font-size: 10.5pt; } main { max-width: none; padding: 0; } h2 { margin-top: 1.6rem; break-after: avoid; }
  figure, tr, .fact { break-inside: avoid; } .sides { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
  details:not([open]) { display: none; } rect { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
