import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { Digest } from "../../../src/core/digest.ts";
import { makeImage } from "../../support/images.ts";
import { skipWithout } from "../../support/peers.ts";
import { redirect, refuse } from "../../support/registry/faults.ts";
import { type Registry, startRegistry } from "../../support/registry.ts";
import { tempFolder } from "../../support/temp.ts";
import { makePki } from "../../support/tls.ts";
import { byTag, hub, readBlob, repositoryOf, startUpstreams, testCall } from "./support.ts";

const image = makeImage({ layers: 1, layerBytes: 5000 });
const layer = image.layers[0]?.digest as Digest;

async function holding(): Promise<Registry> {
  const registry = await startRegistry();
  registry.seed("app", "v1", image);
  return registry;
}

/** Something that is meant for nobody outside, and counts who comes. */
async function innerServer() {
  const visits: string[] = [];
  const server = createServer(({ url }, response) => {
    visits.push(url ?? "");
    response.end("secret");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    visits,
    port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}

test("an upstream cannot have this server ask whatever it can reach", async () => {
  await using registry = await holding();
  await using inner = await innerServer();
  const places = [
    `http://127.0.0.1:${inner.port}/`,
    `http://localhost:${inner.port}/`,
    `http://[::ffff:127.0.0.1]:${inner.port}/`,
    `http://0.0.0.0:${inner.port}/`,
    `http://2130706433:${inner.port}/`,
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/",
    "http://[::1]:1/",
    "file:///etc/passwd",
    "http://user:password@127.0.0.1/",
  ];
  for (const place of places) {
    for (const on of ["GET blob", "GET manifest", "HEAD blob"]) {
      await using world = await startUpstreams(registry.origin);
      const { upstreams } = world;
      const rule = registry.behave({ on, times: 20, fault: redirect(place) });
      const asked = {
        "GET blob": () => readBlob(upstreams, layer),
        "HEAD blob": () => upstreams.statBlob(repositoryOf(), layer, testCall()),
        "GET manifest": () => upstreams.readManifest(repositoryOf(), byTag("v1"), testCall()),
      }[on];
      await assert.rejects(async () => asked?.(), { status: 502 }, `${on} ${place}`);
      rule.stop();
    }
  }
  assert.deepEqual(inner.visits, []);
});

test("a token service inside is asked no more than any other place", async () => {
  await using registry = await holding();
  await using inner = await innerServer();
  const challenge = `Bearer realm="http://127.0.0.1:${inner.port}/token",service="x"`;
  const fault = refuse(401, { code: "UNAUTHORIZED", headers: { "www-authenticate": challenge } });
  registry.behave({ times: 100, fault });
  await using world = await startUpstreams(registry.origin);
  await assert.rejects(world.upstreams.readManifest(repositoryOf(), byTag("v1"), testCall()), {
    code: /UNAVAILABLE|DENIED/,
  });
  assert.deepEqual(inner.visits, []);
});

test("where an upstream may lead, the settings say", async () => {
  await using registry = await holding();
  await using store = await startRegistry({ store: registry.store });
  registry.features = { ...registry.features, blobRedirect: { origin: store.origin, status: 307 } };
  await using world = await startUpstreams(registry.origin, { redirectsTo: [store.host] });
  assert.ok(
    (await readBlob(world.upstreams, layer))?.equals(image.blobs.get(layer) ?? Buffer.of()),
  );
  assert.ok(store.log.of("GET blob").length > 0);
});

test("an upstream is signed in to with its own password, which goes nowhere else", async () => {
  await using folder = await tempFolder();
  await using registry = await startRegistry({
    access: { kind: "basic", users: { ann: "s3cret" } },
  });
  registry.seed("app", "v1", image);
  await using store = await startRegistry({ store: registry.store });
  registry.features = { ...registry.features, blobRedirect: { origin: store.origin, status: 307 } };
  const passwordFile = folder.in("password");
  await writeFile(passwordFile, "s3cret\n");
  await chmod(passwordFile, 0o600);
  const auth = Buffer.from("ann:s3cret").toString("base64");
  await writeFile(folder.in("auth.json"), JSON.stringify({ auths: { "hub.example": { auth } } }));
  for (const settings of [
    { username: "ann", passwordFile },
    { authFile: folder.in("auth.json") },
  ]) {
    await using world = await startUpstreams(registry.origin, {
      ...settings,
      redirectsTo: [store.host],
    });
    const held = await world.upstreams.readManifest(repositoryOf(), byTag("v1"), testCall());
    assert.equal(held?.digest, image.digest);
    assert.ok(await readBlob(world.upstreams, layer));
    assert.ok(!JSON.stringify(world.events).includes("s3cret"));
  }
  assert.ok(store.log.entries.every(({ headers }) => headers.authorization === undefined));
  await writeFile(passwordFile, "wrong");
  await using world = await startUpstreams(registry.origin, { username: "ann", passwordFile });
  await assert.rejects(world.upstreams.readManifest(repositoryOf(), byTag("v1"), testCall()), {
    status: 403,
    code: "DENIED",
  });
});

test("what is renewed on the disk counts from then on", {
  skip: skipWithout("openssl"),
}, async () => {
  await using pki = await makePki();
  const users = { ann: "one" };
  await using registry = await startRegistry({
    access: { kind: "basic", users },
    tls: { cert: pki.server.cert, key: pki.server.key },
  });
  for (const tag of ["v1", "v2", "v3", "v4"]) registry.seed("app", tag, image);
  const at = pki.folder.in;
  const files = { ca: at("upstream.crt"), passwordFile: at("password") };
  await writeFile(files.passwordFile, "one");
  await using world = await startUpstreams(registry.origin, { username: "ann", ...files });
  const read = (tag: string) =>
    world.upstreams.readManifest(repositoryOf(), byTag(tag), testCall());
  const unusable = {
    status: 503,
    code: "UNAVAILABLE",
    message: `upstream ${hub}: a file that its settings name cannot be used`,
  };
  await assert.rejects(read("v1"), unusable);
  const told = world.events.map((event) => (event.type === "message" ? event.text : ""));
  assert.ok(told.some((text) => text.endsWith(`open ${files.ca}: no such file or directory`)));
  await writeFile(files.ca, pki.stranger.cert);
  world.pass(3000);
  await assert.rejects(read("v1"), { status: 502, message: /unknown authority/ });
  await writeFile(files.ca, pki.ca.cert);
  world.pass(3000);
  assert.equal((await read("v1"))?.digest, image.digest);
  users.ann = "another";
  await assert.rejects(read("v2"), { status: 403 });
  await writeFile(files.passwordFile, "another");
  world.pass(3000);
  assert.equal((await read("v3"))?.digest, image.digest);
  await rm(files.passwordFile);
  world.pass(3000);
  await assert.rejects(read("v4"), unusable);
});
