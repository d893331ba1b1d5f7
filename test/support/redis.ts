import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { requirePeer } from "./peers.ts";
import { tempFolder } from "./temp.ts";
import type { Certificate } from "./tls.ts";

/** redis-server in a folder of its own, which writes down each command before it answers. */
export interface RedisServer extends AsyncDisposable {
  /** `redis://127.0.0.1:PORT`, or `rediss:`; stays through restarts. */
  readonly url: string;
  /** The path of its Unix socket. */
  readonly socket: string;
  /** As a power cut does it: what was answered is on disk. */
  kill(): Promise<void>;
  /** Starts it again with what it had. */
  start(): Promise<void>;
  /** It answers nobody, and keeps its connections, until it is thawed. */
  freeze(): void;
  thaw(): void;
}

/** Starts it and waits until it answers, by TLS with a certificate. Test with `skipWithout("redis-server")`. */
export async function startRedis(certificate?: Certificate): Promise<RedisServer> {
  const folder = await tempFolder();
  const socket = folder.in("redis.sock");
  const place = { folder: folder.path, socket, certificate };
  let { child, port } = await onFreePort(place);
  return {
    url: `${certificate ? "rediss" : "redis"}://127.0.0.1:${port}`,
    socket,
    kill: () => stop(child),
    async start() {
      child = await launch(place, port);
    },
    freeze: () => void child.kill("SIGSTOP"),
    thaw: () => void child.kill("SIGCONT"),
    async [Symbol.asyncDispose]() {
      await stop(child);
      await folder[Symbol.asyncDispose]();
    },
  };
}

interface Place {
  readonly folder: string;
  readonly socket: string;
  readonly certificate: Certificate | undefined;
}

/**
 * Redis takes "port 0" for none. And it must have the same one after a restart: one below those that the system gives to
 * whoever connects meanwhile.
 */
async function onFreePort(place: Place) {
  for (let tries = 1; ; tries++) {
    const port = randomInt(12_000, 32_000);
    try {
      return { port, child: await launch(place, port) };
    } catch (error) {
      if (tries === 20) throw error;
    }
  }
}

async function launch({ folder, socket, certificate }: Place, port: number): Promise<ChildProcess> {
  const settings = {
    dir: folder,
    bind: "127.0.0.1",
    ...(certificate ? byTls(certificate, port) : { port: String(port) }),
    unixsocket: socket,
    appendonly: "yes",
    appendfsync: "always",
    save: "",
  };
  const words = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(requirePeer("redis-server"), words, {
    stdio: ["ignore", "pipe", "ignore"],
    env: { PATH: "/usr/bin:/bin" },
  });
  const kill = () => void child.kill("SIGKILL"); // of a test that ended without its end
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  try {
    await ready(child);
    return child;
  } catch (error) {
    await stop(child);
    throw error;
  }
}

function byTls({ certPath, keyPath }: Certificate, port: number) {
  return {
    port: "0",
    "tls-port": String(port),
    "tls-cert-file": certPath,
    "tls-key-file": keyPath,
    "tls-ca-cert-file": certPath,
    "tls-auth-clients": "no",
  };
}

async function ready(child: ChildProcess): Promise<void> {
  let log = "";
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      if (log.includes("Ready to accept connections")) return;
      log += chunk.toString();
      if (log.includes("Ready to accept connections")) resolve();
    });
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`redis-server ended (${code}): ${log}`)));
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL"); // works on a frozen one too
  await ended;
}
