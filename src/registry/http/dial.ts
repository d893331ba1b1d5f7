import { connect, isIP } from "node:net";
import type { HttpTimeouts } from "./contract.ts";
import { HttpError } from "./errors.ts";
import { dialError, hostPort, lookupError, lostError, timedOut } from "./socket-error.ts";
import { Wire, type WireContext } from "./wire.ts";

/** A host as in a URL, IPv6 without brackets, and a port. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** False for an address, as the host's name was resolved to it, that is not to be connected to. */
  readonly permits?: (address: string) => boolean;
}

/** A next address is tried beside the last after so long: RFC 8305 § 5, and Go's fallback delay. */
const attemptDelayMs = 300;

/** The host and port that a URL means. */
export function addressOf(url: URL): Address {
  const port = url.port === "" ? (defaultPorts[url.protocol] ?? 80) : Number(url.port);
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port };
}

const defaultPorts: Readonly<Record<string, number>> = {
  "https:": 443,
  "socks5:": 1080,
  "socks5h:": 1080,
};

/** Begins a connection to an address. */
export type Opener = (host: string) => Wire;

/**
 * Connects to whichever address of the host answers first, families in turn. The opener is made ready while the name is
 * being looked up.
 *
 * @throws {HttpError} what the first address tried failed by
 */
export async function dial(
  address: Address,
  opener: () => Opener | Promise<Opener>,
  timeouts: HttpTimeouts,
  signal: AbortSignal,
): Promise<Wire> {
  const limit = new AbortController();
  let waitsFor = `: lookup ${address.host}`;
  const late = () => timedOut(`dial tcp${waitsFor}: i/o timeout`, "connect");
  const timer = setTimeout(() => limit.abort(late()), timeouts.connectMs);
  const onAbort = () => limit.abort(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    signal.throwIfAborted();
    const ready = Promise.all([permitted(address), opener()]);
    const [hosts, open] = await unlessAborted(ready, limit.signal);
    waitsFor = ` ${hostPort(hosts[0] ?? address.host, address.port)}`;
    return await new Race(hosts, open).run(limit.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

/** Rejects with the signal's reason as soon as it is aborted; what `promise` comes to is then dropped. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort);
    void promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** What a name leads to is judged after it was looked up, and then connected to as it is: no second answer counts. */
async function permitted({ host, permits }: Address): Promise<readonly string[]> {
  const found = await resolve(host);
  const allowed = permits ? found.filter(permits) : found;
  if (allowed.length > 0) return allowed;
  throw new HttpError(
    "registry.unreachable",
    `dial tcp: ${host} is an address inside this network`,
    {
      phase: "connect",
      hint: "Allow the server to lead there in its settings, if it is meant to",
    },
  );
}

/** The addresses of a host in the order to try them: as the system sorts them, families taking turns. */
async function resolve(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  const { getServers, promises } = await import("node:dns");
  try {
    const found = await promises.lookup(host, { all: true, order: "verbatim" });
    const first = found.filter((entry) => entry.family === found[0]?.family);
    const second = found.filter((entry) => entry.family !== found[0]?.family);
    return found.flatMap((_, at) =>
      [first[at], second[at]].flatMap((entry) => entry?.address ?? []),
    );
  } catch (error) {
    const [server] = getServers();
    throw lookupError(error, host, server && (isIP(server) === 0 ? server : hostPort(server, 53)));
  }
}

/** Connection attempts side by side, one more whenever one fails or takes long; the first to succeed wins. */
class Race {
  readonly #hosts: readonly string[];
  readonly #open: Opener;
  readonly #running = new Set<Wire>();
  #next = 0;
  #firstError: unknown;
  #over = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(hosts: readonly string[], open: Opener) {
    this.#hosts = hosts;
    this.#open = open;
  }

  async run(signal: AbortSignal): Promise<Wire> {
    let onAbort = () => {};
    try {
      return await new Promise<Wire>((resolve, reject) => {
        onAbort = () => reject(signal.reason);
        signal.addEventListener("abort", onAbort);
        if (signal.aborted) onAbort();
        else this.#start(resolve, reject);
      });
    } finally {
      signal.removeEventListener("abort", onAbort);
      clearTimeout(this.#timer);
      this.#over = true;
      for (const wire of this.#running) wire.kill(signal.reason);
    }
  }

  #start(resolve: (wire: Wire) => void, reject: (error: unknown) => void): void {
    clearTimeout(this.#timer);
    const host = this.#hosts[this.#next++];
    if (host === undefined) {
      if (this.#running.size === 0) reject(this.#firstError);
      return;
    }
    const again = () => this.#start(resolve, reject);
    if (this.#next < this.#hosts.length) this.#timer = setTimeout(again, attemptDelayMs);
    const wire = this.#open(host);
    this.#running.add(wire);
    wire.opened("connect").then(
      () => {
        if (this.#over) return;
        this.#running.delete(wire);
        this.#over = true;
        resolve(wire);
      },
      (error: unknown) => {
        this.#running.delete(wire);
        this.#firstError ??= error;
        if (!this.#over) again();
      },
    );
  }
}

/** How our TCP connections are: no delay for small writes, and probes where nothing passes for long. */
export const tcpOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 15_000 };

/** Opens plain connections to a port. */
export function tcpOpener(port: number, context: WireContext): Opener {
  return (host) =>
    new Wire(
      context,
      (onread) => connect({ host, port, ...tcpOptions, allowHalfOpen: true, onread }),
      (error, phase, ends) =>
        ends.remote === "" ? dialError(error, hostPort(host, port)) : lostError(error, phase, ends),
    );
}

/** Opens plain connections to a socket of this machine; the host is not looked at. */
export function socketOpener(path: string, context: WireContext): Opener {
  return () =>
    new Wire(
      context,
      (onread) => connect({ path, allowHalfOpen: true, onread }),
      (error, phase, ends) =>
        phase === "connect" ? dialError(error, path, "unix") : lostError(error, phase, ends),
    );
}
