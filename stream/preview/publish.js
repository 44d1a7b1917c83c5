// The page that makes this browser's webcam or screen a camera of livesal.

import { signIn } from "./access.js";
import { themes } from "./theme.js";
import { WhepPlayer } from "./whep.js";
import { WhipPublisher } from "./whip.js";

const SCREEN = "screen";
const POLL_MS = 1000;
const FPS = 30;

const REFUSALS = {
  NotAllowedError: "The browser was not allowed to use it. Allow it in the address bar, then press Start again.",
  NotFoundError: "The browser finds no webcam. Plug one in, or publish your screen.",
  NotReadableError: "Another program is using the webcam. Close that one, then press Start again.",
  OverconstrainedError: "That webcam is gone. Choose another one.",
};

const find = (id) => document.getElementById(id);
const camera = find("camera");
const device = find("device");

let stream = null;
const troubles = { publishing: "", server: "" };
const publisher = new WhipPublisher(told);
const player = new WhepPlayer(find("seen"), (notice) => (find("seen-notice").textContent = notice));

/** Say how publishing goes. */
function told(state, words) {
  const pill = find("state");
  pill.dataset.state = state === "off" ? "connecting" : state;
  pill.textContent = { off: "not publishing", connecting: "connecting", up: "publishing" }[state];
  if (words) say("publishing", `Not published: ${words}. It is tried again every two seconds.`);
  else if (state === "up") say("publishing", "");
}

/** Say what is wrong with publishing or with the server; "" when all is well. */
function say(which, text) {
  troubles[which] = text;
  const shown = troubles.publishing || troubles.server;
  if (find("problem").textContent !== shown) find("problem").textContent = shown;
}

function buttons() {
  const possible = Boolean(camera.value) && Boolean(navigator.mediaDevices);
  find("start").disabled = Boolean(stream) || !possible;
  find("stop").disabled = !stream;
  camera.disabled = Boolean(stream);
}

/** List what can be published; names of webcams are known once one has been allowed. */
async function listDevices() {
  const chosen = device.value;
  const webcams = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
  const options = webcams.map(({ deviceId, label }, index) => new Option(label || `Webcam ${index + 1}`, deviceId));
  if (!options.length) options.push(new Option("Webcam", ""));
  if (navigator.mediaDevices.getDisplayMedia) options.push(new Option("Screen or window", SCREEN));
  device.replaceChildren(...options);
  if (options.some(({ value }) => value === chosen)) device.value = chosen;
}

function capture() {
  const height = Number(find("size").value);
  const size = { height: { ideal: height }, width: { ideal: (height * 16) / 9 }, frameRate: { ideal: FPS, max: FPS } };
  if (device.value === SCREEN) return navigator.mediaDevices.getDisplayMedia({ video: size, audio: false });
  const which = device.value ? { deviceId: { exact: device.value } } : {};
  return navigator.mediaDevices.getUserMedia({ video: { ...size, ...which }, audio: false });
}

/** Take what is chosen into the preview; false, with the reason said, where the browser does not give it. */
async function take() {
  const before = stream;
  // a webcam that is open already keeps its size, whatever is asked for
  if (device.value !== SCREEN) before?.getTracks().forEach((track) => track.stop());
  let taken;
  try {
    taken = await capture();
  } catch (error) {
    const words = REFUSALS[error.name] ?? `The browser does not give it: ${error.message || error.name}.`;
    if (before?.active) say("publishing", words);
    else stop(words);
    return false;
  }
  before?.getTracks().forEach((track) => track.stop());
  stream = taken;
  const [track] = stream.getVideoTracks();
  track.contentHint = device.value === SCREEN ? "detail" : "motion";
  track.addEventListener("ended", () => {
    if (stream === taken) stop("It ended: the webcam was unplugged, or sharing was stopped.");
  });
  find("own").srcObject = stream;
  find("own-notice").textContent = "";
  const { width, height, frameRate } = track.getSettings();
  find("own-words").textContent = `${track.label}: ${width} × ${height}, ${Math.round(frameRate)} frames a second.`;
  return true;
}

async function start() {
  find("start").disabled = true;
  say("publishing", "");
  if (await take()) {
    publisher.publish(`/cameras/${camera.value}/whip`, stream.getVideoTracks()[0]);
    player.play(`/cameras/${camera.value}/overlay/whep`);
    await listDevices();
  }
  buttons();
}

function stop(words = "") {
  publisher.stop();
  player.stop();
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  find("own").srcObject = find("seen").srcObject = null;
  find("own-notice").textContent = "nothing is shown or sent";
  find("seen-notice").textContent = "";
  say("publishing", words);
  buttons();
}

/** Publish something else without an interruption. */
async function change() {
  if (stream && (await take())) await publisher.replace(stream.getVideoTracks()[0]);
}

async function refreshCameras() {
  const answer = await fetch("/api/cameras");
  if (answer.status === 401) location.reload(); // signed out meanwhile: the page asks again
  if (!answer.ok) throw new Error(`${answer.status}`);
  const names = (await answer.json()).filter(({ whip }) => whip).map(({ state }) => state.camera);
  if ([...camera.options].map(({ value }) => value).join() !== names.join()) {
    const chosen = camera.value || new URLSearchParams(location.search).get("camera");
    camera.replaceChildren(...names.map((name) => new Option(name, name)));
    if (names.includes(chosen)) camera.value = chosen;
  }
  return names.length > 0;
}

async function poll() {
  try {
    const some = await refreshCameras();
    say("server", some ? "" : "No camera takes a publisher. Add one with url: whip:// to livesal's configuration.");
  } catch {
    say("server", "The server does not answer; trying again every second.");
  }
  buttons();
  setTimeout(poll, POLL_MS);
}

find("start").addEventListener("click", start);
find("stop").addEventListener("click", () => stop());
device.addEventListener("change", change);
find("size").addEventListener("change", change);
themes(find("theme"));
addEventListener("pagehide", () => [publisher, player].forEach((peer) => peer.stop(true)));
await signIn().catch(() => {}); // a server that is away is waited for by poll
if (navigator.mediaDevices) {
  await listDevices();
  navigator.mediaDevices.addEventListener("devicechange", listDevices);
} else {
  find("secure").textContent =
    "This browser lends webcams to secure pages only: open this page by https:// (http.certificate and http.key), or on the machine itself as localhost.";
}
poll();
