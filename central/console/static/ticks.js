/* The clock, and "12분" beside every moment, by the center's time. */

const { zone, days, hours, minutes, seconds } = document.body.dataset;
const clock = document.getElementById("clock");
const face = new Intl.DateTimeFormat("en-GB", {
  timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit",
});
let told = 0;
let toldAt = 0;
let rate = 1;

export function setTime(now, perSecond) {
  told = now;
  toldAt = performance.now();
  rate = perSecond;
  tick();
}

function put(template, n) {
  return template.replace("{n}", String(n));
}

function two(large, many, small, few) {
  return few ? `${put(large, many)} ${put(small, few)}` : put(large, many);
}

/* As the center's own texts write a span: two units at most, the rest cut off. */
export function span(milliseconds) {
  const s = Math.max(Math.floor(milliseconds / 1000), 0);
  const m = Math.floor(s / 60);
  const h = Math.floor(m / 60);
  if (h >= 72) {
    return two(days, Math.floor(h / 24), hours, h % 24);
  }
  if (h) {
    return two(hours, h, minutes, m % 60);
  }
  if (m >= 10) {
    return put(minutes, m);
  }
  return m ? two(minutes, m, seconds, s % 60) : put(seconds, s);
}

function write(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

export function tick() {
  const now = told + (performance.now() - toldAt) * rate;
  write(clock, face.format(now));
  for (const element of document.querySelectorAll("[data-since]")) {
    write(element, span(now - Number(element.dataset.since)));
  }
}

// Twice a second, so that no second is left out.
setInterval(tick, 500);
