import { chmod, mkdir, rm, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { dirname } from "node:path";
import { KnownError } from "../../core/errors.ts";
import { Slots } from "../../stream/slots.ts";
import type { Report } from "../server-event.ts";
import { SigningError } from "./errors.ts";
import { maxRequestBytes, type SignAnswer, type SignRequest, signRequest } from "./messages.ts";
import { socketAnswers } from "./socket-answers.ts";

/** What the signer's socket answers with. */
export interface SignerServerParts {
  readonly socket: string;
  sign(request: SignRequest, signal: AbortSignal): Promise<SignAnswer>;
  readonly report: Report;
}

/** A signer that listens; dispose of it. */
export interface RunningSigner extends AsyncDisposable {
  readonly socket: string;
}

/** Requests that are being signed at once; others wait. */
const maxAtOnce = 4;

/**
 * Listens on a unix socket that its user and group alone may open.
 *
 * @throws {SigningError} `signing.signer-unreachable` where another signer answers there
 */
export async function startSignerServer(parts: SignerServerParts): Promise<RunningSigner> {
  const { socket } = parts;
  await mkdir(dirname(socket), { recursive: true, mode: 0o750 });
  await removeDeadSocket(socket);
  const turns = new Slots(maxAtOnce);
  const server = createServer((request, response) => void answer(parts, turns, request, response));
  server.requestTimeout = 30_000;
  await listen(server, socket);
  await chmod(socket, 0o660);
  return {
    socket,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function removeDeadSocket(socket: string): Promise<void> {
  const found = await stat(socket).catch(() => undefined);
  if (!found) return;
  if (!found.isSocket() || (await socketAnswers(socket)))
    throw new SigningError(
      "signing.signer-unreachable",
      `Cannot listen on ${socket}: it is in use`,
    );
  await rm(socket, { force: true });
}

function listen(server: Server, socket: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(socket, () => resolve());
  });
}

async function answer(
  { sign, report }: SignerServerParts,
  turns: Slots,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  try {
    if (request.method === "GET" && request.url === "/health") return send(response, 200, {});
    if (request.method !== "POST" || request.url !== "/sign") return send(response, 404, {});
    const asked = parseRequest(await readBody(request));
    using _turn = await turns.take();
    send(response, 200, await sign(asked, gone.signal));
  } catch (error) {
    if (gone.signal.aborted) return;
    const [status, refused] = failureOf(error);
    if (status === 500) report({ type: "message", level: "error", text: "signing failed", error });
    send(response, status, { refused });
  }
}

function parseRequest(text: string): SignRequest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SigningError("signing.bad-request", "the request is no JSON");
  }
  const parsed = signRequest.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.join(".") ?? "";
  throw new SigningError("signing.bad-request", `${where}: ${issue?.message ?? "not understood"}`);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > maxRequestBytes)
      throw new SigningError("signing.bad-request", `more than ${maxRequestBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function failureOf(error: unknown): readonly [number, string] {
  if (!(error instanceof KnownError)) return [500, "the signer failed"];
  if (error.code === "signing.refused") return [403, error.message];
  if (error.code === "signing.bad-request") return [400, error.message];
  return [500, error.message];
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(text),
  });
  response.end(text);
}
