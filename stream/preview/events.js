// The list of what happened, in words.

const KEPT = 200;

const WORDS = {
  "window-filled": () => "The window has enough keyframes to learn from",
  "retraining-started": ({ keyframes }) => `Retraining started${keyframes ? ` on ${keyframes} keyframes` : ""}`,
  "retraining-finished": ({ seconds }) => `Retraining finished${seconds ? ` after ${seconds.toFixed(1)} s` : ""}`,
  swapped: ({ model_version: version }) => `The retrained network is in service (version ${version})`,
  rejected: ({ reason }) => `The retrained network was rejected${reason ? `: ${reason}` : ""}`,
  failed: ({ reason }) => `Retraining failed${reason ? `: ${reason}` : ""}; the picture goes on`,
  reset: ({ reason }) => `Back to the original network${reason ? `: ${reason}` : ""}`,
  degraded: ({ reason }) => `Adaptation pauses after repeated failures${reason ? `: ${reason}` : ""}`,
  resumed: () => "The retrained network of the last run is back in service",
  recalled: () => "The scene is known: its earlier network is back in service",
  "not-recalled": ({ reason }) => `The earlier network of a similar scene was not taken${reason ? `: ${reason}` : ""}`,
  "rolled-back": ({ reason, model_version: version }) =>
    `Back to ${version ? `version ${version}` : "the original network"}${reason ? `: ${reason}` : ""}`,
};

export class EventList {
  /** @param {HTMLOListElement} list */
  constructor(list) {
    this.list = list;
    this.clear();
  }

  clear() {
    this.list.replaceChildren(Object.assign(document.createElement("li"), { className: "empty", textContent: "none yet" }));
  }

  /** Show an adaptation event; keyframes have their own strip. */
  adaptation(event) {
    const words = WORDS[event.type];
    if (words) this.#add(event.time, event.type, words(event));
  }

  /** Show a salient region that appeared or went. */
  region({ type, after }) {
    if (type === "update") return;
    const seconds = after.frame_time - after.start_time;
    const score = `${Math.round(after.top_score * 100)} %`;
    const text = type === "new" ? `Something stands out (${score})` : `It is gone after ${seconds.toFixed(1)} s (at most ${score})`;
    this.#add(after.frame_time, `region-${type}`, text);
  }

  #add(time, kind, text) {
    this.list.querySelector(".empty")?.remove();
    const item = document.createElement("li");
    item.dataset.kind = kind;
    const stamp = document.createElement("time");
    const date = new Date(time * 1000);
    stamp.dateTime = date.toISOString();
    stamp.textContent = date.toLocaleTimeString([], { hour12: false });
    const words = document.createElement("span");
    words.textContent = text;
    item.append(stamp, words);
    this.list.prepend(item);
    while (this.list.children.length > KEPT) this.list.lastChild.remove();
  }
}
