import assert from "node:assert/strict";
import { test } from "node:test";
import { verifyRekorSet } from "../../../sigstore/cosign/rekor-set.ts";
import { createRekorLog } from "../../../sigstore/services/rekor-log.ts";
import { testKey } from "../../support/certificates.ts";
import { signPayload } from "../../support/sigstore.ts";
import type { ServiceAnswer, ServiceRequest } from "../../support/sigstore-services.ts";
import { servicesWorld } from "./services-world.ts";

const { signal } = new AbortController();

function signedText(text: string) {
  const key = testKey("p256", "logged");
  const payload = Buffer.from(text);
  return { payload, signature: signPayload(payload, key), keyOrCertificate: key.pem };
}

async function logWorld() {
  const world = await servicesWorld();
  const pauses: number[] = [];
  const log = createRekorLog(world.client, world.url, async (ms) => {
    pauses.push(ms);
  });
  return { ...world, log, pauses };
}

test("what is added is promised, and what is there already is read", async () => {
  await using world = await logWorld();
  const entry = signedText("one");
  const set = await world.log.add(entry, signal);
  const loggedAt = verifyRekorSet(set, [world.services.rekor.publicKey], entry);
  assert.ok(Math.abs(loggedAt.getTime() - Date.now()) < 60_000);
  const again = await world.log.add(entry, signal);
  assert.ok(verifyRekorSet(again, [world.services.rekor.publicKey], entry));
  assert.deepEqual(
    world.services.requests.map(({ method }) => method),
    ["POST", "POST", "GET"],
  );
  assert.deepEqual(Object.keys(JSON.parse(set)), ["Payload", "SignedEntryTimestamp"]);
  assert.deepEqual(world.pauses, []);
});

test("what passes is waited for, so long and not longer", async () => {
  await using world = await logWorld();
  const answers: ServiceAnswer[] = [
    { status: 503, body: "", headers: { "retry-after": "3" } },
    { status: 429, body: "" },
    { status: 500, body: "" },
  ];
  world.services.answer = () => answers.shift();
  assert.ok(await world.log.add(signedText("late"), signal));
  assert.deepEqual(world.pauses, [3000, 2000, 4000]);
  world.services.answer = () => ({ status: 502, body: "" });
  const { url } = world.services;
  await assert.rejects(world.log.add(signedText("never"), signal), {
    code: "signature.cannot-sign",
    message: `Error uploading a log entry: Post "${url}/api/v1/log/entries": POST ${url}/api/v1/log/entries giving up after 4 attempt(s)`,
  });
});

test("an answer that is no promise of this signature is refused, in the reference's words", async () => {
  await using world = await logWorld();
  const other = { ...signedText("of another"), integratedTime: 1 };
  const body = Buffer.from(
    JSON.stringify({
      apiVersion: "0.0.1",
      kind: "hashedrekord",
      spec: {
        data: { hash: { algorithm: "sha256", value: "00" } },
        signature: {
          content: other.signature,
          publicKey: { content: Buffer.from(other.keyOrCertificate).toString("base64") },
        },
      },
    }),
  ).toString("base64");
  const entry = { body, integratedTime: 1, logIndex: 1, logID: "x" };
  const verification = { signedEntryTimestamp: "aa" };
  const during = "Error uploading a log entry: ";
  const posted = `${during}Rekor /api/v1/log/entries failed`;
  const cases: readonly (readonly [ServiceAnswer, string])[] = [
    [
      { status: 400, body: '{"code":400,"message":"bad entry"}' },
      `${posted}: bad request (400), {Code:400 Message:bad entry}`,
    ],
    [
      { status: 404, body: '{"code":404,"message":"no"}' },
      `${posted} with unexpected status 404: {Code:404 Message:no}`,
    ],
    [
      { status: 409, body: '{"code":409,"message":"there"}' },
      `${posted} with a conflict (409), {Code:409 Message:there}`,
    ],
    [
      { status: 201, body: "hello" },
      `${during}invalid character 'h' looking for beginning of value`,
    ],
    [{ status: 201, body: "{}" }, "expected 1 Rekor entry, got 0"],
    [{ status: 201, body: '{"a":{},"b":{}}' }, "expected 1 Rekor entry, got 2"],
    [{ status: 201, body: '{"a":{"body":"aa"}}' }, "invalid Rekor entry (missing data)"],
    [
      { status: 201, body: JSON.stringify({ a: { ...entry, verification } }) },
      "signature in Rekor SET does not match",
    ],
  ];
  for (const [answer, message] of cases) {
    world.services.answer = () => answer;
    await assert.rejects(world.log.add(signedText("mine"), signal), (error: Error) => {
      assert.ok(error.message.startsWith(message), `${error.message}\n${message}`);
      return true;
    });
  }
  const gone = (request: ServiceRequest) =>
    request.method === "POST"
      ? { status: 409, body: "{}", headers: { location: "/api/v1/log/entries/gone" } }
      : undefined;
  world.services.answer = gone;
  await assert.rejects(world.log.add(signedText("mine"), signal), {
    message:
      "Error re-loading previously-created log entry with UUID gone: Rekor /api/v1/log/entries/{entryUUID}: entry not found (404)",
  });
  assert.deepEqual(world.pauses, []);
});
