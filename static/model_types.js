// Only the fields that a model's type has are there: another type chosen, others come. Without this script a
// button beside the type does the same.

function show(here) {
  const kind = here.elements.model_type.value || "chat";
  for (const field of here.querySelectorAll("[data-types]")) {
    const there = field.dataset.types.split(" ").includes(kind);
    field.hidden = !there;
    if (field.tagName === "FIELDSET") field.disabled = !there;
    for (const control of field.querySelectorAll("input, select, textarea")) control.disabled = !there;
  }
  for (const section of here.querySelectorAll("details.fold:has([data-types])")) {
    section.hidden = ![...section.querySelectorAll(".field, .flag")].some((field) => !field.hidden);
  }
}

// The name that the model gets where none is typed stands in its field, greyed.
function name(here) {
  here.elements.display_name.placeholder = here.elements.model_id.value.trim().split("/").pop() || "as in the model id";
}

function prepare() {
  for (const part of document.querySelectorAll("[data-no-script]")) part.hidden = true;
}

for (const kind of ["change", "muster:filled"]) document.addEventListener(kind, (event) => {
  const here = event.target.form ?? event.target;
  if (here.id !== "register" || !here.elements?.model_type) return;
  if (event.target === here || event.target.name === "model_type") show(here);
});
document.addEventListener("input", (event) => {
  if (event.target.id === "model_id" && event.target.form.elements.display_name) name(event.target.form);
});
document.addEventListener("muster:changed", prepare);
prepare();
