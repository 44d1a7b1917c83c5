// Keyboard shortcuts, and the overlay that lists them.

/**
 * Let keys act, unless one types or picks something.
 * @param {Record<string, () => void>} actions by `KeyboardEvent.key`, in lower case
 */
export function shortcuts(actions) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.closest?.("input:not([type=range]):not([type=checkbox]), select, textarea")) return;
    const action = actions[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

/** Let `button` open `dialog`; Escape, its own button and a click beside it close it. */
export function help(dialog, button) {
  button.addEventListener("click", () => dialog.showModal());
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
}
