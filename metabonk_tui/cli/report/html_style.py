"""Defines the style sheet and hatch patterns of the HTML report: light and dark, any screen width, paper."""

from __future__ import annotations

from typing import Final

_LIGHT: Final = """
--bg:#fbfbf9;--surface:#f1f1ee;--text:#2b3036;--strong:#0c0f12;--muted:#5c646d;--accent:#0a58b5;--ok:#1a7339;
--warn:#855600;--crit:#b3261e;--unknown:#6a3fb0;--line:#c3c6c4;--grid:#e4e5e1;--spark:#7b828a;--badgestop:#b3261e;
--onstop:#fff;--badgewarn:#f0b429;--onwarn:#241800;--badgeok:#dcefe2;--badgeunknown:#ebe3f7;--hole:#dcdcd6;
--w0:#0a58b5;--w1:#0b7a75;--w2:#a8326e;--w3:#5b6470;--w4:#4d3fb0;--w5:#6b6a14;--w6:#8a4b2a;--w7:#2a2f36;"""
_DARK: Final = """
--bg:#0e1116;--surface:#161b22;--text:#c9d1d9;--strong:#f0f3f6;--muted:#8b95a1;--accent:#79b8ff;--ok:#6fc38a;
--warn:#e6b450;--crit:#ff7b72;--unknown:#c4a7f5;--line:#39424e;--grid:#222931;--spark:#66717e;--badgestop:#c9362c;
--onstop:#fff;--badgewarn:#e6b450;--onwarn:#14110a;--badgeok:#1d3527;--badgeunknown:#2d2540;--hole:#39424e;
--w0:#79b8ff;--w1:#5ec9c1;--w2:#f29ac4;--w3:#a9b3be;--w4:#a9a1ff;--w5:#c9c76a;--w6:#d9a283;--w7:#e6edf3;"""

STYLE: Final = (
    f":root{{color-scheme:light dark;{_LIGHT}}}"
    f"@media (prefers-color-scheme:dark){{:root{{{_DARK}}}}}"
    + """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--text);
font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;
font-variant-numeric:tabular-nums}
main{max-width:1028px;margin:0 auto;padding:32px 24px 8px}
code,pre,.number{font-family:ui-monospace,"SF Mono","Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
article+article{margin-top:72px;border-top:3px solid var(--line);padding-top:40px}
nav ol{list-style:none;margin:0 0 36px;padding:0;color:var(--muted);font-size:14px}
nav li{padding:3px 0}
a{color:var(--accent);text-underline-offset:2px}
.facts{margin:0;color:var(--muted);font-size:14px}
h1{margin:2px 0 14px;font-size:30px;line-height:1.2;font-weight:650;color:var(--strong);letter-spacing:-.01em;
overflow-wrap:anywhere}
.headline{margin:0;color:var(--strong);overflow-wrap:anywhere}
.more{margin:4px 0 0;color:var(--muted);font-size:14px;overflow-wrap:anywhere}
.badge{display:inline-block;padding:1px 9px 2px;border-radius:4px;font-weight:700;font-size:14px;white-space:nowrap;
letter-spacing:.02em}
.badge.stop{background:var(--badgestop);color:var(--onstop)}
.badge.caution{background:var(--badgewarn);color:var(--onwarn)}
.badge.go{background:var(--badgeok);color:var(--ok)}
.badge.unknown{background:var(--badgeunknown);color:var(--unknown)}
section{margin-top:40px}
h2{display:flex;align-items:baseline;gap:12px;margin:0 0 12px;font-size:13px;font-weight:700;color:var(--strong);
text-transform:uppercase;letter-spacing:.07em}
h2:after{content:"";flex:1;border-top:1px solid var(--line);transform:translateY(-4px)}
h2 .note{font-weight:400;color:var(--muted);text-transform:none;letter-spacing:0}
p{margin:6px 0;overflow-wrap:anywhere}
.short h2{display:none}
.short{margin-top:26px}
.lead{margin:0 0 12px;font-size:23px;line-height:1.32;font-weight:600;color:var(--strong);max-width:46em;
letter-spacing:-.005em}
.short ul{margin:0;padding:0;list-style:none}.short ul:not(.legend){max-width:58em}
.short li{padding:3px 0 3px 18px;position:relative;overflow-wrap:anywhere}
.short li:before{content:"";position:absolute;left:1px;top:13px;width:8px;border-top:2px solid var(--line)}
.table{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{padding:5px 16px 5px 0;text-align:left;vertical-align:top}
th{color:var(--muted);font-weight:500;font-size:12.5px;border-bottom:1px solid var(--line);white-space:nowrap}
td{border-bottom:1px solid var(--grid);white-space:nowrap}
tr:last-child td{border-bottom:0}
td:last-child,th:last-child{padding-right:0}
.prose td:last-child{white-space:normal;min-width:18em;overflow-wrap:anywhere}
.prose td:not(:last-child){width:1%}
.verdict .table+.table{margin-top:18px}
th.number,td.number{text-align:right}
td.number{font-size:13px}th.number{font-family:inherit}
.strong{color:var(--strong);font-weight:600}
.muted{color:var(--muted)}
.ok{color:var(--ok)}.warn{color:var(--warn)}.unknown{color:var(--unknown)}
.crit{color:var(--crit);font-weight:600}
td.info{color:var(--muted)}
.entry{margin:0 0 16px}
.entry>p{margin:0}
.entry .number{color:var(--muted);font-size:13.5px;margin-right:6px}
dl{margin:4px 0 0 0}
dl div{display:flex;gap:12px;padding:2px 0}
dt{flex:0 0 58px;color:var(--muted);font-size:13px;padding-top:1px}
dd{margin:0;min-width:0}
dd code{white-space:pre-wrap;overflow-wrap:anywhere}
code{font-size:13px}
pre{margin:4px 0 12px;padding:9px 13px;background:var(--surface);border-radius:6px;overflow-x:auto}
.command p{margin:0}
figure{margin:22px 0 0}
figcaption{font-size:13px;font-weight:600;color:var(--strong);margin-bottom:4px}
.chart{overflow-x:auto}
.chart svg{display:block;width:100%;height:auto;min-width:640px}
.multiples{display:grid;grid-template-columns:1fr 1fr;gap:10px 20px;margin-top:26px}
.multiples figure{margin:0;min-width:0}
.multiples .chart svg{min-width:0}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:4px 22px;margin:14px 0 0;padding:0;color:var(--muted);
font-size:13px}
.short .legend{margin:6px 0 0 76px}.short .legend li{padding:0}.short .legend li:before{display:none}
.legend svg{margin-right:7px;vertical-align:-1px}
footer{max-width:1028px;margin:48px auto 0;padding:0 24px 32px;color:var(--muted);font-size:13px}
footer p{border-top:1px solid var(--line);padding-top:12px}
svg text{font-family:inherit;font-size:12px;fill:var(--text)}
svg .label{fill:var(--text)}
svg .muted{fill:var(--muted)}
svg .small{font-size:10px;fill:var(--muted)}
svg .title{font-size:13px;font-weight:600;fill:var(--strong)}
svg .label.crit,svg .label.absent{fill:var(--crit);font-weight:600}
svg .label.unseen{fill:var(--muted)}
svg .grid{stroke:var(--grid);stroke-width:1}
svg .hole{fill:url(#hole)}
svg .ribbon.stop{fill:var(--badgestop)}svg .ribbon.caution{fill:var(--badgewarn)}
svg .ribbon.go{fill:var(--badgeok)}svg .ribbon.unknown{fill:var(--badgeunknown)}
svg .on{font-weight:700;font-size:12px;letter-spacing:.02em}
svg .on.stop{fill:var(--onstop)}svg .on.caution{fill:var(--onwarn)}
svg .on.go{fill:var(--ok)}svg .on.unknown{fill:var(--unknown)}
svg .fill.stop{fill:var(--crit)}svg .fill.caution{fill:var(--warn)}svg .fill.go{fill:var(--ok)}
svg .fill{stroke:var(--bg);stroke-width:1.5}
svg .open{fill:none;stroke-width:2}
svg .open.unknown{stroke:var(--unknown)}svg .open.caution{stroke:var(--warn)}
svg .lane.up{fill:var(--spark);opacity:.45}
svg .lane.starting{fill:none;stroke:var(--spark);stroke-width:1}
svg .lane.lost{fill:var(--crit)}
svg .reset{stroke:var(--strong);stroke-width:2;fill:none}
svg .ground{fill:var(--spark);opacity:.14}
svg .floor{stroke:var(--warn);stroke-width:1.5;stroke-dasharray:6 4}
svg .foretold{fill:none;stroke-width:1.5;stroke-dasharray:2 4}
svg .foretold.stop,svg .band.stop{stroke:var(--crit)}
svg .foretold.caution,svg .band.caution{stroke:var(--warn)}
svg .band{stroke-width:6}
svg .kill{stroke:var(--crit);stroke-width:2}
svg .curve{fill:none;stroke-width:1.75;stroke-linejoin:round;stroke-linecap:round}
svg .curve.strong{stroke:var(--strong);stroke-width:2}
svg .lane.active{fill:var(--ok)}
svg .lane.zero{fill:var(--bg);stroke:var(--warn);stroke-width:1}
svg .lane.absent{fill:url(#absent);stroke:var(--crit);stroke-width:.75}
svg .lane.pale{opacity:.4;stroke:none}
svg .lane.stalled{fill:url(#stalled);stroke:var(--warn);stroke-width:.75}
svg .lane.bad{fill:var(--crit)}
svg .lane.down{fill:none;stroke:var(--crit);stroke-width:1;stroke-dasharray:3 2}
svg .lane.thin{stroke:none}svg .lane.zero.thin{fill:var(--warn);opacity:.28}
svg .lane.down.thin{fill:var(--crit);opacity:.5}
svg .name{font-weight:600}
"""
    + "".join(f"svg .w{slot}{{stroke:var(--w{slot})}}svg .n{slot}{{fill:var(--w{slot})}}" for slot in range(8))
    + "svg .w1{stroke-dasharray:7 3}svg .w2{stroke-dasharray:2 3}svg .w3{stroke-dasharray:10 3 2 3}"
    "svg .w4{stroke-dasharray:4 2}svg .w5{stroke-dasharray:1 4}svg .w6{stroke-dasharray:12 4}" + """
@media (max-width:760px){main{padding:20px 16px 8px}footer{padding:0 16px 24px}.multiples{grid-template-columns:1fr}
.lead{font-size:19px}h1{font-size:24px}td,th{padding-right:12px}
.prose,.prose tbody{display:block}.prose thead{display:none}
.prose tr{display:flex;flex-wrap:wrap;border-bottom:1px solid var(--grid);padding:4px 0}
.prose tr:last-child{border:0}
.prose td,.prose td:not(:last-child){border:0;padding:1px 12px 1px 0;width:auto}
.prose td:last-child{flex:1 0 100%;min-width:0}
h2{flex-wrap:wrap}.short .legend{margin-left:0}}
"""
    f"@media print{{:root{{{_LIGHT}--bg:#fff}}"
    """body{font-size:11pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}main{max-width:none;padding:0}
figure,tr,.entry,.command{break-inside:avoid}h2{break-after:avoid}article+article{break-before:page}
.chart,.table{overflow:visible}.chart svg{min-width:0}}
"""
)


def _pattern(id_: str, size: int, turn: int, stroke: str) -> str:
    ground = f'<rect width="{size}" height="{size}" style="fill:var(--bg)"/>'
    how = f'width="{size}" height="{size}" patternUnits="userSpaceOnUse" patternTransform="rotate({turn})"'
    return f'<pattern id="{id_}" {how}>{ground}{stroke}</pattern>'


PATTERNS: Final = (
    '<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>'
    + _pattern("absent", 6, 45, '<rect width="2" height="6" style="fill:var(--crit)"/>')
    + _pattern("stalled", 4, 0, '<circle cx="2" cy="2" r="1" style="fill:var(--warn)"/>')
    + _pattern("hole", 8, -45, '<rect width="1.5" height="8" style="fill:var(--hole)"/>')
    + "</defs></svg>"
)
"""SVG patterns for hatching in charts, defined once per page."""
