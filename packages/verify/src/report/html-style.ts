// How the page looks: paper, ink and slate, brick as the one accent, status colours only for status and always with a
// letter or a word. Light and dark are both designed. The fonts are those the reader has: nothing may be loaded.

export const pageStyle = `
:root{--paper:#fbfaf8;--raised:#fff;--sunken:#f3f1ed;--ink:#1c1b19;--ink-2:#55524c;--line:#e6e2db;--brick:#b5482f;--brick-ink:#a03d26;--ok:#22734a;--warn:#8a5a00;--bad:#b8134f;--note:#2461a6;color-scheme:light}
@media (prefers-color-scheme:dark){:root{--paper:#16181a;--raised:#1e2123;--sunken:#101213;--ink:#edeae4;--ink-2:#b3b2af;--line:#2a2d30;--brick:#d66a4e;--brick-ink:#ea9078;--ok:#62bd88;--warn:#dcaa4c;--bad:#f57f9f;--note:#7cb1ec;color-scheme:dark}}
*{box-sizing:border-box}
body{margin:0 auto;padding:32px 24px 64px;max-width:1080px;background:var(--paper);color:var(--ink);font:14px/1.5 'Inter Variable',Inter,system-ui,-apple-system,'Segoe UI',sans-serif;font-variant-numeric:tabular-nums}
a{color:var(--brick-ink)}
code,pre{font-family:'JetBrains Mono Variable','JetBrains Mono',ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:12.5px}
h1{font-size:26px;line-height:1.2;margin:20px 0 4px;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:16px;margin:40px 0 12px;padding-bottom:8px;border-bottom:1px solid var(--line)}
h3{font-size:13px;margin:0;overflow-wrap:anywhere}
.brand{display:flex;gap:8px;align-items:center;margin:0;font-weight:600;color:var(--ink-2)}
.brand path{fill:none;stroke:var(--brick);stroke-width:1.6;stroke-linejoin:round}
.verdict{font-size:17px;margin:0 0 20px;font-weight:600}
.verdict.clean{color:var(--ok)}.verdict.findings{color:var(--bad)}.verdict.undecided{color:var(--warn)}
.facts{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));margin:0;border-top:1px solid var(--line)}
.facts div{padding:10px 16px 10px 0;border-bottom:1px solid var(--line);min-width:0}
dt{color:var(--ink-2);font-size:12px}dd{margin:0;overflow-wrap:anywhere}
.scroll{overflow-x:auto;max-height:70vh;border-bottom:1px solid var(--line)}
.matrix{border-collapse:collapse;width:100%;font-size:12.5px}
.matrix thead th{position:sticky;top:0;background:var(--paper);color:var(--ink-2);font-weight:500;padding:6px 4px;text-align:center;z-index:1}
.matrix thead th:first-child{text-align:left;padding-left:0;left:0;z-index:2}
.matrix tbody th{position:sticky;left:0;background:var(--paper);text-align:left;font-weight:400;font-family:ui-monospace,Menlo,Consolas,monospace;padding:3px 12px 3px 0;max-width:420px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.matrix td{text-align:center;padding:2px 4px;border-top:1px solid var(--line)}
.matrix tbody th{border-top:1px solid var(--line)}
.mark{display:inline-block;min-width:26px;padding:1px 4px;border-radius:3px;font-weight:600;font-size:11.5px;text-decoration:none;text-align:center;border:1px solid currentColor}
.mark.error{color:var(--bad)}.mark.warning{color:var(--warn)}.mark.info{color:var(--note)}
.mark.sound{color:var(--ok);border-color:transparent}
.mark.error{background:color-mix(in srgb,var(--bad) 12%,transparent)}.mark.warning{background:color-mix(in srgb,var(--warn) 12%,transparent)}
.legend,.rest{color:var(--ink-2);font-size:12.5px;margin:10px 0 0}
.legend .mark{margin-left:10px}.legend .mark:first-child{margin-left:0}
article{padding:14px 0 14px 14px;border-left:3px solid var(--line);border-bottom:1px solid var(--line)}
article.error{border-left-color:var(--bad)}article.warning{border-left-color:var(--warn)}article.info{border-left-color:var(--note)}
article:target{background:var(--sunken)}
article p{margin:4px 0;max-width:76ch;overflow-wrap:anywhere}
.id,.cost,.label{color:var(--ink-2);font-size:12.5px}
.label{margin-top:8px}
pre{margin:0;padding:8px 10px;background:var(--sunken);border-radius:4px;white-space:pre-wrap;overflow-wrap:anywhere}
.plain{margin:0;padding-left:18px}.plain li{margin:4px 0;overflow-wrap:anywhere}
footer{margin-top:48px;color:var(--ink-2);font-size:12.5px}
@media (max-width:640px){body{padding:20px 16px 48px}.facts{grid-template-columns:1fr}.matrix tbody th{max-width:170px}h1{font-size:22px}}
@media print{.scroll{max-height:none;overflow:visible}article{break-inside:avoid}}
`.trim()
