import type { RequestListener, Server, ServerResponse } from "node:http";
import { Server as Listener } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** The requests that are being answered, and how they come to an end. */
export interface Traffic {
  /** Counts the requests that `handle` answers. */
  counted(handle: RequestListener): RequestListener;
  readonly running: number;
  /** Whether no more are wanted. */
  readonly draining: boolean;
  /** From now on every answer is its connection's last. */
  beginDraining(): void;
  /**
   * Closes the servers' doors and idle connections, and waits for the running requests, at most `withinMs`: what still
   * runs then is cut off. Gives how many were.
   */
  end(servers: readonly Server[], withinMs: number): Promise<number>;
}

/** Begins with none. */
export function createTraffic(): Traffic {
  const running = new Set<ServerResponse>();
  let draining = false;
  let ended: (() => void) | undefined;
  return {
    counted: (handle) => (request, response) => {
      running.add(response);
      if (draining) response.shouldKeepAlive = false;
      response.once("close", () => {
        running.delete(response);
        if (running.size === 0) ended?.();
      });
      handle(request, response);
    },
    get running() {
      return running.size;
    },
    get draining() {
      return draining;
    },
    beginDraining() {
      draining = true;
    },
    async end(servers, withinMs) {
      draining = true;
      const closed = servers.map((server) => new Promise((resolve) => closeDoor(server, resolve)));
      closeIdle(servers, running);
      const idle = setInterval(() => closeIdle(servers, running), 100);
      const late = new AbortController();
      const done = new Promise<void>((resolve) => {
        ended = resolve;
        if (running.size === 0) resolve();
      });
      await Promise.race([
        done,
        sleep(withinMs, undefined, { signal: late.signal }).catch(nothing),
      ]);
      late.abort();
      clearInterval(idle);
      const cut = running.size;
      for (const server of servers) server.closeAllConnections();
      await Promise.all(closed);
      return cut;
    },
  };
}

/** Takes no more connections. Node's own closes idle ones at once, and not only those: see {@link closeIdle}. */
function closeDoor(server: Server, onClose: (error?: Error) => void): void {
  Listener.prototype.close.call(server, onClose);
}

/**
 * Connections whose last answer was begun before the end was known are kept open by it. Node takes one for idle whose answer
 * has been ended, though its client has not got all of it: while there are such, none is closed.
 */
function closeIdle(servers: readonly Server[], running: ReadonlySet<ServerResponse>): void {
  if ([...running].some(({ writableEnded }) => writableEnded)) return;
  for (const server of servers) server.closeIdleConnections();
}

function nothing(): void {}
