// What happened, in words.

const STEPS = {
  "window-filled": () => "The window has enough keyframes to learn from",
  "retraining-started": ({ keyframes }) => `Retraining started${keyframes ? ` on ${keyframes} keyframes` : ""}`,
  "retraining-finished": ({ seconds }) => `Retraining finished${seconds ? ` after ${seconds.toFixed(1)} s` : ""}`,
  swapped: ({ model_version: version }) => `The retrained network is in service (version ${version})`,
  rejected: ({ reason }) => `The retrained network was rejected${reason ? `: ${reason}` : ""}`,
  failed: ({ reason }) => `Retraining failed${reason ? `: ${reason}` : ""}; the picture goes on`,
  reset: ({ reason }) => `Back to the original network${reason ? `: ${reason}` : ""}`,
  degraded: ({ reason }) => `Adaptation pauses after repeated failures${reason ? `: ${reason}` : ""}`,
  resumed: () => "The retrained network of the last run is back in service",
  recalled: () => "The scene is known: its earlier network is back in service",
  "not-recalled": ({ reason }) => `The earlier network of a similar scene was not taken${reason ? `: ${reason}` : ""}`,
  "rolled-back": ({ reason, model_version: version }) =>
    `Back to ${version ? `version ${version}` : "the original network"}${reason ? `: ${reason}` : ""}`,
};

/** Return what an entry of the history says; "" for what is shown elsewhere. */
export function words({ type, start_time: start, end_time: end, details }) {
  if (type !== "region") return STEPS[type]?.(details) ?? "";
  const score = `${Math.round(details.top_score * 100)} %`;
  if (end === null) return `Something stands out (${score})`;
  return `Something stood out for ${duration(end - start)} (at most ${score})`;
}

/** Return an entry as the history would give it, of a region's event that was just told. */
export function ofRegion({ after }) {
  return {
    id: after.id,
    camera: after.camera,
    type: "region",
    start_time: after.start_time,
    end_time: after.end_time,
    zones: after.entered_zones,
    details: after,
    clip: null,
    snapshot: null,
  };
}

/** Return an entry as the history would give it, of a step of the adaptation that was just told. */
export function ofStep(event) {
  return {
    id: `${event.time}-${event.camera}-${event.type}`,
    camera: event.camera,
    type: event.type,
    start_time: event.time,
    end_time: event.time,
    zones: [],
    details: event,
    clip: null,
    snapshot: null,
  };
}

function duration(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
