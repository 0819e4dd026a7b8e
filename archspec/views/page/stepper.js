// Plays steps: what belongs to a step, by its data-on, is lit in it; what is a data-frame leads to its step.

for (const stepper of document.querySelectorAll(".stepper")) {
  const parts = [...stepper.querySelectorAll("[data-on]")].map((one) => [one, new Set(one.dataset.on.split(" "))]);
  const frames = [...stepper.querySelectorAll("[data-frame]")];
  const numbers = frames.map((one) => Number(one.dataset.frame));
  const [first, last] = [Math.min(...numbers), Math.max(...numbers)];
  const [bar, slider, told] = [".bar", "[type=range]", ".told"].map((name) => stepper.querySelector(name));
  const play = stepper.querySelector("[data-do=play]");
  let at = first;
  let timer = null;

  const show = (frame) => {
    at = frame;
    for (const [one, on] of parts) one.classList.toggle("lit", on.has(String(at)));
    slider.value = at - first + 1;
    told.textContent = stepper.querySelector(`li[data-on="${at}"]`)?.textContent ?? "";
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  };
  const move = (by) => show(first + (at - first + by + last - first + 1) % (last - first + 1));

  play.addEventListener("click", () => {
    if (timer) return stop();
    play.textContent = "Pause";
    timer = setInterval(() => move(1), 900);
  });
  stepper.querySelector("[data-do=back]").addEventListener("click", () => { stop(); move(-1); });
  stepper.querySelector("[data-do=next]").addEventListener("click", () => { stop(); move(1); });
  slider.addEventListener("input", () => { stop(); show(first + Number(slider.value) - 1); });
  for (const one of frames) {
    for (const event of ["pointerenter", "click"]) one.addEventListener(event, () => { stop(); show(Number(one.dataset.frame)); });
  }
  slider.max = last - first + 1;
  bar.hidden = false;
  show(first);
}
