import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { commandOf, type Place } from "./commands.ts";
import type { Tool } from "./tools.ts";

/** Milliseconds from the start of a copy to its first connection, which it is left alone with. */
export async function firstConnect(tool: Tool): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  const from: Place = { at: "registry", port, repository: "bench/image" };
  const command = commandOf(tool, { do: "copy", from, to: { ...from, repository: "bench/held" } });
  const [program = "", ...args] = command?.words ?? [];
  const start = performance.now();
  const child = spawn(program, args, { stdio: "ignore" });
  const [socket] = (await once(server, "connection")) as [net.Socket];
  const connected = performance.now() - start;
  child.kill("SIGKILL");
  await once(child, "exit");
  socket.destroy();
  server.close();
  return connected;
}
