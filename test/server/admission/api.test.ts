import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fastify, type InjectOptions } from "fastify";
import type { Access } from "../../../src/server/access.ts";
import { admissionApi } from "../../../src/server/admission/api.ts";
import {
  blockSchema,
  decisionSchema,
  decisionsSchema,
} from "../../../src/server/admission/api-schemas.ts";
import type { AuditEvent } from "../../../src/server/audit.ts";
import { RegistryAnswerError } from "../../../src/server/v2/answer-error.ts";
import {
  accept,
  admissionWorld,
  image,
  people,
  signedBy,
  someDigest,
  type World,
} from "./world.ts";

const folk = people();
after(() => folk[Symbol.dispose]());

const repo = "docker.io/library/app";
const keys = { "ann.pub": folk.keys.ann };

/** `root` may do all, `ann` pull in library, everybody nothing. The user is the header of that name. */
const access: Access = {
  identify: async ({ headers }) => ({ user: String(headers["user"]), address: "127.0.0.1" }),
  allows: ({ user }, repository, action) =>
    user === "root" ||
    (user === "ann" && action === "pull" && repository.startsWith("docker.io/library/")),
  challenge: () => 'Basic realm="amphora"',
  anonymous: false,
};

async function api(world: World) {
  const app = fastify();
  const notes: AuditEvent[] = [];
  app.setErrorHandler((error, _request, reply) => {
    assert.ok(error instanceof RegistryAnswerError, String(error));
    reply
      .code(error.status)
      .headers(error.headers)
      .send({ errors: [{ code: error.code, message: error.message }] });
  });
  const face = admissionApi({
    admission: world.admission,
    access,
    audit: { note: (event) => void notes.push(event) },
    callerOf: ({ headers }) => ({
      user: typeof headers["user"] === "string" ? headers["user"] : undefined,
      address: "127.0.0.1",
    }),
  });
  await app.register(async (own) => face(own));
  const as =
    (user: string | undefined) =>
    async (method: InjectOptions["method"], url: string, payload?: object, headers = {}) =>
      app.inject({
        ...(method && { method }),
        url,
        ...(payload && { payload }),
        headers: { ...headers, ...(user !== undefined && { user }) },
      });
  return { root: as("root"), ann: as("ann"), eve: as("eve"), nobody: as(undefined), notes };
}

test("a refusal is explained to whoever may pull, with files told to administrators alone", async () => {
  await using world = await admissionWorld({}, { [repo]: [signedBy("ann.pub")] }, keys);
  const { root, ann, eve, nobody } = await api(world);
  const one = image("one");
  world.signatures.put(repo, one.digest, folk.sign("ann", `${repo}:v2`, one.digest));
  const refused = await world.byTag(repo, "v1", one);
  assert.ok(!refused.allowed);
  const url = `/api/v1/decisions/${refused.id}`;
  const whole = decisionSchema.parse((await root("GET", url)).json());
  assert.equal(whole.reason, refused.reason);
  assert.equal(whole.policy?.path, world.in("policy.json"));
  assert.equal(whole.image, "docker://app:v1");
  assert.match(whole.hint ?? "", /app:v2/);
  assert.deepEqual(whole.images[0]?.verdict?.["allowed"], false);
  const shown = await ann("GET", url);
  decisionSchema.parse(shown.json());
  assert.ok(!shown.body.includes(world.in()), shown.body);
  assert.equal((await eve("GET", url)).statusCode, 404);
  assert.equal((await nobody("GET", url)).statusCode, 404);
  const text = await ann("GET", url, undefined, { accept: "text/plain, */*" });
  assert.match(text.body, /^refused: docker:\/\/app:v1 .*\n[\s\S]*do: /);
  assert.ok(!text.body.includes(world.in()));
  assert.match((await root("GET", `${url}?format=text`)).body, /ann\.pub/);
  for (const bad of ["nothing", "..%2f..", "x".repeat(100)])
    assert.ok((await root("GET", `/api/v1/decisions/${bad}`)).statusCode >= 400);
});

test("decisions are listed for administrators, filtered, newest first, and no more are kept than wanted", async () => {
  await using world = await admissionWorld(
    { keepDecisions: 5, decisionTtl: "1ms" },
    { [repo]: [accept] },
    keys,
  );
  const { root, ann } = await api(world);
  for (let round = 0; round < 8; round++) {
    world.clock.ms += 1000;
    await world.byTag(repo, `v${round}`, image("one"));
    if (round % 4 === 0) await world.byTag("docker.io/library/no", "v1", image(`${round}`));
  }
  const list = async (query: string) =>
    decisionsSchema.parse((await root("GET", `/api/v1/decisions${query}`)).json()).decisions;
  assert.equal((await list("")).length, 5);
  assert.equal((await list(""))[0]?.image, "docker://app:v7");
  assert.ok((await list("?allowed=false")).every(({ outcome }) => outcome === "refused"));
  assert.deepEqual(
    (await list(`?repository=${repo}&limit=2`)).map(({ image }) => image),
    ["docker://app:v7", "docker://app:v6"],
  );
  const since = new Date(world.clock.ms).toISOString();
  assert.equal((await list(`?since=${since}`)).length, 1);
  for (const bad of ["?limit=0", "?limit=x", "?allowed=maybe", "?since=now", "?what=x"])
    assert.equal((await root("GET", `/api/v1/decisions${bad}`)).statusCode, 400, bad);
  assert.equal((await ann("GET", "/api/v1/decisions")).statusCode, 403);
});

test("blocks are made, listed and lifted by administrators, and noted", async () => {
  await using world = await admissionWorld({}, { [repo]: [accept] });
  const { root, ann, nobody, notes } = await api(world);
  const one = image("one");
  const made = await root("POST", "/api/v1/blocked", { digest: one.digest, reason: "CVE-1" });
  assert.equal(made.statusCode, 201);
  assert.equal(blockSchema.parse(made.json()).by, "root");
  assert.equal((await world.byTag(repo, "v1", one)).allowed, false);
  await root("POST", "/api/v1/blocked", { repository: "docker.io/evil/**", reason: "evil" });
  assert.equal((await root("GET", "/api/v1/blocked")).json().blocked.length, 2);
  assert.equal((await root("DELETE", `/api/v1/blocked/${made.json().id}`)).statusCode, 200);
  assert.equal((await world.byTag(repo, "v1", one)).allowed, true);
  assert.equal(
    (await root("DELETE", "/api/v1/blocked?repository=docker.io/evil/**")).statusCode,
    200,
  );
  assert.equal(
    (await root("DELETE", "/api/v1/blocked?repository=docker.io/evil/**")).statusCode,
    404,
  );
  assert.deepEqual(
    notes.map(({ type }) => type),
    ["blocked", "blocked", "unblocked", "unblocked"],
  );
  assert.equal(
    (await ann("POST", "/api/v1/blocked", { digest: one.digest, reason: "x" })).statusCode,
    403,
  );
  const asked = await nobody("GET", "/api/v1/blocked");
  assert.deepEqual(
    [asked.statusCode, asked.headers["www-authenticate"]],
    [401, 'Basic realm="amphora"'],
  );
});

test("a block that cannot be meant is refused", async () => {
  await using world = await admissionWorld({}, { [repo]: [accept] });
  const { root } = await api(world);
  const digest = someDigest("x");
  const bad: readonly object[] = [
    {},
    { digest },
    { digest, reason: "" },
    { digest, reason: "a\nb" },
    { digest, reason: "\u202eevil" },
    { digest, reason: "x".repeat(301) },
    { digest, repository: repo, reason: "x" },
    { digest: "sha256:zz", reason: "x" },
    { repository: "a//b", reason: "x" },
    { digest, reason: "x", more: 1 },
    [],
  ];
  for (const body of bad)
    assert.equal(
      (await root("POST", "/api/v1/blocked", body)).statusCode,
      400,
      JSON.stringify(body),
    );
  for (const query of ["", `?digest=${digest}&repository=x`, "?id=x"])
    assert.equal((await root("DELETE", `/api/v1/blocked${query}`)).statusCode, 400, query);
  assert.equal(world.admission.blocks.list().length, 0);
});

test("a tag is let go back by administrators", async () => {
  const settings = { scopes: [{ repositories: ["**"], noRollback: true }] };
  await using world = await admissionWorld(
    settings,
    { "localhost:5000": [signedBy("ann.pub")] },
    keys,
  );
  const { root, ann, notes } = await api(world);
  const own = "localhost:5000/team/app";
  const signed = (name: string, at: string) => {
    const one = image(name);
    world.signatures.put(own, one.digest, folk.sign("ann", `${own}:v1`, one.digest, at));
    return one;
  };
  const old = signed("old", "20260401T000000");
  await world.byTag(own, "v1", signed("new", "20260501T000000"));
  assert.equal((await world.byTag(own, "v1", old)).allowed, false);
  assert.equal((await ann("DELETE", `/api/v1/tags/${own}:v1`)).statusCode, 403);
  assert.equal((await root("DELETE", `/api/v1/tags/${own}:v9`)).statusCode, 404);
  assert.equal((await root("DELETE", `/api/v1/tags/${own}:v1`)).statusCode, 204);
  assert.equal((await world.byTag(own, "v1", old)).allowed, true);
  assert.equal((await root("DELETE", `/api/v1/tags/${own}`)).statusCode, 204);
  assert.deepEqual(
    notes.map(({ repository, reference }) => [repository, reference]),
    [
      [own, "v1"],
      [own, undefined],
    ],
  );
});

test("a decision is found at once, after a restart, and in another process", async () => {
  await using world = await admissionWorld({}, { [repo]: [accept] });
  const { id } = await world.byTag(repo, "v1", image("one"));
  assert.ok(id);
  assert.match(id, /^[\w-]{22}$/);
  assert.ok(world.admission.decisions.get(id));
  world.admission.decisions.list({ limit: 1 });
  const other = world.second();
  assert.equal(other.decisions.get(id)?.id, id);
});
