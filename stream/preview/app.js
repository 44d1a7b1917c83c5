// The preview page: all cameras at a glance, and of one everything that livesal knows.

import { signIn } from "./access.js";
import { AdaptationPanel } from "./adaptation.js";
import { Comparison } from "./compare.js";
import { EventList } from "./events.js";
import { CameraGrid } from "./grid.js";
import { help, shortcuts } from "./keys.js";
import { themes } from "./theme.js";
import { Timeline } from "./timeline.js";
import { WhepPlayer } from "./whep.js";

const POLL_MS = 1000;

const TEXT = {
  source: ["Camera", "What the camera sees."],
  motion: ["Motion", "What moves by itself, once the camera's own motion is taken out."],
  colour: ["Colour", "What stands out by its looks alone, in this one frame."],
  low_level: ["Agreement", "Where motion and looks agree. On clear frames, this is what the network learns from."],
  final: ["Result", "What stands out here: the agreement, refined by the network that was retrained on this very scene."],
  overlay: ["Result", "What stands out here, laid over the picture: the agreement, refined by the retrained network."],
  comparison: ["Before and after", "The same frame without and with the retrained network."],
  mosaic: ["Mosaic", "All maps side by side."],
};
const TILES = [["source"], ["motion", "colour"], ["low_level"], ["overlay", "final", "comparison", "mosaic"]];

const FIGURES = {
  fps: ["frames a second", (state) => state.fps.toFixed(1)],
  age: ["from camera to map", (state) => `${Math.round(state.frame_age * 1000)} ms`],
  nr: ["NR now", (state) => state.nr.toFixed(2)],
  keyframes: ["keyframes (in window)", (state) => `${state.keyframes} (${state.window})`],
  retrainings: ["retrainings", (state) => state.retrainings],
  swaps: ["networks swapped in", (state) => state.swaps],
  rejected: ["rejected, failed", (state) => `${state.rejected}, ${state.failed}`],
  version: ["network in service", (state) => (state.model_version ? `v${state.model_version}` : "original")],
  regions: ["regions followed", (state) => state.regions],
  reconnects: ["reconnects", (state) => state.reconnects],
  dropped: ["frames dropped", (state) => Object.values(state.dropped).reduce((sum, count) => sum + count, 0)],
  viewers: ["viewers", null],
};

const find = (id) => document.getElementById(id);
const path = (rest = "") => `/api/cameras/${camera}${rest}`;

let camera = "";
let keyframesStale = true;
let shownKeyframes = "";
const players = [];
const numbers = {};
const timeline = new Timeline(find("timeline"));
const events = new EventList(find("events"));
const grid = new CameraGrid(find("grid"), choose);
const panel = new AdaptationPanel(find("adaptation"), () => path("/adaptation"));
const comparison = new Comparison(find("comparison"));

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function buildViews() {
  for (const views of TILES) {
    const video = make("video", { muted: true, autoplay: true, playsInline: true });
    const notice = make("div", { className: "notice" });
    const player = new WhepPlayer(video, (text) => (notice.textContent = text));
    const title = make("span");
    const sentence = make("p");
    const show = (view) => {
      [title.textContent, sentence.textContent] = TEXT[view];
      video.setAttribute("aria-label", TEXT[view][0]);
      player.view = view;
      figure.dataset.view = view;
      if (camera) player.play(`/cameras/${camera}/${view}/whep`);
    };
    const screen = make("div", { className: "screen" }, video, notice);
    const head = make("div", { className: "title" }, title);
    if (views.length > 1) {
      const choice = make("select", { ariaLabel: "View" }, ...views.map((view) => new Option(view.replace("_", "-"), view)));
      choice.addEventListener("change", () => show(choice.value));
      head.append(choice);
    }
    const opacity = views.includes("overlay") ? layOver(screen, video) : null;
    const caption = make("figcaption", {}, head, sentence, ...(opacity ? [opacity] : []));
    const figure = make("figure", { className: "view" }, screen, caption);
    find("views").append(figure);
    show(views[0]);
    players.push(player);
  }
}

/** Put the camera's own picture below the overlay, and return the slider that lets it shine through. */
function layOver(screen, video) {
  const below = make("video", { className: "below", muted: true, autoplay: true, playsInline: true, ariaHidden: "true" });
  const camera = document.querySelector(".view video");
  camera.addEventListener("loadedmetadata", () => (below.srcObject = camera.srcObject));
  screen.prepend(below);
  const slider = make("input", { type: "range", id: "opacity", min: 0, max: 100, step: 5, value: 100 });
  slider.addEventListener("input", () => (video.style.opacity = slider.value / 100));
  return make("label", { className: "opacity" }, "Overlay", slider);
}

function buildFigures() {
  for (const [name, [label]] of Object.entries(FIGURES)) {
    numbers[name] = make("b", { textContent: "–" });
    find("figures").append(make("div", { className: "figure" }, numbers[name], make("span", { textContent: label })));
  }
}

function showState(state) {
  for (const [name, [, value]] of Object.entries(FIGURES)) {
    if (value) numbers[name].textContent = value(state);
  }
  const source = find("source");
  source.dataset.state = source.textContent = state.source;
  const phase = find("phase");
  phase.hidden = false;
  phase.dataset.phase = state.phase;
  phase.textContent = `adaptation: ${state.phase}`;
  say(trouble(state));
  panel.show(state);
  comparison.show(state);
}

/** Say what is wrong over the whole page; "" when all is well. */
function say(text) {
  if (find("problem").textContent !== text) find("problem").textContent = text;
}

function trouble({ camera: name, source, error }) {
  const why = error ? `: ${error}` : "";
  if (source === "down") return `Camera ${name} is dead${why}. Pictures and figures below are its last ones; they go on by themselves when it comes back.`;
  if (source === "ended") return `Camera ${name} has ended${why}. Pictures and figures below are its last ones.`;
  return source === "connecting" && error ? `Camera ${name} is being reached again${why}.` : "";
}

function choose(name) {
  camera = name;
  timeline.clear();
  timeline.draw();
  events.choose(name);
  panel.clear();
  keyframesStale = true;
  find("camera").value = name;
  comparison.choose(path().replace("/api", "") + "/comparison/whep");
  listen();
  for (const player of players) player.play(`/cameras/${camera}/${player.view}/whep`);
}

async function read(url) {
  const answer = await fetch(url);
  if (answer.status === 401) location.reload(); // signed out meanwhile: the page asks again
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer.json();
}

async function refreshCameras() {
  const cameras = await read("/api/cameras");
  const states = cameras.map(({ state }) => state);
  find("publish").hidden = !cameras.some(({ whip }) => whip);
  const names = states.map((state) => state.camera);
  const select = find("camera");
  if ([...select.options].map(({ value }) => value).join() !== names.join()) {
    select.replaceChildren(...names.map((name) => new Option(name, name)));
  }
  events.offer(names);
  if (!names.length) say("No camera is configured.");
  else if (names.includes(camera)) select.value = camera;
  else choose(names[0]);
  grid.show(states, camera);
}

/** Say why a frame was picked: its NR is below the threshold. */
function reason(nr) {
  return `picked: ${Math.round((1 - nr) * 100)} % agree, over ${Math.round((1 - timeline.threshold) * 100)} % needed`;
}

async function refreshKeyframes() {
  if (!keyframesStale) return;
  keyframesStale = false;
  const keyframes = (await read(path("/keyframes"))).reverse();
  const key = camera + keyframes.map(({ id }) => id).join();
  if (key === shownKeyframes) return;
  shownKeyframes = key;
  find("keyframes-count").textContent = keyframes.length ? `(${keyframes.length})` : "";
  const items = keyframes.map(({ url, nr, media_time: time }) =>
    make(
      "li",
      {},
      make("img", { src: url, alt: `Keyframe at ${time.toFixed(1)} s` }),
      make("span", { textContent: `NR ${nr.toFixed(2)} · ${time.toFixed(1)} s` }),
      make("small", { textContent: reason(nr) }),
    ),
  );
  find("keyframes").replaceChildren(...(items.length ? items : [make("li", { className: "empty", textContent: "none yet" })]));
}

async function poll() {
  try {
    await refreshCameras();
    if (camera) {
      const asked = camera;
      const [status, line] = await Promise.all([read(path()), read(path(`/timeline?since=${timeline.newest}`))]);
      if (asked === camera) {
        numbers.viewers.textContent = status.views.reduce((sum, view) => sum + view.viewers, 0);
        showState(status.state);
        timeline.add(line);
      }
      await refreshKeyframes();
    }
  } catch {
    say("The server does not answer; trying again every second.");
  }
  setTimeout(poll, POLL_MS);
}

let source = null;

/** Hear what happens, from the recent past on. */
function listen() {
  source?.close();
  source = new EventSource("/api/events");
  source.onopen = () => events.refresh();
  const on = (name, handle) => source.addEventListener(name, ({ data }) => handle(JSON.parse(data)));
  on("state", (state) => state.camera === camera && showState(state));
  on("region", (event) => events.region(event));
  on("adaptation", (event) => {
    keyframesStale ||= event.camera === camera;
    events.adaptation(event);
  });
}

function nextView() {
  const choice = [...document.querySelectorAll(".view select")].at(-1);
  choice.selectedIndex = (choice.selectedIndex + 1) % choice.options.length;
  choice.dispatchEvent(new Event("change"));
}

function nudgeOpacity(step) {
  find("opacity").valueAsNumber += step;
  find("opacity").dispatchEvent(new Event("input"));
}

function pick(number) {
  const option = find("camera").options[number - 1];
  if (option && option.value !== camera) choose(option.value);
}

find("camera").addEventListener("change", ({ target }) => choose(target.value));
themes(find("theme"));
help(find("help"), find("help-open"));
shortcuts({
  ...Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`${index + 1}`, () => pick(index + 1)])),
  v: nextView,
  "[": () => nudgeOpacity(-10),
  "]": () => nudgeOpacity(10),
  c: () => comparison.flip(),
  f: () => comparison.freeze(!comparison.frozen),
  a: () => panel.flip(),
  t: () => find("theme").click(),
  "?": () => find("help").showModal(),
});
addEventListener("pagehide", () => [...players, comparison].forEach((player) => player.stop(true)));
addEventListener("pageshow", ({ persisted }) => persisted && choose(camera));
await signIn().catch(() => {}); // a server that is away is waited for by poll
buildViews();
buildFigures();
poll();
