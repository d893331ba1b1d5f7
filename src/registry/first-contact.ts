import { KnownError } from "../core/errors.ts";
import { RegistryError } from "./errors.ts";
import { type HttpClient, plainHttpText } from "./http/contract.ts";
import type { RegistryHostOptions } from "./options.ts";
import { registryOrigin } from "./origin.ts";
import type { Reply } from "./reply.ts";
import { untilAborted } from "./until-aborted.ts";

/** What it takes to ask a host for the first time. */
export type ContactOptions = Pick<RegistryHostOptions, "http" | "security" | "host" | "origin">;

/**
 * Sends one request to {@link FirstContact.origin} as that is when this is called, and tells {@link FirstContact.heard}
 * of the answer. `onConnect` is for the HTTP client, where https is only a try.
 */
export type SendOnce = (onConnect?: () => void) => Promise<Reply>;

/**
 * Where one registry is asked, and whether it has answered there. It finds out whether the host speaks TLS, where that is
 * left open; http is tried only with "insecure", and only when https led to no answer.
 */
export class FirstContact {
  readonly #http: HttpClient;
  readonly #mayBePlain: boolean;
  #origin: URL;
  #answered = false;
  #underWay: Promise<unknown> | undefined;

  /** @throws {RegistryError} `registry.unreachable` for what cannot be a host and port */
  constructor({ http, security, host, origin }: ContactOptions) {
    this.#http = http;
    this.#mayBePlain = security === "insecure";
    this.#origin = origin ?? registryOrigin(host);
  }

  /** Scheme and host, as far as known: while contact is being made, the scheme is a guess. */
  get origin(): URL {
    return this.#origin;
  }

  /** Whether the host has ever answered. */
  get answered(): boolean {
    return this.#answered;
  }

  /** The registry itself answered, at {@link origin}. */
  heard(): void {
    this.#answered = true;
  }

  /**
   * Opens a connection for whoever sends something next, and finds out whether the host speaks TLS. What that fails by,
   * who sends will hear.
   */
  async expect(signal: AbortSignal): Promise<void> {
    if (this.#answered || this.#underWay) return;
    if (this.#schemeIsKnown) this.#http.warm(this.#origin);
    else await this.#alone(() => this.#findScheme(signal));
  }

  /**
   * Sends a request. While it is not known whether the host speaks TLS, one request finds out, and is maybe sent by both
   * schemes; the others wait for it.
   */
  async send(send: SendOnce, signal: AbortSignal): Promise<Reply> {
    while (this.#underWay && !this.#schemeIsKnown) await untilAborted(this.#underWay, signal);
    if (this.#schemeIsKnown) return await send();
    return await this.#alone(() => this.#tryBothSchemes(send));
  }

  get #schemeIsKnown(): boolean {
    if (this.#answered || !this.#mayBePlain) return true;
    return this.#origin.protocol === "http:" && this.#underWay === undefined;
  }

  /** Others wait until `contact` has come to something. */
  async #alone<T>(contact: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#underWay = promise;
    try {
      return await contact();
    } finally {
      this.#underWay = undefined;
      resolve();
    }
  }

  async #findScheme(signal: AbortSignal): Promise<void> {
    const plain = this.#at("http");
    using spares = new DisposableStack();
    try {
      await this.#http.contact(this.#origin, signal, () => void spares.use(this.#http.warm(plain)));
    } catch (error) {
      if (!(error instanceof KnownError) || error.message !== plainHttpText) return;
      this.#origin = plain;
      spares.move(); // for who sends
    }
  }

  async #tryBothSchemes(send: SendOnce): Promise<Reply> {
    let failure: RegistryError;
    using spare = new DisposableStack(); // a connection without TLS, should that be what is spoken
    const plain = this.#at("http");
    try {
      return await send(() => void spare.use(this.#http.warm(plain)));
    } catch (error) {
      if (this.#answered || !isUnreachable(error)) throw error;
      failure = error;
    }
    return await this.#tryWithoutTls(send, failure);
  }

  async #tryWithoutTls(send: SendOnce, failure: RegistryError): Promise<Reply> {
    this.#origin = this.#at("http");
    try {
      const reply = await send();
      if (!failure.retryable || !wantsTls(reply)) return reply;
      await reply.keep();
      this.#answered = false;
      throw failure; // TLS it is, then, and what failed may be tried again
    } finally {
      if (!this.#answered) this.#origin = this.#at("https");
    }
  }

  #at(scheme: "http" | "https"): URL {
    return new URL(`${scheme}://${this.#origin.host}/`);
  }
}

/** What a server with TLS says to a request without: 400, and nothing that only a registry says. */
function wantsTls(reply: Reply): boolean {
  return reply.status === 400 && reply.header("docker-distribution-api-version") === undefined;
}

function isUnreachable(error: unknown): error is RegistryError {
  return error instanceof RegistryError && error.code === "registry.unreachable";
}
