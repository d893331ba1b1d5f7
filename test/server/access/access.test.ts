import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { hashSync } from "bcryptjs";
import { SignJWT } from "jose";
import { type ConfiguredAccess, createAccess } from "../../../src/server/access/create-access.ts";
import { accessSettings } from "../../../src/server/access/settings.ts";
import type { Access, Credentials } from "../../../src/server/access.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";

const ann = hashSync("secret", 4);

interface World extends AsyncDisposable {
  readonly folder: TempFolder;
  readonly configured: ConfiguredAccess;
  readonly access: Access;
  readonly told: string[];
  now: number;
}

/** Access by these settings; there is a user ann with the password "secret". */
async function world(settings: object, limits: { perUser?: number; perAddress?: number } = {}) {
  const folder = await tempFolder();
  writeFileSync(folder.in("users"), `# users\nann:${ann}\n\n`);
  const told: string[] = [];
  const made = { folder, told, now: Date.parse("2026-11-27T07:00:00Z") };
  const configured = createAccess(
    accessSettings.parse({ htpasswd: folder.in("users"), ...settings }),
    {
      name: "r.example",
      data: folder.in("data"),
      perUser: limits.perUser ?? 0,
      perAddress: limits.perAddress ?? 0,
      now: () => world.now,
      report: (event) => event.type === "message" && told.push(event.text),
    },
  );
  const world: World = Object.assign(made, {
    configured,
    access: configured.access,
    async [Symbol.asyncDispose]() {
      await configured[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  });
  return world;
}

function from(authorization?: string, address = "192.0.2.1"): Credentials {
  return { headers: { host: "r.example", ...(authorization && { authorization }) }, address };
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

test("a good password says who asks, a bad one is refused with a challenge", async () => {
  await using w = await world({});
  assert.equal((await w.access.identify(from(basic("ann", "secret")))).user, "ann");
  const small = basic("ann", "secret").replace("Basic", "basic");
  assert.equal((await w.access.identify(from(small))).user, "ann");
  const bad = [
    basic("ann", "Secret"),
    basic("ann", ""),
    basic("bob", "secret"),
    basic("", "secret"),
    basic("ann", "x".repeat(5000)),
    "Basic !!!",
    "Basic",
    "Digest x",
    "Bearer x.y.z",
    "Bearer ",
  ];
  for (const header of bad)
    await assert.rejects(() => w.access.identify(from(header, `192.0.2.${header.length}`)), {
      code: "UNAUTHORIZED",
      status: 401,
      headers: { "WWW-Authenticate": 'Basic realm="amphora", charset="UTF-8"' },
    });
  assert.equal((await w.access.identify(from())).user, undefined);
  assert.equal((await w.access.identify(from(basic("", "")))).user, undefined);
});

test("callers that somebody else has made up have no rights", async () => {
  await using w = await world({});
  const caller = await w.access.identify(from(basic("ann", "secret")));
  assert.equal(w.access.allows(caller, "a", "push"), true);
  assert.equal(w.access.allows({ ...caller }, "a", "push"), false);
  assert.equal(w.access.allows({ user: "ann", address: "local" }, "a", "push"), false);
});

test("logins that fail too often are not even looked at, until some time has passed", async () => {
  await using w = await world({ failedLogins: { limit: 3, window: "1m" } });
  const fail = (user: string, address: string) =>
    w.access.identify(from(basic(user, "wrong"), address)).catch((error) => error);
  for (let count = 0; count < 3; count++)
    assert.equal((await fail("ann", "192.0.2.1")).status, 401);
  const tired = await fail("ann", "192.0.2.1");
  assert.deepEqual(
    [tired.status, tired.code, tired.headers["Retry-After"]],
    [429, "TOOMANYREQUESTS", "20"],
  );
  const good = () => w.access.identify(from(basic("ann", "secret"), "192.0.2.1"));
  await assert.rejects(good, { status: 429 });
  // From elsewhere, and as others, one still gets in.
  assert.equal((await w.access.identify(from(basic("ann", "secret"), "192.0.2.2"))).user, "ann");
  assert.equal((await fail("bob", "192.0.2.1")).status, 401);
  // Who is known already is let in wherever he comes from.
  assert.equal((await good()).user, "ann");
  w.now += 21_000;
  assert.equal((await fail("ann", "192.0.2.1")).status, 401);
});

test("an address that tries many users is tired out as well", async () => {
  await using w = await world({ failedLogins: { limit: 1, window: "1m" } });
  const statuses: number[] = [];
  for (let count = 0; count < 12; count++)
    await w.access
      .identify(from(basic(`u${count}`, "x"), "2001:db8::1"))
      .catch((error) => statuses.push(error.status));
  assert.deepEqual(statuses, [...Array(10).fill(401), 429, 429]);
});

test("a password that is changed, and a user who is gone, are so at once", async () => {
  await using w = await world({});
  const ask = (password: string) => w.access.identify(from(basic("ann", password)));
  assert.equal((await ask("secret")).user, "ann");
  writeFileSync(w.folder.in("users"), `ann:${hashSync("other", 4)}\n`);
  w.configured.reload();
  await assert.rejects(() => ask("secret"), { status: 401 });
  assert.equal((await ask("other")).user, "ann");
  writeFileSync(w.folder.in("users"), "ann:plain\n");
  w.configured.reload();
  assert.equal((await ask("other")).user, "ann");
  assert.deepEqual(w.told, ["users read again", "users not changed"]);
  writeFileSync(w.folder.in("users"), "");
  w.configured.reload();
  await assert.rejects(() => ask("other"), { status: 401 });
});

test("files of passwords that protect nothing start nothing", async () => {
  const bad = [
    "ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "ann:$apr1$x$y",
    "ann:",
    "ann",
    ":x",
    `*:${ann}`,
    `@g:${ann}`,
    `anonymous:${ann}`,
    `ann:${ann}\nann:${ann}`,
    `ann:${ann.replace("$04$", "$31$")}`,
  ];
  await using folder = await tempFolder();
  for (const text of bad) {
    writeFileSync(folder.in("bad"), text);
    await assert.rejects(
      () => world({ htpasswd: folder.in("bad") }),
      { code: "server.bad-file" },
      text,
    );
  }
});

test("many who ask at once with one password have it hashed once, and others wait their turn", async () => {
  await using w = await world({ failedLogins: { limit: 1, window: "1h" } });
  const many = Array.from({ length: 50 }, () => w.access.identify(from(basic("ann", "secret"))));
  assert.equal((await Promise.all(many)).length, 50);
});

test("robots have tokens, which are passwords too, until their day", async () => {
  await using folder = await tempFolder();
  const token = "t".repeat(40);
  writeFileSync(folder.in("token"), `${token}\n`);
  await using w = await world({
    robots: { bot: { tokenFile: folder.in("token"), expires: "2026-12-01" } },
  });
  assert.equal((await w.access.identify(from(`Bearer ${token}`))).user, "bot");
  assert.equal((await w.access.identify(from(basic("bot", token)))).user, "bot");
  await assert.rejects(() => w.access.identify(from(basic("ann", token))), { status: 401 });
  await assert.rejects(() => w.access.identify(from(basic("bot", `${token}x`))), { status: 401 });
  w.now = Date.parse("2026-12-01T00:00:00Z");
  await assert.rejects(() => w.access.identify(from(`Bearer ${token}`)), { status: 401 });
  writeFileSync(folder.in("token"), "short");
  await assert.rejects(() => world({ robots: { bot: { tokenFile: folder.in("token") } } }), {
    code: "server.bad-file",
  });
});

test("who asks too much is told when to come again", async () => {
  await using w = await world({}, { perUser: 1, perAddress: 4 });
  const ask = (address: string, authorization?: string) =>
    w.access.identify(from(authorization, address)).then(
      () => 200,
      ({ status }) => status,
    );
  const anns = basic("ann", "secret");
  const statuses = [];
  for (const address of ["192.0.2.1", "192.0.2.2", "192.0.2.3"])
    statuses.push(await ask(address, anns));
  assert.deepEqual(statuses, [200, 200, 429]);
  const others = [];
  for (let count = 0; count < 9; count++) others.push(await ask("192.0.2.9"));
  assert.deepEqual(others, [...Array(8).fill(200), 429]);
  w.now += 1000;
  assert.equal(await ask("192.0.2.9"), 200);
  assert.equal(await ask("192.0.2.8", anns), 200);
});

test("a key for tokens is made once, for its user alone", async () => {
  await using w = await world({ tokens: {} });
  const file = w.folder.in("data", "keys", "token.pem");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const before = readFileSync(file, "utf8");
  const again = createAccess(accessSettings.parse({ tokens: {} }), {
    name: "r.example",
    data: w.folder.in("data"),
    perUser: 0,
    perAddress: 0,
    now: Date.now,
    report: () => {},
  });
  await again[Symbol.asyncDispose]();
  assert.equal(readFileSync(file, "utf8"), before);
});

const challenged =
  /^Bearer realm="[^"]*",service="svc",scope="repository:a:pull,push repository:b\/c:pull"$/;

interface Forgery {
  readonly name: string;
  readonly key?: KeyObject | Uint8Array;
  readonly head?: Record<string, unknown>;
  readonly claims?: Record<string, unknown>;
  readonly change?: (token: string) => string;
}

test("tokens that we did not issue, or not for this, are none", async () => {
  await using folder = await tempFolder();
  const ours = generateKeyPairSync("ed25519");
  const theirs = generateKeyPairSync("ed25519");
  const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(folder.in("k"), ours.privateKey.export({ format: "pem", type: "pkcs8" }));
  await using w = await world({ tokens: { keys: [folder.in("k")], service: "svc" } });
  const seconds = w.now / 1000;
  const make = async ({
    key = ours.privateKey,
    head = {},
    claims = {},
    change = (t) => t,
  }: Omit<Forgery, "name">) => {
    const payload = {
      iss: "r.example",
      aud: "svc",
      sub: "ann",
      iat: seconds,
      nbf: seconds,
      exp: seconds + 60,
      access: [{ type: "repository", name: "a", actions: ["pull"] }],
      ...claims,
    };
    const clean = JSON.parse(JSON.stringify(payload));
    const signed = new SignJWT(clean).setProtectedHeader({ alg: "EdDSA", ...head });
    return change(await signed.sign(key));
  };
  const identify = async (token: string) => await w.access.identify(from(`Bearer ${token}`));
  const caller = await identify(await make({}));
  assert.equal(caller.user, "ann");
  assert.equal(w.access.allows(caller, "a", "pull"), true);
  assert.equal(w.access.allows(caller, "a", "push"), false);
  assert.equal(w.access.allows(caller, "b", "pull"), false);
  assert.equal(w.access.wouldAllow?.(caller, "b", "pull"), true, "with another token");
  assert.equal(w.access.wouldAllow?.(caller, "b", "jobs"), false, "with none");
  assert.match(w.access.challenge("a", ["pull", "push"], undefined, "b/c"), challenged);
  assert.match(w.access.challenge("", ["pull"]), /,scope="registry:catalog:\*"$/);
  assert.equal(w.access.whoLists?.(caller), undefined);
  const catalog = { access: [{ type: "registry", name: "catalog", actions: ["*"] }] };
  const lister = w.access.whoLists?.(await identify(await make({ claims: catalog })));
  assert.ok(lister && w.access.allows(lister, "b", "pull"));
  const unscoped = await identify(await make({ claims: { access: null } }));
  assert.equal(unscoped.user, "ann", "as services in Go write that there is no right");
  assert.equal(w.access.allows(unscoped, "a", "pull"), false);
  const jwk = theirs.publicKey.export({ format: "jwk" });
  const raw = ours.publicKey.export({ format: "der", type: "spki" });
  const none = Buffer.from('{"alg":"none"}').toString("base64url");
  const forgeries: readonly Forgery[] = [
    { name: "another key", key: theirs.privateKey },
    { name: "a key in the head", key: theirs.privateKey, head: { jwk, kid: "1" } },
    { name: "another kind of key", key: p256.privateKey, head: { alg: "ES256" } },
    { name: "our public key as a secret", key: raw, head: { alg: "HS256" } },
    { name: "no algorithm", change: (token) => `${none}.${token.split(".")[1]}.` },
    { name: "no signature", change: (token) => `${token.split(".").slice(0, 2).join(".")}.` },
    { name: "another service", claims: { aud: "other" } },
    { name: "a refresh token", claims: { aud: "svc refresh" } },
    { name: "another issuer", claims: { iss: "other" } },
    { name: "over", claims: { exp: seconds } },
    { name: "not yet", claims: { nbf: seconds + 60 } },
    { name: "for ever", claims: { exp: undefined } },
    { name: "of nobody known", claims: { sub: "eve" } },
    { name: "of no list of rights", claims: { access: "all" } },
    { name: "of no right", claims: { access: [null] } },
    { name: "critical", head: { crit: ["x"], x: 1 } },
    {
      name: "changed",
      change: (token) => token.replace(/.(?=\.[^.]*$)/, (c) => (c === "A" ? "B" : "A")),
    },
    { name: "long", claims: { pad: "x".repeat(20_000) } },
  ];
  for (const { name, ...forgery } of forgeries) {
    const token = await make(forgery).catch(() => undefined);
    if (token === undefined) assert.equal(name, "critical");
    else await assert.rejects(() => identify(token), { status: 401 }, name);
  }
  const good = await make({});
  await identify(good);
  w.now += 61_000;
  await assert.rejects(() => identify(good), { status: 401 });
});
