// What is folded away is fetched when it is opened, from the page that its link leads to.

document.addEventListener("toggle", async (event) => {
  const folded = event.target;
  if (!folded.open || !folded.dataset?.lazy) return;
  const url = folded.dataset.lazy;
  delete folded.dataset.lazy;
  try {
    const answer = await fetch(url);
    const fetched = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#call");
    if (!answer.ok || !fetched) return;
    fetched.className = "wrapped";
    fetched.removeAttribute("id");
    folded.querySelector("a").replaceWith(fetched);
    fetched.dispatchEvent(new CustomEvent("muster:changed", { bubbles: true }));
  } catch { /* the link stays */ }
}, true);
