/* The live part of every page. Without it the pages still work, by reloading. */

import { HUSHED, alertTo } from "./alerts.js";
import { startKeys } from "./keys.js";
import { follow } from "./live.js";
import { startSound } from "./sound.js";
import { setTime, tick } from "./ticks.js";

const AGAIN_MS = 2000;
const body = document.body;
const page = document.getElementById("page");
const linkState = document.getElementById("link-state");
const lost = document.getElementById("lost");

let stale = false; // a change was told, but the page could not be fetched
let again = 0;

function showLink(heard) {
  const state = stale ? "lost" : heard;
  if (linkState.dataset.state !== state) {
    linkState.dataset.state = state;
    linkState.textContent = linkState.dataset[state];
  }
  const cutOff = state === "lost";
  if (cutOff && lost.hidden) {
    // Written now, so that a screen reader says it.
    lost.textContent = lost.dataset.say;
  }
  lost.hidden = !cutOff;
}

/* What scripts and people change is left alone when the page is brought up to date. */
Idiomorph.defaults.callbacks.beforeNodeMorphed = (old) =>
  !(old instanceof Element && old.matches("[data-own], textarea, input:not([type=hidden])"));
Idiomorph.defaults.callbacks.beforeNodeRemoved = (old) => old.id !== "notice";

const fetchAgain = () => htmx.trigger(body, "ongi:changed");
// A fetch that hangs would look like a quiet night: `timeout` stands in the page's htmx-config.
for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  body.addEventListener(failure, () => {
    stale = true;
    showLink("lost");
    clearTimeout(again);
    again = setTimeout(fetchAgain, AGAIN_MS);
  });
}

body.addEventListener("htmx:afterSwap", () => {
  if (stale) {
    stale = false;
    showLink("live");
  }
  tick();
  alertTo(sound, true);
});

/* One click is one note, however often the button is pressed; coming back makes it usable again. */
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) {
    event.preventDefault();
  } else if (event.target.method === "post") {
    event.target.dataset.sent = "1";
  }
});
/* Silence in one window is silence in all of them. */
window.addEventListener("storage", (event) => event.key === HUSHED && alertTo(sound));
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    location.reload();
  }
});

/* A notice is about the last click, and gone after a reload. */
if (new URLSearchParams(location.search).has("done") || new URLSearchParams(location.search).has("notice")) {
  history.replaceState(null, "", location.pathname);
}

const sound = startSound();
startKeys(sound);
setTime(Number(body.dataset.now), 1);
alertTo(sound);
follow({
  url: () => `/live?after=${page.dataset.version}`,
  changed: (version) => {
    page.dataset.version = version;
    fetchAgain();
  },
  time: (now, rate) => {
    setTime(now, rate);
    htmx.trigger(body, "ongi:beat");
  },
  state: showLink,
});
