// What the tabs on the right show. Each has `load`, which asks the engine, and `draw`, which makes elements of the answer.

import { button, inline, make, select } from "./elements.js";

const grouped = (number) => (typeof number === "number" ? number.toLocaleString("en") : number);
const code = (words) => make("code", {}, words);

// `page` gives: ask(request), reload() of the pane, go(line) in the editor, copy(text, words), ours(name) for the name of a file.
export function panes(page) {
  return [table(page), picture(page), layer(page), source(page), quiz(page), formulas(page)];
}

function table(page) {
  return {
    id: "table",
    title: "Table",
    load: () => page.ask({ kind: "table" }),
    draw(found) {
      const cell = (name, words, at, attributes = {}) => make(name, { class: found.numbers[at] ? "n" : null, ...attributes }, words);
      const totals = found.totals.map((total) => Number(total.replaceAll(",", "")));
      const rows = found.rows.map((row, at) => {
        const line = found.lines[at];
        const name = line ? button(row[0], () => page.go(line - 1), { class: "link", title: `line ${line}` }) : row[0];
        const made = make("tr", { "data-line": line }, make("th", { scope: "row" }, make("i", { class: `kind ${found.kinds[at].replace(" ", "-")}` }), name));
        for (let column = 1; column < row.length; column += 1) {
          const element = cell("td", row[column], column);
          const share = found.numbers[column] ? Math.round((100 * Number(row[column].replaceAll(",", ""))) / totals[column]) : 0;
          if (row[column] === "0") element.classList.add("zero");
          if (share > 0) {
            element.classList.add("share");
            element.style.setProperty("--w", `${share}%`);
          }
          made.append(element);
        }
        return made;
      });
      const head = make("tr", {}, ...found.titles.map((title, at) => cell("th", title, at, { scope: "col" })));
      const foot = make("tr", {}, make("th", { scope: "row" }, found.totals[0]), ...found.totals.slice(1).map((total, at) => cell("td", total, at + 1)));
      const left = found.left_out ? make("p", { class: "box" }, `${grouped(found.left_out)} more rows are left out here; the totals count them.`) : null;
      return [
        make("h2", {}, found.title),
        make("div", { class: "scroll" }, make("table", {}, make("caption", { class: "unseen" }, `The layers of ${found.title}`), make("thead", {}, head), make("tbody", {}, ...rows), make("tfoot", {}, foot))),
        left,
        make("footer", {}, ...found.notes.map((note) => make("p", {}, note))),
      ];
    },
    mark(pane, line) {
      for (const row of pane.querySelectorAll("tbody tr")) row.classList.toggle("on", row.dataset.line === String(line + 1));
    },
  };
}

function picture(page) {
  const state = { as: "blocks", level: "auto", fitted: true };
  const set = (name) => (value) => {
    state[name] = value;
    page.reload();
  };
  return {
    id: "picture",
    title: "Picture",
    load: () => page.ask({ kind: "picture", as: state.as, level: state.level }),
    draw(found) {
      const canvas = make("div", { class: state.fitted ? "canvas fitted" : "canvas", tabindex: 0, role: "region", "aria-label": "Picture of the network" });
      canvas.innerHTML = found.svg; // escaped by the engine; and no script in it could run under the page's policy
      const fit = button("Fit", () => {
        state.fitted = !state.fitted;
        canvas.classList.toggle("fitted", state.fitted);
        fit.setAttribute("aria-pressed", state.fitted);
      }, { "aria-pressed": state.fitted });
      return [
        make("div", { class: "tools" }, select("Kind of picture", page.start.pictures, state.as, set("as")), state.as === "bars" ? null : select("Level of detail", page.start.levels, state.level, set("level")), fit),
        canvas,
        ...found.notes.map((note) => make("p", { class: "source" }, note)),
      ];
    },
  };
}

function layer(page) {
  return {
    id: "layer",
    title: "Layer",
    ofPlace: true,
    load: () => page.ask({ kind: "layer", ...page.place() }),
    draw(found) {
      if (!found.layers.length) return [make("p", { class: "box" }, "Put the cursor on a line with a layer: its numbers appear here, with the arithmetic.")];
      return found.layers.map((each) => {
        const items = each.steps.map(([name, words, how]) => make("div", {}, make("dt", {}, name), make("dd", {}, make("b", {}, words), how ? make("span", { class: "how" }, how) : null)));
        const more = each.more ? make("p", { class: "source" }, `The first of ${grouped(each.more + 1)} layers that these words make.`) : null;
        return make("section", { class: each.here ? "worked here" : "worked", "aria-current": each.here || null }, make("h3", {}, each.name, " ", code(each.written)), more, make("dl", {}, ...items));
      });
    },
  };
}

function source(page) {
  const titles = { torch: "PyTorch", keras: "Keras" };
  let target = "torch";
  return {
    id: "code",
    title: "Code",
    load: () => page.ask({ kind: "code", target }),
    draw(found) {
      const choose = page.start.targets.map((each) => button(titles[each] ?? each, () => ((target = each), page.reload()), { "aria-pressed": each === target }));
      return [
        make("div", { class: "tools" }, ...choose, make("span", { class: "space" }), button("Copy", () => page.copy(found.code, "The program is copied.")), button("Save", () => page.save(found.code, `${page.name()}.py`))),
        make("pre", { class: "program", tabindex: 0, "aria-label": `Program for ${titles[target]}` }, code(found.code)),
      ];
    },
  };
}

function quiz(page) {
  const state = { seed: 1, vary: false };
  const plain = (answer) => answer.toLowerCase().replaceAll("×", "x").replace(/[,_\s]/g, "");
  const question = (asked, at) => {
    const field = make("input", { "aria-label": `Answer to question ${at + 1}`, autocomplete: "off", spellcheck: "false" });
    const told = make("p", { class: "told", role: "status" });
    const item = make("li", {}, make("p", {}, ...inline(asked.text)));
    if (asked.lines.length) item.append(make("pre", {}, asked.lines.join("\n")));
    const check = (event) => {
      event.preventDefault();
      if (!field.value.trim()) return;
      const right = plain(field.value) === plain(asked.answer);
      item.className = right ? "right" : "wrong";
      told.textContent = right ? `Right. ${asked.how}` : `Not yet. ${asked.hint}`;
    };
    const show = button("Show", () => {
      field.value = asked.answer;
      item.className = "shown";
      told.textContent = asked.how;
    }, { title: "Show the answer and its arithmetic" });
    item.append(make("form", { onsubmit: check }, field, make("button", {}, "Check"), show), told);
    return item;
  };
  return {
    id: "quiz",
    title: "Quiz",
    load: () => page.ask({ kind: "quiz", ...state, seed: String(state.seed) }),
    draw(found) {
      const others = button("Other questions", () => ((state.seed += 1), page.reload()));
      const vary = make("input", { type: "checkbox", checked: state.vary, onchange: (event) => ((state.vary = event.target.checked), page.reload()) });
      return [
        make("div", { class: "tools" }, others, make("label", {}, vary, " with numbers that are not in the spec")),
        make("ol", { class: "quiz" }, ...found.questions.map(question)),
        ...found.notes.map((note) => make("p", { class: "source" }, note)),
      ];
    },
  };
}

function formulas(page) {
  return {
    id: "formulas",
    title: "Formulas",
    load: () => page.ask({ kind: "formulas" }),
    draw(found) {
      const titles = { params: "parameters", macs: "MACs", flops: "FLOPs" };
      const counts = Object.fromEntries(Object.keys(found.counts).map((name) => [name, make("output", {}, grouped(found.counts[name]))]));
      const told = make("p", { class: "told", role: "status" });
      const values = Object.fromEntries(found.variables.map((each) => [each.name, each.own]));
      let asked = 0;
      const compute = async () => {
        asked += 1;
        const own = asked;
        const answer = await page.ask({ kind: "formulas", values: { ...values } });
        if (own !== asked) return; // a later one is on its way
        for (const [name, output] of Object.entries(counts)) output.textContent = answer.counts ? grouped(answer.counts[name]) : "–";
        told.textContent = answer.counts ? "" : (answer.error ?? answer.missing ?? "Other decisions would be taken with these values: the formulas hold for those below.");
      };
      const control = (each) => {
        const slider = make("input", { type: "range", min: each.least, max: each.most, step: each.step, value: each.own, "aria-label": each.name });
        const field = make("input", { type: "number", step: "any", value: each.own, "aria-label": `${each.name}, any number` });
        for (const [one, other] of [[slider, field], [field, slider]])
          one.addEventListener("input", () => {
            other.value = one.value;
            if (one.value !== "") values[each.name] = Number(one.value);
            compute();
          });
        return make("div", { class: "slider" }, make("span", {}, each.name), slider, field);
      };
      const facts = Object.entries(counts).map(([name, output]) => make("div", {}, make("dt", {}, titles[name] ?? name), make("dd", {}, output)));
      const lines = Object.entries(found.formulas).map(([name, text]) => make("div", {}, make("dt", {}, titles[name] ?? name), make("dd", {}, code(text))));
      const where = Object.entries(found.where).map(([name, text]) => make("div", {}, make("dt", {}, code(name)), make("dd", {}, code(text))));
      return [
        make("dl", { class: "facts" }, ...facts),
        make("div", { class: "sliders" }, ...found.variables.map(control)),
        told,
        make("h3", {}, "As formulas"),
        make("dl", { class: "formulas" }, ...lines),
        where.length ? make("h3", {}, "where") : null,
        make("dl", { class: "formulas" }, ...where),
        found.conditions.length ? make("h3", {}, "They hold for") : null,
        make("ul", {}, ...found.conditions.map((each) => make("li", {}, code(each)))),
      ];
    },
  };
}
