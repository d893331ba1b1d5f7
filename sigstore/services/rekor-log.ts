import { hash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { KnownError } from "../../src/core/errors.ts";
import { type JsonNode, JsonNumber, JsonObject, parseJsonText } from "../../src/core/json-text.ts";
import { type LoggedSignature, matchLogEntry } from "../cosign/rekor-set.ts";
import type { SignatureLog } from "../cosign/signer.ts";
import { SignatureError } from "../errors.ts";
import { endpointOf, type ServiceAnswer, type ServiceClient } from "./service-client.ts";

const entriesPath = "/api/v1/log/entries";
const maxDepth = 100;

/** The reference's client tries so often, and waits twice as long each time. */
const attempts = 4;
const firstWaitMs = 1_000;
const longestWaitMs = 30_000;

/**
 * A Rekor 1 log: takes what was signed as a `hashedrekord` 0.0.1, and gives its promise — `specs/signing.md` 4.4.
 *
 * @param pause waits so many milliseconds between two tries
 */
export function createRekorLog(
  client: ServiceClient,
  url: URL,
  pause: Pause = sleep,
): SignatureLog {
  return {
    async add(entry, signal) {
      const answer = await upload(client, url, proposal(entry), signal, pause);
      return setOf(entries(answer), entry);
    },
  };
}

function proposal({ payload, signature, keyOrCertificate }: LoggedSignature): string {
  return JSON.stringify({
    kind: "hashedrekord",
    apiVersion: "0.0.1",
    spec: {
      data: { hash: { algorithm: "sha256", value: hash("sha256", payload) } },
      signature: {
        content: signature,
        publicKey: { content: Buffer.from(keyOrCertificate).toString("base64") },
      },
    },
  });
}

type Pause = (ms: number, value: undefined, options: { signal: AbortSignal }) => Promise<unknown>;

/** What is in the log already is read from there. */
async function upload(
  client: ServiceClient,
  url: URL,
  body: string,
  signal: AbortSignal,
  pause: Pause,
): Promise<ServiceAnswer> {
  const to = endpointOf(url, entriesPath);
  const headers = { accept: "application/json", "content-type": "application/json" };
  const answer = await saying("Error uploading a log entry", () =>
    retrying("POST", to, signal, pause, () => client.send("POST", to, signal, { body, headers })),
  );
  if (answer.status === 201) return answer;
  const uuid = answer.status === 409 ? answer.header("location")?.split("/").at(-1) : undefined;
  if (uuid === undefined || uuid === "") {
    throw bad(`Error uploading a log entry: Rekor ${entriesPath} ${refusal(answer)}`);
  }
  const from = endpointOf(url, `${entriesPath}/${encodeURIComponent(uuid)}`);
  const during = `Error re-loading previously-created log entry with UUID ${uuid}`;
  const found = await saying(during, () =>
    retrying("GET", from, signal, pause, () =>
      client.send("GET", from, signal, { headers: { accept: "application/json" } }),
    ),
  );
  if (found.status === 200) return found;
  const why = found.status === 404 ? ": entry not found (404)" : ` ${refusal(found)}`;
  throw bad(`${during}: Rekor ${entriesPath}/{entryUUID}${why}`);
}

async function retrying(
  method: string,
  url: URL,
  signal: AbortSignal,
  pause: Pause,
  send: () => Promise<ServiceAnswer>,
): Promise<ServiceAnswer> {
  for (let attempt = 1; ; attempt++) {
    const { answer, error } = await tried(send);
    if (answer && !isPassing(answer)) return answer;
    if (attempt === attempts || error?.retryable === false) {
      throw givenUp(method, url, attempt, error);
    }
    await pause(waitMs(attempt, answer), undefined, { signal });
  }
}

/** Whether the same may be answered in another way later. */
function isPassing({ status }: ServiceAnswer): boolean {
  return status === 429 || (status >= 500 && status !== 501);
}

function waitMs(attempt: number, answer: ServiceAnswer | undefined): number {
  const asked = Number(answer?.header("retry-after"));
  const wait = asked > 0 ? asked * 1000 : firstWaitMs * 2 ** (attempt - 1);
  return Math.min(wait, longestWaitMs);
}

function givenUp(method: string, url: URL, attempt: number, error?: KnownError): SignatureError {
  const verb = method === "GET" ? "Get" : "Post";
  const last = error ? `: ${error.message}` : "";
  return bad(
    `${verb} "${url.href}": ${method} ${url.href} giving up after ${attempt} attempt(s)${last}`,
    error,
  );
}

async function tried(
  send: () => Promise<ServiceAnswer>,
): Promise<{ readonly answer?: ServiceAnswer; readonly error?: KnownError }> {
  try {
    return { answer: await send() };
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    return { error };
  }
}

/** What the log says of why not, as the reference tells it. */
function refusal({ status, text }: ServiceAnswer): string {
  const told = parsed(text);
  const [code, message] = ["code", "message"].map((name) => memberOf(told, name));
  const number = code instanceof JsonNumber ? code.text : "0";
  const details = `{Code:${number} Message:${typeof message === "string" ? message : ""}}`;
  if (status === 400) return `failed: bad request (400), ${details}`;
  if (status === 409) return `failed with a conflict (409), ${details}`;
  return `failed with unexpected status ${status}: ${details}`;
}

function entries({ text }: ServiceAnswer): JsonNode {
  const all = parsed(text);
  const members = all instanceof JsonObject ? all.members : [];
  const [entry] = members;
  if (entry && members.length === 1) return entry.value;
  throw bad(`expected 1 Rekor entry, got ${members.length}`);
}

/** The annotation, once what was logged has been seen to be what was signed. */
function setOf(entry: JsonNode, logged: LoggedSignature): string {
  const [body, integratedTime, logIndex, logID] = [
    "body",
    "integratedTime",
    "logIndex",
    "logID",
  ].map((name) => memberOf(entry, name));
  const timestamp = memberOf(memberOf(entry, "verification"), "signedEntryTimestamp");
  if (
    typeof body !== "string" ||
    !(integratedTime instanceof JsonNumber) ||
    !(logIndex instanceof JsonNumber) ||
    typeof logID !== "string" ||
    typeof timestamp !== "string"
  ) {
    throw bad("invalid Rekor entry (missing data)");
  }
  matchLogEntry(Buffer.from(body, "base64"), logged);
  // Canonical, as it is signed and as the reference writes it; numbers keep their digits.
  const payload = `{"body":${JSON.stringify(body)},"integratedTime":${integratedTime.text},"logID":${JSON.stringify(logID)},"logIndex":${logIndex.text}}`;
  return `{"Payload":${payload},"SignedEntryTimestamp":${JSON.stringify(timestamp)}}`;
}

function parsed(text: string): JsonNode {
  try {
    return parseJsonText(text, { maxDepth });
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    throw bad(`Error uploading a log entry: ${error.message}`, error);
  }
}

function memberOf(node: JsonNode | undefined, name: string): JsonNode | undefined {
  if (!(node instanceof JsonObject)) return undefined;
  return node.members.findLast((member) => member.name === name)?.value;
}

/** Failures with what was being done in front. */
async function saying<T>(during: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    throw bad(`${during}: ${error.message}`, error);
  }
}

function bad(message: string, cause?: unknown): SignatureError {
  return new SignatureError("signature.cannot-sign", message, { cause });
}
