// Before and after: one stream carries the same frame twice, without the twin on its left, with it on its right.

import { WhepPlayer } from "./whep.js";

export class Comparison {
  /** @param {HTMLElement} panel holds a canvas, a notice, a slider and two buttons */
  constructor(panel) {
    this.panel = panel;
    this.canvas = panel.querySelector("canvas");
    this.slider = panel.querySelector("input");
    this.openButton = panel.querySelector("#compare-open");
    this.freezeButton = panel.querySelector("#compare-freeze");
    this.words = panel.querySelector("#compare-words");
    this.body = panel.querySelector(".compare");
    const notice = panel.querySelector(".notice");
    this.video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
    this.player = new WhepPlayer(this.video, (text) => (notice.textContent = this.frozen ? "" : text));
    this.still = document.createElement("canvas");
    this.frozen = false;
    this.endpoint = "";
    this.openButton.addEventListener("click", () => this.flip());
    this.freezeButton.addEventListener("click", () => this.freeze(!this.frozen));
    this.slider.addEventListener("input", () => this.#draw());
    const next = () => {
      if (!this.frozen && this.video.videoWidth) this.#take();
      this.video.requestVideoFrameCallback(next);
    };
    this.video.requestVideoFrameCallback(next);
  }

  get open() {
    return !this.body.hidden;
  }

  /** Compare another camera from now on. */
  choose(endpoint) {
    this.endpoint = endpoint;
    this.freeze(false);
    this.still.width = this.canvas.width = 0;
    if (this.open) this.player.play(endpoint);
  }

  /** Say what is compared: while the original network serves, there is no difference to see. */
  show({ model_version: version }) {
    const words = version
      ? `The same frame: left of the line without retraining, right of it with the retrained network (v${version}).`
      : "No retrained network is in service yet, so both sides are the same. They differ once one is swapped in.";
    if (this.words.textContent !== words) this.words.textContent = words;
  }

  /** Open or close: the stream costs something only while it is looked at. */
  flip() {
    this.body.hidden = this.open;
    this.openButton.setAttribute("aria-expanded", this.open);
    this.openButton.textContent = this.open ? "Close" : "Compare";
    this.freezeButton.hidden = !this.open;
    this.freeze(false);
    if (this.open) this.player.play(this.endpoint);
    else this.player.stop();
  }

  /** Hold the picture, or let it go on. */
  freeze(frozen) {
    this.frozen = frozen && this.open && this.still.width > 0;
    this.freezeButton.setAttribute("aria-pressed", this.frozen);
    this.freezeButton.textContent = this.frozen ? "Go on" : "Freeze";
  }

  stop() {
    this.player.stop(true);
  }

  #take() {
    this.still.width = this.video.videoWidth;
    this.still.height = this.video.videoHeight;
    this.still.getContext("2d").drawImage(this.video, 0, 0);
    this.#draw();
  }

  #draw() {
    const { width: both, height } = this.still;
    if (!both) return;
    const width = both / 2;
    const split = Math.round((width * this.slider.value) / 100);
    this.canvas.width = width;
    this.canvas.height = height;
    const context = this.canvas.getContext("2d");
    context.drawImage(this.still, 0, 0, width, height, 0, 0, width, height);
    if (split < width) {
      context.drawImage(this.still, width + split, 0, width - split, height, split, 0, width - split, height);
    }
    context.fillStyle = "#fff";
    context.fillRect(split - 1, 0, 2, height);
  }
}
