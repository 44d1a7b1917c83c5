// Signing in, where livesal asks for a token: once, then a cookie carries it.

const SESSION = "/api/session";

/** Resolve when this browser may ask; shows a dialog until a right token was given. */
export async function signIn() {
  const { status } = await fetch(SESSION);
  if (status !== 401) return;
  const dialog = document.getElementById("sign-in");
  const form = dialog.querySelector("form");
  const token = form.elements.token;
  dialog.showModal();
  await new Promise((resolve) => {
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const headers = { Authorization: `Bearer ${token.value.trim()}` };
      const answer = await fetch(SESSION, { method: "POST", headers }).catch(() => null);
      form.querySelector("output").textContent =
        answer === null ? "livesal does not answer" : answer.status === 401 ? "that token is not right" : "";
      if (answer?.ok) resolve();
    });
  });
  token.value = "";
  dialog.close();
}
