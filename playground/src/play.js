// The playground: the text on the left, what archspec makes of it on the right.

import { fragmentOf, textOf } from "./address.js";
import { editor } from "./editor.js";
import { button, inline, make } from "./elements.js";
import { panes } from "./panes.js";
import { connect, start } from "./transport.js";

const FIRST = `# LeNet-5, as lectures tabulate it.
# Change a number: shapes and counts follow.
input 32x32x1
conv k=5 f=6  | tanh
avgpool w=2 s=2
conv k=5 f=16 | tanh
avgpool w=2 s=2
fc 120 | tanh
fc 84  | tanh
fc 10
`;
const PAUSE = 60; // ms without a keystroke before the engine is asked
const LONGEST = 100_000; // characters of an address that other programs still take

const by = (id) => document.getElementById(id);
const state = { name: start?.name || "model", again: false, busy: false, edited: false, timer: 0, ask: null, writing: 0 };
const say = (words, kind = "") => {
  by("status").textContent = words;
  by("status").className = kind;
};
const ask = (request, data) => (state.ask ? state.ask({ name: state.name, text: text.text(), ...request }, data) : Promise.resolve({}));

// the parts of the page

const text = editor(by("editor"), start?.text ?? FIRST, {
  ask,
  changed: (anew) => {
    if (anew) state.name = "model"; // what is pasted over an example is not that example
    by("examples").value = "";
    state.edited = true;
    soon();
  },
  moved: () => moved(),
});
const page = {
  start: null, ask, place: () => text.place(), name: () => state.name, copy, save,
  reload,
  go(line) {
    text.go(line);
    text.focus();
  },
};
const all = panes(page);
let pane = all[0];
let drawn = ""; // what the pane shows, so that nothing is drawn twice

// tabs

const tabs = all.map((each) => {
  const tab = make("button", { type: "button", role: "tab", id: `tab-${each.id}`, "aria-controls": "pane", onclick: () => choose(each) }, each.title);
  return tab;
});
document.querySelector("[role=tablist]").append(...tabs);
document.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
  const to = { ArrowLeft: -1, ArrowRight: 1, Home: -all.length, End: all.length }[event.key];
  if (!to) return;
  event.preventDefault();
  const at = all.indexOf(pane) + to;
  const next = Math.abs(to) > 1 ? (to < 0 ? 0 : all.length - 1) : (at + all.length) % all.length;
  choose(all[next]);
  tabs[next].focus();
});

function choose(next) {
  pane = next;
  for (const [at, each] of all.entries()) {
    tabs[at].setAttribute("aria-selected", each === pane);
    tabs[at].tabIndex = each === pane ? 0 : -1;
  }
  by("pane").setAttribute("aria-labelledby", `tab-${pane.id}`);
  by("pane").replaceChildren();
  by("pane").scrollTop = 0;
  return reload();
}

// what is shown follows the text

const busy = (yes) => by("pane").setAttribute("aria-busy", yes);

function soon() {
  busy(true);
  clearTimeout(state.timer);
  state.timer = setTimeout(refresh, PAUSE);
}

async function refresh() {
  state.again = true;
  if (state.busy || !state.ask) return;
  state.busy = true;
  try {
    while (state.again) {
      state.again = false;
      const asked = text.text();
      const found = await ask({ kind: "check" });
      if (asked !== text.text()) continue; // the change asks again
      if (found.error) say(found.error, "error");
      else {
        text.show(found);
        messages(found);
        by("fix").hidden = !found.findings.some((each) => each.fixes.length);
      }
      await show();
    }
  } finally {
    state.busy = false;
    busy(false);
  }
  clearTimeout(state.writing);
  state.writing = setTimeout(keepAddress, 400);
}

async function show(always = false) {
  if (!state.ask) return;
  const own = pane;
  const key = `${own.id}\n${state.name}\n${own.ofPlace ? JSON.stringify(text.place()) : ""}\n${text.text()}`;
  if (key === drawn && !always) return;
  const found = await own.load();
  if (own !== pane) return;
  drawn = key;
  const place = by("pane");
  if (found.missing && place.childElementCount) {
    place.classList.add("stale");
    return;
  }
  place.classList.remove("stale");
  const why = found.missing ?? found.error;
  const scrolled = place.scrollTop;
  place.replaceChildren(...(why ? [make("p", { class: "box" }, why)] : own.draw(found)).filter(Boolean));
  place.scrollTop = scrolled;
  own.mark?.(place, text.place().line);
}

let moving = 0;
function moved() {
  pane.mark?.(by("pane"), text.place().line);
  if (!pane.ofPlace) return;
  clearTimeout(moving);
  moving = setTimeout(() => show(), 80);
}

function messages(found) {
  const errors = found.findings.filter((each) => each.severity === "error").length;
  if (errors) say(`${errors} error${errors > 1 ? "s" : ""}`, "error");
  else say(found.totals ?? "");
  by("messages").replaceChildren(
    ...found.findings.map((each) => {
      const [line, character] = each.range[0];
      const [first, ...more] = each.text.split("\n");
      const fixes = each.fixes.map((fix) => make("button", { type: "button", class: "fix", onclick: () => text.edit(fix.edits) }, ...inline(fix.title)));
      const go = button(`line ${line + 1}`, () => (text.go(line, character), text.focus()), { class: "link", "aria-label": `Go to line ${line + 1}` });
      return make("li", { class: each.severity }, make("b", {}, each.code || each.severity), " ", go, " ", ...inline(first), make("p", {}, ...inline(more.join("\n"))), ...fixes);
    }),
  );
}

async function reload() {
  busy(true);
  await show(true);
  busy(state.busy);
}

// the address

async function keepAddress() {
  if (!state.edited) return; // what the reader came by stays, even where it is damaged
  const fragment = await fragmentOf(text.text());
  if (fragment.length < LONGEST) history.replaceState(null, "", fragment);
}

async function readAddress() {
  try {
    const found = await textOf(location.hash);
    if (found !== null && found !== text.text()) {
      state.name = "model";
      text.replace(found);
    }
  } catch (error) {
    say(error.message, "error");
    return error.message;
  }
  return "";
}

// the bar

async function copy(words, told) {
  try {
    await navigator.clipboard.writeText(words);
    say(told);
  } catch {
    say("The browser does not let the page copy: mark the text and copy it by hand.", "error");
  }
}

function save(words, name) {
  const address = URL.createObjectURL(new Blob([words]));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

async function share() {
  const fragment = await fragmentOf(text.text());
  if (fragment.length >= LONGEST) return say("The spec is too long for an address: save a copy.", "error");
  history.replaceState(null, "", fragment);
  return copy(location.href, "The address is copied; it holds the spec.");
}

async function open(file) {
  if (!file) return;
  if (/\.arch$/i.test(file.name)) {
    state.name = file.name.replace(/\.arch$/i, "");
    text.replace(await file.text());
    return;
  }
  say(`Reading ${file.name} …`);
  const found = await ask({ kind: "import", name: file.name, text: "" }, await file.arrayBuffer());
  if (found.error) return say(found.error, "error");
  state.name = found.name;
  text.replace(found.text);
  if (found.notes.length) say(found.notes.join(" "));
}

async function edit(kind) {
  const found = await ask({ kind });
  if (found.error) say(found.error, "error");
  else text.edit(found.edits);
}

by("format").onclick = () => edit("format");
by("fix").onclick = () => edit("fix");
by("share").onclick = share;
by("save").onclick = () => save(text.text(), `${state.name}.arch`);
by("open").onclick = () => by("file").click();
by("file").onchange = (event) => {
  open(event.target.files[0]);
  event.target.value = "";
};
by("examples").onchange = async ({ target }) => {
  const name = target.value;
  if (!name) return;
  busy(true);
  const found = await ask({ kind: "spec", spec: name });
  state.name = name;
  text.replace(found.text);
  target.value = name;
};
addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey)) return;
  const key = event.key.toLowerCase();
  if (key === "s") by("save").click();
  else if (key === "f" && event.shiftKey) by("format").click();
  else return;
  event.preventDefault();
});
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  open(event.dataTransfer.files[0]);
});
addEventListener("hashchange", readAddress);

const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
by("theme").onclick = () => {
  const now = root.dataset.theme ?? (dark.matches ? "dark" : "light");
  root.dataset.theme = now === "dark" ? "light" : "dark";
};

// the start

choose(pane);
const wrong = await readAddress();
const bar = by("progress");
if (!start) {
  bar.hidden = false;
  if (!wrong) say("Loading Python …");
}
try {
  state.ask = await connect((part) => {
    bar.value = part;
  });
  page.start = await ask({ kind: "start", text: "" });
  by("examples").append(...page.start.specs.map((each) => make("option", { value: each.name, title: each.about }, each.name)));
  by("examples").disabled = false;
  await refresh();
  await show(true);
  if (wrong) say(wrong, "error");
} catch (error) {
  say(error.message, "error");
} finally {
  bar.hidden = true;
  root.dataset.ready = "";
}
