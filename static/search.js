// The list answers while one types: the same page is fetched, and its results put in place.

const form = document.querySelector("form[data-live-search]");

if (form) {
  const ids = form.dataset.liveSearch.split(" ");
  const results = document.getElementById(ids[0]);
  const announce = document.getElementById("announce");
  let timer = 0;
  let running = null;

  const address = () => {
    const given = new FormData(form);
    for (const [name, value] of [...given]) if (!value) given.delete(name);
    const query = new URLSearchParams(given).toString();
    return form.getAttribute("action").split("?")[0] + (query ? "?" + query : "");
  };

  const update = async (url = address()) => {
    running?.abort();
    running = new AbortController();
    try {
      const answer = await fetch(url, { signal: running.signal, headers: { Accept: "text/html" } });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!answer.ok || !fresh.getElementById(results.id)) return form.submit();
      for (const id of ids) document.getElementById(id)?.replaceChildren(...(fresh.getElementById(id)?.childNodes ?? []));
      results.dispatchEvent(new CustomEvent("muster:changed", { bubbles: true }));
      history.replaceState(null, "", url);
      if (announce) announce.textContent = results.querySelector("[data-summary]")?.textContent ?? "";
    } catch (error) {
      if (error.name !== "AbortError") form.submit();
    }
  };

  form.addEventListener("input", (event) => {
    clearTimeout(timer);
    timer = setTimeout(() => update(), event.target.type === "search" ? 180 : 0);
  });
  document.addEventListener("muster:stale", () => update(location.href));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    update();
  });
}
