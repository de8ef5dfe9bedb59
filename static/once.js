// A double click sends a form once. Forms that a script watches see to that themselves: it stops them at the
// document, and the window hears of a submit after the document, in whatever order scripts are loaded.

const PAUSE_MS = 2000;

addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  setTimeout(() => { delete form.dataset.sent; }, PAUSE_MS);
});
