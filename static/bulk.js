// A list's bar comes up where a row is ticked, and says how many are; the box in its head ticks every row.

function count() {
  const form = document.getElementById("bulk");
  if (!form) return;
  const boxes = [...form.querySelectorAll('input[name="id"]')];
  const ticked = boxes.filter((box) => box.checked).length;
  const all = form.querySelector("[data-tick-all]");
  const matching = form.querySelector('[name="matching"]');
  form.querySelector(".bulk").hidden = ticked === 0 && !matching?.checked;
  if (all) {
    all.hidden = false;
    all.checked = ticked > 0 && ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  }
  form.querySelector("[data-ticked]").textContent = matching?.checked ? "With all of them:" : `With the ${ticked} selected:`;
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-tick-all]")) {
    for (const box of document.querySelectorAll('#bulk input[name="id"]')) box.checked = event.target.checked;
  }
  if (event.target.closest("#bulk")) count();
});
document.addEventListener("muster:changed", count);
count();
// Going back from the question whether to delete finds the same rows ticked.
const TICKED = "muster:ticked";

document.addEventListener("submit", (event) => {
  if (event.target.id !== "bulk") return;
  const ids = [...event.target.querySelectorAll('input[name="id"]:checked')].map((box) => box.value);
  sessionStorage.setItem(TICKED, JSON.stringify(ids));
});
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-back]") || history.length < 2) return;
  event.preventDefault();
  history.back();
});
if (performance.getEntriesByType("navigation")[0]?.type === "back_forward") {
  const ids = new Set(JSON.parse(sessionStorage.getItem(TICKED) ?? "[]"));
  for (const box of document.querySelectorAll('#bulk input[name="id"]')) box.checked = ids.has(box.value);
}
// A list that is ticked to be registered: its box ticks all that are shown.
function offerEvery() {
  for (const label of document.querySelectorAll("[data-tick-every-label]")) label.hidden = false;
}
document.addEventListener("change", (event) => {
  const name = event.target.dataset?.tickEvery;
  if (!name) return;
  for (const box of event.target.form.querySelectorAll(`input[name="${name}"]`)) box.checked = event.target.checked;
});
document.addEventListener("muster:changed", offerEvery);
offerEvery();
