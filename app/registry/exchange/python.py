"""A first call of a model in Python, with the `openai` package."""

from __future__ import annotations

from collections.abc import Mapping

from app.registry.exchange.first_call import (
    CA_VARIABLE,
    CERTIFICATE_VARIABLE,
    KEY_VARIABLE,
    PROXY_VARIABLE,
    is_keyed,
    is_special,
    key_header,
    variables_of,
    without_query,
)
from app.registry.exchange.quoting import python as quoted
from app.store.models import RegisteredModel

_CALLS: Mapping[str, str] = {
    "chat": """answer = client.chat.completions.create(
    model=MODEL,
    messages=[{"role": "user", "content": "Say hello."}],
)
print(answer.choices[0].message.content)""",
    "completion": """answer = client.completions.create(model=MODEL, prompt="Once upon a time", max_tokens=32)
print(answer.choices[0].text)""",
    "embedding": """answer = client.embeddings.create(model=MODEL, input="The quick brown fox")
print(len(answer.data[0].embedding))""",
    "image": """answer = client.images.generate(model=MODEL, prompt="A lighthouse at dusk")
print(answer.data[0].url or "base64 data")""",
    "rerank": """# The package has no call for reranking; `post` reaches any route.
documents = ["An animal.", "A small box."]
body = {"model": MODEL, "query": "What is a fox?", "documents": documents}
print(client.post("/rerank", body=body, cast_to=object))""",
    "stt": """with open("speech.wav", "rb") as audio:
    print(client.audio.transcriptions.create(model=MODEL, file=audio).text)""",
    "tts": """with client.audio.speech.with_streaming_response.create(
    model=MODEL, input="Hello.", voice="alloy"
) as answer:
    answer.stream_to_file("speech.mp3")""",
    "moderation": """answer = client.moderations.create(model=MODEL, input="A friendly sentence.")
print(answer.results[0].flagged)""",
    "realtime": """# Needs: pip install "openai[realtime]"
with client.realtime.connect(model=MODEL) as connection:
    print(connection.recv().type)""",
}


def script(model: RegisteredModel) -> str:
    """The script; the key comes from the variable API_KEY."""
    base_url, query = without_query(model.base_url)
    lines = [f"    base_url={quoted(base_url)},", _key(model)]
    if query:
        pairs = ", ".join(f"{quoted(name)}: {quoted(value)}" for name, value in query.items())
        lines.append(f"    default_query={{{pairs}}},")
    headers = _headers(model)
    if headers:
        lines.append(f"    default_headers={{{', '.join(headers)}}},")
    tls = _tls(model)
    options = ["verify=context"] if tls else []
    options += _proxy(model)
    if is_keyed(model) and key_header(model)[0].lower() != "authorization":
        # The package sends the key as a bearer too, and the endpoint might stumble over that.
        options.append('event_hooks={"request": [lambda sent: sent.headers.pop("Authorization", None)]}')
    if options:
        lines.append(f"    http_client=DefaultHttpxClient({', '.join(options)}),")
    needed = {"import os": is_keyed(model) or is_special(model), "import ssl": bool(tls)}
    imports = [name for name, wanted in needed.items() if wanted]
    imports += [""] if imports else []
    taken = ["DefaultHttpxClient"] if options else []
    call = _CALLS[model.model_type].replace("MODEL", quoted(model.wire_model_id), 1)
    imported = f"from openai import {', '.join([*taken, 'OpenAI'])}"
    return "\n".join([*imports, imported, "", *tls, "client = OpenAI(", *lines, ")", call, ""])


def _headers(model: RegisteredModel) -> list[str]:
    """Members of `default_headers`: the key's header where it is another one, and the endpoint's own."""
    name, scheme = key_header(model)
    made = []
    if is_keyed(model) and (name, scheme) != ("Authorization", "Bearer "):
        key = f'os.environ["{KEY_VARIABLE}"]'
        made.append(f"{quoted(name)}: {f'{quoted(scheme)} + ' if scheme else ''}{key}")
    further = variables_of(model).items()
    return made + [f'{quoted(header)}: os.environ["{variable}"]' for header, variable in further]


def _tls(model: RegisteredModel) -> list[str]:
    endpoint, made = model.endpoint, []
    if endpoint.ca_pem:
        made.append(f'context = ssl.create_default_context(cafile=os.environ["{CA_VARIABLE}"])')
    elif endpoint.client_certificate:
        made.append("context = ssl.create_default_context()")
    if endpoint.client_certificate:
        made.append(f'context.load_cert_chain(os.environ["{CERTIFICATE_VARIABLE}"])')
    return made


def _proxy(model: RegisteredModel) -> list[str]:
    endpoint = model.endpoint
    if not endpoint.proxy:
        return []
    secret = f'os.environ["{PROXY_VARIABLE}"]'
    return [f"proxy={secret if endpoint.proxy_ciphertext else quoted(endpoint.proxy)}"]


def _key(model: RegisteredModel) -> str:
    if is_keyed(model):
        return f'    api_key=os.environ["{KEY_VARIABLE}"],'
    return '    api_key="none",  # the package asks for one, the endpoint does not'
