// Choosing a known server fills in what is known of it at once; the button beside it does the same without scripts.

function fill(form, values) {
  for (const [name, value] of Object.entries(values)) {
    const field = form.elements[name];
    if (field && (!field.value || field.dataset.preset === field.value || field.tagName === "SELECT")) {
      field.value = value;
      field.dataset.preset = value;
      field.dispatchEvent(new Event("muster:filled", { bubbles: true }));
    }
  }
}

document.addEventListener("change", (event) => {
  if (event.target.id !== "preset") return;
  const option = event.target.selectedOptions[0];
  const help = document.getElementById("preset-help");
  help.hidden = !option.value;
  if (!option.value) return;
  help.querySelector("[data-key]").textContent = option.dataset.key;
  help.querySelector("[data-mistake]").textContent = option.dataset.mistake;
  fill(event.target.form, JSON.parse(option.dataset.fill));
});
