// Sliders recount the network by its formulas; where these do not hold, no number is shown.

const gcd = (a, b) => (b ? gcd(b, a % b) : Math.abs(a));
const divisible = (value, divisor) => {
  const rounded = Math.max(divisor, Math.floor(Math.trunc(value + divisor / 2) / divisor) * divisor);
  return rounded < 0.9 * value ? rounded + divisor : rounded;
};
const round = (value) => {
  const below = Math.floor(value); // halves go to the even neighbour, as in Python
  return value - below < 0.5 || (value - below === 0.5 && below % 2 === 0) ? below : below + 1;
};
const LARGEST = 2 ** 50; // sums of doubles are exact below 2^53; terms that cancel are larger than what is left

class Sliders {
  constructor(root, program) {
    this.root = root;
    this.program = program;
    this.controls = [...root.querySelectorAll(".slider")];
    this.fields = this.controls.map((control) => control.querySelector("[type=number]"));
    for (const control of this.controls) {
      const [slider, field] = control.querySelectorAll("input");
      slider.addEventListener("input", () => this.set(field, slider));
      field.addEventListener("input", () => this.set(slider, field));
    }
    root.hidden = false;
    this.count();
  }

  set(other, changed) {
    other.value = changed.value;
    this.count();
  }

  count() {
    const values = this.fields.map((field) => field.valueAsNumber);
    const counts = this.program(...values);
    const found = counts?.every((count) => Number.isInteger(count) && count >= 0 && count < LARGEST) ? counts : null;
    this.root.querySelectorAll("output").forEach((output, at) => {
      output.textContent = found ? found[at].toLocaleString("en-US") : "\u2013";
    });
    const note = this.root.querySelector(".branch");
    const flags = this.controls.map(({ dataset }, at) => dataset.flag.replaceAll("{}", this.fields[at].value));
    note.textContent = found ? "" : `These values take another branch of the spec: run ${note.dataset.command} ${flags.join(" ")}`;
  }
}

document.querySelectorAll(".sliders").forEach((root, at) => new Sliders(root, programs[at]));
