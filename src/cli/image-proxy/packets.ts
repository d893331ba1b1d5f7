import { read } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { KnownError } from "../../core/errors.ts";
import { sendPacket, stopReading } from "../../libc/passed-descriptors.ts";

/** What one call of the client may be long, bytes. */
const maxPacketBytes = 32 * 1024;
const againMs = 20;
/** Go's words: ostree's client knows by their end that the failure is only its own. */
const brokenPipe = "write |1: broken pipe";

/** One call of the client, as it came. */
export interface ProxyRequest {
  readonly method: string;
  readonly args: readonly unknown[];
}

/** What a method gives: a value, a pipe to be finished, files that go along and are closed here once they are sent. */
export interface ProxyReply {
  readonly value?: unknown;
  readonly pipeId?: number;
  readonly descriptors?: readonly number[];
}

/** The packets that come over a SOCK_SEQPACKET socket, until the other side or `signal` ends it. */
export async function* readPackets(socket: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  const stop = () => stopReading(socket); // nothing else ends a read that waits
  signal.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      const packet = await readPacket(socket);
      if (packet === "later") await sleep(againMs, undefined, { signal });
      else if (packet.length === 0) return signal.throwIfAborted();
      else yield packet;
    }
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** A read of such a socket gives one packet. Whoever made it may have it not wait. */
async function readPacket(socket: number): Promise<Buffer | "later"> {
  const buffer = Buffer.alloc(maxPacketBytes);
  try {
    const { bytesRead } = await promisify(read)(socket, buffer, 0, maxPacketBytes, null);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") return "later";
    throw error;
  }
}

/** @throws {KnownError} `usage.bad-flag` for what is no call */
export function parseRequest(packet: Buffer): ProxyRequest {
  const request = parsed(packet);
  const { method = "", args } = request as { method?: unknown; args?: unknown };
  if (typeof method !== "string") throw badCall("invalid request: method is not a string");
  return { method, args: Array.isArray(args) ? args : [] };
}

function parsed(packet: Buffer): object {
  try {
    const value: unknown = JSON.parse(packet.toString());
    if (typeof value === "object" && value !== null) return value;
  } catch (error) {
    throw badCall(`invalid request: ${error instanceof Error ? error.message : error}`);
  }
  throw badCall("invalid request: not an object");
}

/** The error of a call that cannot be meant. */
export function badCall(message: string): KnownError {
  return new KnownError("usage.bad-flag", message);
}

/** Answers a call. */
export function sendReply(socket: number, { value = null, pipeId = 0, ...rest }: ProxyReply): void {
  send(
    socket,
    { success: true, value, pipeid: pipeId, error_code: "", error: "" },
    rest.descriptors,
  );
}

/** Answers a call that failed. */
export function sendFailure(socket: number, error: unknown): void {
  const { code, message } = describeFailure(error);
  send(socket, { success: false, value: null, pipeid: 0, error_code: code, error: message });
}

/** What a client is told of a failure: EPIPE is its own doing, and what is retryable may succeed if asked for again. */
export function describeFailure(error: unknown): {
  readonly code: string;
  readonly message: string;
} {
  const { code } = error as { readonly code?: unknown };
  const message = error instanceof Error ? error.message : String(error);
  if (code === "EPIPE") return { code, message: brokenPipe };
  return { code: error instanceof KnownError && error.retryable ? "retryable" : "other", message };
}

function send(socket: number, reply: object, descriptors: readonly number[] = []): void {
  sendPacket(socket, Buffer.from(JSON.stringify(reply)), descriptors);
}
