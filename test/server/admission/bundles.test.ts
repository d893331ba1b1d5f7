import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { hexOf } from "../../../src/core/digest.ts";
import { makeBundle, statementOf } from "../../support/bundle.ts";
import { testKey } from "../../support/certificates.ts";
import { accept, admissionWorld, image, PlaceError } from "./world.ts";

const repo = "docker.io/library/app";
const signer = testKey("p256", "bundles");

test("an overlay's bundles are asked for, and fail as signatures do", async () => {
  await using world = await admissionWorld(
    {},
    { [repo]: [accept] },
    { "key.pub": Buffer.from(signer.pem) },
  );
  const one = image("one");
  assert.equal((await world.byTag(repo, "v1", one)).allowed, true);
  const wanted = {
    type: "sigstoreBundle",
    bundle: true,
    keyPath: world.in("key.pub"),
    signedIdentity: { type: "matchDigest" },
  };
  await writeFile(
    world.in("x-policy.json"),
    JSON.stringify({ transports: { docker: { [repo]: [wanted] } } }),
  );
  world.admission.reload();
  const unsigned = await world.byTag(repo, "v1", one);
  assert.ok(!unsigned.allowed);
  assert.equal(unsigned.reason, "policy: A bundle was required, but no bundle exists");
  world.clock.ms += 60_000;
  world.signatures.bundles = [
    makeBundle({ statement: statementOf(hexOf(one.digest)), signer, log: false }),
  ];
  assert.equal((await world.byTag(repo, "v1", one)).allowed, true);
  assert.equal((await world.byTag(repo, "v1", image("two"))).allowed, false);
  world.signatures.readBundles = async () => {
    throw new PlaceError();
  };
  const down = await world.byTag(repo, "v2", image("three"));
  assert.ok(!down.allowed && down.status === 503);
});
