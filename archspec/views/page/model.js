// A network: its table and its pictures light each other, and the card tells what either is about.

class Model {
  constructor(section, card) {
    this.section = section;
    this.card = card;
    this.table = new Table(section);
    this.pictures = new Pictures(section);
    this.linked = "linked" in section.dataset;
    this.beside();
    for (const box of this.pictures.boxes) this.watch(box.g, () => box, (rows) => this.table.reveal(rows));
    for (const item of this.table.items) this.watch(item.tr, () => item, (rows) => this.pictures.reveal(rows), item);
  }

  watch(target, thing, reveal, item) {
    // Where the pointer is; the keyboard has none, and stands at the beginning of its target.
    const point = (event) => {
      const { left, top } = target.getBoundingClientRect();
      return { x: event.clientX ?? left, y: event.clientY ?? top };
    };
    const look = (event) => this.look(thing(), point(event), item);
    target.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && look(event));
    target.addEventListener("pointerleave", () => this.leave());
    target.addEventListener("focusin", (event) => event.target.matches(":focus-visible") && look(event));
    target.addEventListener("focusout", () => this.leave());
    const choose = (event) => {
      if (event.target.closest("label, summary, button, .dragged")) return;
      this.choose(thing(), point(event), item);
      if (this.linked) reveal(thing().rows);
    };
    target.addEventListener("click", choose);
    if (!item) {
      target.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        choose(event);
      });
    }
  }

  look(thing, point, item) {
    if (this.card.pinned) return;
    this.light(thing, item);
    if (this.tells(item)) this.card.show(this.content(thing, item), point, null);
  }

  // Whether the card has anything that the table does not show already.
  tells(item) {
    return !item || (item.group ? !item.open : item.work && !item.stop.parentElement.open);
  }

  leave() {
    if (this.card.pinned) return;
    this.light(null);
    this.card.leave();
  }

  choose(thing, point, item) {
    this.card.release();
    this.light(thing, item);
    this.table.chosen(item ?? this.table.layers.find((layer) => thing.rows[0][0] === layer.rows[0][0]));
    if (!item || item.group || item.work) {
      this.card.show(this.content(thing, item), point, () => {
        this.light(null);
        this.table.chosen(null);
      });
    }
  }

  light(thing, item) {
    if (!this.linked) return;
    this.table.light(thing && !item ? thing.rows : null);
    this.pictures.light(thing?.rows ?? null, item ? null : thing);
  }

  // One layer with its arithmetic, or several with their sums.
  content(thing, item) {
    const inside = () => this.table.layers.filter((layer) => within(layer.rows, thing.rows));
    const layers = item && !item.group ? [item] : item || this.linked ? inside() : [];
    if (layers.length === 1) return this.layer(layers[0]);
    const title = item ? item.tr.cells[0].textContent : thing.name;
    if (!layers.length) return [element("h3", { textContent: title }), element("p", { textContent: thing.g?.getAttribute("aria-label") ?? "" })];
    const sum = (column) => this.sum(layers, column);
    const facts = [`${layers.length} layers`, ...[["params", "parameters"], ["macs", "MACs"]].map(([c, words]) => sum(c) && `${sum(c)} ${words}`)];
    return [element("h3", { textContent: title }), element("p", { textContent: facts.filter(Boolean).join(" · ") }), this.list(layers)];
  }

  layer(item) {
    const words = [item.tr.cells[0], item.tr.cells[1]].map((cell) => cell.textContent);
    const work = item.work?.querySelector("dl").cloneNode(true);
    return [element("h3", { textContent: words[0] }), element("p", { textContent: words[1] }), ...(work ? [work] : [])];
  }

  list(layers) {
    const most = 12;
    const line = (item) => {
      const how = [...(item.work?.querySelectorAll("div") ?? [])].find((div) => div.querySelector("dt").textContent === "parameters");
      const told = how?.querySelector(".how")?.textContent.split(";")[0] ?? "";
      return element("li", {}, element("span", { textContent: item.tr.cells[0].textContent }), element("span", { textContent: told }));
    };
    const rest = layers.length > most ? [element("li", { textContent: `and ${layers.length - most} more` })] : [];
    return element("ul", {}, ...layers.slice(0, most).map(line), ...rest);
  }

  // Of a column of the table; empty where the page does not tell all of it.
  sum(layers, column) {
    const cells = layers.map((item) => item.tr.querySelector(`td.${column}`)).filter(Boolean);
    const total = cells.reduce((sum, cell) => sum + (cell.querySelector("input") ? NaN : amount(cell.textContent)), 0);
    return total ? total.toLocaleString("en-US") : "";
  }

  beside() {
    const button = this.section.querySelector("[data-do=beside]");
    if (!this.pictures.root) button.remove();
    else {
      button.addEventListener("click", () => {
        button.ariaPressed = this.section.classList.toggle("beside");
      });
    }
  }
}

const card = new Card(document.querySelector("aside.card"));
const models = [...document.querySelectorAll("section.model")].map((section) => new Model(section, card));

addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea");
  if (event.key === "Escape") card.release();
  else if (event.key === "/" && !typing) {
    event.preventDefault();
    models[0].table.search.focus();
  }
});
