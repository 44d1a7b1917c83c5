// What playing and publishing share.

/** Say goodbye to a session; `keepalive` lets the goodbye outlive its page. */
export function end(session, keepalive = false) {
  return fetch(session, { method: "DELETE", keepalive })
    .then((answer) => answer.text())
    .catch(() => {});
}

/** Wait until the browser knows its addresses, but no longer than a moment: the server needs none of them. */
export function gathered(connection) {
  if (connection.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    setTimeout(resolve, 500);
    connection.addEventListener("icegatheringstatechange", () => {
      if (connection.iceGatheringState === "complete") resolve();
    });
  });
}
