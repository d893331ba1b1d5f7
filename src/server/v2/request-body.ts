import { RegistryAnswerError } from "./answer-error.ts";
import type { Exchange } from "./exchange.ts";

/** The length that a request's headers tell of its body; undefined where it comes in pieces. */
export function announcedLength({ request }: Exchange): number | undefined {
  if (request.headers["transfer-encoding"] !== undefined) return undefined;
  return Number(request.headers["content-length"] ?? 0);
}

/** Whether there is any of the body that was not read. */
export function hasUnreadBody(exchange: Exchange): boolean {
  return !exchange.request.complete && announcedLength(exchange) !== 0;
}

/**
 * The bytes of a request's body as they come, no more than `maxBytes`. Leaving early does not end the connection: an
 * answer can still be given.
 *
 * @throws {RegistryAnswerError} 413 SIZE_INVALID: before the first byte where the headers tell so
 */
export async function* requestBody(
  exchange: Exchange,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  const announced = announcedLength(exchange);
  if (announced !== undefined && announced > maxBytes) throw tooLarge(maxBytes);
  if (announced === 0) return;
  letCome(exchange);
  exchange.awaitsClient = true;
  try {
    const chunks: AsyncIterable<Uint8Array> = exchange.request.iterator({ destroyOnReturn: false });
    for await (const chunk of chunks) {
      exchange.receivedBytes += chunk.length;
      if (exchange.receivedBytes > maxBytes) throw tooLarge(maxBytes);
      exchange.awaitsClient = false;
      yield chunk;
      exchange.awaitsClient = true;
    }
  } finally {
    exchange.awaitsClient = false;
  }
}

/** A body held whole. */
export async function readRequestBody(exchange: Exchange, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of requestBody(exchange, maxBytes)) chunks.push(chunk);
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

/** Who asked whether to go on is told so now: Node does it unasked unless the server listens for such requests. */
function letCome({ request, response }: Exchange): void {
  if (request.headers.expect?.toLowerCase() !== "100-continue") return;
  const { server } = request.socket;
  if ((server?.listenerCount("checkContinue") ?? 0) > 0) response.writeContinue();
}

function tooLarge(maxBytes: number): RegistryAnswerError {
  const message = `exceeded maximum allowed size of ${maxBytes} bytes`;
  return new RegistryAnswerError("SIZE_INVALID", message, { status: 413 });
}
