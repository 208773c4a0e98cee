"""HTML of the Data Docs: our index page, and the library's pages made to work without a network.

What does not belong here: files, and anything about a particular table.
"""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

REMOTE = re.compile(
    r'<link[^>]*(?:href="https?://|shortcut icon)[^>]*>|<script[^>]*src="https?://[^>]*>\s*</script>|<img[^>]*src="https?://[^>]*>',
    re.DOTALL,
)
FILTER = re.compile(r"<script>\s*function showAllValidations.*?</script>", re.DOTALL)
LINK_TO_SUITE = re.compile(r'<a href="[^"]*/expectations/[^"]*"\s*>([^<]*)</a>')
REMOTE_IMAGE = re.compile(r"background: url\('https?://[^)]*\)[^;]*;")
FOOTER = re.compile(r"<footer.*?</footer>", re.DOTALL)
HOME = re.compile(r'href="(?:\.\./)+index\.html"')

STYLE = """<style>
:root{--line:#d9dee3;--soft:#f4f6f8;--ink:#1f2933;--good:#18794e;--bad:#c02b2b;--warn:#9a6700;--link:#1d5fa8}
*{box-sizing:border-box}
body{margin:0;font:15px/1.5 system-ui,"Segoe UI","Noto Sans","Noto Sans CJK KR",sans-serif;color:var(--ink);background:#fff}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
h1{font-size:24px;margin:0 0 4px}h4,h5,h6{margin:0;font-size:17px}.h6,h6{font-size:14px;font-weight:600}
table{border-collapse:collapse;width:100%;margin:0 0 8px}th,td{padding:6px 10px;border-bottom:1px solid var(--line);text-align:left;
vertical-align:top}thead th{background:var(--soft);font-weight:600}td .show-scrollbars{overflow-wrap:break-word}.table-responsive{width:100%;overflow:auto}
.table-bordered{width:auto;font-size:13px;border:1px solid var(--line)}.table-bordered th,.table-bordered td{white-space:nowrap}.table-bordered td,.table-bordered th{padding:3px 8px}
.row{display:flex;flex-wrap:wrap}.col-12{width:100%}.col-6.col-6{width:50%}.container-fluid{padding:0 16px}
.col-md-2{width:17%;min-width:180px}.col-md-10{width:80%;flex:1;min-width:0}.d-none{display:none}.d-md-block,.d-md-inline-flex{display:block}
.d-flex{display:flex}.align-items-center{align-items:center}.pt-4{padding-top:20px}.pr-3{padding-right:12px}.mb-4,.mb-3{margin-bottom:16px}
.navbar{padding:8px 20px}.border-bottom{border-bottom:1px solid var(--line)}.sticky-top{position:sticky;top:0;background:#fff;z-index:5}
.breadcrumb{display:flex;list-style:none;margin:0 0 0 12px;padding:0}.breadcrumb-item+.breadcrumb-item:before{content:"/";padding:0 8px}
.alert,.card-header{background:var(--soft);border-radius:4px;padding:8px 12px}.card{border:1px solid var(--line);border-radius:4px}
.card-body{padding:8px}.nav{list-style:none;margin:0;padding:0}.nav-link{display:block;padding:2px 8px;font-size:13px}
.btn{border:1px solid var(--line);border-radius:4px;padding:4px 10px;margin:2px;cursor:pointer;font-size:13px}.btn input{display:none}
.text-success,.good{color:var(--good)}.text-danger,.bad{color:var(--bad)}.warn{color:var(--warn)}.lead{font-size:14px;color:#52606d}
.fa-check-circle:before{content:"\\2713";font-style:normal;font-weight:700}.fa-times:before{content:"\\2717";font-style:normal;font-weight:700}
.fa-exclamation-triangle:before{content:"\\26A0";font-style:normal}.badge{background:var(--soft);border-radius:4px;padding:0 4px}
.collapse{display:block}.brand{font-weight:700;font-size:20px;color:var(--ink)}main{max-width:1200px;margin:0 auto;padding:28px 20px}
.number{text-align:right;white-space:nowrap}details{margin:2px 0}summary{cursor:pointer}
#section-1-content-block-3{display:none}
</style>"""

# The library's own buttons need jQuery from a network; these do the same without.
BUTTONS = """<script>
function shown(selector, closest, visible) {
  document.querySelectorAll(selector).forEach(function (cell) {
    var part = closest ? cell.closest(closest) : cell;
    if (part) { part.style.display = visible ? "" : "none"; }
  });
}
function showAllValidations() { toggle(true); }
function hideSucceededValidations() { toggle(false); }
function toggle(visible) {
  shown(".hide-succeeded-validation-target-child", "tr", visible);
  shown(".hide-succeeded-validation-target", "", visible);
  shown(".hide-succeeded-validations-column-section-target-child", ".ge-section", visible);
}
</script>"""


def offline(page: str, title: str) -> str:
    """The library's page without anything fetched from elsewhere, with our style and a way back to the index."""
    for foreign in (REMOTE, REMOTE_IMAGE, FOOTER):
        page = foreign.sub("", page)
    page = FILTER.sub(lambda _: BUTTONS, page)
    page = LINK_TO_SUITE.sub(r"\1", page)
    page = HOME.sub('href="../index.html"', page)
    page = page.replace("<br> Data asset: None", "")
    page = re.sub(r"<title>.*?</title>", "", page, flags=re.DOTALL)
    page = re.sub(r"Validations / .*? / __none__", escape(title), page)
    page = page.replace("<head>", f"<head><title>{escape(title)} · Marketlake Data Docs</title>", 1)
    page = page.replace("</head>", f"{STYLE}</head>", 1)
    return re.sub(
        r'(<a href="\.\./index\.html">)\s*(</a>)', r'\1<span class="brand">Marketlake</span>\2', page, count=1
    )


def index(judgements: Sequence[Mapping[str, Any]]) -> str:
    """The page that lists the last judgement of each table, the failed ones first.

    Parameters
    ----------
    judgements : title, judged_at (ISO), page (relative address), outcomes (the fields of `Outcome`).
    """
    ordered = sorted(judgements, key=lambda one: (_state(one) != "blocked", _state(one) != "warned", one["title"]))
    rows = "\n".join(_row(one) for one in ordered)
    n_blocked = sum(_state(one) == "blocked" for one in judgements)
    summary = f"{len(judgements)} judgements, {n_blocked} blocked" if judgements else "Nothing has been judged yet"
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Marketlake Data Docs</title>
<meta name="viewport" content="width=device-width, initial-scale=1">{STYLE}</head><body><main>
<h1>Data Docs</h1><p class="lead">The last judgement of every table, made by Great Expectations from its contract. {summary}.</p>
<table><thead><tr><th>Table</th><th>Verdict</th><th class="number">Rows</th><th class="number">In quarantine</th>
<th>What broke</th><th>Judged at (UTC)</th></tr></thead><tbody>
{rows}
</tbody></table></main></body></html>
"""


def _state(judgement: Mapping[str, Any]) -> str:
    failed = {o["severity"] for o in judgement["outcomes"] if not o["passed"]}
    return "blocked" if "error" in failed else "warned" if "warn" in failed else "passed"


def _row(judgement: Mapping[str, Any]) -> str:
    outcomes = judgement["outcomes"]
    state = _state(judgement)
    look = {"blocked": ("bad", "✗ blocked"), "warned": ("warn", "⚠ warned"), "passed": ("good", "✓ passed")}[state]
    quarantined = next((f"{o['n_failed']:,}" for o in outcomes if o["check"] == "table_quarantined"), "")
    broken = [o for o in outcomes if o["n_failed"] or not o["passed"]]
    told = "".join(
        f'<details><summary class="{_look(o)}">{escape(o["check"])}</summary>'
        f"expected {escape(o['expected'])}; {escape(o['found'])}</details>"
        for o in broken
        if o["check"] != "table_quarantined"
    )
    return (
        f'<tr><td><a href="{escape(judgement["page"])}">{escape(judgement["title"])}</a></td>'
        f'<td class="{look[0]}">{look[1]}</td><td class="number">{max((o["n_rows"] for o in outcomes), default=0):,}</td>'
        f'<td class="number">{quarantined}</td><td>{told}</td><td>{escape(judgement["judged_at"])}</td></tr>'
    )


def _look(outcome: Mapping[str, Any]) -> str:
    if outcome["passed"]:
        return ""
    return "bad" if outcome["severity"] == "error" else "warn"
