// The pictures of a network: one at a time, larger and smaller, drawn about by the pointer, lit by what is looked at.

class Pictures {
  constructor(section) {
    this.root = section.querySelector(".pictures");
    this.pictures = [...(this.root?.querySelectorAll(".picture") ?? [])].map((details) => new Picture(details));
    this.current = this.pictures.find((picture) => picture.details.open);
    if (this.root) this.tabs();
  }

  get boxes() {
    return this.pictures.flatMap((picture) => picture.boxes);
  }

  tabs() {
    const bar = element("div", { className: "tabs" });
    const list = element("div", { role: "tablist", ariaLabel: "Pictures" });
    for (const picture of this.pictures) {
      const [title] = picture.details.querySelector("summary").firstChild.textContent.split(" ");
      picture.tab = element("button", { type: "button", role: "tab", textContent: title });
      picture.tab.addEventListener("click", () => this.show(picture));
      list.append(picture.tab);
    }
    list.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const count = this.pictures.length;
      this.show(this.pictures[(this.pictures.indexOf(this.current) + step + count) % count]);
      this.current.tab.focus();
    });
    const zoom = element("div", { className: "zoom" });
    for (const [words, label, factor] of [["−", "Smaller", 0.8], ["+", "Larger", 1.25], ["Fit", "Fit", 0]]) {
      const button = element("button", { type: "button", textContent: words, ariaLabel: label });
      button.addEventListener("click", () => this.current.zoom(factor));
      zoom.append(button);
    }
    bar.append(list, zoom);
    this.root.prepend(bar);
    this.root.classList.add("tabbed");
    this.show(this.current);
  }

  show(shown) {
    this.current = shown;
    for (const picture of this.pictures) {
      picture.details.open = picture === shown;
      picture.tab.ariaSelected = picture === shown;
      picture.tab.tabIndex = picture === shown ? 0 : -1;
    }
  }

  light(rows, box) {
    for (const picture of this.pictures) picture.light(rows, box);
  }

  reveal(rows) {
    const box = this.current?.boxes.find((one) => meet(one.rows, rows));
    box?.g.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

class Picture {
  constructor(details) {
    this.details = details;
    this.canvas = details.querySelector(".canvas");
    this.svg = details.querySelector("svg");
    this.svg.setAttribute("role", "group");
    this.scale = null;
    this.boxes = [...this.svg.querySelectorAll("[data-rows]")].map((g) => this.box(g));
    this.edges = [...this.svg.querySelectorAll(".edge")];
    if (this.boxes.length) this.boxes[0].g.setAttribute("tabindex", "0");
    this.canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.canvas.addEventListener("pointerdown", (event) => this.drag(event));
    this.svg.addEventListener("keydown", (event) => this.key(event));
  }

  // The card tells more than the title, which would cover it.
  box(g) {
    const title = g.querySelector("title");
    g.setAttribute("role", "button");
    g.setAttribute("tabindex", "-1");
    g.setAttribute("aria-label", title?.textContent ?? g.dataset.name);
    title?.remove();
    return { g, rows: ranges(g.dataset.rows), name: g.dataset.name };
  }

  // By a factor about the middle of what is seen; 0 fits the picture to the page again.
  zoom(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    const natural = this.svg.viewBox.baseVal.width;
    const now = this.svg.getBoundingClientRect().width / natural;
    this.scale = factor ? Math.min(Math.max(now * factor, 0.1), 6) : null;
    this.canvas.classList.toggle("zoomed", this.scale !== null);
    this.canvas.classList.toggle("fitted", this.scale === null);
    this.svg.style.width = this.scale === null ? "" : `${natural * this.scale}px`;
    if (this.scale === null) return;
    const ratio = this.scale / now;
    this.canvas.scrollLeft = (this.canvas.scrollLeft + x) * ratio - x;
    this.canvas.scrollTop = (this.canvas.scrollTop + y) * ratio - y;
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const { left, top } = this.canvas.getBoundingClientRect();
    this.zoom(Math.exp(-event.deltaY / 300), event.clientX - left, event.clientY - top);
  }

  // With a mouse; fingers and pens scroll by themselves.
  drag(event) {
    if (event.pointerType !== "mouse" || event.button) return;
    const { scrollLeft, scrollTop } = this.canvas;
    const move = (to) => {
      if (Math.hypot(to.clientX - event.clientX, to.clientY - event.clientY) > 4) this.canvas.classList.add("dragged");
      this.canvas.scrollLeft = scrollLeft + event.clientX - to.clientX;
      this.canvas.scrollTop = scrollTop + event.clientY - to.clientY;
    };
    const end = () => {
      removeEventListener("pointermove", move);
      setTimeout(() => this.canvas.classList.remove("dragged"));
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end, { once: true });
  }

  key(event) {
    const at = this.boxes.findIndex((box) => box.g === event.target);
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (at < 0 || !step) return;
    event.preventDefault();
    const next = this.boxes[at + step];
    if (!next) return;
    event.target.setAttribute("tabindex", "-1");
    next.g.setAttribute("tabindex", "0");
    next.g.focus();
  }

  light(rows, only) {
    const names = new Set();
    for (const box of this.boxes) {
      const lit = rows && (only ? box === only : meet(box.rows, rows));
      box.g.classList.toggle("on", Boolean(lit));
      if (lit) names.add(box.name);
    }
    for (const edge of this.edges) edge.classList.toggle("on", names.has(edge.dataset.from) || names.has(edge.dataset.to));
    this.svg.classList.toggle("lit", names.size > 0);
  }
}
