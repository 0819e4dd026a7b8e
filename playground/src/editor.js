// The editor: CodeMirror with what the language services say. Places are [line, character] from 0.

import { autocompletion, closeBrackets, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { indentService, indentUnit } from "@codemirror/language";
import { lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, StateEffect, StateField, Transaction } from "@codemirror/state";
import {
  Decoration, EditorView, WidgetType, drawSelection, highlightActiveLine, highlightActiveLineGutter, hoverTooltip, keymap, lineNumbers,
} from "@codemirror/view";
import { markdown } from "./elements.js";
import { theme } from "./editor_theme.js";

const KINDS = { keyword: "keyword", layer: "function", block: "class", argument: "property", value: "enum", function: "function", param: "constant", file: "text" };
const SEVERITIES = { error: "error", warning: "warning", note: "info" };

class Hint extends WidgetType {
  constructor(text, about) {
    super();
    this.text = text;
    this.about = about;
  }
  eq(other) {
    return other.text === this.text && other.about === this.about;
  }
  toDOM() {
    const element = document.createElement("span");
    element.className = "cm-hint";
    element.title = this.about;
    element.setAttribute("aria-label", `, ${this.about}`);
    element.textContent = this.text;
    return element;
  }
  ignoreEvent() {
    return false;
  }
}

const shown = StateEffect.define();
const decorations = StateField.define({
  create: () => Decoration.none,
  update(value, transaction) {
    let found = value.map(transaction.changes);
    for (const effect of transaction.effects) if (effect.is(shown)) found = effect.value;
    return found;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** Whether a reader's own edit leaves nothing of the text, as one does that pastes over all of it. */
function replacesAll(transaction) {
  if (!transaction.annotation(Transaction.userEvent)) return false;
  let kept = transaction.startState.doc.length;
  transaction.changes.iterChangedRanges((from, to) => (kept -= to - from));
  return kept === 0;
}

function placed(doc, [line, character]) {
  const found = doc.line(Math.min(line + 1, doc.lines));
  return Math.min(found.from + character, found.to);
}

function spans(doc, found) {
  const words = found.words
    .map(([place, length, kind]) => [placed(doc, place), length, kind])
    .map(([from, length, kind]) => Decoration.mark({ class: `cm-word-${kind}` }).range(from, Math.min(from + length, doc.length)))
    .filter((range) => range.to > range.from);
  const hints = found.hints.map(([place, text, about]) => Decoration.widget({ widget: new Hint(text, about), side: 1 }).range(placed(doc, place)));
  return Decoration.set([...words, ...hints], true);
}

const changesOf = (doc, edits) => edits.map(([[from, to], insert]) => ({ from: placed(doc, from), to: placed(doc, to), insert }));

// Below a head, two spaces more; otherwise as the line above.
const indentation = indentService.of((context, at) => {
  const line = context.state.doc.lineAt(at);
  const above = context.state.sliceDoc(line.from, at);
  return /^ */.exec(above)[0].length + (/:\s*(#.*)?$/.test(above) ? 2 : 0);
});

// `ask` asks the engine about the text as it is; `changed` hears of edits, `moved` of the cursor.
export function editor(parent, text, { ask, changed, moved }) {
  const root = parent.attachShadow({ mode: "open" }); // its styles are then constructed sheets, which a policy without inline styles allows
  const at = (place, state) => {
    const line = state.doc.lineAt(place);
    return { line: line.number - 1, character: place - line.from };
  };
  const complete = async (context) => {
    const word = context.matchBefore(/[\w.]*/);
    if (!context.explicit && !word.text && !/[=|: "]$/.test(context.state.sliceDoc(context.pos - 1, context.pos))) return null;
    const found = await ask({ kind: "complete", ...at(context.pos, context.state) });
    const options = (found.words ?? []).map((each) => ({
      label: each.label, apply: each.insert, detail: each.detail.slice(0, 60), type: KINDS[each.kind] ?? "variable",
      info: each.about ? () => markdown(each.about) : undefined,
    }));
    return options.length ? { from: word.from, options, validFor: /^\w*$/ } : null;
  };
  const hover = async (view, place) => {
    const found = await ask({ kind: "hover", ...at(place, view.state) });
    if (!found.range) return null;
    return {
      pos: placed(view.state.doc, found.range[0]), end: placed(view.state.doc, found.range[1]), above: true,
      create: () => ({ dom: markdown(found.text) }),
    };
  };
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(), highlightActiveLineGutter(), highlightActiveLine(), history(), drawSelection(), closeBrackets(), highlightSelectionMatches(),
        indentUnit.of("  "), indentation, autocompletion({ override: [complete], icons: false }), hoverTooltip(hover, { hoverTime: 400 }),
        keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap, ...completionKeymap, ...lintKeymap]),
        decorations, theme,
        EditorView.contentAttributes.of({ "aria-label": "Text of the spec", spellcheck: "false", autocapitalize: "off", autocorrect: "off" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) changed(update.transactions.some(replacesAll));
          if (update.selectionSet || update.docChanged) moved();
        }),
      ],
    }),
  });
  return {
    text: () => view.state.doc.toString(),
    place: () => at(view.state.selection.main.head, view.state),
    focus: () => view.focus(),
    replace: (whole) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: whole }, selection: { anchor: 0 }, scrollIntoView: true }),
    edit: (edits) => view.dispatch({ changes: changesOf(view.state.doc, edits) }),
    go(line, character = 0) {
      view.dispatch({ selection: { anchor: placed(view.state.doc, [line, character]) }, scrollIntoView: true });
    },
    show(found) {
      const doc = view.state.doc;
      view.dispatch({ effects: shown.of(spans(doc, found)) });
      const marked = found.findings.map((each) => {
        const [from, to] = each.range.map((place) => placed(doc, place));
        const actions = each.fixes.map((fix) => ({ name: fix.title, apply: () => view.dispatch({ changes: changesOf(view.state.doc, fix.edits) }) }));
        return { from, to: Math.max(to, from), severity: SEVERITIES[each.severity], source: each.code, message: each.text, actions };
      });
      view.dispatch(setDiagnostics(view.state, marked));
    },
  };
}
