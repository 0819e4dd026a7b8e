// What the files share, and the card that tells the arithmetic of what the pointer or the focus is on.

const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

// "4-13 17" as ranges of positions, ends included.
const ranges = (text) => text.split(" ").map((part) => {
  const [start, end] = part.split("-").map(Number);
  return [start, end ?? start];
});
const meet = (a, b) => a.some(([s, e]) => b.some(([t, f]) => s <= f && t <= e));
const within = (a, b) => a.every(([s, e]) => b.some(([t, f]) => t <= s && e <= f));
const amount = (text) => Number(text.replace(/,/g, ""));

class Card {
  constructor(root) {
    this.root = root;
    this.pinned = null;
  }

  // In the corner of the window where the card covers fewest buttons and fields, and not what the pointer is on.
  place({ x, y }) {
    const controls = [...document.querySelectorAll("button, input")].filter((one) => !this.root.contains(one));
    const taken = controls.map((one) => one.getBoundingClientRect()).filter((r) => r.width && r.bottom > 0 && r.top < innerHeight);
    const covered = (corner) => {
      this.root.classList.toggle("up", corner.includes("up"));
      this.root.classList.toggle("left", corner.includes("left"));
      const card = this.root.getBoundingClientRect();
      const meets = (r) => r.left < card.right && r.right > card.left && r.top < card.bottom && r.bottom > card.top;
      return taken.filter(meets).length + (meets({ left: x - 60, right: x + 60, top: y - 30, bottom: y + 30 }) ? 1000 : 0);
    };
    const corners = y > innerHeight / 2 ? ["up", "up left", "", "left"] : ["", "left", "up", "up left"];
    covered(corners.reduce((best, corner) => (covered(corner) < covered(best) ? corner : best)));
  }

  show(content, point, pinned) {
    if (this.pinned && !pinned) return;
    const close = element("button", { type: "button", className: "close", ariaLabel: "Close", textContent: "×" });
    close.addEventListener("click", () => this.release());
    this.root.replaceChildren(...content, ...(pinned ? [close] : []));
    this.root.classList.toggle("pinned", Boolean(pinned));
    this.root.hidden = false;
    this.place(point);
    if (pinned) this.pinned = pinned;
  }

  leave() {
    if (!this.pinned) this.root.hidden = true;
  }

  release() {
    const release = this.pinned;
    this.pinned = null;
    this.root.hidden = true;
    release?.();
  }
}
