/* Single keys for what operators do all night.

   By their place on the keyboard (`code`), not by their letter: with Korean input on, T types ㅅ. */

import { hushAll } from "./alerts.js";

const CHOICE = "ongi-keys";
const on = () => localStorage.getItem(CHOICE) !== "off";

function typing(element) {
  return element instanceof Element
    && element.matches("textarea, select, input:not([type=radio], [type=checkbox]), [contenteditable]");
}

function rows() {
  return [...document.querySelectorAll("[data-open]")];
}

function current() {
  return document.activeElement?.closest("[data-case]") ?? null;
}

function move(step) {
  const links = rows();
  const at = links.indexOf(current()?.querySelector("[data-open]"));
  const next = at < 0 ? (step > 0 ? 0 : links.length - 1) : at + step;
  links[Math.min(Math.max(next, 0), links.length - 1)]?.focus();
}

function openCase(where) {
  const link = current()?.querySelector("[data-open]");
  if (link) {
    location.assign(link.pathname + where);
  }
}

function take() {
  const form = document.querySelector("article [data-take]") ?? current()?.querySelector("[data-take]");
  form?.requestSubmit();
}

function into(selector, where) {
  const field = document.querySelector(selector);
  if (field) {
    field.focus();
  } else {
    openCase(where);
  }
}

function leave(event) {
  if (typing(event.target) || event.target.matches?.("input")) {
    event.target.blur();
  } else {
    document.querySelector("[data-back]")?.click();
  }
}

export function startKeys(sound) {
  const help = document.getElementById("help");
  const button = document.getElementById("help-button");
  const keysSwitch = document.getElementById("keys-switch");

  function show() {
    button.hidden = !on();
    if (keysSwitch) {
      keysSwitch.textContent = on() ? keysSwitch.dataset.on : keysSwitch.dataset.off;
      keysSwitch.setAttribute("aria-pressed", String(on()));
    }
  }

  const actions = {
    KeyJ: () => move(1),
    KeyK: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    KeyT: take,
    KeyN: () => into("#note", "#note"),
    KeyC: () => into("[data-close] input[name=outcome]", "#close"),
    KeyM: () => hushAll(sound),
  };

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey || event.metaKey || help.open) {
      return;
    }
    if (event.ctrlKey) {
      if (event.code === "Enter" && event.target.form) {
        event.target.form.requestSubmit();
      }
      return;
    }
    if (event.code === "Escape") {
      leave(event);
      return;
    }
    if (!on() || typing(event.target)) {
      return;
    }
    const arrow = event.code.startsWith("Arrow");
    if (arrow && (event.target.matches?.("input, summary") || !rows().length)) {
      return;
    }
    if (event.shiftKey) {
      if (event.code === "Slash") {
        event.preventDefault();
        help.showModal();
      }
      return;
    }
    const digit = /^Digit([1-5])$/.exec(event.code);
    if (digit) {
      document.querySelectorAll("nav a")[Number(digit[1]) - 1]?.click();
    } else if (Object.hasOwn(actions, event.code)) {
      event.preventDefault();
      actions[event.code]();
    }
  });

  button.addEventListener("click", () => help.showModal());
  document.getElementById("hush").addEventListener("click", () => hushAll(sound));
  keysSwitch?.addEventListener("click", () => {
    localStorage.setItem(CHOICE, on() ? "off" : "on");
    show();
  });
  // `#close` and `#note` come from a list: the field is where one goes on.
  if (location.hash === "#note" || location.hash === "#close") {
    into(location.hash === "#note" ? "#note" : "[data-close] input[name=outcome]", "");
  }
  show();
}
