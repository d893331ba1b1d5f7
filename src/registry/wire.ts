import { KnownError } from "../core/errors.ts";
import { RegistryError } from "./errors.ts";
import { FirstContact } from "./first-contact.ts";
import { HostGate, type Lane } from "./gate.ts";
import { HostSignals } from "./host-signals.ts";
import type { HttpRequest, HttpResponse, RequestBody } from "./http/contract.ts";
import { apiHost, type RegistryHostOptions, type RegistryLimits } from "./options.ts";
import { redactedUrl } from "./redact.ts";
import { isRedirect, resolveLocation } from "./redirects.ts";
import { Reply } from "./reply.ts";
import { isSlowDown, retryAfterMs } from "./retry.ts";
import { isLimited, withinBudget } from "./within-budget.ts";

/** So often in a row a request is sent elsewhere. */
export const maxRedirects = 5;

/** A request to a registry. */
export interface WireRequest {
  readonly method: string;
  /** `/v2/…`, or the URL of an upload session. */
  readonly target: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** {@link HttpRequest.ownHeaders}; for the registry itself. */
  readonly ownHeaders?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  readonly lane: Lane;
  /** The caller keeps a slot of the lane: {@link Wire.keepSlot}. */
  readonly hasSlot?: boolean;
  readonly signal: AbortSignal;
  readonly headersTimeoutMs?: number;
}

/** A request that maybe makes the first contact: {@link HttpRequest.onConnect}. */
type Sent = WireRequest & Pick<HttpRequest, "onConnect">;

/** Where a request goes next. */
interface Hop {
  readonly url: URL;
  /** The registry itself. */
  readonly own: boolean;
  readonly authorization: string | undefined;
}

/** The headers of a request, and what they were made of. */
interface MadeHeaders extends Pick<Hop, "own" | "authorization"> {
  readonly given: WireRequest["headers"];
  readonly made: Readonly<Record<string, string>>;
}

/** True where a request can be sent again as it is. */
export function isReplayable(request: { readonly body?: RequestBody }): boolean {
  return request.body === undefined || request.body instanceof Uint8Array;
}

/**
 * Sends one request to one registry and gives its answer, whatever it is: waits for the host's gate, follows redirects,
 * and keeps credentials on the registry's own origin.
 */
export class Wire {
  readonly signals: HostSignals;
  readonly #options: RegistryHostOptions;
  readonly #limits: RegistryLimits;
  readonly #gate: HostGate;
  readonly #contact: FirstContact;
  #lastHeaders: MadeHeaders | undefined;

  constructor(options: RegistryHostOptions, limits: RegistryLimits) {
    this.#options = options;
    this.#limits = limits;
    this.signals = new HostSignals(options, limits.keptPulls);
    this.#gate = new HostGate({
      clock: options.clock,
      random: options.random,
      slots: limits.slots,
    });
    this.#contact = new FirstContact(options);
  }

  /** Scheme and host, as far as known. */
  get origin(): URL {
    return this.#contact.origin;
  }

  get insecure(): boolean {
    return this.#options.security === "insecure";
  }

  /** Whether the host has ever answered. */
  get answered(): boolean {
    return this.#contact.answered;
  }

  /** The URL of a target at the registry. */
  resolve(target: string | URL): URL {
    // Put together, not resolved: registries name pages, and "//" at the front of one would lead to another host.
    return typeof target === "string" ? new URL(this.origin.origin + target) : target;
  }

  /** Opens a connection for whoever sends something next: {@link FirstContact.expect}. */
  expect(signal: AbortSignal): Promise<void> {
    return this.#contact.expect(signal);
  }

  /** A slot for a transfer of several requests: given up in between, it could be gone when the transfer has to go on. */
  keepSlot(lane: Lane, signal: AbortSignal): Promise<() => void> {
    return this.#gate.keepSlot(lane, signal);
  }

  /** Sends a request to any origin, as a token service's: the authorization is for that one and no other. */
  async sendElsewhere(
    request: WireRequest & { readonly target: URL },
    authorization: string | undefined,
  ): Promise<Reply> {
    return this.#follow(request, authorization, () => {}, request.target.origin);
  }

  /** @throws {RegistryError} `registry.unreachable`, `registry.bad-redirect` */
  async send(request: WireRequest, authorization: string | undefined): Promise<Reply> {
    const lane = request.hasSlot ? undefined : request.lane;
    const leave = await this.#gate.enter(lane, request.signal);
    try {
      return await this.#contact.send(
        (onConnect) =>
          this.#follow(onConnect ? { ...request, onConnect } : request, authorization, leave),
        request.signal,
      );
    } catch (error) {
      leave();
      throw error;
    }
  }

  async #follow(
    request: Sent,
    authorization: string | undefined,
    leave: () => void,
    trusted?: string,
  ): Promise<Reply> {
    let url = this.resolve(request.target);
    for (let hops = 0; ; hops++) {
      const own = url.origin === this.origin.origin;
      const trusts = trusted === undefined ? own : url.origin === trusted;
      const sent = { url, own, authorization: trusts ? authorization : undefined };
      const response = await this.#exchange(request, sent);
      const { method } = request;
      const reply = new Reply(response, { method, url, redirected: !own }, leave);
      if (!isRedirect(response.status) || !mayFollow(request, response.status)) return reply;
      const location = response.header("location");
      if (location === undefined) return reply;
      if (hops === maxRedirects) throw await tooManyRedirects(reply);
      url = resolveLocation({
        from: url,
        location,
        registry: this.origin,
        insecure: this.insecure,
      });
      await response[Symbol.asyncDispose]();
    }
  }

  async #exchange(request: Sent, { url, own, authorization }: Hop): Promise<HttpResponse> {
    const { http, clock, report, host, budget } = this.#options;
    const limited = budget && isLimited(budget);
    const body = limited ? await withinBudget(budget, request, own) : request.body;
    const sent = { at: clock.now(), number: this.signals.pulls.sending() };
    const response = await http
      .request({
        method: request.method,
        url,
        headers: this.#headers(request, authorization, own),
        ...(request.ownHeaders && own && { ownHeaders: request.ownHeaders }),
        ...(body !== undefined && { body }),
        lane: request.lane === "metadata" ? "metadata" : "blob",
        signal: request.signal,
        ...(request.headersTimeoutMs !== undefined && {
          headersTimeoutMs: request.headersTimeoutMs,
        }),
        ...(request.onConnect && own && { onConnect: request.onConnect }),
      })
      .catch((error: unknown) => {
        throw this.#unreachable(error, request, url, own);
      });
    const shown = redactedUrl(url);
    report({ host, type: "answered", method: request.method, url: shown, status: response.status });
    if (own) this.#hear(response, shown, sent);
    return response;
  }

  /** The same object as for the last request where its headers are the same: it is written out once. */
  #headers({ headers }: WireRequest, authorization: string | undefined, own: boolean) {
    const last = this.#lastHeaders;
    const isSame = last?.own === own && last.given === headers;
    if (isSame && last.authorization === authorization) return last.made;
    const made = {
      "user-agent": this.#options.userAgent,
      "accept-encoding": "identity",
      ...(own && { "docker-distribution-api-version": "registry/2.0", ...this.#options.headers }),
      ...headers,
      ...(authorization !== undefined && { authorization }),
    };
    this.#lastHeaders = { given: headers, own, authorization, made };
    return made;
  }

  /** What an answer of the registry itself tells besides its matter. */
  #hear(
    response: HttpResponse,
    url: string,
    sent: { readonly at: number; readonly number: number },
  ): void {
    const { clock, report, host } = this.#options;
    this.#contact.heard();
    this.signals.hear(response, url, sent.number);
    const asked = retryAfterMs(response.header("retry-after"), clock.now());
    if (!isSlowDown(response.status)) {
      if (response.status < 500) this.#gate.succeeded();
      else this.#gate.answered();
    } else if (asked !== undefined && asked > this.#limits.retryAfterMs) {
      this.#gate.answered();
    } else {
      const delayMs = this.#gate.slowDown(sent.at, asked);
      report({ host, type: "paused", delayMs });
    }
  }

  #unreachable(error: unknown, request: WireRequest, url: URL, own: boolean): unknown {
    if (request.signal.aborted) return request.signal.reason;
    if (!(error instanceof KnownError)) return error;
    const { host } = this.#options;
    const shown = redactedUrl(url);
    const line =
      this.answered || !own
        ? `${goVerb(request.method)} "${shown}": ${error.message}`
        : `pinging container registry ${apiHost(host)}: Get "${url.origin}/v2/": ${error.message}`;
    return new RegistryError("registry.unreachable", line, {
      cause: error,
      retryable: error.retryable,
      method: request.method,
      url: shown,
      neverAnswered: !this.answered,
      ...(error.hint !== undefined && { hint: error.hint }),
    });
  }
}

/** What is wrong where an answer sends us elsewhere once too often. */
export async function tooManyRedirects(reply: Reply): Promise<RegistryError> {
  await reply.discard();
  const url = redactedUrl(reply.url);
  return new RegistryError(
    "registry.bad-redirect",
    `${goVerb(reply.method)} "${url}": stopped after ${maxRedirects} redirects`,
    { url },
  );
}

/** `Get`, as Go writes it before a URL. */
function goVerb(method: string): string {
  return method.charAt(0) + method.slice(1).toLowerCase();
}

/** Reading may be sent anywhere; what changes something only where the answer says to repeat it as it was. */
function mayFollow(request: WireRequest, status: number): boolean {
  if (request.method === "GET" || request.method === "HEAD") return true;
  return isReplayable(request) && (status === 307 || status === 308);
}
