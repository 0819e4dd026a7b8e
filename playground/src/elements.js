// Makes elements of the page. Texts become text nodes: nothing is read as markup except pictures, which the engine has escaped.

export function make(name, attributes = {}, ...content) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true && !key.startsWith("aria-")) element.setAttribute(key, "");
    else if ((value !== false || key.startsWith("aria-")) && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...content.filter((part) => part !== null && part !== undefined));
  return element;
}

export const button = (words, act, attributes = {}) => make("button", { type: "button", onclick: act, ...attributes }, words);

export function select(label, words, chosen, act) {
  const options = words.map((word) => make("option", { value: word, selected: word === chosen }, word));
  return make("label", {}, make("span", { class: "unseen" }, label), make("select", { onchange: (event) => act(event.target.value) }, ...options));
}

// The little Markdown that hovers have: paragraphs, lists, fences, `code` and **bold**.
export function markdown(text) {
  const whole = make("div", { class: "about" });
  for (const [at, part] of text.split(/^```\w*\n([^]*?)^```$/m).entries()) {
    if (at % 2) {
      whole.append(make("pre", {}, part.trimEnd()));
      continue;
    }
    for (const paragraph of part.split(/\n\n+/)) {
      const lines = paragraph.split("\n").filter((line) => line.trim());
      const items = lines.filter((line) => line.startsWith("- "));
      const others = lines.filter((line) => !line.startsWith("- "));
      if (others.length) whole.append(make("p", {}, ...inline(others.join(" "))));
      if (items.length) whole.append(make("ul", {}, ...items.map((line) => make("li", {}, ...inline(line.slice(2))))));
    }
  }
  return whole;
}

// A text with `code` and **bold** in it.
export function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((piece) => {
    if (/^`.+`$/.test(piece)) return make("code", {}, piece.slice(1, -1));
    return /^\*\*.+\*\*$/.test(piece) ? make("b", {}, piece.slice(2, -2)) : piece;
  });
}
