#include "orchestrator/report/html/style.h"

namespace dml::report {

const char* const kStyleSheet = R"css(
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #1a2029; --dim: #667080; --line: #e2e6ec;
  --accent: #2f6fde; --good: #1a8a52; --warn: #a86400; --bad: #cb3238; --reuse: #7b62c9;
  --code: #f1f3f6; --shadow: 0 1px 2px rgba(20,30,50,.06), 0 2px 8px rgba(20,30,50,.04);
  --s0: #2f6fde; --s1: #d9621c; --s2: #1a8a52; --s3: #b0399b; --s4: #8a6d00; --s5: #0a8a9e;
  --s6: #cb3238; --s7: #6b7280; --s8: #5b3fc4; --s9: #7a5230;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #11151b; --card: #1a2029; --ink: #e6eaf0; --dim: #94a0b0; --line: #2d3643;
    --accent: #6ea2ff; --good: #4cc38a; --warn: #e2a63b; --bad: #ff7a7a; --reuse: #ab99f0;
    --code: #151a21; --shadow: none;
    --s0: #6ea2ff; --s1: #f0904f; --s2: #4cc38a; --s3: #de7fcf; --s4: #d3b340; --s5: #45bfd2;
    --s6: #ff7a7a; --s7: #a3adba; --s8: #b29cff; --s9: #cf9f72;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main, header > div, nav > div { max-width: 1160px; margin: 0 auto; padding: 0 24px; }
header { padding: 34px 0 20px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0; letter-spacing: -.015em;
  overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 38px 0 12px; letter-spacing: -.01em; }
h3 { font-size: 15px; margin: 22px 0 10px; }
h3 small { color: var(--dim); font-weight: 400; margin-left: 6px; }
.headline { display: flex; gap: 14px; align-items: center; flex-wrap: wrap; }
.badge { font-size: 13px; font-weight: 600; padding: 2px 11px; border-radius: 99px;
  border: 1px solid currentColor; }
.badge.succeeded, .badge.reused { color: var(--good); }
.badge.failed { color: var(--bad); }
.badge.cancelled, .badge.skipped { color: var(--warn); }
.badge.running { color: var(--accent); }
.facts { display: flex; flex-wrap: wrap; gap: 6px 30px; margin: 16px 0 0; padding: 0; }
.facts div { min-width: 84px; }
.facts dt { color: var(--dim); font-size: 12.5px; }
.facts dd { margin: 0; font-weight: 550; font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere; }
nav { position: sticky; top: 0; background: var(--page); border-bottom: 1px solid var(--line);
  z-index: 1; }
nav > div { display: flex; gap: 22px; overflow-x: auto; }
nav a { color: var(--dim); text-decoration: none; padding: 10px 0; font-size: 14px;
  white-space: nowrap; }
nav a:hover { color: var(--accent); }
section { scroll-margin-top: 40px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin: 0;
  padding: 16px 18px; box-shadow: var(--shadow); min-width: 0; }
.card + .card { margin-top: 14px; }
.grid { columns: 2 420px; column-gap: 16px; }
.grid .card { margin: 0 0 16px; break-inside: avoid; display: inline-block; width: 100%; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 12px; }
.tiles .card { margin: 0; padding: 12px 16px; }
.tiles b { display: block; font-size: 23px; line-height: 1.25; letter-spacing: -.02em;
  font-variant-numeric: tabular-nums; font-weight: 620; }
.tiles span { color: var(--dim); font-size: 12.5px; overflow-wrap: anywhere; }
figcaption { font-weight: 600; font-size: 14px; margin-bottom: 8px; overflow-wrap: anywhere; }
.dim { color: var(--dim); font-size: 13px; margin: 8px 0 0; }
.scroll { overflow-x: auto; }
table.data { border-collapse: collapse; width: 100%; font-size: 13.5px;
  font-variant-numeric: tabular-nums; }
table.data th { text-align: left; color: var(--dim); font-weight: 500; font-size: 12.5px;
  border-bottom: 1px solid var(--line); padding: 5px 14px 5px 0; white-space: nowrap; }
table.data td { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
table.data tr:last-child td { border-bottom: 0; }
table.data td.num { text-align: right; } table.data th.num { text-align: right; }
table.sortable th { cursor: pointer; } table.sortable th:hover { color: var(--accent); }
td.best { font-weight: 650; color: var(--good); }
ul.notes { margin: 0; padding: 0 0 0 2px; list-style: none; font-size: 14px; }
ul.notes li { padding: 3px 0 3px 24px; position: relative; overflow-wrap: anywhere; }
ul.notes li::before { position: absolute; left: 2px; font-weight: 700; }
ul.notes.good li::before { content: "\2713"; color: var(--good); }
ul.notes.warning li::before { content: "!"; color: var(--warn); left: 6px; }
ul.notes.info li::before { content: "\2022"; color: var(--accent); left: 5px; }
ul.notes.bad li::before { content: "\2717"; color: var(--bad); }
pre { background: var(--code); border: 1px solid var(--line); border-radius: 8px; margin: 0;
  padding: 14px 16px; overflow-x: auto; font: 12.5px/1.55 ui-monospace, "SF Mono", Menlo,
  Consolas, "DejaVu Sans Mono", monospace; }
code { font: .92em ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
pre.error { border-left: 3px solid var(--bad); white-space: pre-wrap; overflow-wrap: anywhere; }
details > summary { cursor: pointer; margin: 14px 0 10px; font-size: 15px; }
summary small { color: var(--dim); font-size: 13px; margin-left: 4px; }
summary:hover b { color: var(--accent); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 12.5px; color: var(--dim);
  margin-top: 6px; }
.legend i { display: inline-block; width: 11px; height: 11px; border-radius: 3px;
  margin-right: 6px; vertical-align: -1px; background: var(--c); }
.s0 { --c: var(--s0); } .s1 { --c: var(--s1); } .s2 { --c: var(--s2); } .s3 { --c: var(--s3); }
.s4 { --c: var(--s4); } .s5 { --c: var(--s5); } .s6 { --c: var(--s6); } .s7 { --c: var(--s7); }
.s8 { --c: var(--s8); } .s9 { --c: var(--s9); }
svg { display: block; font-family: inherit; }
svg text { fill: var(--ink); font-size: 12px; }
svg .tick { fill: var(--dim); font-size: 11.5px; }
svg .label { fill: var(--dim); font-size: 12px; }
svg .value { fill: var(--dim); font-size: 11px; }
svg .grid { stroke: var(--line); stroke-width: 1; display: inline; }
svg .axis { stroke: var(--dim); stroke-width: 1; opacity: .6; }
svg .curve { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; }
svg .dashed { stroke-dasharray: 5 4; opacity: .75; stroke-width: 1.5; }
svg .dots { fill: none; stroke: var(--c); stroke-width: 4.2; stroke-linecap: round;
  opacity: .5; }
svg .fill { fill: var(--c); }
svg .tint { fill: var(--s0); } svg .cell { fill: var(--card); stroke: var(--line); }
svg .count { font-weight: 600; font-size: 13px; } svg .count.on { fill: var(--card); }
svg .share { font-size: 11px; font-weight: 400; opacity: .85; }
svg .edge { fill: none; stroke: var(--dim); stroke-width: 1.4; opacity: .55; }
svg .node { --c: var(--dim); } svg .node.succeeded { --c: var(--good); }
svg .node.reused { --c: var(--reuse); } svg .node.failed { --c: var(--bad); }
svg .node.running { --c: var(--accent); } svg .node.cancelled { --c: var(--warn); }
svg .box { fill: var(--card); stroke: var(--line); stroke-width: 1.2; }
svg .node:hover .box { stroke: var(--c); } svg .mark { fill: var(--c); }
svg .node .name { font-weight: 600; font-size: 12.5px; } svg .node .type { fill: var(--dim);
  font-size: 11px; }
svg .span { fill: var(--good); } svg .span.failed, svg .span.lost { fill: var(--bad); }
svg .span.killed, svg .span.cancelled { fill: var(--warn); } svg .span.running {
  fill: var(--accent); }
footer { color: var(--dim); font-size: 13px; margin: 44px 0 40px; }
@media print { nav { display: none; } .card { break-inside: avoid; box-shadow: none; } }
)css";

const char* const kSortScript = R"js(
for (const table of document.querySelectorAll("table.sortable")) {
  table.querySelectorAll("th").forEach((head, column) => head.addEventListener("click", () => {
    const body = table.tBodies[0];
    const sign = head.dataset.up === "1" ? -1 : 1;
    head.dataset.up = sign === 1 ? "1" : "0";
    const key = (row) => row.cells[column].dataset.v ?? row.cells[column].textContent;
    const rows = [...body.rows].sort((a, b) => {
      const x = key(a), y = key(b), p = parseFloat(x), q = parseFloat(y);
      return sign * (isNaN(p) || isNaN(q) ? x.localeCompare(y) : p - q);
    });
    body.append(...rows);
  }));
}
)js";

}  // namespace dml::report
