// What is typed into a form marked `data-draft` is kept in this tab until the form is sent to its end: through
// a reload, going back and forward, a lost session, and a click on the menu. Secrets are never kept: neither
// fields of passwords nor what is marked `data-secret`. Leaving asks first, unless the form is `quiet`.

const SENT = "muster:sent";
const form = () => document.querySelector("form[data-draft]");
const place = () => "muster:draft:" + form().getAttribute("action");
const kept = (field) => field.name && !("secret" in field.dataset) && !["hidden", "password", "submit", "button"].includes(field.type);

let dirty = false;
let leaving = false;

function read(here) {
  return [...here.elements].filter(kept).map((field) =>
    [field.name, ["checkbox", "radio"].includes(field.type) ? [field.value, field.checked] : field.value]);
}

function write(here, draft) {
  for (const [name, value] of draft) {
    for (const field of [...here.elements].filter((one) => one.name === name && kept(one))) {
      if (!Array.isArray(value)) field.value = value;
      else if (field.value === value[0]) field.checked = value[1];
    }
  }
}

// A form that was sent to its end leads to another page; only signing in again is on the way back to it.
function forget() {
  const sent = sessionStorage.getItem(SENT);
  if (!sent || location.pathname.startsWith("/signin")) return;
  sessionStorage.removeItem(SENT);
  if (!form() || place() !== sent) sessionStorage.removeItem(sent);
}

// Only a page that was opened anew gets its draft back; one that answers a form holds what was sent.
function restore() {
  const here = form();
  const draft = here && JSON.parse(sessionStorage.getItem(place()));
  const answers = document.querySelector("main[data-answers]");
  if (!draft || answers || (location.search && location.search !== draft.search)) return;
  const empty = read(here);
  if (JSON.stringify(draft.typed) === JSON.stringify(empty)) return;
  write(here, draft.typed);
  here.dispatchEvent(new Event("muster:filled", { bubbles: true }));
  dirty = true;
  const note = notice();
  here.prepend(note);
  note.querySelector("button").addEventListener("click", () => {
    write(here, empty);
    sessionStorage.removeItem(place());
    dirty = false;
    note.remove();
    here.querySelector("input:not([type=hidden])")?.focus();
  });
}

function notice() {
  const note = document.createElement("p");
  note.className = "notice draft";
  note.setAttribute("role", "status");
  note.textContent = "What you typed before is back, but for keys and passwords. ";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "tiny";
  button.textContent = "Start afresh";
  note.append(button);
  return note;
}

document.addEventListener("input", (event) => {
  const here = event.target.closest("form[data-draft]");
  if (!here) return;
  dirty = true;
  sessionStorage.setItem(place(), JSON.stringify({ search: location.search, typed: read(here) }));
});
document.addEventListener("muster:done", () => {
  if (form()) sessionStorage.removeItem(place());
  leaving = true;
});
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-draft]")) return;
  leaving = true;
  sessionStorage.setItem(SENT, place());
});
document.addEventListener("muster:changed", () => { leaving = false; });
document.addEventListener("muster:stopped", () => { leaving = false; });
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-discard]")) return;
  sessionStorage.removeItem(place());
  leaving = true;
});
addEventListener("beforeunload", (event) => {
  if (dirty && !leaving && form() && form().dataset.draft !== "quiet") event.preventDefault();
});
forget();
restore();
