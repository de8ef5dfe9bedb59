"""A first call of a model in JavaScript for Node.js, with the `openai` package."""

from __future__ import annotations

from collections.abc import Mapping

from app.registry.exchange.first_call import (
    CA_VARIABLE,
    CERTIFICATE_VARIABLE,
    KEY_VARIABLE,
    PROXY_VARIABLE,
    is_keyed,
    key_header,
    variables_of,
    without_query,
)
from app.registry.exchange.quoting import javascript as quoted
from app.store.models import RegisteredModel

_CALLS: Mapping[str, str] = {
    "chat": """const answer = await client.chat.completions.create({
  model: MODEL,
  messages: [{ role: "user", content: "Say hello." }],
});
console.log(answer.choices[0].message.content);""",
    "completion": """const answer = await client.completions.create({
  model: MODEL,
  prompt: "Once upon a time",
  max_tokens: 32,
});
console.log(answer.choices[0].text);""",
    "embedding": """const answer = await client.embeddings.create({
  model: MODEL,
  input: "The quick brown fox",
});
console.log(answer.data[0].embedding.length);""",
    "image": """const answer = await client.images.generate({
  model: MODEL,
  prompt: "A lighthouse at dusk",
});
console.log(answer.data[0].url ?? "base64 data");""",
    "rerank": """// The package has no call for reranking; `post` reaches any route.
const body = { model: MODEL, query: "What is a fox?", documents: ["An animal.", "A small box."] };
console.log(await client.post("/rerank", { body }));""",
    "stt": """const answer = await client.audio.transcriptions.create({
  model: MODEL,
  file: createReadStream("speech.wav"),
});
console.log(answer.text);""",
    "tts": """const answer = await client.audio.speech.create({
  model: MODEL,
  input: "Hello.",
  voice: "alloy",
});
await writeFile("speech.mp3", Buffer.from(await answer.arrayBuffer()));""",
    "moderation": """const answer = await client.moderations.create({
  model: MODEL,
  input: "A friendly sentence.",
});
console.log(answer.results[0].flagged);""",
    "realtime": """// Needs: npm install ws
const session = new OpenAIRealtimeWS({ model: MODEL }, client);
session.on("session.created", (event) => {
  console.log(event.type);
  session.close();
});""",
}

_IMPORTS: Mapping[str, str] = {
    "stt": 'import { createReadStream } from "node:fs";',
    "tts": 'import { writeFile } from "node:fs/promises";',
    "realtime": 'import { OpenAIRealtimeWS } from "openai/realtime/ws";',
}


def script(model: RegisteredModel) -> str:
    """An ES module (save it as .mjs); the key comes from the variable API_KEY."""
    base_url, query = without_query(model.base_url)
    lines = [f"  baseURL: {quoted(base_url)},", _key(model)]
    if query:
        pairs = ", ".join(f"{quoted(name)}: {quoted(value)}" for name, value in query.items())
        lines.append(f"  defaultQuery: {{ {pairs} }},")
    headers = _headers(model)
    if headers:
        lines.append(f"  defaultHeaders: {{ {', '.join(headers)} }},")
    imports = ['import OpenAI from "openai";']
    certificates = _certificates(model)
    if certificates:
        imports = ['import { readFileSync } from "node:fs";', *imports]
    kind, options = _dispatcher(model, certificates)
    if options:
        lines.append(f"  fetchOptions: {{ dispatcher: new {kind}({{ {options} }}) }},")
        imports += ["// Needs: npm install undici", f'import {{ {kind} }} from "undici";']
    if model.model_type in _IMPORTS:
        imports.insert(0, _IMPORTS[model.model_type])
    call = _CALLS[model.model_type].replace("MODEL", quoted(model.wire_model_id), 1)
    return "\n".join([*imports, "", "const client = new OpenAI({", *lines, "});", call, ""])


def _headers(model: RegisteredModel) -> list[str]:
    """Members of `defaultHeaders`: the key's header where it is another one, and the endpoint's own."""
    name, scheme = key_header(model)
    made = []
    if is_keyed(model) and (name, scheme) != ("Authorization", "Bearer "):
        made.append(f"{quoted(name)}: {quoted(scheme)} + process.env.{KEY_VARIABLE}")
        made += ['"Authorization": null'] if name.lower() != "authorization" else []
    further = variables_of(model).items()
    return made + [f"{quoted(header)}: process.env.{variable}" for header, variable in further]


def _certificates(model: RegisteredModel) -> list[str]:
    """What opens the connection beyond Node's own authorities."""
    made = [f"ca: readFileSync(process.env.{CA_VARIABLE})"] if model.endpoint.ca_pem else []
    if model.endpoint.client_certificate:
        made += [f"{part}: readFileSync(process.env.{CERTIFICATE_VARIABLE})" for part in ("cert", "key")]
    return made


def _dispatcher(model: RegisteredModel, certificates: list[str]) -> tuple[str, str]:
    """The class that opens the connections, and its options; no options where Node's own will do."""
    endpoint, tls = model.endpoint, f"{{ {', '.join(certificates)} }}"
    if not endpoint.proxy:
        return "Agent", f"connect: {tls}" if certificates else ""
    uri = f"process.env.{PROXY_VARIABLE}" if endpoint.proxy_ciphertext else quoted(endpoint.proxy)
    return "ProxyAgent", f"uri: {uri}" + (f", requestTls: {tls}" if certificates else "")


def _key(model: RegisteredModel) -> str:
    if is_keyed(model):
        return f"  apiKey: process.env.{KEY_VARIABLE},"
    return '  apiKey: "none", // the package asks for one, the endpoint does not'
