import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, globSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import koffi from "koffi";
import { handedSockets, serviceManager } from "../../../src/cli/serve/service-manager.ts";
import { libc } from "../../../src/libc/libc.ts";
import { builtProgram } from "../../support/built.ts";
import { tempFolder } from "../../support/temp.ts";

const openSocket = libc.func("socket", "int", ["int", "int", "int"]);
const bindSocket = libc.func("bind", "int", ["int", "void *", "uint"]);
const receive = libc.func("recv", "long", ["int", koffi.out("uint8_t *"), "size_t", "int"]);

/** What systemd is to a service: a datagram socket. It listens all the time: who says more than it has room for has to wait. */
function listenAsManager(path: string): Disposable & { next(): Promise<string> } {
  const socket = openSocket(1, 2, 0);
  const address = Buffer.concat([
    Buffer.from(new Uint16Array([1]).buffer),
    Buffer.from(`${path}\0`),
  ]);
  assert.equal(bindSocket(socket, address, address.length), 0);
  const said: string[] = [];
  const bytes = Buffer.alloc(4096);
  const listening = setInterval(() => {
    for (;;) {
      const size = Number(receive(socket, bytes, bytes.length, 0x40)); // MSG_DONTWAIT
      if (size <= 0) return;
      said.push(bytes.toString("utf8", 0, size));
    }
  }, 5);
  return {
    async next() {
      for (;;) {
        const text = said.shift();
        if (text !== undefined) return text;
        await pause(5);
      }
    },
    [Symbol.dispose]() {
      clearInterval(listening);
      closeSync(socket);
    },
  };
}

test("a service manager is told of the start, of signs of life, of a reload and of the end", {
  timeout: 300_000,
}, async () => {
  await using folder = await tempFolder();
  const path = folder.in("notify");
  using manager = listenAsManager(path);
  // A socket handed over, as systemd does: number 3, and the process that it is for.
  const open = createServer().listen(0, "127.0.0.1");
  await once(open, "listening");
  const { port } = open.address() as AddressInfo;
  const handle = (open as unknown as { _handle: { fd: number } })._handle;
  const command = 'LISTEN_PID=$$ exec "$0" "$1" serve --data "$2"';
  const child = spawn(
    "/bin/sh",
    ["-c", command, process.execPath, await builtProgram(), folder.in("d")],
    {
      env: {
        PATH: process.env["PATH"] ?? "",
        LISTEN_FDS: "1",
        NOTIFY_SOCKET: path,
        WATCHDOG_USEC: "200000",
      },
      stdio: ["ignore", "inherit", "ignore", handle.fd],
    },
  );
  using _ended = { [Symbol.dispose]: () => void child.kill("SIGKILL") };
  open.close();
  const closed = once(child, "close");
  const seen: string[] = [];
  const until = async (text: string) => {
    do seen.push(await manager.next());
    while (!seen.at(-1)?.startsWith(text));
    return seen.at(-1) ?? "";
  };
  assert.equal(
    await until("READY=1"),
    `READY=1\nMAINPID=${child.pid}\nSTATUS=http://127.0.0.1:${port}`,
  );
  assert.equal((await fetch(`http://127.0.0.1:${port}/v2/`)).status, 200);
  await until("WATCHDOG=1");
  child.kill("SIGHUP");
  assert.match(await until("RELOADING=1"), /^RELOADING=1\nMONOTONIC_USEC=\d+$/);
  await until("READY=1");
  child.kill("SIGTERM");
  await until("STOPPING=1");
  assert.deepEqual(await closed, [0, null]);
});

test("sockets of another process are not ours, and nobody else sees what was for us", async () => {
  const pid = String(process.pid);
  const none = { main: [], metrics: [] };
  const cases: readonly (readonly [Record<string, string>, unknown])[] = [
    [{}, none],
    [{ LISTEN_PID: "1", LISTEN_FDS: "1" }, none],
    [{ LISTEN_PID: pid, LISTEN_FDS: "x" }, none],
    [
      { LISTEN_PID: pid, LISTEN_FDS: "2" },
      { main: [3, 4], metrics: [] },
    ],
    [
      { LISTEN_PID: pid, LISTEN_FDS: "3", LISTEN_FDNAMES: "a:metrics:b" },
      { main: [3, 5], metrics: [4] },
    ],
  ];
  for (const [given, expected] of cases) {
    const variables: Record<string, string | undefined> = { ...given, OTHER: "x" };
    assert.deepEqual(handedSockets(variables), expected);
    assert.deepEqual(Object.keys(variables), ["OTHER"]);
  }
  const variables = { NOTIFY_SOCKET: "relative", WATCHDOG_USEC: "1", WATCHDOG_PID: "1" };
  using manager = await serviceManager(variables, assert.fail);
  manager.ready("");
  assert.deepEqual(variables, {});
});

test("a service manager that is not there is told of once", async () => {
  await using folder = await tempFolder();
  const told: string[] = [];
  const variables = { NOTIFY_SOCKET: folder.in("nobody") };
  using manager = await serviceManager(variables, (text) => told.push(text));
  manager.ready("");
  manager.stopping();
  assert.equal(told.length, 1);
});

test("the unit files name flags that there are", () => {
  const folder = new URL("../../../examples/systemd/", import.meta.url).pathname;
  const units = globSync(`${folder}*`).map((file) => readFileSync(file, "utf8"));
  assert.equal(units.length, 3);
  const service = units.find((text) => text.includes("[Service]")) ?? "";
  assert.match(service, /^Type=notify$/m);
  assert.match(service, /^ExecStart=\S+amphora serve --config \S+ --data \S+$/m);
});
