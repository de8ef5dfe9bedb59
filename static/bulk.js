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
document.addEventListener("muster:changed", count);
count();
