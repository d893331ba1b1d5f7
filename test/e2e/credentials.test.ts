import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { assertSecretStayed, originsThatSaw } from "../support/canary.ts";
import { Engine } from "../support/engine.ts";
import { makeImage } from "../support/images.ts";
import { skipWithout } from "../support/peers.ts";
import { type Fault, redirect, setHeaders } from "../support/registry/faults.ts";
import { errorReply } from "../support/registry/reply.ts";
import { type Registry, type RegistryOptions, startRegistry } from "../support/registry.ts";
import { makePki } from "../support/tls.ts";
import { startTokenServer } from "../support/token-server.ts";

const secret = "canary-in-the-mine";
const basic = { kind: "basic", users: { ann: secret } } as const;
const image = makeImage({ seed: 100, layerBytes: 100_000 });
const always = { times: Number.POSITIVE_INFINITY } as const;

interface Way {
  readonly name: string;
  /** What the registry that knows the secret does; `other` is where it points. */
  readonly fault: (other: Registry, own: Registry) => Fault;
  readonly on: string;
  readonly ends: "well" | "in an error";
  /** Of the other origin. */
  readonly other?: RegistryOptions;
}

const sameHost = { features: { refusesAuthorization: true } } as const;
const otherHost = { ...sameHost, address: "127.0.0.2" } as const;

/** The hops of `specs/registry.md` 2.6, reading. */
const ways: readonly Way[] = [
  {
    name: "a blob on another port",
    on: "GET blob",
    fault: (other) => redirect(({ operation }) => other.origin + operation.url.pathname),
    other: sameHost,
    ends: "well",
  },
  {
    name: "a blob on another host",
    on: "GET blob",
    fault: (other) => redirect(({ operation }) => other.origin + operation.url.pathname, 302),
    other: otherHost,
    ends: "well",
  },
  {
    name: "a manifest on another port",
    on: "GET manifest",
    fault: (other) => redirect(({ operation }) => other.origin + operation.url.pathname, 308),
    other: sameHost,
    ends: "well",
  },
  {
    name: "a blob on the same origin",
    on: "GET blob",
    fault: (_, own) =>
      redirect(({ operation }) =>
        operation.url.search === "" ? `${own.origin}${operation.url.pathname}?again` : "/nowhere",
      ),
    ends: "well",
  },
  {
    name: "a blob at the user's own machine by another name",
    on: "GET blob",
    fault: (other) =>
      redirect(({ operation }) => `http://localhost:${other.port}${operation.url.pathname}`),
    other: sameHost,
    ends: "well",
  },
];

suite("copy() sends the password nowhere else when redirected to", () => {
  for (const way of ways) test(way.name, () => readBy(way));
});

async function readBy(way: Way): Promise<void> {
  await using own = await startRegistry({ access: basic });
  await using other = await startRegistry({ ...way.other, store: own.store });
  await using plain = await startRegistry();
  own.seed("from", "v1", image);
  const fault = way.fault(other, own);
  own.behave({
    on: (operation) => operation.template === way.on && operation.url.search === "",
    fault,
    ...always,
  });
  await using engine = new Engine({
    credentials: { [own.host]: { username: "ann", password: secret } },
  });
  const copied = engine.copy(`docker://${own.host}/from:v1`, `docker://${plain.host}/to:v1`);
  if (way.ends === "well") assert.equal(await copied, image.digest);
  else await assert.rejects(copied);
  const logs = [own.log, other.log, plain.log];
  assert.ok(originsThatSaw(secret, logs).includes(own.origin));
  assertSecretStayed(secret, logs, [own.origin]);
}

suite("copy() sends the password nowhere else when an upload goes on at", () => {
  for (const [name, options] of Object.entries({ "another port": {}, "another host": otherHost })) {
    test(name, async () => {
      await using own = await startRegistry({ access: basic });
      await using other = await startRegistry({ ...options, store: own.store });
      await using plain = await startRegistry();
      plain.seed("from", "v1", image);
      own.features = { ...own.features, location: { origin: other.origin } };
      await using engine = new Engine({
        credentials: { [own.host]: { username: "ann", password: secret } },
      });
      await engine.copy(`docker://${plain.host}/from:v1`, `docker://${own.host}/to:v1`);
      assert.equal(own.store.open("to").resolve("v1"), image.digest);
      assert.ok(other.log.of("PUT upload").length > 0);
      assertSecretStayed(secret, [own.log, other.log, plain.log], [own.origin]);
    });
  }
});

test("copy() takes the next page of tags from the same origin only", async () => {
  await using own = await startRegistry({ access: basic, features: { pageLimit: 1 } });
  await using other = await startRegistry({ store: own.store });
  own.seed("from", "v1", image);
  own.seed("from", "v2", image);
  own.behave({
    on: "GET tags",
    fault: setHeaders({ link: `<${other.origin}/v2/from/tags/list?n=1&last=v1>; rel="next"` }),
  });
  await using engine = new Engine({
    credentials: { [own.host]: { username: "ann", password: secret } },
  });
  const { transport, reference } = await engine.end(`docker://${own.host}/from`, "source");
  const { signal } = new AbortController();
  assert.deepEqual(await transport.listTags?.(reference, { signal }), ["v1", "v2"]);
  assert.deepEqual(other.log.entries, []);
});

test("copy() sends the password to the token service, and tokens to the registry only", async () => {
  await using tokens = await startTokenServer({ users: { ann: secret }, anonymous: false });
  const access = { kind: "bearer", issuer: tokens.issuer, realm: tokens.realm } as const;
  await using own = await startRegistry({ access });
  await using elsewhere = await startRegistry({
    store: own.store,
    features: { refusesAuthorization: true },
  });
  await using plain = await startRegistry();
  own.seed("from", "v1", image);
  own.features = { ...own.features, blobRedirect: { origin: elsewhere.origin, status: 307 } };
  await using engine = new Engine({
    credentials: { [own.host]: { username: "ann", password: secret } },
  });
  await engine.copy(`docker://${own.host}/from:v1`, `docker://${plain.host}/to:v1`);
  const logs = [tokens.server.log, own.log, elsewhere.log, plain.log];
  assertSecretStayed(secret, logs, [tokens.server.origin]);
  const withAuthorization = logs
    .flatMap((log) => log.entries)
    .filter((entry) => entry.headers.authorization?.startsWith("Bearer"));
  assert.deepEqual([...new Set(withAuthorization.map((entry) => entry.origin))], [own.origin]);
});

/** When a token runs out, as the registry sees it. */
const expiries: Readonly<Record<string, { on: string; fault: (expire: () => void) => Fault }>> = {
  "between requests": {
    on: "PUT manifest",
    fault: onArrival,
  },
  "before an upload": {
    on: "PUT upload",
    fault: onArrival,
  },
  "while an upload runs, which is told at its end": {
    on: "PUT upload",
    fault: (expire) => ({
      reply(reply) {
        expire();
        return { ...reply, ...unauthorized() };
      },
    }),
  },
  "while a blob is read": {
    on: "GET blob",
    fault: (expire) => ({
      reply(reply) {
        expire();
        const { body } = reply;
        assert.ok(body instanceof Uint8Array);
        return { ...reply, body: body.subarray(0, body.byteLength / 2), ending: "close" };
      },
    }),
  },
};

function onArrival(expire: () => void): Fault {
  return {
    arrive() {
      expire();
      return undefined;
    },
  };
}

/** What a front end that asks again at the end answers, whatever was stored. */
function unauthorized() {
  return errorReply(401, "UNAUTHORIZED", "authentication required");
}

suite("copy() outlives a token that runs out", () => {
  for (const [name, { on, fault }] of Object.entries(expiries)) {
    test(name, async () => {
      await using tokens = await startTokenServer({ users: { ann: secret }, anonymous: false });
      const access = { kind: "bearer", issuer: tokens.issuer, realm: tokens.realm } as const;
      await using own = await startRegistry({ access });
      own.seed("from", "v1", image);
      own.behave({ on, fault: fault(() => tokens.issuer.expireAll()) });
      await using engine = new Engine({
        credentials: { [own.host]: { username: "ann", password: secret } },
      });
      // No mount, so that bytes move both ways.
      own.features = { ...own.features, mount: "ignore" };
      await engine.copy(`docker://${own.host}/from:v1`, `docker://${own.host}/to:v1`);
      assert.equal(own.store.open("to").resolve("v1"), image.digest);
    });
  }
});

const needsOpenssl = { skip: skipWithout("openssl") };

test("copy() is not led from https to http", needsOpenssl, async () => {
  await using pki = await makePki();
  const tls = { key: pki.server.key, cert: pki.server.cert };
  await using own = await startRegistry({ access: basic, tls });
  await using lower = await startRegistry({ store: own.store });
  await using plain = await startRegistry({ tls });
  own.seed("from", "v1", image);
  own.behave({
    on: "GET blob",
    fault: redirect(({ operation }) => lower.origin + operation.url.pathname),
    ...always,
  });
  await using engine = new Engine({
    ca: pki.ca.cert,
    credentials: { [own.host]: { username: "ann", password: secret } },
  });
  await assert.rejects(engine.copy(`docker://${own.host}/from:v1`, `docker://${plain.host}/to:v1`));
  assert.deepEqual(lower.log.entries, []);
});

test("copy() talks to no server whose certificate is not trusted", needsOpenssl, async () => {
  await using pki = await makePki();
  const tls = { key: pki.stranger.key, cert: pki.stranger.cert };
  await using own = await startRegistry({ access: basic, tls });
  await using engine = new Engine({
    ca: pki.ca.cert,
    credentials: { [own.host]: { username: "ann", password: secret } },
  });
  await assert.rejects(engine.copy(`docker://${own.host}/from:v1`, "dir:/nowhere/at/all"));
  assert.deepEqual(own.log.entries, []);
});
