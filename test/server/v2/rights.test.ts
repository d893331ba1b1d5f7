import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../../src/core/digest.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";
import type { AuditEvent } from "../../../src/server/audit.ts";
import { routeRepository } from "../../../src/server/upstream/route.ts";
import { RegistryAnswerError } from "../../../src/server/v2/answer-error.ts";
import type { V2Parts } from "../../../src/server/v2/parts.ts";
import { call } from "../../support/server/client.ts";
import { dataSets } from "../../support/server/data-sets.ts";
import { MemoryBackend } from "../../support/server/memory-backend.ts";
import { asUser, smallAccess } from "../../support/server/small-parts.ts";
import { routeHere, startV2Server } from "../../support/server/v2-server.ts";

const blob = digestOf(Buffer.from("{}"));
const index = dataSets["empty index"]?.manifests[0]?.bytes ?? Buffer.alloc(0);
const other = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: [],
    annotations: {},
  }),
);
const indexType = { "Content-Type": mediaTypes.ociIndex };

const access = smallAccess({
  reader: { "team/app": ["pull"], other: ["pull"] },
  writer: { "team/app": ["pull", "push"], "open/*": ["pull"] },
  owner: { "*": ["pull", "push", "overwrite", "delete"] },
});

/** A server of that access, with `{}` in `other`, in memory. */
async function start(parts: Partial<V2Parts> = {}) {
  const backend = new MemoryBackend();
  backend.at("registry.test/other").blobs.set(blob, Buffer.from("{}"));
  const server = await startV2Server({
    access,
    backendOf: () => backend,
    catalog: backend,
    ...parts,
  });
  return {
    server,
    backend,
    origin: server.origin,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const challenges: [method: string, path: string, challenge: string][] = [
  ["GET", "/v2/", "Test :"],
  ["GET", "/v2/_catalog", "Test :pull"],
  ["GET", "/v2/team/app/manifests/latest", "Test team/app:pull"],
  ["HEAD", "/v2/team/app/manifests/latest", "Test team/app:pull"],
  ["GET", `/v2/team/app/blobs/${blob}`, "Test team/app:pull"],
  ["GET", "/v2/team/app/tags/list", "Test team/app:pull"],
  ["GET", `/v2/team/app/referrers/${blob}`, "Test team/app:pull"],
  ["POST", "/v2/team/app/blobs/uploads/", "Test team/app:pull,push"],
  ["POST", `/v2/team/app/blobs/uploads/?mount=${blob}&from=x`, "Test team/app:pull,push x:pull"],
  ["PATCH", "/v2/team/app/blobs/uploads/x", "Test team/app:pull,push"],
  ["PUT", `/v2/team/app/blobs/uploads/x?digest=${blob}`, "Test team/app:pull,push"],
  ["GET", "/v2/team/app/blobs/uploads/x", "Test team/app:pull,push"],
  ["DELETE", "/v2/team/app/blobs/uploads/x", "Test team/app:pull,push"],
  ["PUT", "/v2/team/app/manifests/latest", "Test team/app:pull,push"],
  ["DELETE", "/v2/team/app/manifests/latest", "Test team/app:delete"],
  ["DELETE", `/v2/team/app/blobs/${blob}`, "Test team/app:delete"],
];

test("nobody in particular is asked who they are, for exactly what is needed", async () => {
  await using world = await start();
  for (const [method, path, challenge] of challenges) {
    const answer = await call(world.origin, method, path, { body: "" });
    assert.equal(answer.status, 401, `${method} ${path}`);
    assert.equal(answer.headers["www-authenticate"], challenge);
    assert.equal(answer.headers["docker-distribution-api-version"], "registry/2.0");
    if (method === "HEAD") continue;
    assert.equal(answer.code, "UNAUTHORIZED");
    const [{ detail }] = JSON.parse(answer.body.toString()).errors;
    assert.equal(detail[0].Name, path.includes("team/app") ? "team/app" : "catalog");
  }
});

test("somebody who may not is answered 403, whether the thing is there or not", async () => {
  await using world = await start();
  for (const [method, path] of challenges.slice(2)) {
    const hidden = path.replace("team/app", "team/hidden");
    const answer = await call(world.origin, method, hidden, {
      body: "",
      headers: asUser("writer"),
    });
    assert.equal(answer.status, 403, `${method} ${path}`);
    if (method === "HEAD") continue;
    assert.equal(answer.code, "DENIED");
    const [{ detail }] = JSON.parse(answer.body.toString()).errors;
    assert.equal(detail[0].Name, "team/hidden"); // without it Go's clients leave out the message
  }
});

test("bad credentials are refused even where none are needed", async () => {
  await using world = await start({ access: smallAccess({ "": { "*": ["pull"] } }) });
  assert.equal((await call(world.origin, "GET", "/v2/")).status, 200);
  const answer = await call(world.origin, "GET", "/v2/", { headers: asUser("stranger") });
  assert.equal(answer.status, 401);
  assert.equal(answer.headers["www-authenticate"], "Test bad");
});

test("rights are judged of the one name that is served", async () => {
  await using world = await start();
  const headers = asUser("reader");
  for (const path of [
    "/v2/other/../secret",
    "/v2/other%2f..%2fsecret",
    "/v2//other",
    "/v2/Other",
  ]) {
    const { status } = await call(world.origin, "GET", `${path}/manifests/x`, { headers });
    assert.equal(status, 400, path);
  }
  const seen: string[] = [];
  await using routed = await start({
    route: (asked) => {
      seen.push(asked.path);
      return routeHere(asked);
    },
    access: { ...access, allows: (_caller, name) => seen.push(name) > 0, anonymous: true },
  });
  await call(routed.origin, "GET", "/hub/v2/library/alpine/tags/list");
  assert.deepEqual(new Set(seen), new Set(["hub/library/alpine"]));
});

test("a right to a path is none to an upstream's repository of that path", async () => {
  const upstreams = [{ name: "ghcr.io", hosts: ["ghcr.proxy.test"], default: false }];
  const table = { own: "registry.test", upstreams };
  await using world = await start({ route: (asked) => routeRepository(table, asked) });
  const get = async (path: string, headers: object = {}) =>
    await call(world.origin, "GET", path, { headers: { ...asUser("reader"), ...headers } });
  assert.equal((await get("/v2/team/app/manifests/x")).status, 404);
  assert.equal((await get("/v2/team/app/manifests/x?ns=registry.test")).status, 404);
  assert.equal((await get("/v2/team/app/manifests/x?ns=ghcr.io")).status, 403);
  assert.equal((await get("/v2/team/app/manifests/x", { "OCI-Namespace": "ghcr.io" })).status, 403);
  assert.equal(
    (await get("/v2/team/app/manifests/x", { Host: "ghcr.proxy.test:443" })).status,
    403,
  );
  assert.equal((await get("/v2/ghcr.io/team/app/manifests/x")).status, 403);
  const nobody = await call(world.origin, "GET", "/v2/team/app/tags/list?ns=ghcr.io");
  assert.equal(nobody.headers["www-authenticate"], "Test ghcr.io/team/app:pull");
});

test("a repository that is routed nowhere is refused in the route's words", async () => {
  const refused = new RegistryAnswerError("NAME_UNKNOWN", "no upstream of that name", {
    status: 404,
  });
  const asked: unknown[] = [];
  await using server = await startV2Server({
    route: (repository) => {
      asked.push(repository);
      return refused;
    },
  });
  const headers = { Host: "GHCR.proxy.test:5000", "OCI-Namespace": "evil.test" };
  const answer = await call(server.origin, "GET", "/v2/a/manifests/x", { headers });
  assert.equal(answer.status, 404);
  assert.equal(answer.code, "NAME_UNKNOWN");
  await call(server.origin, "GET", "/hub/v2/a/manifests/x", { headers });
  const said = { namespace: "evil.test", host: "ghcr.proxy.test:5000" };
  assert.deepEqual(asked, [
    { path: "a", ...said },
    { path: "hub/a", ...said, front: "hub" },
  ]);
});

test("a mount needs the right to pull from its source; without, the client is told to upload", async () => {
  await using world = await start();
  const path = `/v2/team/app/blobs/uploads/?mount=${blob}`;
  for (const source of ["&from=other", ""]) {
    const headers = asUser("writer");
    const answer = await call(world.origin, "POST", `${path}${source}`, { body: "", headers });
    assert.equal(answer.status, 202);
  }
  assert.equal(world.backend.at("registry.test/team/app").blobs.size, 0);
  const headers = asUser("owner");
  for (const source of ["&from=other", ""]) {
    const answer = await call(world.origin, "POST", `${path}${source}`, { body: "", headers });
    assert.equal(answer.status, 201);
  }
});

test("whose token alone does not say that they may is told what to ask for", async () => {
  const narrow = smallAccess({ ci: { "team/app": ["push"], bare: ["delete"] } });
  const wide = smallAccess({ ci: { "*": ["pull", "push"] } });
  const scoped = { ...narrow, wouldAllow: wide.allows };
  await using world = await start({ access: scoped });
  const mount = `/v2/team/app/blobs/uploads/?mount=${blob}&from=other`;
  for (const [method, path, challenge] of [
    ["GET", "/v2/team/app/tags/list", "Test team/app:pull"],
    ["POST", "/v2/bare/blobs/uploads/", "Test bare:pull,push"],
    ["POST", mount, "Test team/app:pull,push other:pull"],
    ["DELETE", `/v2/team/app/blobs/${blob}`, undefined],
  ] as const) {
    const answer = await call(world.origin, method, path, { body: "", headers: asUser("ci") });
    const expected = challenge && `${challenge},error="insufficient_scope"`;
    assert.equal(answer.status, challenge ? 401 : 403, path);
    assert.equal(answer.code, challenge ? "UNAUTHORIZED" : "DENIED");
    assert.equal(answer.headers["www-authenticate"], expected);
  }
});

test("an upload is its beginner's alone", async () => {
  await using world = await start();
  const begun = await call(world.origin, "POST", "/v2/team/app/blobs/uploads/", {
    body: "",
    headers: asUser("writer"),
  });
  const location = begun.headers.location ?? "";
  for (const method of ["GET", "PATCH", "DELETE"]) {
    const answer = await call(world.origin, method, location, {
      body: "",
      headers: asUser("owner"),
    });
    assert.equal(answer.status, 404);
    const moved = location.replace("team/app", "other");
    const there = await call(world.origin, method, moved, { body: "", headers: asUser("owner") });
    assert.equal(there.status, 404);
  }
});

test("who may push but not overwrite makes tags, and puts the same again, but moves none", async () => {
  await using world = await start();
  const put = async (reference: string, body: Uint8Array, user = "writer") => {
    const headers = { ...indexType, ...asUser(user) };
    return (
      await call(world.origin, "PUT", `/v2/team/app/manifests/${reference}`, { headers, body })
    ).status;
  };
  assert.equal(await put("1", index), 201);
  assert.equal(await put("1", index), 201);
  assert.equal(await put("1", other), 403);
  const digest = digestOf(other);
  assert.equal(await put(digest, other), 201);
  assert.equal(await put(`${digest}?tag=2&tag=1`, other), 403);
  assert.deepEqual([...world.backend.at("registry.test/team/app").tags.keys()], ["1"]);
  assert.equal(await put(`${digest}?tag=2&tag=3`, other), 201);
  assert.equal(await put("1", other, "owner"), 201);
});

test("a tag that moves between the look and the put is not overwritten", async () => {
  await using world = await start();
  const { backend } = world;
  const read = backend.readManifest.bind(backend);
  backend.readManifest = async (repository, reference) => {
    const seen = await read(repository, reference);
    backend.at("registry.test/team/app").tags.set("1", digestOf(Buffer.from("somebody else's")));
    return seen;
  };
  const headers = { ...indexType, ...asUser("writer") };
  const path = "/v2/team/app/manifests/1";
  assert.equal((await call(world.origin, "PUT", path, { headers, body: index })).status, 412);
});

test("HEAD of a manifest by whoever may push is told as such to backends, and nothing else", async () => {
  await using world = await start();
  const told: (boolean | undefined)[] = [];
  world.backend.readManifest = async (_repository, _reference, asked) => {
    told.push(asked?.isForPushing);
    return undefined;
  };
  for (const [method, user] of [
    ["HEAD", "writer"],
    ["HEAD", "reader"],
    ["GET", "writer"],
  ] as const)
    await call(world.origin, method, "/v2/team/app/manifests/1", { headers: asUser(user) });
  assert.deepEqual(told, [true, false, false]);
});

test("nothing is deleted where deletion is switched off", async () => {
  await using world = await start({ deletion: false });
  const headers = asUser("owner");
  const held = world.backend.at("registry.test/team/app");
  held.tags.set("1", blob);
  for (const path of ["manifests/1", `manifests/${blob}`, `blobs/${blob}`]) {
    const answer = await call(world.origin, "DELETE", `/v2/team/app/${path}`, { headers });
    assert.equal(answer.status, 405);
    assert.equal(answer.code, "UNSUPPORTED");
  }
  assert.equal(held.tags.size, 1);
});

test("the catalog lists what the caller may pull, and leads on behind what is hidden", async () => {
  await using world = await start();
  for (const path of ["a", "b", "team/app"]) world.backend.at(`registry.test/${path}`);
  const headers = asUser("reader");
  const found: string[] = [];
  let pages = 0;
  for (let path: string | undefined = "/v2/_catalog?n=1"; path !== undefined; pages += 1) {
    const answer = await call(world.origin, "GET", path, { headers });
    found.push(...JSON.parse(answer.body.toString()).repositories);
    path = /<([^>]+)>/.exec(String(answer.headers["link"] ?? ""))?.[1];
  }
  assert.deepEqual(found, ["other", "team/app"]);
  assert.equal(pages, 4);
});

test("a token for the catalog shows what its user may pull, another none of it", async () => {
  const scoped = { ...access, whoLists: () => ({ user: "reader", address: "" }) };
  await using world = await start({ access: scoped });
  const headers = asUser("writer");
  world.backend.at("registry.test/team/app");
  const answer = await call(world.origin, "GET", "/v2/_catalog", { headers });
  assert.deepEqual(JSON.parse(answer.body.toString()).repositories, ["other", "team/app"]);
  await using other = await start({ access: { ...access, whoLists: () => undefined } });
  const refused = await call(other.origin, "GET", "/v2/_catalog", { headers });
  assert.equal(refused.status, 401);
  assert.equal(refused.headers["www-authenticate"], 'Test :pull,error="insufficient_scope"');
});

test("there is no catalog where nothing is to be listed", async () => {
  const backend = new MemoryBackend();
  await using server = await startV2Server({
    backendOf: () => backend,
    catalog: undefined as never,
  });
  assert.equal((await call(server.origin, "GET", "/v2/_catalog")).status, 404);
});

test("the audit log is told who pulled, pushed and deleted what", async () => {
  const notes: AuditEvent[] = [];
  await using world = await start({ audit: { note: (event) => notes.push(event) } });
  const headers = { ...indexType, ...asUser("owner") };
  const path = "/v2/team/app/manifests/1";
  await call(world.origin, "PUT", path, { headers, body: index });
  await call(world.origin, "HEAD", path, { headers });
  await call(world.origin, "GET", path, { headers });
  await call(world.origin, "DELETE", path, { headers });
  const common = { user: "owner", address: "127.0.0.1", repository: "registry.test/team/app" };
  const digest = digestOf(index);
  assert.deepEqual(notes, [
    { type: "push", reference: "1", digest, ...common },
    { type: "pull", reference: "1", digest, ...common },
    { type: "delete", reference: "1", ...common },
  ]);
});
