// How the editor looks: in the colours of the page, which its custom properties bring into the shadow tree.

import { EditorView } from "@codemirror/view";

const mono = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace";
const words = {
  keyword: "var(--word-keyword)", function: "var(--word-function)", class: "var(--word-class)", parameter: "var(--word-parameter)",
  variable: "var(--word-variable)", number: "var(--word-number)", string: "var(--word-string)", comment: "var(--muted)", operator: "var(--muted)",
};

export const theme = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--card)", fontSize: "var(--editor-size, 14px)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: mono, lineHeight: "1.55", overflow: "auto" },
  ".cm-content": { caretColor: "var(--ink)", padding: "10px 0 40px" },
  ".cm-cursor": { borderLeftColor: "var(--ink)", borderLeftWidth: "2px" },
  ".cm-gutters": { backgroundColor: "var(--card)", color: "var(--muted)", border: "none", paddingLeft: "4px" },
  ".cm-lineNumbers .cm-gutterElement": { opacity: "0.75", padding: "0 8px 0 6px" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--convolution-tint) 38%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "transparent", color: "var(--ink)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--selection) !important" },
  ".cm-hint": { color: "var(--muted)", fontSize: "0.86em", marginLeft: "2.2ch", whiteSpace: "pre", userSelect: "none" },
  ".cm-tooltip": {
    backgroundColor: "var(--card)", color: "var(--ink)", border: "1px solid var(--frame)", borderRadius: "8px", boxShadow: "0 6px 24px rgb(0 0 0/.18)",
    maxWidth: "min(30rem, 90vw)", fontSize: "13px",
  },
  ".cm-tooltip .about": { padding: "8px 12px", maxHeight: "15rem", overflow: "auto", fontFamily: "system-ui, sans-serif", lineHeight: "1.45" },
  ".about p, .about ul, .about pre": { margin: "0 0 6px" },
  ".about ul": { paddingLeft: "1.1em" },
  ".about code, .about pre": { fontFamily: mono, fontSize: "0.94em" },
  ".about pre": { backgroundColor: "var(--panel)", padding: "6px 8px", borderRadius: "6px", whiteSpace: "pre-wrap" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: mono, maxHeight: "16rem" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--convolution-tint)", color: "var(--ink)" },
  ".cm-completionDetail": { color: "var(--muted)", fontStyle: "normal" },
  ".cm-tooltip.cm-completionInfo": { padding: "0", maxWidth: "24rem" },
  ".cm-diagnostic": { padding: "6px 10px", borderLeftWidth: "4px", whiteSpace: "pre-wrap", fontFamily: "system-ui, sans-serif" },
  ".cm-diagnosticSource": { opacity: "0.75" },
  ".cm-diagnosticAction": { backgroundColor: "var(--convolution)", color: "#fff", borderRadius: "5px", padding: "2px 8px", marginLeft: "0", marginTop: "6px", display: "block", cursor: "pointer" },
  ".cm-panels": { backgroundColor: "var(--panel)", color: "var(--ink)", borderColor: "var(--frame)" },
  ".cm-panel input, .cm-panel button": { font: "inherit", color: "inherit", backgroundColor: "var(--card)", backgroundImage: "none", border: "1px solid var(--frame)", borderRadius: "5px" },
  ".cm-searchMatch, .cm-selectionMatch": { backgroundColor: "color-mix(in srgb, var(--activation) 30%, transparent)" },
  ...Object.fromEntries(Object.entries(words).map(([kind, color]) => [`.cm-word-${kind}`, { color }])),
  ".cm-word-class": { color: words.class, fontWeight: "600" },
  ".cm-word-function": { color: words.function, fontWeight: "600" },
});
