import { once } from "node:events";
import net from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** A port of this machine that nobody listens on just now. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** @throws {Error} where nobody listens within ten seconds */
export async function listening(port: number): Promise<void> {
  for (const end = performance.now() + 10_000; performance.now() < end; ) {
    if (await connects(port)) return;
    await delay(10);
  }
  throw new Error(`nobody listens on 127.0.0.1:${port}`);
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
