import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { kubeConnection } from "../../../src/config/kube-config.ts";
import { KnownError } from "../../../src/core/errors.ts";
import { parseAtomicLocation } from "../../../src/transport/atomic/location.ts";
import { fakeBytes } from "../../sigstore/lookaside/support.ts";
import { makeImage } from "../../support/images.ts";
import { startOpenShift } from "../../support/openshift.ts";
import { startRegistry } from "../../support/registry.ts";
import { cliHome } from "../../support/run-cli.ts";

test("parseAtomicLocation() takes a host, a namespace, a stream and a tag", () => {
  const { text, policyIdentity, policyNamespaces } = parseAtomicLocation(
    "h.example.com:8443/ns/st:v1",
  );
  assert.equal(text, "h.example.com:8443/ns/st:v1");
  assert.equal(policyIdentity, "h.example.com:8443/ns/st:v1");
  assert.deepEqual(policyNamespaces.slice(0, 3), [
    "h.example.com:8443/ns/st",
    "h.example.com:8443/ns",
    "h.example.com:8443",
  ]);
  const table: readonly [text: string, message: RegExp][] = [
    ["x", /^invalid image reference x, expected format/], // as it was written
    ["h.example.com/ns/st", /^invalid image reference h\.example\.com\/ns\/st, expected format/],
    [`h.example.com/ns/st@sha256:${"0".repeat(64)}`, /, expected format: 'hostname\/namespace/],
    ["h.example.com/st:v1", /^invalid image reference: h\.example\.com\/st:v1, expected format/],
    ["h.example.com/a/b/c:v1", /^invalid image reference: /],
    ["UPPER/x", /^failed to parse image reference "UPPER\/x": /],
  ];
  for (const [text, message] of table) {
    assert.throws(
      () => parseAtomicLocation(text),
      (error) => error instanceof KnownError && message.test(error.message),
      text,
    );
  }
});

test("kubeConnection() reads the current context, the first file before the others", () => {
  const file = (folder: string, document: unknown) => ({ folder, document });
  const cluster = { server: "https://api:6443/", "certificate-authority": "ca.pem" };
  const connection = kubeConnection([
    file("/a", { "current-context": "one", clusters: [{ name: "c", cluster }] }),
    file("/b", {
      "current-context": "two",
      clusters: [{ name: "c", cluster: { server: "https://other" } }],
      contexts: [{ name: "one", context: { cluster: "c", user: "u" } }],
      users: [{ name: "u", user: { token: "t", "client-key-data": "a2V5" } }],
    }),
  ]);
  assert.deepEqual(connection, {
    server: "https://api:6443",
    verify: true,
    certificateAuthority: { file: "/a/ca.pem" },
    clientKey: { pem: "key" },
    token: "t",
  });
  for (const document of [undefined, [], "x", { "current-context": "none" }]) {
    assert.equal(kubeConnection([file("/a", document)]).server, "http://localhost:8080");
  }
});

test("atomic: images are copied with the signatures that the cluster keeps", async () => {
  await using home = await cliHome();
  await using cluster = await startOpenShift("secret");
  await using registry = await startRegistry();
  const digest = registry.seed("ns/st", "v1", makeImage({ seed: 80, layerBytes: 1500 }));
  await home.write(
    ".kube/config",
    `current-context: x
clusters: [{name: c, cluster: {server: "${cluster.origin}"}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: secret}}]
`,
  );
  const dockerImageReference = `172.30.0.1:5000/ns/st@${digest}`;
  cluster.tags.set("ns/st:v1", { dockerImageReference, image: digest });
  const content = Buffer.from(fakeBytes("one")).toString("base64");
  const entry = { metadata: { name: `${digest}@x` }, content };
  cluster.signatures.set(digest, [
    { ...entry, type: "atomic" },
    { ...entry, type: "other" },
  ]);
  const copy = (from: string, to: string) =>
    home.run(["copy", "--src-tls-verify=false", "--dest-tls-verify=false", from, to]);
  const folder = home.folder.in("d");
  const read = await copy(`atomic:${registry.host}/ns/st:v1`, `dir:${folder}`);
  assert.equal(read.exitCode, 0, read.stderr);
  assert.deepEqual(await readFile(`${folder}/signature-1`), Buffer.from(fakeBytes("one")));
  assert.ok(!(await readdir(folder)).includes("signature-2"));
  await writeFile(`${folder}/signature-2`, fakeBytes("two"));
  const written = await copy(`dir:${folder}`, `atomic:${registry.host}/ns/st:v2`);
  assert.equal(written.exitCode, 0, written.stderr);
  assert.ok(registry.store.open("ns/st").tags.has("v2"));
  const kept = cluster.signatures.get(digest) ?? [];
  assert.deepEqual(
    kept.map(
      ({ type, content }) =>
        `${type} ${Buffer.from(content, "base64").toString("latin1").slice(1)}`,
    ),
    ["atomic one", "other one", "atomic two"],
  );
  const absent = await copy(`atomic:${registry.host}/ns/st:none`, `dir:${home.folder.in("n")}`);
  assert.match(absent.stderr, /No matching tag found/);
});
