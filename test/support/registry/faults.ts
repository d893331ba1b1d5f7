import type { Exchange } from "./exchange.ts";
import { bodyBytes, type Ending, emptyReply, errorReply, type Reply } from "./reply.ts";
import { resetSocket } from "./socket.ts";

/**
 * One way to misbehave; each hook is optional.
 * `arrive` runs before anything is read and may answer at once; `request` sits between socket and registry; `reply`
 * changes the answer when the work is done.
 */
export interface Fault {
  readonly arrive?: (exchange: Exchange) => Reply | undefined | Promise<Reply | undefined>;
  readonly request?: (
    bytes: AsyncIterable<Uint8Array>,
    exchange: Exchange,
  ) => AsyncIterable<Uint8Array>;
  readonly reply?: (reply: Reply, exchange: Exchange) => Reply | Promise<Reply>;
}

const never = (): Promise<never> => new Promise(() => undefined);

export interface RefuseOptions {
  /** Seconds, an HTTP date, or any text. */
  readonly retryAfter?: number | Date | string;
  readonly code?: string;
  readonly message?: string;
  readonly headers?: Record<string, string>;
  /** Take in the request's body first; otherwise the answer comes while it is still being sent. */
  readonly afterBody?: boolean;
}

/** Answers with an error status: 429, 500, 502, 503, an early 413, … */
export function refuse(status: number, options: RefuseOptions = {}): Fault {
  const { retryAfter, code = "UNKNOWN", message = "told to misbehave" } = options;
  const value = retryAfter instanceof Date ? retryAfter.toUTCString() : retryAfter;
  const answer = errorReply(status, code, message, {
    ...(value !== undefined && { "retry-after": String(value) }),
    ...(options.headers ?? {}),
  });
  return options.afterBody ? { reply: () => answer } : { arrive: () => answer };
}

/** RST before a single byte is answered. */
export function reset(): Fault {
  return { arrive: () => ({ ...emptyReply(0), ending: "reset" }) };
}

/** Takes the request and never answers. */
export function hang(): Fault {
  return { arrive: never };
}

/** Does the work, then drops the connection instead of answering: the client cannot know. */
export function loseReply(ending: Ending = "reset"): Fault {
  return { reply: () => ({ ...emptyReply(0), ending }) };
}

/** Drops the connection after `at` bytes of the request's body. */
export function dropRequest(at: number, ending: "reset" | "close" = "reset"): Fault {
  return {
    async *request(bytes, exchange) {
      yield* first(bytes, at, false);
      if (ending === "reset") resetSocket(exchange.request.socket);
      else exchange.request.socket.destroy(); // the request's own destroy() leaves it open once all was read
      throw new Error("told to drop the request");
    },
  };
}

/** Stops reading after `at` bytes of the request's body, without a word. */
export function stallRequest(at: number): Fault {
  return {
    async *request(bytes) {
      yield* first(bytes, at, false);
      await never();
    },
  };
}

/** Cuts the answer's body after `at` bytes: by RST, by an orderly close, or by silence ("hang"). */
export function cutResponse(at: number, ending: "reset" | "close" | "hang" = "reset"): Fault {
  return {
    reply: (reply) => ({ ...reply, body: first(bodyBytes(reply.body), at), ending }),
  };
}

/** As {@link cutResponse}, silent. */
export function stallResponse(at: number): Fault {
  return cutResponse(at, "hang");
}

/** Waits before it answers. */
export function delay(milliseconds: number): Fault {
  return {
    async reply(reply) {
      await new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
      return reply;
    },
  };
}

/** A body that is whole by its Content-Length, but `missing` bytes shorter than it ought to be. */
export function shortBody(missing: number): Fault {
  return {
    reply(reply) {
      const length = Math.max(0, Number(reply.headers["content-length"]) - missing);
      return {
        ...reply,
        headers: { ...reply.headers, "content-length": String(length) },
        body: first(bodyBytes(reply.body), length),
      };
    },
  };
}

/** A body with more bytes than it ought to have. */
export function longBody(more: number): Fault {
  return {
    reply(reply) {
      const length = Number(reply.headers["content-length"]) + more;
      return {
        ...reply,
        headers: { ...reply.headers, "content-length": String(length) },
        body: joined(bodyBytes(reply.body), Buffer.alloc(more, 0x78)),
      };
    },
  };
}

/** A body with the byte at `at` changed. */
export function flipByte(at: number): Fault {
  return { reply: (reply) => ({ ...reply, body: flipped(bodyBytes(reply.body), at) }) };
}

/** Sets headers of the answer; `undefined` takes one away. */
export function setHeaders(headers: Readonly<Record<string, string | undefined>>): Fault {
  return {
    reply(reply) {
      const merged = { ...reply.headers, ...headers };
      const kept = Object.entries(merged).filter((pair) => pair[1] !== undefined);
      return { ...reply, headers: Object.fromEntries(kept) as Reply["headers"] };
    },
  };
}

/** Answers with another status, the rest unchanged. */
export function setStatus(status: number): Fault {
  return { reply: (reply) => ({ ...reply, status }) };
}

/** Answers a ranged GET with the whole blob and status 200. */
export function ignoreRange(): Fault {
  return {
    arrive(exchange) {
      delete exchange.request.headers.range;
      return undefined;
    },
  };
}

/** Points elsewhere; `to` may be relative. */
export function redirect(to: string | ((exchange: Exchange) => string), status = 307): Fault {
  return {
    arrive: (exchange) =>
      emptyReply(status, { location: typeof to === "string" ? to : to(exchange) }),
  };
}

/** 401 `invalid_token`, as the token had run out: on arrival, or when the whole body was taken in. */
export function expireToken(realm: string, when: "arrival" | "end" = "arrival"): Fault {
  const challenge = `Bearer realm="${realm}",service="amphora",error="invalid_token"`;
  return refuse(401, {
    code: "UNAUTHORIZED",
    message: "authentication required",
    headers: { "www-authenticate": challenge },
    afterBody: when === "end",
  });
}

/** Forgets the upload session that is asked for. */
export function loseUpload(): Fault {
  return {
    arrive({ store, operation }) {
      store.repositories.get(operation.repository)?.uploads.delete(operation.reference);
      return undefined;
    },
  };
}

/** The first `count` bytes; with `stop` false the rest is left unread and the source not closed. */
async function* first(
  bytes: AsyncIterable<Uint8Array>,
  count: number,
  stop = true,
): AsyncGenerator<Uint8Array> {
  let left = count;
  const iterator = bytes[Symbol.asyncIterator]();
  while (left > 0) {
    const next = await iterator.next();
    if (next.done) return;
    const part = next.value.subarray(0, left);
    left -= part.byteLength;
    yield part;
  }
  if (stop) await iterator.return?.();
}

async function* joined(bytes: AsyncIterable<Uint8Array>, end: Uint8Array) {
  yield* bytes;
  yield end;
}

async function* flipped(bytes: AsyncIterable<Uint8Array>, at: number) {
  let offset = 0;
  for await (const chunk of bytes) {
    const copy = Buffer.from(chunk);
    const place = at - offset;
    if (place >= 0 && place < copy.length) copy[place] = (copy[place] ?? 0) ^ 0xff;
    offset += copy.length;
    yield copy;
  }
}
