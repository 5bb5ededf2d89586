"""The look of the page. It stands inside the page: nothing is fetched."""

from simulations.report.palette import compose_variables

RULES = """
*{box-sizing:border-box}
html{color-scheme:light dark;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);line-height:1.5;font-size:16px;
font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif}
main{max-width:1080px;margin:0 auto;padding:40px 24px 72px}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 6px;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:1.3rem;margin:0 0 4px}
h3{font-size:1rem;margin:22px 0 6px;overflow-wrap:anywhere}
h4{font-size:.9rem;margin:20px 0 4px}
p{margin:6px 0 12px;max-width:74ch}
small,.muted,section>p{color:var(--muted)}
section>p{font-size:.94rem}
p.muted{font-size:.88rem}
a{color:var(--blue)}
a:focus-visible,summary:focus-visible{outline:2px solid var(--blue);outline-offset:2px}
code,pre{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace;font-size:.84rem}
pre{background:var(--band);border:1px solid var(--grid);border-radius:6px;padding:9px 12px;margin:6px 0;overflow-x:auto;
white-space:pre-wrap;overflow-wrap:anywhere}
pre code{user-select:all;-webkit-user-select:all}
pre.rest code{user-select:text;-webkit-user-select:text}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:4px 20px;margin:18px 0 0;padding:0}
dl.about{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:14px 0 0;font-size:.9rem}
dl.about dt{color:var(--muted)}
dl.about dd{margin:0;overflow-wrap:anywhere}
ul.figures{list-style:none;display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;
margin:26px 0 0;padding:0}
ul.figures li{background:var(--card);border:1px solid var(--grid);border-radius:8px;padding:12px 16px;
color:var(--muted);font-size:.86rem}
ul.figures b{display:block;font-size:1.55rem;line-height:1.25;color:var(--ink);font-weight:600;
font-variant-numeric:tabular-nums}
ul.figures li.bad{font-weight:400}
ul.figures li.bad b{color:var(--red)}
section{background:var(--card);border:1px solid var(--grid);border-radius:8px;padding:22px 24px 20px;margin:22px 0 0}
figure{margin:12px 0 0}
figure.wide svg.plot{min-width:640px}
.wide{overflow-x:auto}
svg.plot{display:block;width:100%;height:auto}
svg.plot *{stroke-linejoin:round;stroke-linecap:butt}
svg.plot text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif!important}
table{border-collapse:collapse;width:100%;font-size:.88rem;margin:8px 0 4px}
th,td{text-align:left;vertical-align:top;padding:6px 14px 6px 0;border-bottom:1px solid var(--grid)}
thead th{color:var(--muted);font-weight:500;vertical-align:bottom}
tbody th,tfoot th{font-weight:600;overflow-wrap:anywhere;min-width:12em}
tfoot td,tfoot th{border-bottom:0;border-top:2px solid var(--grid)}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.broken{color:var(--red);font-weight:700}
td.counts{color:var(--muted);padding-right:0;min-width:16em}
td.counts span{display:inline-block;margin-right:10px}
td.counts b{color:var(--ink);font-weight:500}
table.faults{width:auto}
table.faults td{overflow-wrap:anywhere}
.good,section>p.good{color:var(--green);font-weight:600}
.bad,section>p.bad{color:var(--red);font-weight:600}
article.violation{border-top:1px solid var(--grid);margin-top:16px}
article.violation h3{margin-top:14px}
article.violation ul{margin:8px 0 0;padding-left:20px;font-size:.92rem}
article.violation li{overflow-wrap:anywhere}
details{margin:12px 0 0}
summary{cursor:pointer;color:var(--muted);font-size:.9rem}
ul.legend{list-style:none;display:flex;flex-wrap:wrap;gap:2px 20px;margin:12px 0 6px;padding:0;font-size:.88rem}
svg.sample{width:14px;height:14px;vertical-align:-2px;margin-right:6px}
.timeline text.row{font-size:12px;fill:var(--ink);text-anchor:end}
.timeline text.tick{font-size:11px;fill:var(--muted);text-anchor:middle}
.timeline text.flag{font-size:10px;fill:var(--ink);font-weight:600}
.timeline .stripe{fill:var(--band)}
.timeline .rail{stroke:var(--grid);stroke-width:1}
.timeline path.tick{stroke:var(--grid);stroke-width:1;stroke-dasharray:2 3}
.timeline .cut{fill:url(#timeline-hatch)}
.timeline .hatch{stroke:var(--muted);stroke-opacity:.5;stroke-width:1.2}
.timeline .shade{pointer-events:none;fill:var(--ink);fill-opacity:.16}
.timeline .halo{fill:var(--card);stroke:var(--red);stroke-width:1.4}
footer{color:var(--muted);font-size:.86rem;margin:24px 4px 0}
@media (max-width:640px){main{padding:24px 12px 48px}section{padding:16px 14px}}
@media print{body{background:#fff;font-size:11pt}main{max-width:none;padding:0}nav{display:none}
section{border:0;padding:12px 0;break-inside:auto}figure,tr,article.violation{break-inside:avoid}
h2,h3,h4,section>p,ul.legend{break-after:avoid}tfoot{display:table-row-group}
.wide{overflow:visible}figure.wide svg.plot{min-width:0}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""


def compose_style() -> str:
    """Write the page's style sheet."""
    return compose_variables() + RULES
