"""The look of report.html, in light and in dark."""

STYLE = """
:root { color-scheme: light dark; --back: #f6f7f9; --card: #fff; --text: #1c2330; --soft: #5d6778; --rule: #dfe3ea;
  --removed: #2f6fde; --noise: #d9730d; --good: #17774a; --good-back: #e5f5ec; --look: #9a4a00; --look-back: #fdf0e0; }
@media (prefers-color-scheme: dark) {
  :root { --back: #14171c; --card: #1d2128; --text: #e6e9ef; --soft: #9aa4b5; --rule: #333945;
    --removed: #6ea2f7; --noise: #f0a04b; --good: #7fd4a8; --good-back: #173226; --look: #f3b878;
    --look-back: #3a2a16; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI",
  Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 28px 20px 48px; }
header p { margin: 0; color: var(--soft); }
h1 { margin: 2px 0; font-size: 28px; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 0 0 10px; font-size: 18px; }
h3 { margin: 0; font-size: 12.5px; font-weight: 600; color: var(--soft); }
section { margin-top: 16px; padding: 18px 20px; background: var(--card); border: 1px solid var(--rule);
  border-radius: 10px; }
section > p { max-width: 76ch; margin: 12px 0 0; }
section > h2 + p { margin-top: 0; }
.verdict.good { background: var(--good-back); border-color: transparent; color: var(--good); }
.verdict.look { background: var(--look-back); border-color: transparent; color: var(--look); }
.verdict ul { margin: 6px 0 0; padding-left: 20px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(150px, 100%), 1fr)); gap: 16px; padding: 0;
  background: none; border: 0; }
.tiles > div { padding: 14px 16px; background: var(--card); border: 1px solid var(--rule); border-radius: 10px; }
.tiles p { margin: 0; color: var(--soft); font-size: 13px; }
.tiles .figure { margin: 2px 0; color: var(--text); font-size: 24px; font-weight: 600; line-height: 1.2; }
figure { margin: 0; }
figcaption { margin-top: 4px; color: var(--soft); font-size: 13px; }
.pictures { display: grid; grid-template-columns: repeat(3, 1fr); gap: 12px; margin-bottom: 12px; }
.pictures img { display: block; width: 100%; height: auto; image-rendering: pixelated; border-radius: 4px; }
.where { display: flex; align-items: center; gap: 14px; margin-top: 14px; color: var(--soft); font-size: 13px; }
.map { position: relative; flex: none; }
.map img { display: block; border-radius: 4px; }
.map span { position: absolute; border: 2px solid #fff; outline: 1px solid #000; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(290px, 100%), 1fr)); gap: 16px;
  margin-bottom: 14px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(300px, 100%), 1fr)); gap: 20px;
  align-items: start; margin-top: 12px; }
svg { display: block; width: 100%; max-width: 400px; height: auto; }
svg text { fill: var(--soft); font-size: 12px; }
svg .grid { stroke: var(--rule); }
svg .axis { stroke: var(--soft); }
svg .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
svg .line.removed { stroke: var(--removed); }
svg .line.noise { stroke: var(--noise); }
svg .line.faint { stroke: var(--removed); stroke-width: 1; opacity: 0.35; }
svg .dot.removed, svg .bars.removed { fill: var(--removed); }
svg .bars.removed { opacity: 0.6; }
svg .dot.noise { fill: var(--noise); }
.legend { display: flex; align-items: center; gap: 6px; margin: 0 0 8px; color: var(--soft); font-size: 13px; }
.legend span { width: 16px; height: 4px; border-radius: 2px; }
.legend span.noise { margin-left: 12px; background: var(--noise); }
.legend span.removed { background: var(--removed); }
table { width: 100%; border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 10px 6px 0; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top; }
th { color: var(--soft); font-weight: 500; }
td.good { color: var(--good); font-weight: 600; }
td.look { color: var(--look); font-weight: 600; }
code { padding: 1px 5px; background: var(--back); border-radius: 4px; font-size: 13px; overflow-wrap: anywhere; }
@media (max-width: 640px) { main { padding: 16px 10px 32px; } section { padding: 14px; } .where { flex-wrap: wrap; }
  .pictures { grid-template-columns: 1fr; } table { font-size: 12px; } th, td { padding: 5px 5px 5px 0; }
  td:first-child, .facts td { overflow-wrap: anywhere; } }
@media print { body { background: none; } section { break-inside: avoid; } }
"""
