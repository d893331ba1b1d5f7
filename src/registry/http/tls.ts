import { isIP, type OnReadOpts } from "node:net";
import type { ConnectionOptions, PeerCertificate, SecureContext, TLSSocket } from "node:tls";
import type { TlsSettings } from "./contract.ts";
import { type Address, dial, type Opener, tcpOptions } from "./dial.ts";
import { HttpError } from "./errors.ts";
import { dialError, hostPort, lostError, timedOut } from "./socket-error.ts";
import { namesIn, tlsError, wrongNameCode, wrongNameText } from "./tls-error.ts";
import { type Explain, Wire, type WireContext } from "./wire.ts";

type Tls = typeof import("node:tls");

/** Whom TLS is spoken with, and how. */
export interface SecureOptions {
  /** What the certificate must stand for: a name, or an address without brackets. */
  readonly host: string;
  readonly settings: TlsSettings;
  /** Under which sessions are kept to be resumed: connections with the same settings to the same server. */
  readonly sessionKey: string;
}

/** Makes TLS connections. Node's TLS is loaded with the first of them. */
export class TlsLayer {
  readonly #context: WireContext;
  readonly #secureContexts: { readonly settings: TlsSettings; readonly made: SecureContext }[] = [];
  readonly #sessions = new Map<string, Buffer>();

  constructor(context: WireContext) {
    this.#context = context;
  }

  /**
   * A connection to a server, its name resolved and its handshake done.
   *
   * @throws {HttpError} `registry.tls`, `registry.unreachable`, or as the connection was lost
   */
  async dial(address: Address, options: SecureOptions, signal: AbortSignal): Promise<Wire> {
    const opener = () => this.#opener(address.port, options);
    const wire = await dial(address, opener, this.#context.timeouts, signal);
    return await this.#handshake(wire, signal);
  }

  /**
   * TLS over a connection through a proxy, which is closed with it. Node gives these bytes in memory of its own.
   *
   * @throws {HttpError} `registry.tls`, or as the connection was lost
   */
  async over(raw: Wire, options: SecureOptions, signal: AbortSignal): Promise<Wire> {
    const tls = await import("node:tls");
    const settings = this.#connectOptions(tls, options);
    const wire = this.#wire(
      options,
      () => tls.connect({ socket: raw.socket, ...settings }),
      (error, phase) => lostError(error, phase, raw.ends),
    );
    wire.readByEvents();
    wire.socket.on("close", () => raw.kill(wire.lost?.error));
    return await this.#handshake(wire, signal);
  }

  async #opener(port: number, options: SecureOptions): Promise<Opener> {
    const tls = await import("node:tls");
    const settings = this.#connectOptions(tls, options);
    return (host) => {
      const target = { host, port, ...tcpOptions };
      return this.#wire(
        options,
        (onread) => tls.connect({ ...target, ...settings, ...{ onread } }), // not in Node's types, but there
        (error) => dialError(error, hostPort(host, port)),
      );
    };
  }

  #connectOptions(tls: Tls, { host, settings, sessionKey }: SecureOptions): ConnectionOptions {
    const session = this.#sessions.get(sessionKey);
    return {
      secureContext: this.#secureContext(tls, settings),
      ALPNProtocols: ["http/1.1"],
      rejectUnauthorized: settings.verify,
      checkServerIdentity: (_, certificate) => checkName(tls, host, certificate),
      ...(isIP(host) === 0 && { servername: host.replace(/\.$/, "") }), // RFC 6066 § 3: no trailing dot
      ...(session && { session }),
    };
  }

  /** `unopened` explains errors from before there was a connection. */
  #wire(
    options: SecureOptions,
    connect: (onread: OnReadOpts) => TLSSocket,
    unopened: Explain,
  ): Wire {
    let socket: TLSSocket | undefined;
    const open = (onread: OnReadOpts) => {
      socket = connect(onread);
      socket.on("session", (next) => this.#sessions.set(options.sessionKey, next));
      return socket;
    };
    return new Wire(this.#context, open, (error, phase, ends) => {
      if ("syscall" in error && ends.remote === "") return unopened(error, phase, ends);
      return tlsError(error, phase, ends, {
        certificate: socket?.getPeerCertificate() ?? {},
        nowMs: performance.timeOrigin + performance.now(),
      });
    });
  }

  async #handshake(wire: Wire, signal: AbortSignal): Promise<Wire> {
    const late = () => wire.kill(timedOut("net/http: TLS handshake timeout", "connect"));
    const timer = setTimeout(late, this.#context.timeouts.tlsMs);
    const onAbort = () => wire.kill(signal.reason);
    signal.addEventListener("abort", onAbort);
    try {
      signal.throwIfAborted();
      await wire.opened("secureConnect");
      return wire;
    } catch (error) {
      wire.kill(error);
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  #secureContext(tls: Tls, settings: TlsSettings): SecureContext {
    const known = this.#secureContexts.find((entry) => sameSettings(entry.settings, settings));
    if (known) return known.made;
    const made = createContext(tls, settings);
    this.#secureContexts.push({ settings, made });
    return made;
  }
}

/** Whether two origins can share a context: reading a system's 140 roots takes 17 ms. */
function sameSettings(a: TlsSettings, b: TlsSettings): boolean {
  if (a === b) return true;
  const sameTexts = (x: readonly string[], y: readonly string[]) =>
    x.length === y.length && x.every((text, at) => text === y[at]);
  const pairs = (settings: TlsSettings) =>
    settings.clientCertificates.flatMap((pair) => [pair.certificate, pair.key]);
  const rest = ({ verify, minVersion, ciphers, groups }: TlsSettings) =>
    [verify, minVersion, ciphers, groups].map(String);
  return sameTexts(a.ca, b.ca) && sameTexts(pairs(a), pairs(b)) && sameTexts(rest(a), rest(b));
}

/** @throws {HttpError} `registry.tls` where a certificate, key or list of ciphers is of no use */
function createContext(tls: Tls, settings: TlsSettings): SecureContext {
  try {
    return tls.createSecureContext(contextOptions(tls, settings));
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new HttpError("registry.tls", `tls: ${text}`, { phase: "connect", cause: error });
  }
}

function contextOptions(tls: Tls, settings: TlsSettings) {
  const { ca, clientCertificates, verify, ciphers, groups } = settings;
  return {
    // Unverified connections need no roots, and reading Node's own takes time.
    ...((ca.length > 0 || !verify) && { ca: verify ? [...ca] : [] }),
    cert: clientCertificates.map((pair) => pair.certificate),
    key: clientCertificates.map((pair) => pair.key),
    minVersion: settings.minVersion ?? "TLSv1.2",
    ciphers: ciphers ?? preferredCiphers(tls),
    ...(groups !== undefined && { ecdhCurve: groups }),
  };
}

/** AES-128 first, as Go has it: where the server lets the client choose, it takes a fifth off the cipher's time. */
function preferredCiphers(tls: Tls): string {
  const first = "TLS_AES_128_GCM_SHA256";
  const others = tls.DEFAULT_CIPHERS.split(":").filter((cipher) => cipher !== first);
  return [first, ...others].join(":");
}

/** As Go: only subject alternative names of the right kind count, never the common name, to which Node falls back. */
function checkName(tls: Tls, host: string, certificate: PeerCertificate): Error | undefined {
  const isAddress = isIP(host) !== 0;
  const any = namesIn(certificate, isAddress ? "IP Address" : "DNS").length > 0;
  if (any && tls.checkServerIdentity(host, certificate) === undefined) return undefined;
  const text = wrongNameText(certificate, host, isAddress);
  return Object.assign(new Error(text), { code: wrongNameCode });
}
