// Light, dark, or as the system has it; remembered by the browser.

const KEY = "livesal-theme";
const ORDER = ["system", "light", "dark"];

const kept = () => (ORDER.includes(localStorage.getItem(KEY)) ? localStorage.getItem(KEY) : "system");

function apply(theme, button) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  button.textContent = `Theme: ${theme}`;
  dispatchEvent(new Event("themechange"));
}

/** Let `button` go through the themes. */
export function themes(button) {
  apply(kept(), button);
  button.addEventListener("click", () => {
    const next = ORDER[(ORDER.indexOf(kept()) + 1) % ORDER.length];
    localStorage.setItem(KEY, next);
    apply(next, button);
  });
}
