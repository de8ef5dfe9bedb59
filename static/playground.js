// Trying a model: the answer appears as it comes. Without this script the same form answers with a page.

import { NDJSON, isStream, lines } from "./ndjson.js";

let controller = null;

async function send(form) {
  const place = document.getElementById("tried");
  const stop = form.querySelector("[data-try-stop]");
  const said = document.createElement("pre");
  said.className = "said";
  place.replaceChildren(said);
  said.textContent = "…";
  let begun = false;
  controller = new AbortController();
  stop.hidden = false;
  try {
    const answer = await fetch(form.getAttribute("action"), {
      method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: NDJSON }, signal: controller.signal,
    });
    if (!isStream(answer)) { form.dataset.plain = "yes"; return form.requestSubmit(); }
    for await (const line of lines(answer)) {
      if (line.event === "end") { place.innerHTML = line.html; continue; }
      if (!begun) { said.textContent = ""; begun = true; }
      const span = document.createElement("span");
      if (line.thinking) span.className = "muted";
      span.textContent = line.text;
      said.append(span);
    }
  } catch (error) {
    const note = document.createElement("p");
    note.className = "muted";
    note.textContent = error.name === "AbortError" ? "Stopped." : "Muster could not be reached.";
    place.append(note);
  } finally {
    controller = null;
    stop.hidden = true;
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-try]") || form.dataset.plain || !document.getElementById("tried")) return;
  event.preventDefault();
  if (!controller) send(form);
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-try-stop]")) controller?.abort();
});
