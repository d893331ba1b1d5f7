import type { HttpClientOptions, TlsSettings } from "./contract.ts";
import { type Address, addressOf, dial, socketOpener, tcpOpener } from "./dial.ts";
import { HttpError } from "./errors.ts";
import { openTunnel, proxyAuthorization } from "./proxy.ts";
import type { HeadOptions } from "./request-head.ts";
import { hostPort } from "./socket-error.ts";
import { openSocks } from "./socks5.ts";
import type { TlsLayer } from "./tls.ts";
import { refutePlainHttp } from "./tls-probe.ts";
import type { Wire, WireContext } from "./wire.ts";

const nodeRoots: TlsSettings = { ca: [], clientCertificates: [], verify: true };

/** An address that needs no looking up. */
const nowhere: Address = { host: "127.0.0.1", port: 0 };

/** The way to one origin, settled when it is first asked for: direct, through a tunnel, or by asking a proxy each time. */
export class Route {
  /** What every request on this way has in its head. */
  readonly head: HeadOptions;
  readonly #origin: string;
  readonly #target: Address;
  readonly #socketPath: string | undefined;
  readonly #proxy: URL | undefined;
  readonly #tls: TlsSettings | undefined;
  readonly #proxyTls: () => TlsSettings;
  readonly #context: WireContext;
  readonly #layer: TlsLayer;

  constructor(url: URL, options: HttpClientOptions, context: WireContext, layer: TlsLayer) {
    this.#origin = url.origin;
    const { mayConnect } = options;
    this.#target = {
      ...addressOf(url),
      ...(mayConnect && { permits: (address) => mayConnect(url, address) }),
    };
    this.#socketPath = options.socketPath;
    this.#proxy = options.socketPath === undefined ? options.proxyFor(url) : undefined;
    this.#tls = url.protocol === "https:" ? options.tlsFor(new URL(url.origin)) : undefined;
    this.#proxyTls = options.proxyTls ?? (() => nodeRoots);
    this.#context = context;
    this.#layer = layer;
    this.head = this.#asksProxy() ? absoluteForm(this.#proxy) : headOf("origin", {});
  }

  /**
   * A connection that requests can be sent on. With `onConnect`, it is not known whether the server speaks TLS: that is
   * found out first, and `onConnect` told when there is a connection.
   *
   * @throws {HttpError} of phase "connect"
   */
  async open(signal: AbortSignal, onConnect?: () => void): Promise<Wire> {
    if (this.#socketPath !== undefined) return await this.#toSocket(this.#socketPath, signal);
    if (this.#proxy === undefined) {
      if (this.#tls && onConnect) return await this.#inSteps(this.#tls, signal, onConnect);
      return await this.#direct(this.#target, this.#tls, this.#origin, signal);
    }
    const wire = await this.#reachProxy(this.#proxy, signal);
    if (this.#asksProxy()) return wire;
    await this.#passProxy(wire, this.#proxy, signal);
    if (this.#tls === undefined) return wire;
    const secure = { host: this.#target.host, settings: this.#tls, sessionKey: this.#origin };
    return await this.#layer.over(wire, secure, signal);
  }

  /** TLS, unless a first connection shows that the server speaks plain HTTP. */
  async #inSteps(settings: TlsSettings, signal: AbortSignal, onConnect: () => void): Promise<Wire> {
    const first = await this.#direct(this.#target, undefined, this.#origin, signal);
    onConnect();
    await refutePlainHttp(first, signal);
    return await this.#direct(this.#target, settings, this.#origin, signal);
  }

  #direct(
    address: Address,
    settings: TlsSettings | undefined,
    sessionKey: string,
    signal: AbortSignal,
  ): Promise<Wire> {
    if (settings) {
      return this.#layer.dial(address, { host: address.host, settings, sessionKey }, signal);
    }
    const opener = () => tcpOpener(address.port, this.#context);
    return dial(address, opener, this.#context.timeouts, signal);
  }

  #toSocket(path: string, signal: AbortSignal): Promise<Wire> {
    const opener = () => socketOpener(path, this.#context);
    return dial(nowhere, opener, this.#context.timeouts, signal);
  }

  #asksProxy(): boolean {
    return this.#proxy !== undefined && isHttp(this.#proxy) && this.#tls === undefined;
  }

  async #reachProxy(proxy: URL, signal: AbortSignal): Promise<Wire> {
    try {
      const settings = proxy.protocol === "https:" ? this.#proxyTls() : undefined;
      return await this.#direct(addressOf(proxy), settings, `proxy ${proxy.host}`, signal);
    } catch (error) {
      throw prefixed(error, "proxyconnect tcp");
    }
  }

  async #passProxy(wire: Wire, proxy: URL, signal: AbortSignal): Promise<void> {
    const onAbort = () => wire.kill(signal.reason);
    signal.addEventListener("abort", onAbort);
    try {
      signal.throwIfAborted();
      wire.expectWithin(this.#context.timeouts.connectMs);
      if (isHttp(proxy)) await openTunnel(wire, proxy, this.#target);
      else await openSocks(wire, proxy, this.#target);
      wire.expectWithin();
    } catch (error) {
      wire.kill(error);
      throw isHttp(proxy) ? error : prefixed(error, socksHop(proxy, this.#target));
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }
}

function isHttp(proxy: URL): boolean {
  return proxy.protocol === "http:" || proxy.protocol === "https:";
}

function absoluteForm(proxy: URL | undefined): HeadOptions {
  const authorization = proxy && proxyAuthorization(proxy);
  const hop = authorization === undefined ? {} : { "proxy-authorization": authorization };
  return headOf("absolute", hop);
}

function headOf(form: HeadOptions["form"], hop: HeadOptions["hop"]): HeadOptions {
  return { form, hop, written: new WeakMap() };
}

function socksHop(proxy: URL, target: Address): string {
  const by = addressOf(proxy);
  const hop = `${hostPort(by.host, by.port)}->${hostPort(target.host, target.port)}`;
  return `socks connect tcp ${hop}`;
}

/** Says at which hop it was. */
function prefixed(error: unknown, prefix: string): unknown {
  if (!(error instanceof HttpError)) return error;
  const { phase, syscallCode, retryable } = error;
  const options = { phase, syscallCode, retryable, cause: error };
  return new HttpError(error.code, `${prefix}: ${error.message}`, options);
}
