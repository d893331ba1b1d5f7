import assert from "node:assert/strict";
import { test } from "node:test";
import { assertSecretStayed, originsThatSaw } from "./canary.ts";
import { htpasswdUser, startDockerRegistry } from "./docker-registry.ts";
import { makeImage, makeMultiArch } from "./images.ts";
import { skipWithout } from "./peers.ts";
import { startRegistry } from "./registry.ts";
import { skopeo } from "./skopeo.ts";
import { certDir, makePki } from "./tls.ts";

const needed = { skip: skipWithout("skopeo", "docker-registry", "openssl") };
const flags = ["-q", "--all", "--src-tls-verify=false", "--dest-tls-verify=false"];
const creds = `${htpasswdUser.name}:${htpasswdUser.password}`;

test("docker-registry takes what a test registry gives, by password", needed, async () => {
  await using source = await startRegistry();
  await using destination = await startDockerRegistry({ auth: "htpasswd" });
  const image = makeMultiArch({ seed: 20 });
  source.seed("a", "v1", image);
  const args = ["copy", ...flags, `docker://${source.host}/a:v1`];
  const to = `docker://${destination.host}/b:v1`;
  assert.equal((await skopeo([...args, to])).exitCode, 1);
  const { exitCode, stderr } = await skopeo([...args, "--dest-creds", creds, to]);
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(originsThatSaw(htpasswdUser.password, [source.log]), []);
});

test("docker-registry takes our tokens, over TLS with client certificates", needed, async () => {
  await using pki = await makePki();
  await using destination = await startDockerRegistry({
    auth: { token: { users: { ann: "secret" }, anonymous: false }, key: pki.server },
    tls: { pki, clients: true },
  });
  await using source = await startRegistry({
    tls: { key: pki.server.key, cert: pki.server.cert, clientCa: pki.ca.cert },
  });
  source.seed("a", "v1", makeImage({ seed: 21 }));
  const good = await certDir(pki);
  const again = await skopeo([
    ...["copy", "-q", "--dest-creds", creds, "--src-cert-dir", good, "--dest-cert-dir", good],
    `docker://${source.host}/a:v1`,
    `docker://${destination.host}/b:v1`,
  ]);
  assert.equal(again.exitCode, 0, again.stderr);
  const { tokens } = destination;
  assert.ok(tokens);
  assertSecretStayed("secret", [tokens.server.log, source.log], [tokens.server.origin]);
});
