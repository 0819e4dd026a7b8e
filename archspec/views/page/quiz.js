// Checks answers: hashed as many times as the page says, they are what stands beside the field, or they are wrong.

// SHA-256, FIPS 180-4, of a text; the page may be read where the browser's own is not to be had.
const sha256 = (() => {
  const rotated = (x, n) => (x >>> n) | (x << (32 - n));
  const primes = [];
  for (let n = 2; primes.length < 64; n += 1) if (primes.every((p) => n % p)) primes.push(n);
  const fraction = (x) => ((x - Math.floor(x)) * 2 ** 32) | 0;
  const start = primes.slice(0, 8).map((p) => fraction(Math.sqrt(p)));
  const constants = primes.map((p) => fraction(Math.cbrt(p)));
  const words = new Int32Array(64);

  const block = (state, view, offset) => {
    for (let i = 0; i < 16; i += 1) words[i] = view.getInt32(offset + 4 * i);
    for (let i = 16; i < 64; i += 1) {
      const [x, y] = [words[i - 15], words[i - 2]];
      const s = rotated(x, 7) ^ rotated(x, 18) ^ (x >>> 3);
      const t = rotated(y, 17) ^ rotated(y, 19) ^ (y >>> 10);
      words[i] = words[i - 16] + s + words[i - 7] + t;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i += 1) {
      const t = h + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + ((e & f) ^ (~e & g)) + constants[i] + words[i];
      const u = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t) | 0, c, b, a, (t + u) | 0];
    }
    return [a, b, c, d, e, f, g, h].map((word, i) => (word + state[i]) | 0);
  };

  return (text) => {
    const data = new TextEncoder().encode(text);
    const view = new DataView(new ArrayBuffer(((data.length + 8) >> 6 << 6) + 64));
    data.forEach((byte, at) => view.setUint8(at, byte));
    view.setUint8(data.length, 0x80);
    view.setUint32(view.byteLength - 4, data.length * 8);
    let state = start;
    for (let at = 0; at < view.byteLength; at += 64) state = block(state, view, at);
    return state.map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  };
})();

const { salt, rounds } = document.querySelector("main").dataset;

const hashed = (number, answer) => {
  let found = `${salt} ${number} ${answer}`;
  for (let i = 0; i < Number(rounds); i += 1) found = sha256(found);
  return found;
};

// What may be meant: `1,024`, `1.024` and `1 024` are a number, `28, 28, 6` is a shape, and one side of a square may stand for both.
const readings = (text, square) => {
  const plain = text.trim().toLowerCase().replace(/[×*]/g, "x").replace(/[()[\]]/g, "");
  const found = [plain.replace(/[,_\s]/g, ""), plain.replace(/[,;x\s]+/g, "x")];
  if (/^\d{1,3}([.,'’_\s]\d{3})+$/.test(plain)) found.push(plain.replace(/\D/g, ""));
  if (square && /^\d+$/.test(plain)) found.push(`${plain}x${plain}`);
  return new Set(found);
};

const fields = [...document.querySelectorAll(".answer")];

const check = (field) => {
  const label = field.closest("label");
  const given = field.value.trim();
  const right = given && [...readings(given, "square" in field.dataset)].some((answer) => hashed(field.dataset.number, answer) === field.dataset.hash);
  label.classList.toggle("right", Boolean(right));
  label.classList.toggle("wrong", Boolean(given) && !right);
  label.querySelector(".mark").textContent = given ? (right ? "✓" : "✗") : "";
  label.querySelector(".hint").hidden = !given || Boolean(right);
  field.ariaInvalid = given && !right ? "true" : null;
  const count = document.querySelectorAll("label.right").length;
  document.querySelector(".score").textContent = `${count} of ${fields.length} right`;
};

for (const field of fields) {
  field.addEventListener("change", () => check(field));
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    check(field);
    const seen = fields.filter((one) => one.offsetParent);
    seen[seen.indexOf(field) + 1]?.focus();
  });
}
document.querySelector(".progress").hidden = fields.length === 0;
