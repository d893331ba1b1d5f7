import { createServer, type Server, type ServerOptions } from "node:http";
import type { AddressInfo } from "node:net";
import type { ServedRepository } from "../../../src/server/repository-name.ts";
import type { ServerEvent } from "../../../src/server/server-event.ts";
import { createV2Face } from "../../../src/server/v2/face.ts";
import type { AskedRepository, V2Parts, V2RequestEvent } from "../../../src/server/v2/parts.ts";
import { limitServer, v2ServerOptions } from "../../../src/server/v2/server-options.ts";
import { MemoryBackend } from "./memory-backend.ts";

/** A face on a free port of 127.0.0.1. */
export interface V2Server extends AsyncDisposable {
  readonly server: Server;
  readonly port: number;
  readonly host: string;
  readonly origin: string;
  readonly events: V2RequestEvent[];
  /** All else that it told. */
  readonly messages: ServerEvent[];
  /** When one of its requests has ended for which this is true, had it been before. */
  ended(wanted: (event: V2RequestEvent) => boolean): Promise<V2RequestEvent>;
}

/** Every name is a repository of `registry.test`. */
export function routeHere({ path }: AskedRepository): ServedRepository {
  return { domain: "registry.test", path, requested: path, upstream: undefined };
}

/** Starts it, with everything in memory unless told otherwise. */
export async function startV2Server(
  parts: Partial<V2Parts> = {},
  options: ServerOptions = {},
): Promise<V2Server> {
  const backend = new MemoryBackend();
  const events: V2RequestEvent[] = [];
  const messages: ServerEvent[] = [];
  const waiting = new Set<(event: V2RequestEvent) => void>();
  const face = createV2Face({
    route: routeHere,
    backendOf: () => backend,
    catalog: backend,
    now: () => performance.now(),
    report(event) {
      if (event.type !== "request") {
        messages.push(event);
        return;
      }
      events.push(event as V2RequestEvent);
      for (const tell of waiting) tell(event as V2RequestEvent);
    },
    ...parts,
  });
  const server = createServer({ ...v2ServerOptions, ...options }, face);
  limitServer(server, face, parts.limits?.idleMs);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    server,
    port,
    host: `127.0.0.1:${port}`,
    origin: `http://127.0.0.1:${port}`,
    events,
    messages,
    ended(wanted) {
      const found = events.find(wanted);
      if (found) return Promise.resolve(found);
      return new Promise((resolve) => {
        const tell = (event: V2RequestEvent) => {
          if (!wanted(event)) return;
          waiting.delete(tell);
          resolve(event);
        };
        waiting.add(tell);
      });
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
