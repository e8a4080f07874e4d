/* Tells about cases that began to wait, or grew worse: in words for a screen reader, with a sound
   for all. */

const TOLD = "ongi-told";
export const HUSHED = "ongi-hushed";

const read = (storage, key) => new Set(JSON.parse(storage.getItem(key) ?? "[]"));
const keep = (storage, key, ids) => storage.setItem(key, JSON.stringify([...ids]));

const now = document.getElementById("say-now");
const later = document.getElementById("say-later");

function waiting() {
  return [...document.querySelectorAll("#alerts [data-id]")];
}

export function alertTo(sound, arrived = false) {
  const cases = waiting();
  const ids = new Set(cases.map((one) => one.dataset.id));
  const told = read(sessionStorage, TOLD);
  const hushed = read(localStorage, HUSHED);
  const fresh = cases.filter((one) => !told.has(one.dataset.id));
  const gone = [...told].filter((id) => !ids.has(id));

  if (fresh.length) {
    now.textContent = fresh.map((one) => one.textContent.trim()).join(". ");
    for (const one of arrived ? fresh : []) {
      document.getElementById(one.dataset.row)?.classList.add("fresh");
    }
  } else if (gone.length) {
    later.textContent = document.getElementById("alerts").dataset.left;
  }
  keep(sessionStorage, TOLD, ids);
  keep(localStorage, HUSHED, [...hushed].filter((id) => ids.has(id)));

  const ringing = cases.some((one) => "loud" in one.dataset && !hushed.has(one.dataset.id));
  sound.ring(ringing);
  if (!ringing && fresh.some((one) => !hushed.has(one.dataset.id))) {
    sound.once();
  }
}

/* Silence for those that wait now; the next one sounds again. */
export function hushAll(sound) {
  keep(localStorage, HUSHED, waiting().map((one) => one.dataset.id));
  sound.ring(false);
}
