// MUSTER_URL=… TOKEN=… node list.mjs: the ids that the JavaScript client `openai` lists.
import OpenAI from "openai";

const client = new OpenAI({ apiKey: process.env.TOKEN, baseURL: `${process.env.MUSTER_URL}/v1` });
const ids = [];
for await (const model of client.models.list()) ids.push(model.id);
process.stdout.write(JSON.stringify(ids));
