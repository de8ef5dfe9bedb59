// The search of the header: "/" leads to it from anywhere, and it answers while one types.

const form = document.querySelector("form[data-find]");
const writes = (place) => place.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

if (form) {
  const field = form.elements.q;
  const box = form.querySelector("[data-found]");
  const told = form.querySelector("[role=status]");
  let timer = 0;
  let running = null;

  form.querySelector("kbd").hidden = false;  // without scripts the key does nothing

  const close = () => { running?.abort(); clearTimeout(timer); box.hidden = true; };

  const look = async () => {
    running?.abort();
    running = new AbortController();
    try {
      const url = form.getAttribute("action") + "?" + new URLSearchParams({ q: field.value.trim() });
      const answer = await fetch(url, { signal: running.signal, headers: { Accept: "text/html" } });
      const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("found");
      if (!answer.ok || !found || !form.contains(document.activeElement)) return;
      told.textContent = found.querySelector("[data-found-count]").textContent;
      box.replaceChildren(...found.childNodes);
      box.hidden = false;
    } catch { /* Enter still leads to the page */ }
  };

  const step = (by) => {
    const places = [field, ...box.querySelectorAll("a")];
    places[Math.max(0, Math.min(places.length - 1, places.indexOf(document.activeElement) + by))].focus();
  };

  field.addEventListener("focus", () => { if (box.hidden) look(); });
  field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, 150); });
  form.addEventListener("focusout", (event) => { if (!form.contains(event.relatedTarget)) close(); });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { close(); document.activeElement.blur(); }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    step(event.key === "ArrowDown" ? 1 : -1);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || writes(event.target)) return;
    event.preventDefault();
    field.select();
    field.focus();
  });
}
