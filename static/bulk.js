// The box below a list selects every row; the bar says how many are selected.

function count() {
  const form = document.getElementById("bulk");
  if (!form) return;
  const boxes = [...form.querySelectorAll('input[name="id"]')];
  const ticked = boxes.filter((box) => box.checked).length;
  const all = form.querySelector("[data-tick-all]");
  form.querySelector("[data-tick-all-label]").hidden = false;
  all.checked = ticked > 0 && ticked === boxes.length;
  all.indeterminate = ticked > 0 && ticked < boxes.length;
  form.querySelector("[data-ticked]").textContent = ticked ? `With the ${ticked} selected:` : "With the selected:";
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-tick-all]")) {
    for (const box of document.querySelectorAll('#bulk input[name="id"]')) box.checked = event.target.checked;
  }
  if (event.target.closest("#bulk")) count();
});
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

document.addEventListener("muster:changed", count);
count();
