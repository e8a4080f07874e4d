/* The sound of a new case, made by the browser itself: two tones, again and again while `ring` holds.

   Browsers allow it only after a click or a key; until then a strip on the page says so. */

const CHOICE = "ongi-sound";
const AGAIN_MS = 3200;
const NOTES = [[0, 740], [0.22, 988], [0.44, 740], [0.66, 988]];
const SOFT_NOTES = [[0, 660], [0.2, 880]];

let context = null;
let repeat = 0;

const chosen = () => localStorage.getItem(CHOICE);
const audible = () => chosen() === "on" && context !== null && context.state === "running";

function play(notes, loudness) {
  for (const [offset, hertz] of notes) {
    const begin = context.currentTime + offset;
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.type = "triangle";
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0, begin);
    volume.gain.linearRampToValueAtTime(loudness, begin + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, begin + 0.2);
    tone.connect(volume).connect(context.destination);
    tone.start(begin);
    tone.stop(begin + 0.22);
  }
}

export function startSound() {
  const strip = document.getElementById("quiet");
  const hush = document.getElementById("hush");
  const switches = ["sound", "sound-switch"].map((id) => document.getElementById(id)).filter(Boolean);

  function show() {
    // Whoever turned it off knows; whoever never chose, or chose "on" and is not heard, is told.
    strip.hidden = chosen() === "off" || audible();
    hush.hidden = !(repeat && audible());
    for (const button of switches) {
      button.hidden = false;
      button.textContent = chosen() === "on" ? button.dataset.on : button.dataset.off;
      button.setAttribute("aria-pressed", String(chosen() === "on"));
    }
  }

  async function open() {
    if (context === null) {
      context = new AudioContext();
      context.onstatechange = show;
    }
    if (context.state !== "running") {
      await context.resume();
    }
    show();
  }

  async function turn(on) {
    localStorage.setItem(CHOICE, on ? "on" : "off");
    if (on) {
      await open();
    } else if (context !== null) {
      await context.suspend();
    }
    show();
  }

  function once() {
    if (audible()) {
      play(SOFT_NOTES, 0.25);
    }
  }

  function loud() {
    if (audible()) {
      play(NOTES, 0.5);
    }
  }

  const sound = {
    once,
    /* Ring until told otherwise. It begins at once when the sound is turned on meanwhile. */
    ring(on) {
      if (on && !repeat) {
        loud();
        repeat = setInterval(loud, AGAIN_MS);
      } else if (!on && repeat) {
        clearInterval(repeat);
        repeat = 0;
      }
      show();
    },
  };

  for (const button of switches) {
    button.addEventListener("click", async () => {
      const on = chosen() !== "on";
      await turn(on);
      if (on) {
        once();
      }
    });
  }
  document.getElementById("enable-sound").addEventListener("click", async () => {
    await turn(true);
    once();
  });
  document.getElementById("sound-test")?.addEventListener("click", async () => {
    await turn(true);
    loud();
  });
  if (chosen() === "on") {
    // Any click or key is enough where the browser remembers the choice but wants a gesture.
    for (const gesture of ["pointerdown", "keydown"]) {
      document.addEventListener(gesture, () => chosen() === "on" && open(), { once: true });
    }
    open();
  }
  show();
  return sound;
}
