// Portkey's open gateway on a free port; the first line that it prints is its URL.
import { createServer } from "node:net";
import { spawn } from "node:child_process";

const free = createServer().listen(0, "127.0.0.1", () => {
  const { port } = free.address();
  free.close(async () => {
    const program = "node_modules/@portkey-ai/gateway/build/start-server.js";
    const child = spawn(process.execPath, [program, `--port=${port}`, "--headless"], { stdio: "ignore" });
    process.on("exit", () => child.kill());
    for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit());
    const url = `http://127.0.0.1:${port}`;
    while (!(await fetch(`${url}/v1/models`).catch(() => null))) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    console.log(url);
  });
});
