// What a program does with @orq-ai/node, told as one JSON object; orq_journey.py is the same in Python.
// MUSTER_URL=… TOKEN=… node journey.mjs '{"base_url": …, "api_key": …}'
import { Orq } from "@orq-ai/node";

const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
const sent = Object.fromEntries(
  Object.entries(JSON.parse(process.argv[2])).map(([name, value]) => [camel(name), value]),
);
const orq = new Orq({ apiKey: process.env.TOKEN, serverURL: process.env.MUSTER_URL });

async function refused(call) {
  try {
    await call();
  } catch (error) {
    return [error.statusCode, JSON.parse(error.body).error.code];
  }
  return "it was not refused";
}

const told = {};
told.wrong_key = await refused(() => orq.models.createOpenaiLike({ ...sent, apiKey: "sk-wrong" }));
told.wrong_model = await refused(() => orq.models.createOpenaiLike({ ...sent, modelId: "no-such" }));
told.created = await orq.models.createOpenaiLike(sent);
const id = told.created.id;
told.again = await refused(() => orq.models.createOpenaiLike(sent));
told.listed = await orq.models.list();
const body = { displayName: "Renamed", modelType: sent.modelType, region: "europe" };
told.updated = await orq.models.updateOpenaiLike({ id, requestBody: body });
told.update_to_nothing = await refused(() =>
  orq.models.updateOpenaiLike({ id, requestBody: { ...body, modelId: "no-such" } }),
);
await orq.models.disable({ modelId: id });
told.listed_disabled = await orq.models.list();
await orq.models.enable({ modelId: told.created.refId });
told.listed_enabled = await orq.models.list();
await orq.models.delete({ id });
told.deleted_again = await refused(() => orq.models.delete({ id }));
process.stdout.write(JSON.stringify(told));
