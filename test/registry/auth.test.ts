import assert from "node:assert/strict";
import { test } from "node:test";
import type { Credentials } from "../../src/registry/credentials.ts";
import { RegistryError } from "../../src/registry/errors.ts";
import { tokenByGet } from "../../src/registry/token.ts";
import { assertSecretStayed, originsThatSaw } from "../support/canary.ts";
import { makeImage } from "../support/images.ts";
import { expireToken, redirect, refuse } from "../support/registry/faults.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import {
  startTokenServer,
  type TokenServer,
  type TokenServerOptions,
} from "../support/token-server.ts";
import { assertHolds, copyThrough, testHost } from "./support.ts";

const signal = new AbortController().signal;
const users = { ann: "s3cret-canary" };
const ann: Credentials = { username: "ann", password: "s3cret-canary" };

interface Guarded extends AsyncDisposable {
  readonly registry: Registry;
  readonly tokens: TokenServer;
}

async function guarded(options: Partial<TokenServerOptions> = {}): Promise<Guarded> {
  const tokens = await startTokenServer({ users, ...options });
  const { issuer, realm } = tokens;
  const registry = await startRegistry({ access: { kind: "bearer", issuer, realm } });
  return {
    registry,
    tokens,
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await tokens[Symbol.asyncDispose]();
    },
  };
}

async function plainSource(image = makeImage()): Promise<Registry> {
  const source = await startRegistry();
  source.seed("app", "v1", image);
  return source;
}

function rejectsWith(code: string, text?: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof RegistryError, String(error));
    assert.equal(error.code, code, error.message);
    if (text) assert.match(error.message, text);
    return true;
  };
}

test("Repository pushes with one token for all requests", async () => {
  await using source = await plainSource();
  await using there = await guarded();
  await using from = testHost(source.host);
  await using to = testHost(there.registry.host, { credentials: ann });
  await copyThrough(
    from.host.repository("app", "read"),
    to.host.repository("a/b", "write"),
    makeImage(),
  );
  assertHolds(there.registry, "a/b", makeImage());
  const asked = there.tokens.server.log.entries;
  assert.equal(asked.length, 1);
  assert.equal(
    asked[0]?.path,
    "/token?account=ann&scope=repository%3Aa%2Fb%3Apull%2Cpush&service=amphora",
  );
});

test("Repository sends nothing of the credentials to a registry that does not ask", async () => {
  await using registry = await plainSource();
  await using reader = testHost(registry.host, { credentials: ann });
  await reader.host.repository("app", "read").readManifest("v1", { signal });
  assert.deepEqual(originsThatSaw("s3cret-canary", [registry.log]), []);
});

const tokenRows: readonly {
  name: string;
  server: Partial<TokenServerOptions>;
  credentials?: Credentials;
}[] = [
  {
    name: "an identity token",
    server: { refreshTokens: { "id-token": "ann" } },
    credentials: { identityToken: "id-token" },
  },
  {
    name: "an identity token, where there is no OAuth2",
    server: { oauth: 404, users: { ann: "id-token" } },
    credentials: { identityToken: "id-token", username: "ann" },
  },
  { name: "an access_token", server: { field: "access_token" }, credentials: ann },
  { name: "a token alone", server: { field: "token" }, credentials: ann },
  { name: "tokens that live two seconds", server: { lifeMs: 60_000, told: 2 }, credentials: ann },
  { name: "tokens without a life", server: { told: "omit" }, credentials: ann },
  {
    name: "a service that hears the last scope only",
    server: { scopes: "last" },
    credentials: ann,
  },
];

for (const { name, server, credentials } of tokenRows) {
  test(`Repository pushes with ${name}`, async () => {
    await using source = await plainSource();
    await using there = await guarded(server);
    await using from = testHost(source.host);
    await using to = testHost(there.registry.host, { ...(credentials && { credentials }) });
    await copyThrough(
      from.host.repository("app", "read"),
      to.host.repository("a/b", "write"),
      makeImage(),
    );
    assertHolds(there.registry, "a/b", makeImage());
  });
}

test("a name without a password is told to the realm, and proves nothing", () => {
  const realm = { url: new URL("https://auth.example/token"), service: "s" };
  const asked = (username: string, password: string) => {
    const { url, headers } = tokenByGet(realm, new Map(), { username, password });
    return [url.search, headers];
  };
  assert.deepEqual(asked("ann", ""), ["?account=ann&service=s", {}]);
  assert.deepEqual(asked("", "x"), ["?service=s", {}]);
});

test("Repository uses a registry token as it is, and never tells it to a realm", async () => {
  await using there = await guarded();
  there.registry.seed("app", "v1", makeImage());
  const issued = there.tokens.issuer.issue("ann", ["repository:app:pull"]);
  assert.ok(issued !== "refused");
  await using reader = testHost(there.registry.host, {
    credentials: { registryToken: issued.token },
  });
  await reader.host.repository("app", "read").readManifest("v1", { signal });
  assert.equal(there.tokens.server.log.entries.length, 0);
});

test("Repository goes by a password where the registry wants no registry token", async () => {
  const access = { kind: "basic", users: { ann: "secret" } } as const;
  await using registry = await startRegistry({ access });
  registry.seed("app", "v1", makeImage());
  const basic = { username: "ann", password: "secret" };
  await using reader = testHost(registry.host, { credentials: { registryToken: "x", basic } });
  await reader.host.repository("app", "read").readManifest("v1", { signal });
});

test("Repository asks for one token where many requests start at once", async () => {
  await using there = await guarded();
  there.registry.seed("app", "v1", makeImage());
  await using reader = testHost(there.registry.host);
  const repository = reader.host.repository("app", "read");
  await Promise.all(Array.from({ length: 5 }, () => repository.headManifest("v1", { signal })));
  assert.equal(there.tokens.server.log.entries.length, 1);
});

test("Repository mounts with one token for both repositories", async () => {
  await using there = await guarded();
  const image = makeImage({ layerBytes: 100_000 });
  there.registry.seed("app", "v1", image);
  await using both = testHost(there.registry.host, { credentials: ann });
  const reading = both.host.repository("app", "read");
  await copyThrough(reading, both.host.repository("copy", "write"), image, { mountFrom: ["app"] });
  assert.equal(there.registry.log.counts()["POST uploads?mount&from"], 4);
  assert.deepEqual(
    there.tokens.server.log.entries.map(({ operation }) =>
      operation.url.searchParams.getAll("scope"),
    ),
    [["repository:app:pull"], ["repository:copy:pull,push", "repository:app:pull"]],
  );
});

test("Repository uploads what it may not mount", async () => {
  await using there = await guarded({
    may: (_user, resource) => resource !== "repository:secret",
  });
  await using source = await plainSource();
  await using from = testHost(source.host);
  await using to = testHost(there.registry.host, { credentials: ann });
  const writing = to.host.repository("copy", "write");
  await copyThrough(from.host.repository("app", "read"), writing, makeImage(), {
    mountFrom: ["secret"],
  });
  assertHolds(there.registry, "copy", makeImage());
});

for (const when of ["arrival", "end"] as const) {
  test(`Repository renews a token that ran out at the ${when} of an upload`, async () => {
    await using there = await guarded();
    const image = makeImage({ layers: 1, layerBytes: 2_000_000, compression: "none" });
    await using source = await plainSource(image);
    const rule = there.registry.behave({
      on: "PUT upload",
      fault: expireToken(there.tokens.realm, when),
    });
    await using from = testHost(source.host);
    await using to = testHost(there.registry.host, { credentials: ann });
    await copyThrough(from.host.repository("app", "read"), to.host.repository("a", "write"), image);
    assertHolds(there.registry, "a", image);
    assert.equal(rule.hits, 1);
  });
}

test("Repository renews tokens that all ran out between two requests", async () => {
  await using there = await guarded();
  there.registry.seed("app", "v1", makeImage());
  await using reader = testHost(there.registry.host, { credentials: ann });
  const repository = reader.host.repository("app", "read");
  await repository.readManifest("v1", { signal });
  there.tokens.issuer.expireAll();
  await repository.readManifest("v1", { signal });
  assert.equal(there.tokens.server.log.entries.length, 2);
});

test("Repository gives up after a second refusal", async () => {
  await using there = await guarded({ may: () => false });
  there.registry.seed("app", "v1", makeImage());
  await using reader = testHost(there.registry.host, { credentials: ann });
  const reading = reader.host.repository("app", "read").readManifest("v1", { signal });
  await assert.rejects(
    reading,
    rejectsWith(
      "registry.denied",
      /^reading manifest v1 in 127\.0\.0\.1:\d+\/app: requested access to the resource is denied$/,
    ),
  );
  assert.equal(there.registry.log.entries.length, 3);
});

test("Repository tells of wrong credentials in skopeo's words", async () => {
  await using there = await guarded();
  await using basic = await startRegistry({ access: { kind: "basic", users } });
  const wrong: Credentials = { username: "ann", password: "wrong" };
  await using one = testHost(there.registry.host, { credentials: wrong });
  await assert.rejects(
    one.host.repository("app", "read").readManifest("v1", { signal }),
    rejectsWith(
      "registry.unauthorized",
      /^unable to retrieve auth token: invalid username\/password: unauthorized: incorrect username or password$/,
    ),
  );
  await using two = testHost(basic.host, { credentials: wrong });
  await assert.rejects(
    two.host.repository("app", "read").readManifest("v1", { signal }),
    rejectsWith(
      "registry.unauthorized",
      /^reading manifest v1 in 127\.0\.0\.1:\d+\/app: unauthorized$/,
    ),
  );
  assert.equal(basic.log.entries.length, 2);
});

test("checkCredentials() tells good ones from bad", async () => {
  await using there = await guarded();
  await using basic = await startRegistry({ access: { kind: "basic", users, scheme: "BASIC" } });
  for (const registry of [there.registry, basic]) {
    await using good = testHost(registry.host, { credentials: ann });
    await good.host.checkCredentials({ signal });
    await using bad = testHost(registry.host, { credentials: { username: "ann", password: "no" } });
    await assert.rejects(
      bad.host.checkCredentials({ signal }),
      rejectsWith("registry.unauthorized"),
    );
  }
});

test("Repository keeps credentials from where blobs are redirected to", async () => {
  await using there = await guarded();
  await using cdn = await startRegistry({
    store: there.registry.store,
    features: { refusesAuthorization: true },
  });
  const image = makeImage();
  there.registry.seed("app", "v1", image);
  there.registry.features = {
    ...there.registry.features,
    blobRedirect: { origin: cdn.origin, status: 307 },
  };
  await using destination = await startRegistry();
  await using from = testHost(there.registry.host, { credentials: ann });
  await using to = testHost(destination.host);
  await copyThrough(from.host.repository("app", "read"), to.host.repository("a", "write"), image);
  assert.equal(cdn.log.of("GET blob").length, 4);
  assert.ok(cdn.log.entries.every(({ headers }) => headers.authorization === undefined));
  assertSecretStayed(
    "s3cret-canary",
    [there.registry.log, cdn.log, destination.log, there.tokens.server.log],
    [there.tokens.server.origin],
  );
});

test("Repository keeps credentials from where uploads are sent to", async () => {
  await using basic = await startRegistry({ access: { kind: "basic", users } });
  await using store = await startRegistry({
    store: basic.store,
    features: { refusesAuthorization: true },
  });
  basic.features = { ...basic.features, location: { origin: store.origin } };
  await using source = await plainSource();
  await using from = testHost(source.host);
  await using to = testHost(basic.host, { credentials: ann });
  await copyThrough(
    from.host.repository("app", "read"),
    to.host.repository("a", "write"),
    makeImage(),
  );
  assertHolds(basic, "a", makeImage());
  assertSecretStayed("s3cret-canary", [basic.log, store.log], [basic.origin]);
  assert.ok(store.log.entries.length > 0);
});

test("Repository drops credentials at a redirect to another port of the same host", async () => {
  await using basic = await startRegistry({ access: { kind: "basic", users } });
  await using other = await startRegistry({ store: basic.store });
  basic.seed("app", "v1", makeImage());
  basic.behave({
    on: "GET manifest",
    times: 99,
    fault: redirect(({ request }) => `${other.origin}${request.url}`),
  });
  await using reader = testHost(basic.host, { credentials: ann });
  const repository = reader.host.repository("app", "read");
  await repository.headManifest("v1", { signal });
  await repository.readManifest("v1", { signal });
  assertSecretStayed("s3cret-canary", [basic.log, other.log], [basic.origin]);
});

test("Repository sends credentials to a foreign realm only with a notice, and not if strict", async () => {
  const challenge = 'Bearer realm="http://auth.example.invalid/token",service="s"';
  for (const strictRealm of [false, true]) {
    await using registry = await startRegistry();
    registry.behave({
      times: 99,
      fault: refuse(401, { headers: { "www-authenticate": challenge } }),
    });
    await using reader = testHost(registry.host, { credentials: ann, strictRealm });
    const reading = reader.host.repository("app", "read").readManifest("v1", { signal });
    await assert.rejects(
      reading,
      rejectsWith(strictRealm ? "registry.bad-redirect" : "registry.unreachable"),
    );
    assert.equal(
      reader.events.some(({ type }) => type === "notice"),
      !strictRealm,
    );
  }
});

test("Repository takes a realm that is none for no Bearer challenge", async () => {
  await using registry = await startRegistry();
  registry.behave({
    times: 99,
    fault: refuse(401, { headers: { "www-authenticate": 'Bearer realm="null://x"' } }),
  });
  await using reader = testHost(registry.host, { credentials: ann });
  const reading = reader.host.repository("app", "read").readManifest("v1", { signal });
  await assert.rejects(reading, rejectsWith("registry.unauthorized"));
});

/** What token services say, and skopeo 1.22 of it. */
const tokenAnswers: readonly (readonly [status: number, body: string, says: RegExp | undefined])[] =
  [
    [200, '{"Token":"CASE"}', undefined],
    [200, '{"token":null,"access_token":"OTHER"}', undefined],
    [200, '{"token":"T","expires_in":"300"}', undefined],
    [
      200,
      '{"token":5}',
      /: json: cannot unmarshal number into Go struct field \.token of type string$/,
    ],
    [200, '{"token":"T"} x', /: invalid character 'x' after top-level value$/],
    [201, '{"token":"T"}', /^Requesting bearer token: received unexpected HTTP status: 201/],
    [204, "", /^Requesting bearer token: received unexpected HTTP status: 204/],
  ];

for (const [status, body, says] of tokenAnswers) {
  test(`Repository ${says ? "refuses" : "takes"} the token of ${status} ${body}`, async () => {
    await using there = await guarded();
    there.tokens.server.behave({
      fault: { reply: () => ({ status, headers: {}, body: Buffer.from(body) }) },
    });
    await using reader = testHost(there.registry.host, { credentials: ann });
    const reading = reader.host.repository("app", "read").readManifest("v1", { signal });
    await assert.rejects(reading, (error: Error) => {
      if (says) assert.match(error.message, says);
      return true;
    });
    const sent = there.registry.log.entries.length > 1;
    assert.equal(sent, says === undefined); // the registry knows none of these tokens, but is shown them
  });
}

for (const token of ["a\\r\\nx: y", "a b", "ünï"]) {
  test(`Repository does not send the token ${token}`, async () => {
    await using there = await guarded();
    const body = Buffer.from(`{"token":"${token}"}`);
    there.tokens.server.behave({ fault: { reply: () => ({ status: 200, headers: {}, body }) } });
    await using reader = testHost(there.registry.host, { credentials: ann });
    const reading = reader.host.repository("app", "read").readManifest("v1", { signal });
    await assert.rejects(reading, rejectsWith("registry.bad-response"));
    assert.equal(there.registry.log.entries.length, 1);
  });
}
