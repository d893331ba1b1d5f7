import { ContentError } from "../../core/errors.ts";
import { goString } from "../../core/go-json.ts";
import type { HttpClient, HttpRequest, HttpResponse } from "../../registry/http/contract.ts";
import { HttpError } from "../../registry/http/errors.ts";
import { readBounded } from "../../stream/bounded.ts";
import type { CallOptions } from "../contract/call-options.ts";
import { DaemonError } from "./errors.ts";
import type { DaemonHost } from "./host.ts";
import { loadFailure } from "./load-progress.ts";

/** The newest version of the Engine API that is spoken here; nothing used of it has changed since 1.22. */
const newestVersion = "1.51";
/** What a daemon speaks that does not say. */
const unsaidVersion = "1.24";

const maxAnswerBytes = 4 * 1024 * 1024;

type Call = Omit<HttpRequest, "url" | "headers" | "signal"> & {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
};

/** What is asked of a Docker daemon — Docker Engine API, § Image. */
export class EngineClient {
  readonly #host: DaemonHost;
  readonly #http: HttpClient;
  #version: Promise<string> | undefined;

  constructor(host: DaemonHost, http: HttpClient) {
    this.#host = host;
    this.#http = http;
  }

  /** Finds out whether there is a daemon. @throws {DaemonError} `daemon.unreachable` */
  async connect(options: CallOptions): Promise<void> {
    await this.#speak(options);
  }

  /**
   * An image as the archive that `docker save` makes of it, asked for when its first bytes are.
   *
   * @throws {DaemonError} `daemon.unreachable`, `daemon.refused`
   */
  async *save(name: string, options: CallOptions): AsyncGenerator<Uint8Array, void, void> {
    const call = {
      method: "GET",
      path: "/images/get",
      query: { names: name },
      lane: "blob",
    } as const;
    await using response = await this.#versioned(call, options);
    yield* response.body;
  }

  /**
   * Hands an archive to `docker load`. What is not ended well is not loaded.
   *
   * @throws {DaemonError} `daemon.unreachable`, `daemon.refused`, `daemon.bad-answer`
   */
  async load(archive: AsyncIterable<Uint8Array>, options: CallOptions): Promise<void> {
    const call: Call = {
      method: "POST",
      path: "/images/load",
      query: { quiet: "1" },
      headers: { "content-type": "application/x-tar" },
      body: { bytes: archive },
      lane: "blob",
    };
    await using response = await this.#versioned(call, options);
    const answer = await readBounded(response.body, maxAnswerBytes, "docker load progress");
    const failure = loadFailure(Buffer.from(answer).toString("utf8"));
    if (failure) throw failure;
  }

  async #versioned(call: Call, options: CallOptions): Promise<HttpResponse> {
    const version = await this.#speak(options).catch(newestUnlessAborted(options));
    const path = `/v${version}${call.path}`;
    const response = await this.#request({ ...call, path }, options);
    if (response.status < 400) return response;
    await using failed = response;
    throw await refusal(failed);
  }

  #speak(options: CallOptions): Promise<string> {
    this.#version ??= this.#ping(options);
    return this.#version;
  }

  /** The version that both speak. */
  async #ping(options: CallOptions): Promise<string> {
    const ping: Call = { method: "HEAD", path: "/_ping", lane: "metadata" };
    await using response = await this.#request(ping, options);
    const theirs = response.header("api-version") ?? unsaidVersion;
    if (!/^1\.\d{1,4}$/.test(theirs)) return unsaidVersion;
    return minorOf(theirs) < minorOf(newestVersion) ? theirs : newestVersion;
  }

  async #request({ path, query, ...call }: Call, { signal }: CallOptions): Promise<HttpResponse> {
    const url = new URL(this.#host.url);
    url.pathname = url.pathname.replace(/\/$/, "") + path;
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
    try {
      return await this.#http.request({ headers: {}, ...call, url, signal });
    } catch (error) {
      throw error instanceof HttpError ? this.#failed(error, call.method, url) : error;
    }
  }

  #failed(error: HttpError, method: string, url: URL): DaemonError {
    const { phase, syscallCode, retryable } = error;
    const options = { cause: error, retryable };
    const { text } = this.#host;
    if (syscallCode === "EACCES" && phase === "connect") {
      const message = `permission denied while trying to connect to the docker API at ${text}`;
      return new DaemonError("daemon.unreachable", message, options);
    }
    const noSuchHost = /lookup /.test(error.message);
    if (phase === "connect" && error.code !== "registry.tls" && !noSuchHost) {
      const message = `Cannot connect to the Docker daemon at ${text}. Is the docker daemon running?`;
      return new DaemonError("daemon.unreachable", message, options);
    }
    const verb = method.slice(0, 1) + method.slice(1).toLowerCase();
    const message = `error during connect: ${verb} ${goString(url.href, false)}: ${error.message}`;
    return new DaemonError("daemon.unreachable", message, options);
  }
}

/** The request itself will then tell what is wrong. */
function newestUnlessAborted({ signal }: CallOptions): () => string {
  return () => {
    signal.throwIfAborted();
    return newestVersion;
  };
}

function minorOf(version: string): number {
  return Number(version.slice(2));
}

async function refusal(response: HttpResponse): Promise<DaemonError> {
  const text = await textOf(response);
  const isJson = (response.header("content-type") ?? "").split(";", 1)[0] === "application/json";
  const said = isJson ? messageIn(text) : text.trim();
  const message = said
    ? `Error response from daemon: ${said}`
    : `request returned ${response.status} ${response.reason}, check if the server supports the requested API version`;
  return new DaemonError("daemon.refused", message);
}

async function textOf(response: HttpResponse): Promise<string> {
  try {
    const bytes = await readBounded(response.body, maxAnswerBytes, "answer of the daemon");
    return Buffer.from(bytes).toString("utf8");
  } catch (error) {
    if (error instanceof HttpError || error instanceof ContentError) return "";
    throw error;
  }
}

function messageIn(text: string): string {
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer !== "object" || answer === null || !("message" in answer)) return "";
    return typeof answer.message === "string" ? answer.message.trim() : "";
  } catch {
    return text.trim();
  }
}
