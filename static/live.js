// A form that probes is sent as it is, but asks for the events of the probe and shows them as they come.
// The address and the end are the same as without this script.

import { NDJSON, isStream, lines } from "./ndjson.js";

let controller = null;

function seconds(value) {
  return value < 10 ? value.toFixed(1) + " s" : Math.round(value) + " s";
}

class Watch {
  constructor(form, button) {
    this.form = form;
    this.button = button;
    this.section = document.getElementById("live");
    this.list = document.getElementById("live-checks");
    this.note = document.getElementById("live-note");
    this.since = new Map();
    this.hidden = form.id === "register" ? form : null;
    this.bar = "whole" in form.dataset ? document.getElementById("live-bar") : null;
    this.cancelled = form.dataset.cancelled ?? "Cancelled. Nothing was registered.";
  }

  show() {
    this.list.replaceChildren();
    this.note.textContent = "Asking the endpoint. This can take some seconds, longer if it has to load the model first.";
    document.getElementById("told-here")?.remove();
    if (this.hidden) this.hidden.hidden = true;
    for (const id of ["problem", "report"]) {
      const shown = document.getElementById(id);
      if (!this.form.contains(shown)) shown?.remove();
    }
    this.section.hidden = false;
    if (this.bar) this.bar.hidden = false;
    this.section.querySelector("h2").focus();
    this.timer = setInterval(() => this.tick(), 200);
  }

  close(message) {
    clearInterval(this.timer);
    this.section.hidden = true;
    if (this.hidden) this.hidden.hidden = false;
    document.dispatchEvent(new Event("muster:stopped"));
    this.button?.focus();
    if (message) announce(message, this.button ?? this.form);
  }

  check(line) {
    const old = document.getElementById("live-" + line.name);
    const holder = document.createElement("template");
    holder.innerHTML = line.html.trim();
    const fresh = holder.content.firstElementChild;
    const later = [...this.list.children].find((row) => Number(row.dataset.place) > Number(fresh.dataset.place));
    if (old) old.replaceWith(fresh); else this.list.insertBefore(fresh, later ?? null);
    // Every wait is timed anew, other news of a row is not.
    if (line.status !== "running") this.since.delete(line.name);
    else if (fresh.dataset.mayTake || !this.since.has(line.name)) this.since.set(line.name, performance.now());
    const done = this.list.querySelectorAll("li:not([data-status=running])").length;
    this.note.textContent = `${done} of ${this.list.children.length} done so far.`;
    if (this.bar) [this.bar.value, this.bar.max] = [done, this.list.children.length];
  }

  tick() {
    for (const [name, start] of this.since) {
      const row = document.getElementById("live-" + name);
      const spent = (performance.now() - start) / 1000;
      row.querySelector(".number").textContent = seconds(spent);
      const most = Number(row.dataset.mayTake);
      const evidence = row.querySelector(".evidence");
      if (spent > 2 && most && !evidence.textContent.trim()) evidence.textContent = `waiting; it may take up to ${seconds(most)}`;
    }
  }

  sumUp(line) {
    this.note.textContent = line.summary;
    const onward = document.createElement("a");
    onward.className = "button";
    onward.href = line.location;
    onward.textContent = line.label ?? "Back to the list";
    this.section.querySelector("[data-cancel]").replaceWith(onward);
    onward.focus();
    document.dispatchEvent(new Event("muster:stale"));
  }

  end(line) {
    clearInterval(this.timer);
    if (line.summary) return this.sumUp(line);
    if (line.location) {
      document.dispatchEvent(new Event("muster:done"));
      return location.assign(line.location);
    }
    const main = document.getElementById("main");
    main.innerHTML = line.html;
    main.dispatchEvent(new CustomEvent("muster:changed", { bubbles: true }));
    scrollTo(0, 0);
    (document.getElementById("problem") ?? document.getElementById("result") ?? main).focus();
  }
}

// Beside the button that was pressed: there the eye and the focus are, however far the page is scrolled.
function announce(message, from) {
  document.getElementById("told-here")?.remove();
  const told = document.createElement("p");
  told.id = "told-here";
  told.className = "notice notice-warn told-here";
  told.setAttribute("role", "alert");
  told.textContent = message;
  (from.closest(".form-end, .bulk, .actions") ?? from).prepend(told);
}

async function send(form, button) {
  const body = new URLSearchParams(new FormData(form, button));
  const watch = new Watch(form, button);
  controller = new AbortController();
  watch.show();
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: NDJSON }, signal: controller.signal });
    if (!answer.ok || !isStream(answer)) return plainly(form, button, watch);
    let ended = false;
    for await (const line of lines(answer)) {
      if (line.event === "check") watch.check(line);
      else { ended = true; watch.end(line); }
    }
    if (!ended) watch.close(watch.cancelled.replace(/^[^.]*[.]/, "The connection to Muster was lost.") + " Send it again.");
  } catch (error) {
    watch.close(error.name === "AbortError" ? watch.cancelled : "Muster could not be reached. Send the form again.");
  } finally {
    controller = null;
  }
}

// What is no stream (a lost session, an error page) is best shown by the browser itself.
function plainly(form, button, watch) {
  watch.close();
  form.dataset.plain = "yes";
  form.requestSubmit(button);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-live]") || form.dataset.plain || event.submitter?.hasAttribute("data-plain")) return;
  event.preventDefault();
  if (!controller) send(form, event.submitter);
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-cancel]")) controller?.abort();
});

// One of many alone: another request tells the server, and its row ends in the stream.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-stop]");
  const form = document.querySelector("form[data-stop-url]");
  if (!button || !form) return;
  button.disabled = true;
  const { batch, csrf_token: token } = form.elements;
  const body = new URLSearchParams({ batch: batch.value, csrf_token: token.value, place: button.dataset.stop });
  try {
    const answer = await fetch(form.dataset.stopUrl, { method: "POST", body });
    button.disabled = answer.ok;
  } catch { button.disabled = false; }
});
