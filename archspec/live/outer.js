
"use strict";
const [frame, messages, ended] = ["iframe", "pre", "p"].map((name) => document.querySelector(name));
let shown = 0;
let chosen; // the title of the picture that was looked at
const tabs = () => [...frame.contentDocument.querySelectorAll(".pictures [role=tab]")];
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
  if (!frame.hidden && tabs().length > 1) chosen = tabs().find((tab) => tab.ariaSelected === "true")?.textContent;
  frame.onload = () => {
    tabs().find((tab) => tab.textContent === chosen)?.click();
    frame.contentWindow.history.scrollRestoration = "manual"; // the browser would go by the content instead, and later
    frame.contentWindow.scrollTo(0, place);
  };
  if (frame.hidden) frame.src = "/page"; else from.location.reload();
  frame.hidden = false;
};
changes.onerror = () => { ended.hidden = false; };
