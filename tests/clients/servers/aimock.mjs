// A mock of many APIs that others wrote; the first line that it prints is its URL.
import { LLMock } from "@copilotkit/aimock";

const mock = new LLMock({ port: 0 });
mock.onMessage(/./, { content: "OK" });
await mock.start();
console.log(mock.url);
