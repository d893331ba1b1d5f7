import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause, setImmediate as turn } from "node:timers/promises";
import type { HttpTimeouts, RequestBody } from "../../../src/registry/http/contract.ts";
import { run } from "../../support/run.ts";
import { ask, codeOf, get, testClient, textOf } from "./asking.ts";
import { answering, type Script, scriptedServer } from "./scripted-server.ts";

const hi = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

test("request() keeps lanes apart and at most so many connections in each", async () => {
  let running = 0;
  let most = 0;
  await using server = await scriptedServer(async (peer) => {
    while ((await peer.head()) !== undefined) {
      most = Math.max(most, ++running);
      await pause(10);
      running--;
      await peer.send(hi);
    }
  });
  await using client = testClient({ connections: 3 });
  const lanes = ["metadata", "blob"] as const;
  const asked = lanes.flatMap((lane) =>
    Array.from({ length: 12 }, async () => textOf(await ask(client, server.origin, { lane }))),
  );
  assert.deepEqual(new Set(await Promise.all(asked)), new Set(["hi"]));
  assert.equal(server.connections, 6);
  assert.equal(most, 6);
});

test("request() lets a metadata request pass while all blob connections are held", async () => {
  await using server = await scriptedServer(answering(hi));
  await using client = testClient({ connections: 1 });
  await using held = await ask(client, server.origin, { lane: "blob" });
  assert.equal(await get(client, server.origin), "hi");
  assert.equal(held.status, 200);
});

test("request() goes on to the next in line when one fails or is given up", async () => {
  await using server = await scriptedServer(async (peer) => {
    await peer.head();
    if (peer.nth === 0) return peer.socket.resetAndDestroy() && undefined;
    await peer.send(hi);
    await peer.closed();
  });
  await using client = testClient({ connections: 1 });
  const first = codeOf(get(client, server.origin));
  const second = ask(client, server.origin);
  const third = get(client, server.origin);
  assert.equal(await first, "registry.connection-lost");
  await (await second)[Symbol.asyncDispose](); // unread: its connection is of no use to the third
  assert.equal(await third, "hi");
  assert.equal(server.connections, 3);
});

test("request() goes on to the next in line when a connection cannot be made", async () => {
  await using client = testClient({ connections: 1 });
  const codes = await Promise.all([1, 2, 3].map(() => codeOf(get(client, "http://127.0.0.1:1/"))));
  assert.deepEqual(new Set(codes), new Set(["registry.unreachable"]));
});

test("request() keeps a connection whose last bytes the reader had been waiting for", async () => {
  let bodyWanted = Promise.withResolvers<void>();
  await using server = await scriptedServer(async (peer) => {
    while ((await peer.head()) !== undefined) {
      await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
      await bodyWanted.promise;
      await peer.send("hi");
    }
  });
  await using client = testClient();
  for (let nth = 0; nth < 3; nth++) {
    bodyWanted = Promise.withResolvers();
    const read = textOf(await ask(client, server.origin));
    await turn();
    bodyWanted.resolve();
    assert.equal(await read, "hi");
  }
  assert.equal(server.connections, 1);
});

const kept: readonly (readonly [head: string, connections: number])[] = [
  ["HTTP/1.1 200 OK\r\n", 1],
  ["HTTP/1.1 200 OK\r\nConnection: close\r\n", 2],
  ["HTTP/1.0 200 OK\r\n", 2],
  ["HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", 1],
  ["HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\n", 1],
  ["HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\n", 2], // it may be gone before the request is there
];

for (const [head, connections] of kept) {
  test(`request() after ${JSON.stringify(head)} makes ${connections} connections of two requests`, async () => {
    await using server = await scriptedServer(answering(`${head}Content-Length: 2\r\n\r\nhi`));
    await using client = testClient();
    assert.equal(await get(client, server.origin), "hi");
    assert.equal(await get(client, server.origin), "hi");
    assert.equal(server.connections, connections);
  });
}

/** Answers once and then hangs up: when asked again, or unasked. */
function serveOnce(hangUp: (socket: import("node:net").Socket) => void): Script {
  return async (peer) => {
    await peer.head();
    await peer.send(hi);
    if (peer.nth > 0) return peer.closed();
    await peer.head();
    hangUp(peer.socket);
  };
}

const staleBodies: readonly (readonly [string, () => RequestBody | undefined, string])[] = [
  ["no body", () => undefined, "no error"],
  ["bytes", () => Buffer.from("x"), "no error"],
  ["a stream", () => ({ length: 1, bytes: one() }), "registry.connection-lost"],
];

async function* one(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("x");
}

for (const how of ["end", "resetAndDestroy"] as const) {
  for (const [name, body, expected] of staleBodies) {
    test(`request() with ${name} on a connection that proves dead (${how}): ${expected}`, async () => {
      await using server = await scriptedServer(serveOnce((socket) => socket[how]()));
      await using client = testClient();
      assert.equal(await get(client, server.origin), "hi");
      const made = body();
      const second = ask(client, server.origin, { method: "PUT", ...(made && { body: made }) });
      assert.equal(await codeOf(second), expected);
    });
  }
}

test("request() repeats nothing of which an answer has begun", async () => {
  await using server = await scriptedServer(async (peer) => {
    await peer.head();
    await peer.send(hi);
    await peer.head();
    await peer.send("HTTP/1.1 ");
  });
  await using client = testClient();
  assert.equal(await get(client, server.origin), "hi");
  assert.equal(await codeOf(get(client, server.origin)), "registry.connection-lost");
  assert.equal(server.connections, 1);
});

test("request() repeats once only", async () => {
  await using server = await scriptedServer(async (peer) => {
    await peer.head();
    if (peer.nth > 0) return;
    await peer.send(hi);
    await peer.head();
  });
  await using client = testClient();
  assert.equal(await get(client, server.origin), "hi");
  assert.equal(await codeOf(get(client, server.origin)), "registry.connection-lost");
  assert.equal(server.connections, 2);
});

const silent: Script = async (peer) => {
  await peer.closed();
};

const abortPhases: readonly (readonly [string, Script, boolean])[] = [
  ["the head is awaited", silent, false],
  [
    "the head is coming",
    async (peer) => {
      await peer.send("HTTP/1.1 200 OK\r\n");
      await peer.closed();
    },
    false,
  ],
  ["the body is sent", silent, true],
  [
    "the body is sent to a server that does not read",
    async (peer) => {
      peer.socket.pause();
      await new Promise((resolve) => peer.socket.once("close", resolve));
    },
    true,
  ],
];

for (const [phase, script, sends] of abortPhases) {
  test(`request() called off while ${phase} throws the signal's reason`, async () => {
    await using server = await scriptedServer(script);
    await using client = testClient();
    const abort = new AbortController();
    const reason = { called: "off" };
    const callOff = () => setTimeout(() => abort.abort(reason), 30);
    let ended = false;
    async function* zeros(): AsyncGenerator<Uint8Array> {
      try {
        callOff();
        for (;;) {
          await turn();
          yield Buffer.alloc(64 * 1024);
        }
      } finally {
        ended = true;
      }
    }
    const asked = ask(client, server.origin, {
      signal: abort.signal,
      ...(sends && { method: "PUT", body: { length: 2 ** 40, bytes: zeros() } }),
    });
    if (!sends) callOff();
    await assert.rejects(asked, (error) => error === reason);
    if (phase.includes("not read") === false) while (server.open > 0) await turn();
    for (let turns = 0; ended !== sends && turns < 10_000; turns++) await turn();
    assert.equal(ended, sends);
  });
}

test("request() called off before it began never connects", async () => {
  await using server = await scriptedServer(silent);
  await using client = testClient();
  const reason = new Error("before");
  const asked = ask(client, server.origin, { signal: AbortSignal.abort(reason) });
  await assert.rejects(asked, (error) => error === reason);
  assert.equal(server.connections, 0);
});

test("request() called off while it waits for a connection leaves the line", async () => {
  await using server = await scriptedServer(answering(hi));
  await using client = testClient({ connections: 1 });
  const held = await ask(client, server.origin);
  const abort = new AbortController();
  const reason = new Error("waited enough");
  const waiting = ask(client, server.origin, { signal: abort.signal });
  const behind = get(client, server.origin);
  await turn();
  abort.abort(reason);
  await assert.rejects(waiting, (error) => error === reason);
  assert.equal(await textOf(held), "hi");
  assert.equal(await behind, "hi");
});

for (const when of ["while a chunk is awaited", "between chunks", "with bytes in store"]) {
  test(`body called off ${when} throws the signal's reason and closes the connection`, async () => {
    await using server = await scriptedServer(async (peer) => {
      await peer.head();
      await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nhello");
      if (when === "with bytes in store") await peer.send(Buffer.alloc(100_000));
      await peer.closed();
    });
    await using client = testClient();
    const abort = new AbortController();
    const reason = new Error("called off");
    await using response = await ask(client, server.origin, { signal: abort.signal });
    const body = response.body[Symbol.asyncIterator]();
    assert.equal((await body.next()).done, false);
    if (when === "while a chunk is awaited") {
      setTimeout(() => abort.abort(reason), 20);
    } else {
      await pause(20);
      abort.abort(reason);
    }
    await assert.rejects(body.next(), (error) => error === reason);
    while (server.open > 0) await turn();
    assert.equal((await body.next()).done, true);
  });
}

test("a long-lived signal keeps no listener, and many at once bring no warning", async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on("warning", onWarning);
  await using server = await scriptedServer(answering(hi));
  await using client = testClient({ connections: 64 });
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--;
    removeEventListener.apply(signal, args);
  };
  await Promise.all(
    Array.from({ length: 60 }, async () => textOf(await ask(client, server.origin, { signal }))),
  );
  assert.equal(listeners, 0);
  await turn();
  process.off("warning", onWarning);
  assert.deepEqual(warnings, []);
});

interface Stall {
  readonly name: string;
  readonly script: Script;
  readonly timeouts: Partial<HttpTimeouts>;
  readonly phase: "head" | "body" | "send";
  readonly body?: () => RequestBody;
}

const stalls: readonly Stall[] = [
  { name: "answers nothing", script: silent, timeouts: { headersMs: 50 }, phase: "head" },
  {
    name: "never ends its head",
    script: async (peer) => {
      await peer.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n");
      while (!peer.socket.destroyed) {
        await peer.send("A: b\r\n");
        await pause(20);
      }
    },
    timeouts: { headersMs: 100 },
    phase: "head",
  },
  {
    name: "stops in its body",
    script: async (peer) => {
      await peer.head();
      await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
      await peer.closed();
    },
    timeouts: { readIdleMs: 50 },
    phase: "body",
  },
  {
    name: "stops reading",
    script: async (peer) => {
      peer.socket.pause();
      await new Promise((resolve) => peer.socket.once("close", resolve));
    },
    timeouts: { writeIdleMs: 80 },
    phase: "send",
    body: () => ({ bytes: zeros() }),
  },
];

async function* zeros(): AsyncGenerator<Uint8Array> {
  const chunk = Buffer.alloc(256 * 1024);
  for (;;) yield chunk;
}

for (const { name, script, timeouts, phase, body } of stalls) {
  test(`request() gives up on a server that ${name}`, async () => {
    await using server = await scriptedServer(script);
    await using client = testClient({ timeouts });
    const made = body?.();
    const asked = ask(client, server.origin, made ? { method: "PUT", body: made } : {}).then(
      textOf,
    );
    await assert.rejects(asked, { code: "registry.timed-out", phase, retryable: true });
  });
}

test("request() takes the time for the head that the request names", async () => {
  await using server = await scriptedServer(async (peer) => {
    await peer.head();
    if (peer.nth > 0) {
      await pause(500);
      await peer.send(hi);
    }
    await peer.closed();
  });
  await using client = testClient({ timeouts: { headersMs: 40 } });
  assert.equal(await codeOf(get(client, server.origin)), "registry.timed-out");
  assert.equal(await textOf(await ask(client, server.origin, { headersTimeoutMs: 60_000 })), "hi");
});

test("no time runs against the server while it is we who are slow", async () => {
  await using server = await scriptedServer(async (peer) => {
    await peer.head();
    await peer.bytes(3);
    await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n");
    await peer.send(Buffer.alloc(300_000));
    await peer.closed();
  });
  await using client = testClient({
    timeouts: { headersMs: 150, readIdleMs: 150, writeIdleMs: 150 },
  });
  async function* slow(): AsyncGenerator<Uint8Array> {
    for (const text of ["a", "b", "c"]) {
      await pause(250);
      yield Buffer.from(text);
    }
  }
  await using response = await ask(client, server.origin, {
    method: "PUT",
    body: { length: 3, bytes: slow() },
  });
  let size = 0;
  for await (const chunk of response.body) {
    if (size === 0) await pause(500);
    size += chunk.byteLength;
  }
  assert.equal(size, 300_000);
});

test("request() says what it asks for, without secrets", async () => {
  await using server = await scriptedServer(answering(hi));
  const seen: string[] = [];
  await using client = testClient({
    onRequest: ({ method, url }) => seen.push(`${method} ${url}`),
  });
  const { port } = server;
  await get(client, `http://u:p@127.0.0.1:${port}/v2/x?n=5&X-Amz-Signature=abc`);
  assert.deepEqual(seen, [`GET http://127.0.0.1:${port}/v2/x?n=5&X-Amz-Signature=REDACTED`]);
});

test("[Symbol.asyncDispose]() closes every connection, and fails who still waits", async () => {
  await using server = await scriptedServer(async (peer) => {
    await peer.head();
    await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhi");
    await peer.closed();
  });
  const client = testClient({ connections: 1 });
  const response = await ask(client, server.origin);
  const waiting = codeOf(ask(client, server.origin));
  await turn();
  await client[Symbol.asyncDispose]();
  assert.equal(await waiting, "registry.connection-lost");
  assert.equal(await codeOf(textOf(response)), "registry.connection-lost");
  assert.equal(await codeOf(ask(client, server.origin)), "registry.connection-lost");
  while (server.open > 0) await turn();
});

test("a resting connection lets the process end", async () => {
  await using server = await scriptedServer(answering(hi));
  const support = new URL("./asking.ts", import.meta.url).href;
  const program = `
    import { get, testClient } from ${JSON.stringify(support)};
    console.log(await get(testClient(), ${JSON.stringify(server.origin)}));
    const got = performance.now();
    process.on("exit", () => console.log(performance.now() - got < 25_000));`;
  const { stdout, exitCode } = await run(process.execPath, ["--input-type=module", "-e", program]);
  assert.equal(stdout, "hi\ntrue\n"); // after 30 s it would be closed anyway
  assert.equal(exitCode, 0);
});

test("importing the client loads neither TLS nor a resolver", async () => {
  const client = new URL("../../../src/registry/http/client.ts", import.meta.url).href;
  const program = `
    await import(${JSON.stringify(client)});
    console.log(process.moduleLoadList.filter((name) => /^NativeModule (tls|_tls.*|dns|https?)$/.test(name)).join());`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", program]);
  assert.equal(stdout, "\n");
});
