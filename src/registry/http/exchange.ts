import type { AbortCalls } from "./abort-calls.ts";
import { framesOf } from "./body-frames.ts";
import type { HttpRequest } from "./contract.ts";
import { badResponse } from "./errors.ts";
import { framingOf, keepsAlive } from "./framing.ts";
import { formatRequestHead, type HeadOptions } from "./request-head.ts";
import { WireResponse } from "./response.ts";
import { HeadLines, parseHead, type ResponseHead } from "./response-head.ts";
import { Sender } from "./sender.ts";
import type { Wire } from "./wire.ts";

/** How an exchange is to be done, and who is told of its end. */
export interface ExchangeOptions {
  readonly head: HeadOptions;
  readonly aborts: AbortCalls;
  readonly headersMs: number;
  readonly readIdleMs: number;
  /** Called once the connection is free again. The head is given where another request may follow. */
  readonly onFree: (keep: ResponseHead | undefined) => void;
}

/** One request on a connection that nobody else uses, and its response. The connection is lost where this throws. */
export async function exchange(
  wire: Wire,
  request: HttpRequest,
  options: ExchangeOptions,
): Promise<WireResponse> {
  const { signal } = request;
  const onAbort = () => wire.kill(signal.reason);
  const free = (keep?: ResponseHead) => {
    options.aborts.delete(signal, onAbort);
    options.onFree(keep);
  };
  try {
    signal.throwIfAborted();
    const requestHead = formatRequestHead(request, options.head);
    options.aborts.add(signal, onAbort);
    const upload = startSending(wire, request, requestHead, options.headersMs);
    const head = await readFinalHead(wire, request.method);
    upload.stop();
    wire.expectWithin();
    wire.phase = "body";
    const framing = framingOf(head, request.method);
    wire.inbox.large =
      framing.kind === "length" ? framing.length > largeBody : request.lane === "blob";
    const reusable = upload.sent && keepsAlive(head, framing);
    return new WireResponse({
      wire,
      head,
      framing,
      frames: framesOf(framing),
      readIdleMs: options.readIdleMs,
      onEnd: (complete) => free(complete && reusable ? head : undefined),
    });
  } catch (error) {
    free();
    throw error;
  }
}

/** From this size on a body is read through large blocks. */
const largeBody = 128 * 1024;

/** Sending goes on beside the reading of the answer, which may come before all is sent. */
function startSending(wire: Wire, request: HttpRequest, head: Uint8Array, headersMs: number) {
  const sender = new Sender(wire);
  const upload = {
    sent: false,
    stop: () => {
      wire.onStir = undefined;
      if (!upload.sent) sender.stop();
    },
  };
  wire.phase = "send";
  wire.heard = false;
  wire.onStir = () => {
    if (wire.lost) sender.stop();
  };
  void sender.send(head, request.body).then((sent) => {
    upload.sent = sent;
    if (!sent || wire.phase !== "send") return;
    wire.phase = "head";
    wire.expectWithin(headersMs);
  });
  return upload;
}

/** Most interim responses (1xx) before the final one. */
const maxInterim = 16;

/** Reads the head of the answer; interim ones are passed over. */
export async function readFinalHead(wire: Wire, method: string): Promise<ResponseHead> {
  for (let interim = 0; interim <= maxInterim; interim++) {
    const head = await readHead(wire);
    if (head.status >= 200) return head;
    if (head.status === 101) throw badResponse(`unexpected 101 response to ${method}`);
  }
  throw badResponse("net/http: too many 1xx informational responses");
}

async function readHead(wire: Wire): Promise<ResponseHead> {
  const lines = new HeadLines();
  for (;;) {
    if (!(await wire.more())) throw lines.atEnd(wire.phase);
    const { used, done } = lines.push(wire.inbox.peek());
    wire.skip(used);
    if (done) return parseHead(lines.lines);
  }
}
