import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { RawManifest } from "../../../src/core/manifest.ts";
import { mediaTypes } from "../../../src/core/media-type.ts";
import {
  aCall,
  admissionWorld,
  image,
  index,
  people,
  repositoryOf,
  signedBy,
  type World,
} from "./world.ts";

const folk = people();
after(() => folk[Symbol.dispose]());

const repo = "docker.io/library/app";
const keys = { "ann.pub": folk.keys.ann };
const policy = { [repo]: [signedBy("ann.pub")] };
const settings = { scopes: [{ repositories: ["**"], noRollback: true }] };

function sign(world: World, manifest: RawManifest, at: string): RawManifest {
  world.signatures.put(repo, manifest.digest, folk.sign("ann", `${repo}:v1`, manifest.digest, at));
  return manifest;
}

test("a tag does not go back to what was signed earlier, from the cache or anew, until it is let", async () => {
  await using world = await admissionWorld(settings, policy, keys);
  const old = sign(world, image("old"), "20260401T000000");
  const newer = sign(world, image("new"), "20260501T000000");
  assert.equal((await world.byTag(repo, "v1", old)).allowed, true);
  assert.equal((await world.byTag(repo, "v1", newer)).allowed, true);
  const back = await world.byTag(repo, "v1", old);
  assert.ok(!back.allowed);
  assert.equal(back.status, 403);
  assert.match(
    back.reason,
    /^policy: Tag v1 may not go back: .* was signed 2026-04-01.*2026-05-01/,
  );
  assert.equal(back.tagOnly, true, "a HEAD that passes would let it in by digest");
  assert.equal((await world.byTag(repo, "v1", newer)).allowed, true);
  assert.equal(
    (await world.byDigest(repo, old)).allowed,
    true,
    "who asks for it by digest means it",
  );
  assert.equal(world.admission.tags.forget(repo, "v1"), true);
  assert.equal((await world.byTag(repo, "v1", old)).allowed, true);
});

test("it is remembered by other processes, and over restarts", async () => {
  await using world = await admissionWorld(settings, policy, keys);
  const old = sign(world, image("old"), "20260401T000000");
  const newer = sign(world, image("new"), "20260501T000000");
  await world.byTag(repo, "v1", newer);
  const other = world.second();
  const decision = await other.admitManifest(
    repositoryOf(repo),
    { type: "tag", tag: "v1" },
    old,
    aCall(),
  );
  assert.equal(decision.allowed, false);
});

test("an old image that is signed anew may be served again", async () => {
  await using world = await admissionWorld(settings, policy, keys);
  const old = sign(world, image("old"), "20260401T000000");
  const newer = sign(world, image("new"), "20260501T000000");
  await world.byTag(repo, "v1", newer);
  assert.equal((await world.byTag(repo, "v1", old)).allowed, false);
  sign(world, old, "20260515T000000");
  assert.equal((await world.byTag(repo, "v1", old)).allowed, true);
  assert.equal((await world.byTag(repo, "v1", newer)).allowed, false);
});

test("an index may keep instances, and may not take up older ones", async () => {
  await using world = await admissionWorld(settings, policy, keys);
  const [amdOld, amd, amdNew] = ["20260401T000000", "20260501T000000", "20260520T000000"].map(
    (at, position) => sign(world, image(`amd${position}`), at),
  ) as [RawManifest, RawManifest, RawManifest];
  const arm = sign(world, image("arm"), "20260502T000000");
  assert.equal((await world.byTag(repo, "v1", index([amd, arm]))).allowed, true);
  assert.equal((await world.byTag(repo, "v1", index([amdNew, arm]))).allowed, true);
  assert.equal((await world.byTag(repo, "v1", index([amd, arm]))).allowed, false);
  assert.equal((await world.byTag(repo, "v1", index([amdOld, arm]))).allowed, false);
  assert.equal((await world.byTag(repo, "v1", index([arm]))).allowed, true);
});

test("attachments alone are nothing that a tag stands for", async () => {
  await using world = await admissionWorld(settings, policy, keys);
  const { digest } = image("subject");
  const [some, more] = ["a", "b"].map((name) =>
    world.keep(
      repo,
      image(name, {
        config: { mediaType: "application/vnd.oci.empty.v1+json", digest, size: 2 },
        layers: [{ mediaType: "application/spdx+json", digest, size: 2 }],
        subject: { mediaType: mediaTypes.ociManifest, digest, size: 2 },
      }),
    ),
  ) as [RawManifest, RawManifest];
  const both = index([some, more]);
  assert.equal((await world.byTag(repo, "v1", both)).allowed, true);
  const signed = sign(world, image("signed"), "20260501T000000");
  assert.equal((await world.byTag(repo, "v1", signed)).allowed, true);
});

test("under audit it is told and let go", async () => {
  const audit = { scopes: [{ repositories: ["**"], noRollback: true, mode: "audit" }] };
  await using world = await admissionWorld(audit, policy, keys);
  await world.byTag(repo, "v1", sign(world, image("new"), "20260501T000000"));
  const back = await world.byTag(repo, "v1", sign(world, image("old"), "20260401T000000"));
  assert.ok(back.allowed && back.id);
  assert.equal(world.admission.decisions.get(back.id)?.kind, "rollback");
});
