
"use strict";
const [frame, messages, ended] = ["iframe", "pre", "p"].map((name) => document.querySelector(name));
let shown = 0;
let place = 0; // where the page was scrolled to
let loading = false;
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
  if (!loading && !frame.hidden) { // else what is there has no place yet
    place = from.scrollY;
    if (tabs().length > 1) chosen = tabs().find((tab) => tab.ariaSelected === "true")?.textContent;
  }
  loading = true;
  frame.onload = () => {
    loading = false;
    tabs().find((tab) => tab.textContent === chosen)?.click();
    frame.contentWindow.history.scrollRestoration = "manual"; // the browser would go by the content instead, and later
    if (place) frame.contentWindow.scrollTo(0, place); // else a reader may have scrolled while it was loading
  };
  from.location.replace("/page"); // a reload would be of nothing, where the page before is not there yet
  frame.hidden = false;
};
changes.onerror = () => { ended.hidden = false; };
