import { Authenticator } from "./authenticator.ts";
import { RegistryError } from "./errors.ts";
import {
  apiHost,
  defaultLimits,
  type RegistryHostOptions,
  type RegistryLimits,
} from "./options.ts";
import { redactedUrl } from "./redact.ts";
import { Reply } from "./reply.ts";
import { backoffMs, isRetryableStatus, isSlowDown, retryAfterMs } from "./retry.ts";
import type { Scopes } from "./scope.ts";
import type { TokenRequest } from "./token.ts";
import { untilAborted } from "./until-aborted.ts";
import { isReplayable, Wire, type WireRequest } from "./wire.ts";

/** A request to a registry, and what one must be allowed to do for it. */
export interface ChannelRequest extends WireRequest {
  readonly scopes: Scopes;
  /** Times to send it before a failure is final; one where the body is a stream. */
  readonly tries?: number;
}

const noScopes: Scopes = new Map();
const yes = Promise.resolve(true);

function announcesSignatures(reply: Reply): boolean {
  return reply.header("x-registry-supports-signatures")?.trim() === "1";
}

/**
 * Requests to one registry, with all that is the same for each: who we are, trying again, waiting when told to.
 */
export class Channel {
  readonly options: RegistryHostOptions;
  readonly limits: RegistryLimits;
  readonly wire: Wire;
  readonly #auth: Authenticator;
  readonly #closed = new AbortController();
  /** Whether what answers is known to be a registry. */
  #proven = false;
  #pinged: Promise<void> | undefined;
  #signaturesApi: Promise<boolean> | undefined;

  constructor(options: RegistryHostOptions) {
    this.options = options;
    this.limits = { ...defaultLimits, ...options.limits };
    this.wire = new Wire(options, this.limits);
    this.#auth = new Authenticator({
      credentials: options.credentials,
      origin: () => this.wire.origin,
      insecure: this.wire.insecure,
      strictRealm: options.strictRealm ?? false,
      clock: options.clock,
      send: (request) => this.#sendForToken(request),
      notice: (text) => options.report({ host: options.host, type: "notice", text }),
    });
  }

  /** Calls off what is under way on behalf of several callers. */
  close(): void {
    this.#closed.abort(new RegistryError("registry.unavailable", "the registry client was closed"));
  }

  /** Makes contact, since requests will come. */
  expect(): void {
    this.wire.expect(this.#closed.signal).catch(() => {}); // who sends hears of it
  }

  /**
   * Sends a request and gives the answer, failed ones included, after all tries that may help.
   *
   * @throws {RegistryError} where no answer came, credentials could not be had, or no registry is there
   */
  async send(request: ChannelRequest): Promise<Reply> {
    const reply = await this.#retrying(request, () => this.#authorized(request));
    await this.#prove(reply, request.signal);
    return reply;
  }

  async #authorized(request: ChannelRequest): Promise<Reply> {
    const streams = !isReplayable(request);
    for (let refusals = 0; ; ) {
      const authorization = await this.#authorization(request, streams);
      const reply = this.#noted(await this.wire.send(request, authorization));
      if (reply.redirected || (reply.status !== 401 && reply.status !== 403)) return reply;
      await reply.keep(); // what follows may need its connection
      if (refusals > 0 && authorization !== undefined) return reply;
      const again = await this.#learn(reply, authorization, request);
      if (!again || streams) return reply;
      if (authorization !== undefined) refusals++;
    }
  }

  async #authorization(
    { scopes, signal }: Pick<ChannelRequest, "scopes" | "signal">,
    fresh: boolean,
  ): Promise<string | undefined> {
    if (!this.#auth.challenged) return undefined;
    return await untilAborted(this.#auth.authorization(scopes, fresh), signal);
  }

  /** A registry may announce what it can in any answer of its own. */
  #noted(reply: Reply): Reply {
    if (!reply.redirected && announcesSignatures(reply)) this.#signaturesApi = yes;
    return reply;
  }

  /** Whether a refused request may be granted now. */
  async #learn(reply: Reply, used: string | undefined, request: ChannelRequest): Promise<boolean> {
    const lines = reply.headers("www-authenticate");
    if (reply.status === 401 && lines.length > 0) {
      return this.#auth.learn(lines, used, request.scopes) && this.#canAnswer(used, request);
    }
    if (used !== undefined || this.#auth.challenged || this.#pinged) return false;
    this.#pinged = this.#pingForChallenge(request.signal);
    await this.#pinged;
    return this.#auth.challenged && this.#canAnswer(used, request);
  }

  /** Without credentials nothing but a token helps; and what was refused already is not sent again. */
  async #canAnswer(used: string | undefined, request: ChannelRequest): Promise<boolean> {
    if (!isReplayable(request)) return true;
    const next = await this.#authorization(request, false);
    return next !== undefined && next !== used;
  }

  /** Some registries tell how to authenticate only at `/v2/` (GCR, GAR). */
  async #pingForChallenge(signal: AbortSignal): Promise<void> {
    const ping = await this.wire.send(
      { method: "GET", target: "/v2/", lane: "metadata", signal },
      undefined,
    );
    this.#auth.learn(ping.headers("www-authenticate"), undefined, noScopes);
    await ping.discard();
  }

  /** GETs what a manifest says is elsewhere. Nobody's credentials go there. */
  sendAbroad(request: WireRequest & { readonly target: URL }): Promise<Reply> {
    return this.#retrying(request, () => this.wire.sendElsewhere(request, undefined));
  }

  #sendForToken(request: TokenRequest): Promise<Reply> {
    const wired = {
      ...request,
      target: request.url,
      lane: "metadata" as const,
      signal: this.#closed.signal,
    };
    const { authorization, ...headers } = request.headers;
    return this.#retrying(wired, () =>
      this.wire.sendElsewhere({ ...wired, headers }, authorization),
    );
  }

  async #retrying(
    request: WireRequest & { readonly tries?: number },
    send: () => Promise<Reply>,
  ): Promise<Reply> {
    for (let attempt = 1; ; attempt++) {
      const tries = this.#triesOf(request);
      let outcome: Reply | RegistryError;
      try {
        outcome = await send();
      } catch (error) {
        if (!this.#isWorthAnother(error, attempt, tries)) throw error;
        outcome = error;
      }
      const delayMs = this.#waitAfter(outcome, attempt);
      if (outcome instanceof Reply) {
        if (delayMs === undefined || attempt >= this.#most(outcome, tries)) return outcome;
        await outcome.discard();
      }
      await this.#waitToRetry(request, outcome, { attempt, delayMs: delayMs ?? 0 });
    }
  }

  #triesOf(request: WireRequest & { readonly tries?: number }): number {
    return isReplayable(request) ? Math.min(request.tries ?? this.#tries, this.#tries) : 1;
  }

  async #waitToRetry(
    { method, target, signal }: WireRequest,
    outcome: Reply | RegistryError,
    next: { readonly attempt: number; readonly delayMs: number },
  ): Promise<void> {
    const { host, report, clock } = this.options;
    const reason = outcome instanceof Reply ? `HTTP status ${outcome.status}` : outcome.message;
    const url = redactedUrl(this.wire.resolve(target));
    report({ host, type: "retrying", method, url, ...next, reason });
    await clock.sleep(next.delayMs, signal);
  }

  /** Times that such an answer is borne: to be told to come later is no sign that there is no registry. */
  #most({ status }: Reply, tries: number): number {
    return status === 429 && tries > 1 ? Math.max(tries, this.limits.tries) : tries;
  }

  get #tries(): number {
    return this.#proven ? this.limits.tries : Math.min(4, this.limits.tries);
  }

  #isWorthAnother(error: unknown, attempt: number, tries: number): error is RegistryError {
    if (!(error instanceof RegistryError) || !error.retryable) return false;
    if (error.status !== undefined) return false; // of a token service, which was asked often enough
    return attempt < (this.wire.answered ? tries : Math.min(tries, 3));
  }

  /** How long to wait before trying again; undefined: an answer to take. The gate has its own wait for slowing down. */
  #waitAfter(outcome: Reply | RegistryError, attempt: number): number | undefined {
    const { clock, random } = this.options;
    if (outcome instanceof RegistryError) {
      return backoffMs(attempt, random, this.wire.answered ? 1000 : 200);
    }
    if (!isRetryableStatus(outcome.status)) return undefined;
    const asked = retryAfterMs(outcome.header("retry-after"), clock.now());
    if (asked !== undefined && asked > this.limits.retryAfterMs) return undefined;
    if (isSlowDown(outcome.status)) return 0;
    return asked ?? backoffMs(attempt, random);
  }

  /** Where the first thing heard of a host is a failure that no registry signs, it is asked whether it is one. */
  async #prove(reply: Reply, signal: AbortSignal): Promise<void> {
    if (this.#proven) return;
    const signed = reply.header("docker-distribution-api-version") !== undefined;
    const answered = reply.ok || reply.status === 304 || reply.status === 401;
    if (answered || signed || reply.redirected) this.#proven = true;
    if (this.#proven || (reply.method === "HEAD" && reply.status === 404)) return;
    await reply.keep();
    await this.ping(signal);
  }

  /** Whether any answer so far announced the API for signatures. None did: only `/v2/` can tell. */
  async announcedSignaturesApi(): Promise<boolean> {
    return (await this.#signaturesApi) ?? false;
  }

  /**
   * Whether the registry keeps signatures: registries announce it in every answer or, as they must, at `/v2/`, which is
   * asked once where no answer did — `specs/signing.md` 3.3.
   *
   * @throws {RegistryError} unless something there answers as a registry does
   */
  async hasSignaturesApi(scopes: Scopes, signal: AbortSignal): Promise<boolean> {
    this.#signaturesApi ??= this.ping(this.#closed.signal, scopes).catch((error: unknown) => {
      this.#signaturesApi = undefined;
      throw error;
    });
    return await untilAborted(this.#signaturesApi, signal);
  }

  /**
   * @param scopes whose token goes along where one is needed anyhow: refusals cost a request, and some count them
   * @returns whether the registry keeps signatures
   * @throws {RegistryError} unless something at `/v2/` answers as a registry does
   */
  async ping(signal: AbortSignal, scopes?: Scopes): Promise<boolean> {
    const request = { method: "GET", target: "/v2/", lane: "metadata", signal } as const;
    const reply = await this.#retrying(request, async () => {
      const authorization = scopes && (await this.#authorization({ scopes, signal }, false));
      return await this.wire.send(request, authorization);
    });
    if (reply.status !== 200 && reply.status !== 401) {
      throw await reply.toError(`pinging container registry ${apiHost(this.options.host)}`);
    }
    this.#proven = true;
    await reply.discard();
    return announcesSignatures(reply);
  }
}
