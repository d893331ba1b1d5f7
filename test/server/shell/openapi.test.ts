import assert from "node:assert/strict";
import { test } from "node:test";
import { startServed } from "../../support/server/served.ts";

type Json = Record<string, unknown>;

/** Every object in a document, with where it is. */
function* objects(value: unknown, path = "#"): Generator<readonly [string, Json]> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield [path, value as Json];
  for (const [name, member] of Object.entries(value)) yield* objects(member, `${path}/${name}`);
}

function resolve(document: unknown, reference: string): unknown {
  let at = document;
  for (const part of reference.slice(2).split("/")) at = (at as Json | undefined)?.[part];
  return at;
}

test("the API's description names every route below /api/v1, and refers to nothing that it lacks", async () => {
  await using served = await startServed();
  const answer = await fetch(`${served.url}/api/v1/openapi.json`);
  assert.match(answer.headers.get("content-type") ?? "", /^application\/json/);
  const document = (await answer.json()) as Json;
  assert.equal(document["openapi"], "3.1.0");
  const paths = document["paths"] as Record<string, Record<string, Json>>;
  for (const path of ["/api/v1/openapi.json", "/api/v1/decisions/{id}", "/api/v1/blocked"])
    assert.ok(path in paths, path);
  const blocked = paths["/api/v1/blocked"];
  assert.deepEqual(Object.keys(blocked ?? {}).sort(), ["delete", "get", "post"]);
  for (const [place, object] of objects(document)) {
    const { $ref: reference } = object;
    if (typeof reference === "string")
      assert.notEqual(resolve(document, reference), undefined, `${place}: ${reference}`);
    assert.ok(!("$schema" in object) && !("$defs" in object), place);
  }
  const ids = Object.values(paths).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId),
  );
  assert.equal(new Set(ids).size, ids.length);
  for (const operation of Object.values(paths).flatMap((path) => Object.values(path))) {
    assert.notEqual(operation["summary"], "", JSON.stringify(operation["operationId"]));
    const { responses, parameters } = operation as { responses: Json; parameters: Json[] };
    assert.ok("default" in responses && Object.keys(responses).length > 1);
    const keys = parameters.map((parameter) => `${parameter["in"]} ${parameter["name"]}`);
    assert.equal(new Set(keys).size, keys.length);
  }
});

test("the API's description names headers that count, bodies that may be left out, and refusals", async () => {
  await using served = await startServed();
  const document = await (await fetch(`${served.url}/api/v1/openapi.json`)).json();
  const { paths } = document as { paths: Record<string, Record<string, Json>> };
  const of = (path: string, method: string) => paths[path]?.[method] ?? {};
  const headersOf = (path: string, method: string) =>
    (of(path, method)["parameters"] as Json[])
      .filter((parameter) => parameter["in"] === "header")
      .map(({ name, required }) => [name, required]);
  const body = (path: string) => (of(path, "post")["requestBody"] as Json)["required"];
  const run = "/api/v1/mirrors/{name}/run";
  for (const path of ["/api/v1/jobs", "/api/v1/jobs/{id}/retry", run]) {
    assert.deepEqual(headersOf(path, "post"), [["Idempotency-Key", false]]);
    assert.ok("422" in (of(path, "post")["responses"] as Json), path);
  }
  assert.deepEqual(headersOf("/api/v1/jobs/{id}/events", "get"), [["Last-Event-ID", false]]);
  assert.deepEqual([body("/api/v1/jobs"), body(run)], [true, false]);
});

test("what the description says of a body is what the server takes", async () => {
  await using served = await startServed();
  const post = (body: unknown) =>
    fetch(`${served.url}/api/v1/blocked`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  const digest = `sha256:${"0".repeat(64)}`;
  assert.equal((await post({ digest, reason: "malware" })).status, 201);
  for (const bad of [{}, { digest }, { digest: "x", reason: "r" }, { digest, reason: "r", x: 1 }])
    assert.equal((await post(bad)).status, 400);
  const list = (await (await fetch(`${served.url}/api/v1/blocked`)).json()) as Json;
  assert.equal((list["blocked"] as unknown[]).length, 1);
});
