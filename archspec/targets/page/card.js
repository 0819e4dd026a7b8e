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

  show(content, y, pinned) {
    if (this.pinned && !pinned) return;
    const close = element("button", { type: "button", className: "close", ariaLabel: "Close", textContent: "×" });
    close.addEventListener("click", () => this.release());
    this.root.replaceChildren(...content, ...(pinned ? [close] : []));
    this.root.classList.toggle("up", y > innerHeight / 2);
    this.root.classList.toggle("pinned", Boolean(pinned));
    this.root.hidden = false;
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
