// Newline-delimited JSON, as the pages that watch something get it.

export const NDJSON = "application/x-ndjson";

// Whether an answer is a stream of lines, and not a page.
export function isStream(answer) {
  return answer.headers.get("Content-Type")?.startsWith(NDJSON) ?? false;
}

// Each line of an answer, parsed, as soon as it is there.
export async function* lines(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    for (const part of parts) if (part) yield JSON.parse(part);
  }
  if (rest.trim()) yield JSON.parse(rest);
}
