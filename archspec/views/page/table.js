// The table of a network: fold, search, sort, copy, and moving about in it by keys.

class Table {
  constructor(section) {
    this.table = section.querySelector("table.layers");
    this.body = this.table.tBodies[0];
    this.tools = section.querySelector(".tools");
    this.columns = [...this.table.tHead.rows[0].cells];
    this.items = this.read();
    this.layers = this.items.filter((item) => !item.group);
    this.query = "";
    this.sorted = null;
    this.equip();
    this.fold(this.depth());
  }

  read() {
    const items = [];
    for (const tr of this.body.rows) {
      if (tr.classList.contains("work")) {
        items.at(-1).work = tr;
        continue;
      }
      const group = tr.classList.contains("group");
      const depth = Number(/\bd(\d+)/.exec(tr.className)[1]);
      const text = `${tr.cells[0].textContent} ${tr.cells[1].textContent}`.toLowerCase();
      items.push({ tr, group, depth, text, rows: ranges(tr.dataset.at), work: null, open: true });
    }
    return items;
  }

  equip() {
    for (const item of this.items) {
      if (item.group) this.button(item);
      item.stop = item.tr.querySelector(item.group ? ".fold" : "summary");
    }
    this.columns.forEach((th, at) => {
      const button = element("button", { type: "button", textContent: th.textContent });
      button.addEventListener("click", () => this.sort(at));
      th.replaceChildren(button);
    });
    this.search = this.tools.querySelector(".search");
    this.search.addEventListener("input", () => this.find(this.search.value));
    this.on("fold", () => this.fold(0));
    this.on("unfold", () => this.fold(Infinity));
    this.on("copy", (button) => this.copy(button));
    if (!this.items.some((item) => item.group)) this.tools.querySelectorAll("[data-do$=fold]").forEach((button) => button.remove());
    this.body.addEventListener("keydown", (event) => this.key(event));
    this.body.addEventListener("focusin", (event) => this.stop(this.item(event.target)));
    this.tools.hidden = false;
  }

  // What stands in a group's name becomes a button.
  button(item) {
    const cell = item.tr.cells[0];
    const button = element("button", { type: "button", className: "fold" }, ...cell.childNodes);
    button.addEventListener("click", () => this.set(item, !item.open));
    cell.append(button);
  }

  on(name, run) {
    const button = this.tools.querySelector(`[data-do=${name}]`);
    button?.addEventListener("click", () => run(button));
  }

  item(target) {
    const tr = target.closest("tbody tr");
    return tr && this.items.find((item) => item.tr === tr || item.work === tr);
  }

  // The deepest level of groups to be open so that the table can be taken in at a glance.
  depth() {
    const deepest = Math.max(...this.items.map((item) => item.depth));
    for (let depth = deepest; depth > 0; depth -= 1) {
      if (this.items.filter((item) => item.depth <= depth).length <= 40) return depth;
    }
    return 0;
  }

  fold(depth) {
    for (const item of this.items) item.open = item.depth < depth;
    this.render();
  }

  set(item, open) {
    item.open = open;
    this.render();
  }

  render() {
    const flat = Boolean(this.query || this.sorted);
    this.table.classList.toggle("flat", flat);
    let closed = Infinity;
    let found = 0;
    for (const item of this.items) {
      if (item.depth <= closed) closed = item.group && !item.open ? item.depth : Infinity;
      const folded = item.depth > closed;
      item.hidden = flat ? item.group || !item.text.includes(this.query) : folded;
      if (!item.group && !item.hidden) found += 1;
      item.tr.hidden = item.hidden;
      if (item.work) item.work.hidden = item.hidden;
      if (item.group) item.stop.ariaExpanded = item.open;
    }
    this.tools.querySelector(".count").textContent = this.query ? `${found} of ${this.layers.length} layers` : "";
    const at = this.items.find((item) => item.stop?.tabIndex === 0 && !item.hidden);
    this.stop(at ?? this.items.find((item) => item.stop && !item.hidden));
  }

  find(query) {
    this.query = query.trim().toLowerCase();
    this.render();
  }

  // Down, up, and back to the order of the network.
  sort(column) {
    const before = this.sorted?.column === column ? this.sorted.way : null;
    const way = { null: "descending", descending: "ascending", ascending: null }[before];
    this.sorted = way && { column, way };
    this.columns.forEach((th, at) => (way && at === column ? (th.ariaSort = way) : th.removeAttribute("aria-sort")));
    const order = way ? this.order(column, way) : this.items;
    this.body.append(...order.flatMap((item) => (item.work ? [item.tr, item.work] : [item.tr])));
    this.render();
  }

  order(column, way) {
    const sign = way === "ascending" ? 1 : -1;
    const keyed = this.items.map((item) => [this.rank(item, column), item]);
    const unknown = (key) => key === "" || Number.isNaN(key);
    keyed.sort(([a], [b]) => {
      if (unknown(a) || unknown(b)) return unknown(a) - unknown(b);
      return a < b ? -sign : a > b ? sign : 0;
    });
    return keyed.map(([, item]) => item);
  }

  // What a cell is sorted by: a number, the product of a shape's sides, or its words.
  rank(item, column) {
    const text = this.text(item, column);
    if (!this.columns[column].classList.contains("n")) return text.toLowerCase();
    return text ? text.split("×").map(amount).reduce((a, b) => a * b) : NaN;
  }

  text(item, column) {
    const cell = item.tr.cells[column];
    const field = cell.querySelector("input");
    if (field) return field.value;
    return (cell.querySelector(".name") ?? cell).textContent;
  }

  csv() {
    const quoted = (text) => {
      const inert = /^[=+@-]/.test(text) ? `'${text}` : text;
      return /[",\r\n]/.test(inert) ? `"${inert.replace(/"/g, '""')}"` : inert;
    };
    const plain = (text) => {
      if (text === "?" || text === "–") return "";
      return /^[\d,×]+$/.test(text) ? text.replace(/,/g, "").replace(/×/g, "x") : text;
    };
    const order = this.sorted ? this.order(this.sorted.column, this.sorted.way) : this.items;
    const rows = order.filter((item) => !item.group && !(this.query && item.hidden));
    const cells = rows.map((item) => this.columns.map((_, at) => plain(this.text(item, at))));
    return [this.columns.map((th) => th.textContent), ...cells].map((row) => `${row.map(quoted).join(",")}\r\n`).join("");
  }

  async copy(button) {
    const words = button.textContent;
    const text = this.csv();
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const field = element("textarea", { value: text, className: "unseen" });
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
      button.focus();
    }
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = words), 1500);
  }

  // One row at a time can be reached by Tab, the others from there by arrows.
  stop(item) {
    if (!item?.stop) return;
    for (const other of this.items) if (other.stop) other.stop.tabIndex = other === item ? 0 : -1;
  }

  key(event) {
    const item = this.item(event.target);
    if (!item?.stop || event.target !== item.stop) return;
    const seen = [...this.body.rows].map((tr) => this.items.find((i) => i.tr === tr)).filter((i) => i?.stop && !i.hidden);
    const at = seen.indexOf(item);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: seen.length - 1 }[event.key];
    if (next !== undefined) seen[next]?.stop.focus();
    else if (item.group && event.key === "ArrowRight") this.set(item, true);
    else if (item.group && event.key === "ArrowLeft") this.set(item, false);
    else return;
    event.preventDefault();
  }

  // Marks what belongs to some layers; of what is folded away the group that hides it.
  light(rows) {
    for (const item of this.items) {
      const lit = rows && (item.group ? !item.open && meet(item.rows, rows) : within(item.rows, rows));
      item.tr.classList.toggle("on", Boolean(lit));
    }
  }

  // Unfolds what hides the first of some layers, and brings it into view.
  reveal(rows) {
    const target = this.layers.find((item) => within(item.rows, rows)) ?? this.layers.find((item) => meet(item.rows, rows));
    if (!target) return;
    if (this.query && target.hidden) {
      this.search.value = "";
      this.query = "";
    }
    for (const item of this.items) if (item.group && meet(item.rows, target.rows)) item.open = true;
    this.render();
    target.tr.scrollIntoView({ block: "nearest" });
  }

  chosen(item) {
    for (const other of this.items) other.tr.classList.toggle("chosen", other === item);
  }
}
