/** The page's one style sheet: a calm document in light, dark, on a phone and on A4. System fonts, no external thing. */
import { html, type Html } from "./html";

export const style: Html = html`<style>
:root {
    --paper: #fdfcfa; --panel: #f5f3ee; --ink: #1c1e21; --muted: #5a5f66; --rule: #dcd8d0; --accent: #22476b;
    --critical: #9a1b1e; --high: #a8460a; --medium: #7a5b00; --low: #2b5a86; --informational: #565d66; --good: #1d6a45; --bad: #9a1b1e;
    --on-chip: #ffffff;
    --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Open Sans", Arial, sans-serif;
    --serif: "Iowan Old Style", "Palatino Linotype", Palatino, "Book Antiqua", Charter, Georgia, "Times New Roman", serif;
    --mono: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace;
    color-scheme: light dark;
}
@media screen and (prefers-color-scheme: dark) {
    :root {
        --paper: #16181b; --panel: #1f2226; --ink: #e6e4df; --muted: #a3a8af; --rule: #363a40; --accent: #93bce4;
        --critical: #ff8a85; --high: #f7a46a; --medium: #e3c057; --low: #8dbdea; --informational: #b0b6be; --good: #79cfa3; --bad: #ff8a85;
        --on-chip: #16181b;
    }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 var(--sans); font-variant-numeric: lining-nums; }
main { max-width: 68rem; margin: 0 auto; padding: 1.6rem 1.5rem 5rem; overflow-wrap: anywhere; }
h1, h2, h3, h4 { line-height: 1.25; text-wrap: balance; }
h1, h2, .headline { font-family: var(--serif); font-weight: 600; letter-spacing: -0.005em; }
h1 { font-size: 2.1rem; margin: 0.2rem 0 0.4rem; }
h1 code { font-size: 0.82em; letter-spacing: -0.02em; }
h2 { font-size: 1.5rem; margin: 0 0 1rem; }
h3 { font-size: 1.05rem; margin: 1.8rem 0 0.6rem; }
h4 { font-size: 1rem; margin: 0; }
p { margin: 0 0 0.8rem; max-width: 44rem; }
a { color: var(--accent); text-underline-offset: 0.15em; }
a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
code, pre, tbody .code, .path { font-family: var(--mono); font-size: 0.875em; }
code code, .code code { font-size: 1em; }
section { border-top: 1px solid var(--rule); margin-top: 3rem; padding-top: 2rem; }
.kicker { text-transform: uppercase; letter-spacing: 0.12em; font-size: 0.78rem; font-weight: 600; color: var(--muted); margin: 0; }
.drill { border: 1px solid currentColor; border-radius: 3px; padding: 0 0.45em; margin-left: 0.5em; }
.lead { font-size: 1.08rem; margin-bottom: 1.4rem; }
.note, .absent, .quiet { color: var(--muted); }
.absent { font-family: var(--sans); }
.note { font: 400 0.875rem/1.5 var(--sans); }
.warning { border-left: 3px solid var(--bad); padding-left: 0.8rem; font-weight: 600; }
nav { margin-top: 1.4rem; }
nav ol { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0.3rem 1.3rem; font-size: 0.9rem; }

.facts { display: flex; flex-wrap: wrap; gap: 0.6rem 1.7rem; margin: 0 0 0.8rem; }
.facts dt { font-size: 0.78rem; color: var(--muted); }
.facts dd { margin: 0; }
.facts div { min-width: 0; }

.chip { display: inline-block; border-radius: 3px; padding: 0.05rem 0.5rem; font: 600 0.75rem/1.5 var(--sans); vertical-align: 0.1em; color: var(--on-chip); background: var(--informational); }
.chip.critical { background: var(--critical); }
.chip.high { background: var(--high); }
.chip.medium { background: var(--medium); }
.chip.low { background: var(--low); }

.statuses { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1rem; }
.status { background: var(--panel); border-top: 4px solid var(--good); padding: 1rem 1.2rem; }
.status.bad { border-color: var(--bad); }
.status.partly { border-color: var(--high); }
.status h3 { margin: 0 0 0.4rem; font-size: 1.1rem; font-weight: 500; }
.status strong { color: var(--good); }
.status.bad strong { color: var(--bad); }
.status.partly strong { color: var(--high); }
.status p, .status ul { margin: 0; font-size: 0.94rem; }
.status ul { padding-left: 1.1rem; }
.status li + li { margin-top: 0.3rem; }
.banner { border: 2px solid var(--high); border-radius: 3px; padding: 1rem 1.2rem; margin-top: 1rem; }
.banner h3 { margin: 0 0 0.4rem; color: var(--high); }
.banner p, .banner ul { margin-bottom: 0; font-size: 0.94rem; }
.banner ul { margin-top: 0.5rem; padding-left: 1.1rem; }

.figures, .tally { list-style: none; margin: 0 0 1.5rem; padding: 0; display: grid; gap: 1rem 1.5rem; }
.figures { grid-template-columns: repeat(6, 1fr); }
.figures li, .tally li { font-size: 0.875rem; color: var(--muted); line-height: 1.35; }
.figures strong, .tally strong { display: block; font: 600 1.45rem/1.25 var(--serif); color: var(--ink); }
.tally { grid-template-columns: repeat(auto-fit, minmax(6.5rem, 1fr)); }
.tally li { border-top: 4px solid var(--informational); padding-top: 0.4rem; }
.tally .critical { border-color: var(--critical); }
.tally .high { border-color: var(--high); }
.tally .medium { border-color: var(--medium); }
.tally .low { border-color: var(--low); }
.tally .zero { border-color: var(--rule); }
.tally .zero strong { color: var(--muted); font-weight: 400; }

.verdict .headline { font-size: 1.75rem; line-height: 1.25; margin: 0 0 0.8rem; }
.verdict.critical .headline { color: var(--critical); }
.verdict.high .headline { color: var(--high); }
.verdict.medium .headline { color: var(--medium); }
.verdict.no-conclusion .headline { color: var(--bad); }
.verdict ol { margin: 0; padding-left: 1.3rem; max-width: 46rem; }
.verdict li + li { margin-top: 0.5rem; }

.finding { border-left: 4px solid var(--informational); padding: 0.15rem 0 0.15rem 1.1rem; margin: 0 0 1.6rem; }
.finding.critical { border-color: var(--critical); }
.finding.high { border-color: var(--high); }
.finding.medium { border-color: var(--medium); }
.finding.low { border-color: var(--low); }
.finding .path { margin: 0.35rem 0 0.5rem; font-size: 1rem; }
.finding .facts { font-size: 0.9rem; margin: 0; gap: 0.4rem 1.8rem; }
pre { background: var(--panel); margin: 0.5rem 0 0.8rem; padding: 0.7rem 0.9rem; white-space: pre-wrap; overflow-wrap: anywhere; overflow: hidden; max-height: 60rem; line-height: 1.5; tab-size: 4; }

table { border-collapse: collapse; width: 100%; margin: 1rem 0 1.6rem; font-size: 0.9rem; }
caption { text-align: left; font-weight: 600; padding-bottom: 0.4rem; }
th, td { text-align: left; vertical-align: baseline; padding: 0.45rem 1rem 0.45rem 0; border-bottom: 1px solid var(--rule); font-weight: 400; }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--muted); font-size: 0.8rem; line-height: 1.3; border-bottom-color: var(--muted); vertical-align: bottom; }
th.number, td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums lining-nums; }
th.time, td.time { white-space: nowrap; font-variant-numeric: tabular-nums lining-nums; }
tbody th.text { min-width: 11.5rem; }
tbody td.text { min-width: 5.5rem; }
tbody .code { min-width: 11rem; }
tbody .code code { font-size: 0.95em; letter-spacing: -0.01em; }
.hash { font-size: 0.78em; overflow-wrap: anywhere; }
.event { white-space: pre-wrap; }

.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 0.5rem; background: var(--paper); padding: 0.3rem 0.8rem; z-index: 3; }
header h1 { font-size: 1.9rem; }
header.critical h1, header.high h1 { color: var(--critical); }
header.no-conclusion h1 { color: var(--bad); }
header h1 code { color: var(--ink); }
header .lead { margin-bottom: 0.5rem; }
header .facts { font-size: 0.85rem; gap: 0.2rem 1.4rem; margin-bottom: 0.9rem; }
header .facts dt { flex: none; }
header .facts div { display: flex; gap: 0.4rem; align-items: baseline; }
main > nav { position: sticky; top: 0; z-index: 2; background: var(--paper); border-bottom: 1px solid var(--rule); margin-top: 1.6rem; padding: 0.5rem 0; }
section { scroll-margin-top: 3rem; }
#verdict { border-top: 0; margin-top: 0.4rem; padding-top: 0; }
.verdict .three { list-style: none; padding: 0; max-width: none; margin: 0 0 1rem; }
.verdict .three { font-size: 0.95rem; line-height: 1.45; }
.verdict :is(.statuses, .impacts) li { margin-top: 0; }
.verdict .three li { border-left: 3px solid var(--rule); padding-left: 0.8rem; }
.verdict .three li:first-child { font-weight: 600; border-color: var(--critical); }
ul.statuses { list-style: none; padding: 0; margin: 0 0 1rem; grid-template-columns: 2fr 1fr 1fr; gap: 0.7rem; }
ul.statuses .status { padding: 0.7rem 0.9rem; }
ul.statuses .status .question { margin: 0; font-size: 1rem; color: var(--ink); }
ul.statuses .status :is(p, ul) { font-size: 0.85rem; color: var(--muted); }
.quiet-heading { font: 600 0.8rem/1.3 var(--sans); text-transform: uppercase; letter-spacing: 0.1em; color: var(--muted); margin: 1.2rem 0 0.6rem; }
.impacts { list-style: none; margin: 0 0 1rem; padding: 0; display: grid; grid-template-columns: repeat(3, 1fr); gap: 0.7rem; }
.impact { border-top: 4px solid var(--rule); background: var(--panel); padding: 0.6rem 0.9rem 0.7rem; min-width: 0; }
.impact h3 { margin: 0 0 0.2rem; font-size: 0.95rem; }
.impact p { margin: 0; font-size: 0.85rem; line-height: 1.45; }
.impact.observed { border-color: var(--critical); }
.impact.inferred { border-color: var(--high); }
.impact.unknown p { color: var(--muted); }
.certainty { font: 600 0.72rem/1.4 var(--sans); border: 1px solid currentColor; border-radius: 3px; padding: 0 0.4em; color: var(--muted); white-space: nowrap; }
.observed .certainty { color: var(--critical); }
.inferred .certainty { color: var(--high); }
.pairs { margin: 0; }
.pairs div { display: flex; gap: 0.8rem; margin-bottom: 0.4rem; }
.pairs dt { flex: 0 0 7rem; color: var(--muted); font-size: 0.9rem; }
.pairs dd { margin: 0; }
.phases { list-style: none; margin: 0 0 1.2rem; padding: 0; }
.phases > li { display: grid; grid-template-columns: 11rem 1fr; gap: 0 1.2rem; border-top: 1px solid var(--rule); padding: 0.6rem 0; }
.phases h4 { color: var(--muted); font-size: 0.9rem; }
.phases ul { margin: 0; padding: 0; list-style: none; }
.phases li li { margin-bottom: 0.45rem; padding-left: 5.2rem; text-indent: -5.2rem; }
.phases li li > * { text-indent: 0; }
.phases .chip { min-width: 4.6rem; text-align: center; margin-right: 0.5rem; }
.phases .note { grid-column: 2; margin: 0; }
.where, .also { font-size: 0.875rem; color: var(--muted); }
time { font-size: 0.85rem; color: var(--muted); white-space: nowrap; font-variant-numeric: tabular-nums; }
details > summary { cursor: pointer; font-weight: 600; padding: 0.4rem 0; }
.moments { list-style: none; padding: 0; margin: 0; }
.moments time { display: inline-block; min-width: 13rem; }
.finding h3 { margin: 0; }

.live #findings-static, .live #timeline-static { display: none; }
.explorer { margin: 1rem 0; }
.filters { display: flex; flex-wrap: wrap; gap: 0.6rem 1rem; align-items: end; background: var(--panel); padding: 0.8rem 1rem; border-radius: 3px; }
.filters label { display: flex; flex-direction: column; gap: 0.15rem; font-size: 0.8rem; color: var(--muted); }
.filters label { min-width: 0; max-width: 100%; }
.filters .search { flex: 1 1 16rem; }
.filters fieldset { border: 0; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0.2rem 0.8rem; flex: 1 1 100%; }
.filters legend { font-size: 0.8rem; color: var(--muted); padding: 0; }
.filters .toggle { flex-direction: row; align-items: center; gap: 0.3rem; color: var(--ink); }
.filters .toggle.critical { color: var(--critical); }
.filters .toggle.high { color: var(--high); }
.filters .toggle.medium { color: var(--medium); }
.filters .toggle.low { color: var(--low); }
input[type="search"], select, button { font: inherit; font-size: 0.9rem; color: var(--ink); background: var(--paper); border: 1px solid var(--muted); border-radius: 3px; padding: 0.25rem 0.5rem; min-height: 2rem; max-width: 100%; }
button { cursor: pointer; padding: 0.25rem 0.8rem; }
:is(input, select, button, .rows, .chart, pre, summary):focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.rows { overflow-y: auto; overflow-x: hidden; border: 1px solid var(--rule); }
.row { position: absolute; left: 0; right: 0; border-bottom: 1px solid var(--rule); background: var(--paper); }
.row.open { background: var(--panel); z-index: 1; }
.row > button { border: 0; border-radius: 0; background: none; width: 100%; height: 33px; min-height: 0; text-align: left; display: flex; gap: 0.7rem; align-items: center; padding: 0 0.7rem; white-space: nowrap; overflow: hidden; }
.row > button:hover { background: var(--panel); }
.row > button:focus-visible { outline-offset: -2px; }
.row .group { font-weight: 600; background: var(--panel); }
.row .chip { flex: 0 0 7.2rem; text-align: center; }
.row .title { flex: 2 1 0; overflow: hidden; text-overflow: ellipsis; }
.row .path { flex: 1 1 0; overflow: hidden; text-overflow: ellipsis; color: var(--muted); margin: 0; }
.row time { flex: none; }
.row .lane { flex: 0 0 6rem; color: var(--muted); font-size: 0.85rem; }
.row .details { padding: 0.5rem 0.9rem 0.8rem; }
.row .details .path { color: var(--ink); margin: 0 0 0.4rem; white-space: pre-wrap; }
.row .details pre { background: var(--paper); max-height: 16rem; overflow: auto; }
.row .details .facts { font-size: 0.88rem; margin-bottom: 0.4rem; }
.chart { margin: 0.8rem 0 0.2rem; min-height: 210px; }
.tools { margin-bottom: 0.6rem; }

.chain { list-style: none; counter-reset: step; margin: 0; padding: 0; }
.chain > li { counter-increment: step; border-left: 2px solid var(--rule); padding: 0 0 1.2rem 1.6rem; margin-left: 0.85rem; position: relative; }
.chain > li:last-child { padding-bottom: 0; }
.chain > li > h3 { margin: 0 0 0.6rem; line-height: 1.7rem; }
.chain > li::before { content: counter(step); position: absolute; left: -0.9rem; top: 0; width: 1.7rem; height: 1.7rem; border-radius: 50%; background: var(--accent); color: var(--paper); font: 600 0.85rem/1.7rem var(--sans); text-align: center; }

@media (max-width: 44rem) {
    main { padding: 1.6rem 1rem 3rem; }
    h1 { font-size: 1.55rem; }
    .statuses, ul.statuses, .impacts { grid-template-columns: 1fr; }
    #verdict { display: flex; flex-direction: column; }
    ul.statuses { order: -1; }
    main > nav { position: static; }
    header h1 { font-size: 1.45rem; }
    .phases > li { grid-template-columns: 1fr; }
    .phases .note { grid-column: 1; }
    .pairs div { display: block; }
    .row .path, .row time, .row .lane { display: none; }
    .row .details .path { display: block; }
    .row .chip { flex-basis: 5.4rem; }
    .moments time { min-width: 0; margin-right: 0.5rem; }
    .figures { grid-template-columns: repeat(2, 1fr); }
    .tally { grid-template-columns: repeat(3, 1fr); }
    .finding { padding-left: 0.8rem; }
    .chain > li { padding-left: 1.2rem; }
    .stacked, .stacked :is(caption, tbody, tr, th, td) { display: block; }
    .stacked thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
    .stacked tbody tr { border-bottom: 1px solid var(--rule); padding: 0.6rem 0; }
    .stacked tbody :is(th, td) { border: 0; padding: 0.1rem 0; text-align: left; white-space: normal; }
    .stacked tbody th { font-weight: 600; }
    .stacked td[data-label]:not(:empty)::before { content: attr(data-label) ": "; color: var(--muted); font-family: var(--sans); font-size: 0.8rem; }
    .compact tbody :is(th, td) { min-width: 0; }
}
@page { size: A4; margin: 18mm 16mm; }
@media print {
    html { font-size: 9pt; }
    body { background: none; }
    main { max-width: none; padding: 0; }
    nav, .skip, .explorer, #timeline, .tools { display: none; }
    .live #findings-static { display: block; }
    main > section:not(#verdict) { break-inside: auto; }
    section { margin-top: 1.6rem; padding-top: 1.2rem; }
    h2, h3, h4, caption { break-after: avoid; }
    .status, .banner, .verdict, .tally, .figures, .facts, tr { break-inside: avoid; }
    .finding h4, .finding .path { break-after: avoid; }
    thead { display: table-header-group; }
    .chip, .status, pre, .tally li, .chain > li::before { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
</style>`;
