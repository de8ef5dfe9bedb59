// What is wrong now stays up to date while somebody may be looking, part by part, and never under a focus.
// It is no use of the session: a page that was left open does not keep its person signed in.

const EVERY_MS = 30_000;
const note = document.querySelector("[data-not-fresh]");

function renew(page) {
  for (const part of document.querySelectorAll("[data-fresh]")) {
    const now = page.querySelector(`[data-fresh="${part.dataset.fresh}"]`);
    if (!now || now.textContent === part.textContent || part.contains(document.activeElement)) continue;
    part.className = now.className;
    part.replaceChildren(...now.childNodes);
  }
}

async function look() {
  const probes = document.querySelector("#live:not([hidden]) [data-cancel]");
  if (document.hidden || probes) return;
  let page = null;
  try {
    const answer = await fetch(location.href, { headers: { "Muster-Refresh": "yes" } });
    if (answer.ok && !answer.redirected) page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch { /* said by the note */ }
  note.hidden = page !== null;
  if (page) renew(page);
}

if (note) {
  setInterval(look, EVERY_MS);
  document.addEventListener("visibilitychange", look);
  document.addEventListener("muster:stale", look);
}
