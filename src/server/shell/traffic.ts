import type { RequestListener, Server } from "node:http";
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
  let running = 0;
  /** Of these, answers that are ended, and that their clients have not got all of. */
  let leaving = 0;
  let draining = false;
  let ended: (() => void) | undefined;
  return {
    counted: (handle) => (request, response) => {
      running++;
      if (draining) response.shouldKeepAlive = false;
      let isLeaving = false;
      response.once("prefinish", () => {
        if (response.closed) return; // ended when its client was gone: nobody takes it
        isLeaving = true;
        leaving++;
      });
      response.once("close", () => {
        running--;
        if (isLeaving) leaving--;
        if (running === 0) ended?.();
      });
      handle(request, response);
    },
    get running() {
      return running;
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
      const closeIdle = () => {
        if (leaving > 0) return;
        for (const server of servers) server.closeIdleConnections();
      };
      closeIdle();
      const idle = setInterval(closeIdle, 100);
      const late = new AbortController();
      const done = new Promise<void>((resolve) => {
        ended = resolve;
        if (running === 0) resolve();
      });
      await Promise.race([
        done,
        sleep(withinMs, undefined, { signal: late.signal }).catch(nothing),
      ]);
      late.abort();
      clearInterval(idle);
      const cut = running;
      for (const server of servers) server.closeAllConnections();
      await Promise.all(closed);
      return cut;
    },
  };
}

/**
 * Takes no more connections. Node's own way closes idle ones as well, and counts among them one whose answer has been ended,
 * though its client has not got all of it: while there are such, none is closed.
 */
function closeDoor(server: Server, onClose: (error?: Error) => void): void {
  Listener.prototype.close.call(server, onClose);
}

function nothing(): void {}
