import net from "node:net";

/**
 * A network far away: `node lag.ts LISTEN_PORT TARGET_PORT RTT_MS`, both on 127.0.0.1. Every byte arrives half the round
 * trip later, in order; a new connection takes one round trip more, as a handshake does.
 */
const [listenPort = 0, targetPort = 0, rttMs = 0] = process.argv.slice(2).map(Number);

interface Delayed {
  readonly dueMs: number;
  /** Undefined at the end of the stream. */
  readonly chunk: Buffer | undefined;
}

/** Hands on what `from` sends, late; one timer, so that nothing overtakes. */
function forward(from: net.Socket, to: net.Socket): void {
  const queue: Delayed[] = [];
  let timer: NodeJS.Timeout | undefined;
  const wait = () => {
    const next = queue[0];
    timer = next && setTimeout(deliver, Math.max(0, next.dueMs - performance.now()));
  };
  const deliver = () => {
    while (queue[0] && queue[0].dueMs <= performance.now() + 0.5) {
      const { chunk } = queue.shift() as Delayed;
      if (chunk) to.write(chunk);
      else to.end();
    }
    wait();
  };
  const late = (chunk: Buffer | undefined) => {
    queue.push({ dueMs: performance.now() + rttMs / 2, chunk });
    if (!timer) wait();
  };
  from.on("data", late);
  from.on("end", () => late(undefined));
  from.on("error", () => to.destroy());
  from.on("close", () => {
    if (from.errored) to.destroy();
  });
}

const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
  setTimeout(() => {
    const target = net.connect({ port: targetPort, host: "127.0.0.1", allowHalfOpen: true });
    client.setNoDelay(true);
    target.setNoDelay(true);
    forward(client, target);
    forward(target, client);
    client.resume();
  }, rttMs);
});
server.listen(listenPort, "127.0.0.1");
