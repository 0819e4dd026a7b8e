
"use strict";
const [frame, messages, ended] = ["iframe", "pre", "p"].map((name) => document.querySelector(name));
let shown = 0;
const changes = new EventSource("/changes");
changes.onmessage = (event) => {
  const state = JSON.parse(event.data);
  messages.textContent = state.messages;
  messages.hidden = !state.messages;
  ended.hidden = true;
  if (state.page === shown) return;
  shown = state.page;
  const from = frame.contentWindow;
  const place = frame.hidden ? 0 : from.scrollY;
  frame.onload = () => frame.contentWindow.scrollTo(0, place);
  if (frame.hidden) frame.src = "/page"; else from.location.reload();
  frame.hidden = false;
};
changes.onerror = () => { ended.hidden = false; };
