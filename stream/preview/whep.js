// Plays one WHEP endpoint in a <video>, and tries again every two seconds for as long as it is wanted.

import { end } from "./webrtc.js";

const RETRY_MS = 2000;
const STALL_MS = 8000;

export class WhepPlayer {
  /**
   * @param {HTMLVideoElement} video where the stream is shown
   * @param {(notice: string) => void} say is told what to write over the picture; "" while it plays
   */
  constructor(video, say) {
    this.video = video;
    this.say = say;
    this.endpoint = "";
    this.connection = null;
    this.session = "";
    this.attempt = 0;
    this.timer = 0;
  }

  /** Play `endpoint` from now on, in place of what was played. */
  play(endpoint) {
    this.stop();
    this.endpoint = endpoint;
    this.say("connecting …");
    this.#connect();
  }

  /** Stop and tell the server; `leaving` says that the page goes away, which must not take the goodbye with it. */
  stop(leaving = false) {
    this.attempt += 1;
    clearTimeout(this.timer);
    const connection = this.connection;
    const goodbye = this.session ? end(this.session, leaving) : Promise.resolve();
    if (leaving) connection?.close();
    else goodbye.then(() => connection?.close());
    this.connection = null;
    this.session = "";
  }

  async #connect() {
    const attempt = this.attempt;
    const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.connection = connection;
    const again = (notice) => attempt === this.attempt && this.#retry(notice);
    connection.addTransceiver("video", { direction: "recvonly" });
    connection.ontrack = ({ streams, track, receiver }) => {
      receiver.jitterBufferTarget = 0;
      this.video.srcObject = streams[0] ?? new MediaStream([track]);
      this.video.play().catch(() => {});
    };
    connection.onconnectionstatechange = () => {
      if (["failed", "disconnected", "closed"].includes(connection.connectionState)) again("connection lost");
    };
    try {
      // Addresses are gathered after the answer, which names the servers to ask for them; they follow by PATCH.
      const offer = await connection.createOffer();
      const answer = await fetch(this.endpoint, {
        method: "POST",
        headers: { "Content-Type": "application/sdp" },
        body: offer.sdp,
      });
      if (answer.status !== 201) {
        const problem = await answer.json().catch(() => ({}));
        throw new Error(problem.detail || `the server says ${answer.status}`);
      }
      const session = answer.headers.get("Location");
      if (attempt !== this.attempt) {
        end(session);
        return;
      }
      this.session = session;
      const iceServers = linkedServers(answer.headers.get("Link") ?? "");
      connection.setConfiguration({ ...connection.getConfiguration(), iceServers });
      trickle(connection, offer.sdp, session, answer.headers.get("ETag"));
      await connection.setLocalDescription(offer);
      await connection.setRemoteDescription({ type: "answer", sdp: await answer.text() });
      this.#watch(attempt, again);
    } catch (error) {
      again(error instanceof TypeError ? "the server does not answer" : error.message);
    }
  }

  /** Clear the notice with the first picture; start again when no more come. */
  #watch(attempt, again) {
    let seen = -1;
    let since = performance.now();
    const look = () => {
      if (attempt !== this.attempt) return;
      const frames = this.video.getVideoPlaybackQuality().totalVideoFrames;
      if (frames !== seen || document.hidden) since = performance.now();
      if (frames > 0 && frames !== seen) this.say("");
      seen = frames;
      if (performance.now() - since > STALL_MS) again("the picture stands still");
      else this.timer = setTimeout(look, 250);
    };
    look();
  }

  #retry(notice) {
    this.stop();
    this.say(`${notice}; trying again`);
    this.timer = setTimeout(() => this.#connect(), RETRY_MS);
  }
}
/** Return the ICE servers in an answer's Link headers, which arrive joined by commas. */
export function linkedServers(links) {
  const servers = [];
  for (const [, urls, text] of links.matchAll(/<([^>]+)>((?:\s*;\s*[\w-]+="(?:[^"\\]|\\.)*")*)/g)) {
    const parameters = {};
    for (const [, name, value] of text.matchAll(/([\w-]+)="((?:[^"\\]|\\.)*)"/g)) {
      parameters[name] = value.replace(/\\(.)/g, "$1");
    }
    const { rel, username, credential } = parameters;
    if (rel === "ice-server") servers.push(username ? { urls, username, credential } : { urls });
  }
  return servers;
}

/** Send the session the addresses that the browser finds; those behind .local names are of no use to it. */
function trickle(connection, offer, session, etag) {
  const head = offer.match(/a=(?:ice-ufrag|ice-pwd|mid):.*\r\n/g).join("");
  let found = [];
  const send = () => {
    const body = head + found.map((line) => `a=${line}\r\n`).join("");
    found = [];
    const headers = { "Content-Type": "application/trickle-ice-sdpfrag", "If-Match": etag };
    fetch(session, { method: "PATCH", headers, body }).catch(() => {});
  };
  connection.onicecandidate = ({ candidate }) => {
    if (!candidate?.candidate || candidate.address?.endsWith(".local")) return;
    if (found.push(candidate.candidate) === 1) setTimeout(send);
  };
}
