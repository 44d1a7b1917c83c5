// All cameras at a glance, one button each; a camera that is dead says so.

const REFRESH_MS = 3000;

export class CameraGrid {
  /**
   * @param {HTMLElement} nav where the buttons go; hidden while there is only one camera
   * @param {(name: string) => void} choose is told which was picked
   */
  constructor(nav, choose) {
    this.nav = nav;
    this.choose = choose;
    this.cards = new Map();
    this.refreshed = -Infinity;
  }

  /** Show the cameras' states, and of those that are up a new picture every few seconds. */
  show(states, chosen) {
    this.nav.hidden = states.length < 2;
    const names = states.map(({ camera }) => camera);
    if (names.join() !== [...this.cards.keys()].join()) this.#build(names);
    const now = performance.now();
    const refresh = !this.nav.hidden && !document.hidden && now - this.refreshed > REFRESH_MS;
    if (refresh) this.refreshed = now;
    for (const { camera, source, nr } of states) {
      const { card, picture, words } = this.cards.get(camera);
      card.dataset.state = source;
      card.setAttribute("aria-pressed", camera === chosen);
      words.textContent = source === "up" ? `NR ${nr.toFixed(2)}` : source;
      picture.hidden = source !== "up";
      if (refresh && source === "up") picture.src = `/api/cameras/${camera}/snapshot.jpg?view=overlay&at=${Math.round(now)}`;
    }
  }

  #build(names) {
    this.cards.clear();
    for (const name of names) {
      const card = Object.assign(document.createElement("button"), { type: "button" });
      const picture = Object.assign(document.createElement("img"), { alt: "" });
      const title = Object.assign(document.createElement("b"), { textContent: name });
      const words = document.createElement("span");
      const screen = Object.assign(document.createElement("div"), { className: "thumb" });
      screen.append(picture);
      card.append(screen, title, words);
      card.addEventListener("click", () => this.choose(name));
      this.cards.set(name, { card, picture, words });
    }
    this.nav.replaceChildren(...[...this.cards.values()].map(({ card }) => card));
    this.refreshed = -Infinity;
  }
}
