// Draws the non-overlapping ratio over the last minutes, with keyframes and the steps of the adaptation.

const SPAN = 180; // seconds shown
const MARGIN = { left: 34, right: 10, top: 8, bottom: 20 };
const MARKS = {
  "retraining-started": "--retraining",
  swapped: "--swapped",
  recalled: "--swapped",
  "rolled-back": "--reset",
  rejected: "--rejected",
  failed: "--rejected",
  reset: "--reset",
};

export class Timeline {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.clear();
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    addEventListener("themechange", () => this.draw());
  }

  clear() {
    this.points = [];
    this.marks = [];
    this.threshold = 0.6;
  }

  /** Unix time of the newest thing known: what to ask the server for is later than this. */
  get newest() {
    return Math.max(this.points.at(-1)?.time ?? 0, this.marks.at(-1)?.time ?? 0);
  }

  /** Add what the server sent, and forget what is too old to be shown. */
  add({ threshold, points, marks }) {
    this.threshold = threshold;
    this.points.push(...points);
    this.marks.push(...marks);
    const from = this.newest - SPAN;
    this.points = this.points.filter(({ time }) => time >= from);
    this.marks = this.marks.filter(({ time }) => time >= from);
    this.draw();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width) return;
    const scale = devicePixelRatio || 1;
    this.canvas.width = width * scale;
    this.canvas.height = height * scale;
    const context = this.canvas.getContext("2d");
    context.scale(scale, scale);
    context.font = "11px system-ui, sans-serif";
    const style = getComputedStyle(this.canvas);
    const colour = (name) => style.getPropertyValue(name).trim();
    const x = (time) => MARGIN.left + (1 - (this.newest - time) / SPAN) * (width - MARGIN.left - MARGIN.right);
    const y = (nr) => MARGIN.top + (1 - nr) * (height - MARGIN.top - MARGIN.bottom);
    this.#axes(context, colour, x, y, width, height);
    this.#marks(context, colour, x, y);
    this.#curve(context, colour, x, y);
  }

  #axes(context, colour, x, y, width, height) {
    context.strokeStyle = colour("--line");
    context.fillStyle = colour("--quiet");
    context.lineWidth = 1;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const nr of [0, 0.5, 1]) {
      line(context, MARGIN.left, y(nr), width - MARGIN.right, y(nr));
      context.fillText(nr.toFixed(1), MARGIN.left - 6, y(nr));
    }
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    for (let back = 0; back < SPAN; back += 30) {
      context.fillText(back ? `−${back} s` : "now", Math.min(x(this.newest - back), width - 16), height - 5);
    }
    context.strokeStyle = colour("--ink");
    context.setLineDash([5, 4]);
    line(context, MARGIN.left, y(this.threshold), width - MARGIN.right, y(this.threshold));
    context.setLineDash([]);
  }

  #marks(context, colour, x, y) {
    context.lineWidth = 2;
    for (const { kind, time } of this.marks) {
      if (!(kind in MARKS)) continue;
      context.strokeStyle = colour(MARKS[kind]);
      line(context, x(time), y(0), x(time), y(1));
    }
  }

  #curve(context, colour, x, y) {
    context.strokeStyle = colour("--nr");
    context.lineWidth = 1.5;
    context.lineJoin = "round";
    context.beginPath();
    let last = -Infinity;
    for (const { time, nr } of this.points) {
      if (time - last > 3) context.moveTo(x(time), y(nr));
      else context.lineTo(x(time), y(nr));
      last = time;
    }
    context.stroke();
    context.fillStyle = colour("--keyframe");
    for (const { time, nr, is_keyframe: isKeyframe } of this.points) {
      if (!isKeyframe) continue;
      context.beginPath();
      context.arc(x(time), y(nr), 2.5, 0, 2 * Math.PI);
      context.fill();
    }
  }
}

function line(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}
