// The style of the HTML report: light and dark by what the reader's system says, from 360 px to print, no outside resource.
#pragma once

namespace vetquant {

inline constexpr const char* kHtmlStyle = R"css(
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--ink:#1a1d23;--soft:#566070;--line:#d9dee6;--good:#0a6b3d;
--good-bg:#e2f5ea;--bad:#a8171f;--bad-bg:#fdeaea;--plain-bg:#e8eef8;--plain:#24467c;--accent:#2a5db0;
--p32:#c7d2e4;--p16:#b9dcc9;--p8:#f2d6a2;--p4:#eab8c4;--px:#dcdcdc;--tile-ink:#15181d}
@media(prefers-color-scheme:dark){:root{--page:#14171c;--card:#1d2128;--ink:#e6e9ee;--soft:#a0a9b8;--line:#343b47;
--good:#6fd3a0;--good-bg:#123524;--bad:#ff9a9a;--bad-bg:#431a1d;--plain-bg:#1f2c44;--plain:#a9c5f5;--accent:#86b0f5;
--p32:#3a4a66;--p16:#2c5943;--p8:#6a5020;--p4:#6d3445;--px:#474747;--tile-ink:#f3f5f8}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main,header,footer{max-width:66rem;margin:0 auto;padding:0 1rem}
h1{font-size:1.15rem;font-weight:600;margin:1.2rem 0 .6rem;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:0 0 .3rem}h3{font-size:1rem;margin:1.1rem 0 .3rem;overflow-wrap:anywhere}
p{margin:.3rem 0 .7rem}.soft,small{color:var(--soft)}small{font-size:.85em}
section{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1rem;margin:1rem 0}
.verdict{border-radius:.6rem;padding:.9rem 1rem;border-left:.5rem solid var(--plain);background:var(--plain-bg);color:var(--plain)}
.verdict strong{font-size:1.5rem;display:block;line-height:1.3}.verdict.passed{border-color:var(--good);background:var(--good-bg);color:var(--good)}
.verdict.failed{border-color:var(--bad);background:var(--bad-bg);color:var(--bad)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft);padding-bottom:.3rem}
th,td{text-align:left;padding:.35rem .7rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
thead th{font-size:.85rem;color:var(--soft);font-weight:600}tbody th{font-weight:600}
.n{text-align:right}.nowrap{white-space:nowrap}tbody tr:last-child>*{border-bottom:0}
td small{display:block}
.badge{display:inline-block;border-radius:1rem;padding:0 .6rem;font-size:.85rem;font-weight:600;background:var(--plain-bg);color:var(--plain);white-space:nowrap}
.badge.good{background:var(--good-bg);color:var(--good)}.badge.bad{background:var(--bad-bg);color:var(--bad)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(19rem,100%),1fr));gap:1rem}
figure{margin:0;min-width:0}figcaption{font-weight:600;margin-bottom:.2rem;overflow-wrap:anywhere}
svg{display:block;width:100%;height:auto;max-width:34rem;color:var(--ink);font:12px system-ui,sans-serif}
svg text{fill:currentColor}svg .axis{stroke:var(--soft)}svg .grid{stroke:var(--line)}svg .soft{fill:var(--soft)}
svg .mark{fill:var(--accent);stroke:var(--accent)}svg .good{fill:var(--good);stroke:var(--good)}svg .bad{fill:var(--bad);stroke:var(--bad)}
svg .base{fill:var(--card);stroke:var(--accent)}svg .noise{fill:var(--soft);stroke:var(--soft)}
ol.legend{margin:.4rem 0;padding-left:1.6rem}ol.legend li{overflow-wrap:anywhere}
.bar{display:flex;height:1.5rem;border-radius:.25rem;overflow:hidden;margin:.15rem 0 .1rem}
.bar span{min-width:1px;border-right:1px solid var(--card);font-size:.75rem;line-height:1.5rem;color:var(--tile-ink);overflow:hidden;white-space:nowrap;padding:0}
.bar b{font-weight:600;padding:0 .3rem}
.map{position:relative;width:100%;aspect-ratio:16/8;background:var(--line);margin:.5rem 0;overflow:hidden;border-radius:.25rem}
.map div{position:absolute;overflow:hidden;border:1px solid var(--card);color:var(--tile-ink);font-size:.72rem;line-height:1.15;padding:.1rem .2rem;overflow-wrap:anywhere}
.p32{background:var(--p32)}.p16{background:var(--p16)}.p8{background:var(--p8)}.p4{background:var(--p4)}.px{background:var(--px)}
.meter{background:var(--line);border-radius:.2rem;height:.5rem;min-width:5rem}.meter i{display:block;height:.5rem;background:var(--accent);border-radius:.2rem}
.example{border-top:1px solid var(--line);padding:.6rem 0}.example dl,dl{margin:0;display:grid;grid-template-columns:max-content 1fr;gap:.15rem .8rem}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
.wrong,ins,del{border-radius:.2rem;padding:0 .15rem;background:var(--bad-bg);color:var(--bad)}
.wrong{text-decoration:underline wavy}ins{text-decoration:underline dotted}del{text-decoration:line-through}
.term{font-weight:700;border-bottom:2px solid currentColor}
details{margin:.6rem 0}summary{cursor:pointer;color:var(--accent);font-weight:600}
.wide{overflow-x:auto}.wide table{width:auto}.wide td,.wide th{overflow-wrap:normal;padding-right:1rem}
@media(max-width:40rem){body{font-size:15px}section{padding:.8rem;margin:.7rem 0}
table.cards thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}
table.cards,table.cards tbody,table.cards tr,table.cards th,table.cards td,table.cards caption{display:block;width:auto}
table.cards tbody tr{padding:.5rem 0;border-bottom:1px solid var(--line)}table.cards tbody tr:last-child{border-bottom:0}
table.cards tbody th,table.cards tbody td{border:0;padding:.1rem 0}
table.cards tbody td{display:grid;grid-template-columns:38% 1fr;gap:.6rem;text-align:left}
table.cards tbody td::before{content:attr(data-label);color:var(--soft)}table.cards td:empty{display:none}
.example dl,dl{grid-template-columns:1fr}dd{margin-bottom:.3rem}.map{aspect-ratio:1/1}}
@media print{body{background:#fff;font-size:11px}section{break-inside:avoid-page;border-color:#bbb}details>*{display:block}
details:not([open])>:not(summary){display:none}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
)css";

}  // namespace vetquant
