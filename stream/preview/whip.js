// Publishes one video track to a WHIP endpoint, and tries again every two seconds for as long as it is wanted.

import { end, gathered } from "./webrtc.js";

const RETRY_MS = 2000;

export class WhipPublisher {
  /** @param {(state: "off" | "connecting" | "up", words: string) => void} say is told how it goes */
  constructor(say) {
    this.say = say;
    this.connection = null;
    this.session = "";
    this.attempt = 0;
    this.timer = 0;
  }

  /** Publish `track` to `endpoint` from now on. */
  publish(endpoint, track) {
    this.stop();
    this.endpoint = endpoint;
    this.track = track;
    this.say("connecting", "");
    this.#connect();
  }

  /** Send another track in place of the present one; the session goes on. */
  async replace(track) {
    this.track = track;
    await this.connection?.getSenders()[0]?.replaceTrack(track);
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
    this.say("off", "");
  }

  async #connect() {
    const attempt = this.attempt;
    const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.connection = connection;
    const again = (words) => attempt === this.attempt && this.#retry(words);
    connection.addTransceiver(this.track, { direction: "sendonly" });
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === "connected" && attempt === this.attempt) this.say("up", "");
      if (["failed", "disconnected", "closed"].includes(connection.connectionState)) again("the connection was lost");
    };
    try {
      await connection.setLocalDescription();
      await gathered(connection);
      const answer = await fetch(this.endpoint, {
        method: "POST",
        headers: { "Content-Type": "application/sdp" },
        body: connection.localDescription.sdp,
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
      await connection.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    } catch (error) {
      connection.close();
      again(error instanceof TypeError ? "the server does not answer" : error.message);
    }
  }

  #retry(words) {
    this.stop();
    this.say("connecting", words);
    this.timer = setTimeout(() => this.#connect(), RETRY_MS);
  }
}
