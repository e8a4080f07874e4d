/* The stream of events from the center: kept open, watched, opened again.

   The browser's own EventSource gives up for good on some errors and never notices a line that
   went silent; an operator's screen must do neither. */

const SILENCE_MS = 15000; // three beats of the center
const AGAIN_MS = 2000;
const PATIENCE_MS = 6000; // a restart of the center is no alarm

export function follow({ url, changed, time, state }) {
  let source = null;
  let silence = 0;
  let patience = 0;

  function heard() {
    clearTimeout(silence);
    clearTimeout(patience);
    patience = 0;
    silence = setTimeout(cutOff, SILENCE_MS);
    state("live");
  }

  function cutOff() {
    clearTimeout(silence);
    source.close();
    if (!patience) {
      patience = setTimeout(() => state("lost"), PATIENCE_MS);
    }
    setTimeout(connect, AGAIN_MS);
  }

  function connect() {
    source = new EventSource(url());
    source.onerror = cutOff;
    source.addEventListener("time", (event) => {
      heard();
      const [now, rate] = event.data.split(" ").map(Number);
      time(now, rate);
    });
    source.addEventListener("changed", (event) => {
      heard();
      changed(event.data);
    });
    source.addEventListener("ended", () => {
      source.close();
      clearTimeout(silence);
      location.assign("/login?notice=ended");
    });
    clearTimeout(silence);
    silence = setTimeout(cutOff, SILENCE_MS);
  }

  // Firefox reports the stream of a page that is being left as broken.
  window.addEventListener("pagehide", () => {
    source.onerror = null;
    source.close();
    clearTimeout(silence);
  });
  connect();
}
