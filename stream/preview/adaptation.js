// What the adaptation does and why, in a sentence; and the buttons that tell it what to do.

const PHASES = {
  off: () => "Adaptation is off: the network in service stays as it is.",
  warming: ({ window }) => `Collecting keyframes: ${window} in the window so far. Enough new ones start the next retraining.`,
  serving: ({ model_version: version, window }) =>
    `${version ? `Retrained network v${version}` : "The original network"} is in service. ${window} keyframes in the window; enough new ones start the next retraining.`,
  queued: () => "A retraining is due; it waits until another camera's is over.",
  retraining: ({ window }) => `A twin of the network is being retrained on ${window} keyframes, beside the live picture.`,
  validating: () => "The retrained twin is being judged on keyframes that it has not learned from.",
  degraded: () => "Adaptation pauses after repeated failures; the picture goes on. It will try again.",
};

const DONE = {
  on: "Adaptation is switched on.",
  off: "Adaptation is switched off.",
  force: "A retraining was asked for; it starts as soon as there are keyframes.",
  reset: "The original network is back in service.",
};

export class AdaptationPanel {
  /**
   * @param {HTMLElement} panel holds a sentence, a checkbox, buttons and a place for answers
   * @param {() => string} endpoint gives where commands go
   */
  constructor(panel, endpoint) {
    this.endpoint = endpoint;
    this.sentence = panel.querySelector("#why");
    this.toggle = panel.querySelector("#adapting");
    this.answer = panel.querySelector("#answer");
    this.buttons = [...panel.querySelectorAll("button[data-command]")];
    this.known = false;
    this.sending = 0;
    this.toggle.addEventListener("change", () => this.send(this.toggle.checked ? "on" : "off"));
    for (const button of this.buttons) button.addEventListener("click", () => this.send(button.dataset.command));
  }

  /** Forget the camera that was shown. */
  clear() {
    this.known = false;
    this.answer.textContent = this.sentence.textContent = "";
    this.#enable();
  }

  /** Show the state of the camera. */
  show(state) {
    const begun = state.source === "up" || state.frames > 0;
    const words = begun ? (PHASES[state.phase]?.(state) ?? state.phase) : "No frame has come from this camera yet.";
    if (this.sentence.textContent !== words) this.sentence.textContent = words;
    this.known = begun;
    if (!this.sending) this.toggle.checked = state.phase !== "off";
    this.#enable();
  }

  /** Turn the adaptation on or off, whichever it is not. */
  flip() {
    if (!this.toggle.disabled) this.toggle.click();
  }

  async send(command) {
    const endpoint = this.endpoint();
    this.sending += 1;
    this.#enable();
    try {
      const answer = await fetch(endpoint, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ command }),
      });
      const problem = answer.ok ? {} : await answer.json().catch(() => ({}));
      const words = answer.ok ? DONE[command] : `That did not work: ${problem.detail ?? `the server says ${answer.status}`}.`;
      if (endpoint === this.endpoint()) this.answer.textContent = words;
    } catch {
      this.answer.textContent = "That did not work: the server does not answer.";
    }
    this.sending -= 1;
    this.#enable();
  }

  #enable() {
    const able = this.known && !this.sending;
    this.toggle.disabled = !able;
    for (const button of this.buttons) button.disabled = !able || (button.dataset.command === "force" && !this.toggle.checked);
  }
}
