import { request as openRequest } from "node:http";
import { SigningError } from "./errors.ts";
import {
  maxRequestBytes,
  type SignAnswer,
  type SignRequest,
  signAnswer,
  signRefusal,
} from "./messages.ts";

/** Has the signer sign. */
export interface SignerClient {
  /**
   * @throws {SigningError} `signing.refused`, `signing.bad-request`; `signing.signer-unreachable`, retryable, where it
   *   could not be asked or failed
   */
  sign(request: SignRequest, signal: AbortSignal): Promise<SignAnswer>;
}

/** A key on a card may have to be touched. */
const waitMs = 60_000;

/** Speaks with the signer that listens on a unix socket. */
export function createSignerClient(socket: string): SignerClient {
  return {
    async sign(request, signal) {
      const body = Buffer.from(JSON.stringify(request));
      if (body.length > maxRequestBytes)
        throw new SigningError("signing.bad-request", "there is too much to sign at once");
      const { status, text } = await post(socket, body, signal);
      if (status === 200) {
        const parsed = signAnswer.safeParse(jsonOf(text));
        if (parsed.success) return parsed.data;
        throw unreachable("its answer is none");
      }
      const said = signRefusal.safeParse(jsonOf(text));
      const why = said.success ? said.data.refused : `it answered ${status}`;
      if (status === 403) throw new SigningError("signing.refused", why);
      if (status === 400) throw new SigningError("signing.bad-request", why);
      throw unreachable(why);
    },
  };
}

function post(
  socketPath: string,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{
    readonly status: number;
    readonly text: string;
  }>();
  const fail = (error: Error) =>
    reject(signal.aborted ? signal.reason : unreachable("no answer", error));
  const request = openRequest(
    {
      socketPath,
      path: "/sign",
      method: "POST",
      headers: { "Content-Type": "application/json", "Content-Length": body.length },
      signal: AbortSignal.any([signal, AbortSignal.timeout(waitMs)]),
      agent: false,
    },
    (response) => {
      const chunks: Uint8Array[] = [];
      response.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      response.on("error", fail);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
      );
    },
  );
  request.on("error", fail);
  request.end(body);
  return promise;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unreachable(why: string, cause?: unknown): SigningError {
  return new SigningError("signing.signer-unreachable", `The signer does not sign: ${why}`, {
    retryable: true,
    ...(cause !== undefined && { cause }),
  });
}
