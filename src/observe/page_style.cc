#include "observe/page.h"

namespace shim::observe {

// The hash is of the style below, to the octet (CSP Level 3 §2.3.1); a test says which one is right.
const std::string_view page_policy =
    "default-src 'none'; style-src 'sha256-Dy/AWEqcm7+UYFcWX7CfzpXF0v/tO+JWJU0avF69VnA='; base-uri 'none'; form-action "
    "'none'; "
    "frame-ancestors 'none'";

// Contrasts are at least 4.5:1 (WCAG 2.2, 1.4.3) on both schemes; a state is always a word, too.
const std::string_view page_style = R"(
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #fff; --text: #1c2330; --quiet: #5a6475; --line: #d9dee7; --link: #0b57a4;
  --good: #14692f; --good-ground: #e3f4e8; --warn: #7d4a00; --warn-ground: #fdf0d7; --bad: #a3161f; --bad-ground: #fde7e8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12161d; --card: #1b212b; --text: #e4e9f1; --quiet: #9fabbd; --line: #323c4b; --link: #85bdf9;
    --good: #84dba0; --good-ground: #16311f; --warn: #f4c26b; --warn-ground: #382a10; --bad: #ff9c9f; --bad-ground: #401a1e;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.25rem 1rem 3rem; background: var(--ground); color: var(--text);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", "DejaVu Sans", sans-serif; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem .75rem; margin-bottom: 1rem; }
h1 { margin: 0; font-size: 1.35rem; }
h2 { margin: 0; padding: .8rem 1rem .5rem; font-size: 1.05rem; }
header p { margin: 0; color: var(--quiet); }
section { margin: 0 0 1rem; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; overflow: hidden; }
.concerns { margin: 0 0 1rem; padding: 0; list-style: none; }
.concerns li { margin: 0 0 .6rem; padding: .7rem 1rem; border-radius: .6rem; border-left: .35rem solid currentColor;
  overflow-wrap: anywhere; }
.concerns p { margin: 0; }
.concerns p + p { margin-top: .25rem; color: var(--text); }
.state { display: inline-block; padding: .05rem .6rem; border-radius: 1rem; font-size: .85em; font-weight: 600;
  white-space: nowrap; color: var(--quiet); box-shadow: inset 0 0 0 1px var(--line); }
.good { color: var(--good); background: var(--good-ground); }
.warn { color: var(--warn); background: var(--warn-ground); }
.bad { color: var(--bad); background: var(--bad-ground); }
.good.state, .warn.state, .bad.state { box-shadow: none; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(12.5rem, 1fr)); gap: .7rem 1.5rem; margin: 0; padding: .2rem 1rem .9rem; }
dt { color: var(--quiet); font-size: .85em; }
dd { margin: 0; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption, .none { padding: 0 1rem .6rem; text-align: left; color: var(--quiet); font-size: .9em; }
.none { margin: 0; }
th, td { padding: .45rem .5rem; border-top: 1px solid var(--line); text-align: left; vertical-align: top; }
th:first-child, td:first-child { padding-left: 1rem; }
th:last-child, td:last-child { padding-right: 1rem; }
thead th { color: var(--quiet); font-size: .85em; font-weight: 600; border-top: 0; white-space: nowrap; }
tbody th { font-weight: 600; }
tbody th, td { overflow-wrap: anywhere; }
td.number, th.number { text-align: right; white-space: nowrap; }
.name { min-width: 15.5rem; }
.time { white-space: nowrap; }
small, .quiet { color: var(--quiet); font-size: .88em; }
small { display: block; font-weight: 400; }
a { color: var(--link); }
code, pre { font-family: ui-monospace, "Cascadia Mono", "Noto Sans Mono", "Liberation Mono", "DejaVu Sans Mono", monospace; font-size: .92em; }
details { border-top: 1px solid var(--line); }
details > summary { padding: .7rem 1rem; cursor: pointer; color: var(--link); }
footer { color: var(--quiet); font-size: .88em; }
@media (max-width: 60rem) {
  body { padding: 1rem .6rem 2rem; }
  table, tbody, tr, th, td { display: block; }
  thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  caption { display: block; }
  tr { padding: .5rem 1rem; border-top: 1px solid var(--line); }
  tbody th, tbody td, th:first-child, td:first-child { padding: .1rem 0; border: 0; }
  td.number { display: inline-block; margin-right: 1.1rem; text-align: left; }
  td[data-name]::before { content: attr(data-name) ": "; color: var(--quiet); }
  td:empty, td.nothing { display: none; }
}
)";

}  // namespace shim::observe
