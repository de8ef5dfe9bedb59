// As soon as base URL and key are there, the endpoint's own list of models is fetched; choosing a model offers
// what the list says of it for the fields that are empty. The button does the same without scripts.

const FROM_LIST = "From the endpoint's own list.";

let offers = new Map();
let last = "";

const form = () => document.querySelector("#register");

async function look(force) {
  const here = form();
  if (!here || !document.getElementById("look-note")) return;
  const key = here.elements.api_key.value + "|" + (here.elements.held_key?.value ?? "");
  const asked = here.elements.base_url.value.trim() + "|" + key;
  if (!force && (asked === last || !/^https?:\/\/[^/]+/.test(asked) || key === "|")) return;
  last = asked;
  const note = document.getElementById("look-note");
  note.textContent = "Asking the endpoint for its models …";
  const body = new URLSearchParams(new FormData(here));
  body.set("do", "look");
  try {
    const answer = await fetch(here.getAttribute("action"), { method: "POST", body, headers: { Accept: "application/json" } });
    const got = await answer.json();
    show(got.offers ?? [], got.problem ?? got.error?.message ?? "", note);
  } catch {
    note.textContent = "The list could not be fetched. Type the model id yourself.";
  }
}

function show(list, problem, note) {
  offers = new Map(list.map((offer) => [offer.id, offer]));
  document.getElementById("offers").replaceChildren(...list.map((offer) => {
    const option = document.createElement("option");
    option.value = offer.id;
    option.textContent = offer.label;
    return option;
  }));
  const count = list.length === 1 ? "1 model" : `${list.length} models`;
  note.textContent = list.length ? `The endpoint lists ${count}: choose one at “Model id”.` : problem || "The endpoint gave no list. Type the model id yourself.";
  adopt();
}

function adopt() {
  const here = form();
  const offer = offers.get(here.elements.model_id.value.trim());
  offerListed(offer?.listed);
  if (!offer || here.elements.configuration_model_id.value) return;
  takeBack(here, offer.values);
  for (const [name, value] of Object.entries(offer.values)) {
    const field = here.elements[name];
    const mark = here.querySelector(`[data-adopted="${name}"]`);
    if (!field || (field.value && field.tagName !== "SELECT" && mark.hidden)) continue;
    if (field.value !== value) {
      field.value = value;
      mark.textContent = FROM_LIST;
      mark.hidden = false;
      field.closest("details")?.setAttribute("open", "");
    }
    field.dispatchEvent(new Event("muster:filled", { bubbles: true }));
  }
  const says = document.getElementById("look-note");
  if (offer.label) says.textContent = `${offer.id}: ${offer.label}.`;
}

// What was filled in for another model of the list does not hold for this one.
function takeBack(here, values) {
  for (const mark of here.querySelectorAll("[data-adopted]:not([hidden])")) {
    const field = here.elements[mark.dataset.adopted];
    const empty = field.tagName !== "SELECT" || field.querySelector('option[value=""]');
    if (field.name in values || !empty || mark.textContent !== FROM_LIST) continue;
    field.value = "";
    mark.hidden = true;
    field.dispatchEvent(new Event("muster:filled", { bubbles: true }));
  }
}

// Prices that the endpoint does not state are put into no field by themselves: a button does that.
function offerListed(listed) {
  const place = document.querySelector("[data-listed]");
  place.hidden = !listed;
  if (!listed) return;
  document.getElementById("listed-note").textContent = listed.words;
  place.querySelector("button").onclick = (event) => {
    event.preventDefault();
    for (const [name, value] of Object.entries(listed.values)) {
      const field = form().elements[name];
      if (field.value) continue;
      field.value = value;
      field.dispatchEvent(new Event("muster:filled", { bubbles: true }));
      const mark = form().querySelector(`[data-adopted="${name}"]`);
      mark.textContent = `From ${listed.source}.`;
      mark.hidden = false;
    }
    place.hidden = true;
  };
}

document.addEventListener("change", (event) => {
  if (["base_url", "api_key"].includes(event.target.id)) look(false);
});
document.addEventListener("input", (event) => {
  if (event.target.id === "model_id") adopt();
  if (event.isTrusted) form()?.querySelector(`[data-adopted="${event.target.name}"]`)?.setAttribute("hidden", "");
});
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-look]")) return;
  event.preventDefault();
  look(true);
});
