/** What is left to do once the body is out: nothing, RST, an orderly close too early, or silence for ever. */
export type Ending = "end" | "reset" | "close" | "hang";

export type ReplyBody = Uint8Array | AsyncIterable<Uint8Array>;

/** An answer before it is sent; faults replace parts of it. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: ReplyBody;
  readonly ending?: Ending;
}

export function jsonReply(
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): Reply {
  const body = Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
  return {
    status,
    headers: {
      "content-type": "application/json",
      "content-length": String(body.length),
      ...headers,
    },
    body,
  };
}

/** distribution-spec § Error codes. */
export function errorReply(
  status: number,
  code: string,
  message: string = code.toLowerCase().replaceAll("_", " "),
  headers: Record<string, string> = {},
): Reply {
  return jsonReply(status, { errors: [{ code, message, detail: null }] }, headers);
}

export function emptyReply(status: number, headers: Record<string, string> = {}): Reply {
  const length: Record<string, string> = status === 204 ? {} : { "content-length": "0" };
  return { status, headers: { ...length, ...headers } };
}

export function textReply(
  status: number,
  text: string,
  contentType = "text/plain; charset=utf-8",
): Reply {
  const body = Buffer.from(text);
  return {
    status,
    headers: { "content-type": contentType, "content-length": String(body.length) },
    body,
  };
}

/** The body as a stream, whichever form it has. */
export async function* bodyBytes(body: ReplyBody | undefined): AsyncGenerator<Uint8Array> {
  if (body === undefined) return;
  if (body instanceof Uint8Array) yield body;
  else yield* body;
}
