// What a request of a usual size costs at the prices typed; the server says the same when it renders the form.

const IN = 1000;
const OUT = 500;

function update() {
  const place = document.querySelector("[data-sample]");
  if (!place) return;
  const price = (id) => {
    const text = document.getElementById(id).value.trim();
    return text === "" || Number.isNaN(Number(text)) ? null : Number(text);
  };
  const [input, output] = [price("input_cost"), price("output_cost")];
  if (input === null && output === null) { place.textContent = ""; return; }
  const cost = ((input ?? 0) * IN + (output ?? 0) * OUT) / 1e6;
  const money = cost.toLocaleString(navigator.language, { minimumFractionDigits: 2, maximumFractionDigits: 8 });
  place.textContent = `A request with ${IN.toLocaleString(navigator.language)} tokens in and ${OUT} out costs $${money}.`;
}

for (const name of ["input", "muster:filled"]) document.addEventListener(name, (event) => {
  if (["input_cost", "output_cost"].includes(event.target.id)) update();
});
