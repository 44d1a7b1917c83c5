// The list of what happened, newest first: out of the history, and as it is told.

import { ofRegion, ofStep, words } from "./event_words.js";

const KEPT = 500;
const PAGE = 40;
const SOON_MS = 600; // until the history has what was just told
const CLIP_MS = 10_000;
const CLIP_PATIENCE = 180; // seconds after its end in which an event's clip may still come

export class EventList {
  /** @param {HTMLElement} panel holds the list, the choice of cameras, a line for problems, and the button for more */
  constructor(panel) {
    this.list = panel.querySelector(".events");
    this.choice = panel.querySelector("select");
    this.trouble = panel.querySelector(".trouble");
    this.more = panel.querySelector("button");
    this.choice.addEventListener("change", () => this.choose(this.choice.value));
    this.more.addEventListener("click", () => this.#load(this.cursor));
    setInterval(() => this.#awaitsClip() && this.refresh(), CLIP_MS);
    this.#clear();
  }

  /** Let one of `names` be chosen. */
  offer(names) {
    if ([...this.choice.options].map(({ value }) => value).join() === ["", ...names].join()) return;
    this.choice.replaceChildren(new Option("all cameras", ""), ...names.map((name) => new Option(name, name)));
    this.choice.value = this.camera;
  }

  /** Show the events of one camera; "" = of all. */
  choose(camera) {
    this.camera = this.choice.value = camera;
    this.#clear();
    this.refresh();
  }

  /** Show an adaptation event; keyframes have their own strip. */
  adaptation(event) {
    this.#put(ofStep(event));
  }

  /** Show a salient region that appeared, changed or went. */
  region(event) {
    this.#put(ofRegion(event));
    if (event.type === "update") return;
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.refresh(), SOON_MS);
  }

  /** Read the newest events anew, for their pictures and clips, and for what was missed. */
  refresh() {
    return this.#load(null);
  }

  async #load(cursor) {
    const asked = this.camera;
    const query = new URLSearchParams({ limit: PAGE, ...(asked && { camera: asked }), ...(cursor && { cursor }) });
    const [page, storage] = await Promise.all([read(`/api/events/history?${query}`), read("/api/events/storage")]);
    if (!page || asked !== this.camera) return;
    if (cursor || !this.cursor) this.cursor = page.cursor;
    this.more.hidden = !this.cursor;
    page.events.forEach((entry) => this.#put(entry));
    this.trouble.textContent = [storage?.history_problem, storage?.clips_problem].filter(Boolean).join("; ");
  }

  #clear() {
    this.camera ??= "";
    this.cursor = null;
    this.more.hidden = true;
    this.shown = new Map();
    const empty = Object.assign(document.createElement("li"), { className: "empty", textContent: "none yet" });
    this.list.replaceChildren(empty);
  }

  /** Show an entry in its place, or anew where it is shown already. */
  #put(entry) {
    if ((this.camera && entry.camera !== this.camera) || !words(entry)) return;
    const known = this.shown.get(entry.id);
    if (known) {
      entry.clip ??= known.entry.clip;
      entry.snapshot ??= known.entry.snapshot;
      entry.end_time ??= known.entry.end_time;
    }
    const item = known?.item ?? this.#place(entry);
    if (known && JSON.stringify(known.entry) === JSON.stringify(entry)) return;
    item.dataset.kind = entry.type;
    item.replaceChildren(...this.#parts(entry, item));
    this.shown.set(entry.id, { entry, item });
    while (this.list.children.length > KEPT) {
      const last = this.list.lastElementChild;
      this.shown.delete(last.dataset.id);
      last.remove();
    }
  }

  #place({ id, start_time: start }) {
    this.list.querySelector(".empty")?.remove();
    const item = document.createElement("li");
    item.dataset.id = id;
    item.dataset.start = start;
    const older = [...this.list.children].find((other) => Number(other.dataset.start) <= start);
    this.list.insertBefore(item, older ?? null);
    return item;
  }

  #parts(entry, item) {
    const stamp = document.createElement("time");
    const date = new Date(entry.start_time * 1000);
    stamp.dateTime = date.toISOString();
    const today = date.toDateString() === new Date().toDateString();
    stamp.textContent = today ? date.toLocaleTimeString([], { hour12: false }) : date.toLocaleString([], { hour12: false });
    const text = make("span", "words", words(entry));
    const about = make("div", "about", "");
    if (!this.camera) about.append(make("b", "", entry.camera));
    about.append(text, ...entry.zones.map((zone) => make("span", "zone", zone)));
    if (entry.clip) {
      about.append(Object.assign(make("a", "", "clip"), { href: entry.clip, target: "_blank", rel: "noopener" }));
    }
    return [stamp, ...(entry.type === "region" ? [picture(entry, item)] : []), about];
  }

  #awaitsClip() {
    const now = Date.now() / 1000;
    const awaited = ({ entry }) => !entry.clip && (entry.end_time === null || now - entry.end_time < CLIP_PATIENCE);
    return !document.hidden && [...this.shown.values()].some((one) => one.entry.type === "region" && awaited(one));
  }
}

/** Return the picture of an entry, kept where it is there already so that it does not flicker. */
function picture({ snapshot }, item) {
  const old = item.querySelector("img");
  if (old && old.getAttribute("src") === snapshot) return old.parentElement;
  const frame = make("div", "thumb", "");
  if (snapshot) frame.append(Object.assign(new Image(), { src: snapshot, alt: "What stood out", loading: "lazy" }));
  return frame;
}

function make(tag, className, textContent) {
  return Object.assign(document.createElement(tag), { className, textContent });
}

async function read(url) {
  const answer = await fetch(url).catch(() => null);
  return answer?.ok ? answer.json() : null;
}
