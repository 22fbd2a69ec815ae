// Joins the page to its topics: `<body data-topics="inbox thread:abc">`.
//
// Events are dispatched on <body> as `live:<first part of the kind>`, snapshots as
// `live:snapshot`; htmx refreshes parts of the page by them. All words come from the server.

import { subscribe } from "./socket.js";

const ANNOUNCE_PAUSE = 5000;
const LOOKS = {
  live: "is-success",
  reconnecting: "is-waiting",
  "catching-up": "is-running",
  simplified: "is-waiting",
  polling: "is-waiting",
  off: "is-error",
  paused: "is-idle",
};
const all = (selector) => [...document.querySelectorAll(selector)];
const body = document.body;
const states = new Map();
let paused = false;
let held = [];
let asOf = null;
let announcedAt = 0;
let announcing;

function dispatch(name, detail) {
  body.dispatchEvent(new CustomEvent(name, { detail }));
}

function deliver(task) {
  if (paused) held.push(task);
  else task();
}

function told(topic, items, dropped) {
  for (const [name, own] of byFamily(items)) dispatch(`live:${name}`, { topic, items: own, dropped });
  announce(items);
}

function byFamily(items) {
  const found = new Map();
  for (const item of items) {
    const name = item.kind.split(".", 1)[0];
    if (!found.has(name)) found.set(name, []);
    found.get(name).push(item);
  }
  return found;
}

function showInbox({ count }) {
  for (const place of all("[data-inbox-count]")) {
    place.textContent = count > 99 ? "99+" : String(count);
    place.hidden = count === 0;
    place.closest("[data-inbox]")?.toggleAttribute("data-waiting", count > 0);
  }
}

// The worst state of all topics is that of the page.
const WORST = ["off", "polling", "reconnecting", "catching-up", "simplified", "live"];

function showState() {
  const now = [...states.values()];
  const state = paused ? "paused" : WORST.find((one) => now.includes(one));
  if (!state) return;
  const time = asOf?.toLocaleTimeString(document.documentElement.lang, { hour12: false });
  // Places without words of their own use those of the frame.
  const common = document.querySelector("[data-live-state][data-word-live]")?.dataset ?? {};
  for (const place of all("[data-live-state]")) {
    const own = place.dataset.wordLive ? place.dataset : common;
    place.classList.remove(...Object.values(LOOKS));
    place.classList.add(LOOKS[state]);
    place.dataset.liveState = state;
    place.hidden = false;
    const words = own[`word${camel(state)}`] ?? state;
    const isOld = time && state !== "live" && state !== "simplified";
    const template = isOld ? own.wordAsOf : undefined;
    const text = template ? template.replace("{state}", words).replace("{time}", time) : words;
    const slot = place.querySelector("[data-live-word]") ?? place;
    slot.textContent = text;
    place.querySelector(".live__dot")?.classList.toggle("live__dot--on", state === "live");
  }
  body.toggleAttribute("data-stale", !["live", "simplified", "catching-up"].includes(state));
}

function camel(name) {
  return name.split("-").map((part) => part[0].toUpperCase() + part.slice(1)).join("");
}

// Somebody who listens is told the last thing that matters, not everything.
function announce(items) {
  const place = document.querySelector("[data-live-announce]");
  const item = items.findLast((one) => wordsFor(place, one));
  if (!item) return;
  clearTimeout(announcing);
  const rest = Math.max(0, announcedAt + ANNOUNCE_PAUSE - Date.now());
  announcing = setTimeout(() => {
    announcedAt = Date.now();
    place.textContent = wordsFor(place, item);
  }, rest);
}

function wordsFor(place, item) {
  return place?.dataset[`word${camel(item.kind.replaceAll(/[._]/g, "-"))}`];
}

function setPaused(value) {
  paused = value;
  for (const button of all("[data-live-pause]")) button.setAttribute("aria-pressed", String(value));
  const tasks = paused ? [] : held.splice(0);
  for (const task of tasks) task();
  showState();
}

function viewer(topic) {
  return {
    snapshot(data, place) {
      if (topic === "inbox" && data) showInbox(data);
      deliver(() => dispatch("live:snapshot", { topic, data, seq: place.seq }));
    },
    events: (items, { dropped }) => deliver(() => told(topic, items, dropped)),
    state(name, since) {
      asOf = since;
      states.set(topic, name);
      showState();
    },
    revoked() {
      states.delete(topic);
      dispatch("live:revoked", { topic });
    },
    denied() {
      states.delete(topic);
      dispatch("live:revoked", { topic });
    },
    ended: (code) => dispatch("live:ended", { topic, code }),
  };
}

body.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-live-pause]")) setPaused(!paused);
});
// Parts that htmx puts in are told how things stand.
body.addEventListener("htmx:afterSettle", showState);
for (const topic of new Set((body.dataset.topics ?? "").split(/\s+/).filter(Boolean))) {
  subscribe(topic, viewer(topic));
}
