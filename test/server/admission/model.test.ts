import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Decision } from "../../../src/server/admission.ts";
import type { ManifestReference } from "../../../src/server/v2/backend.ts";
import { randomBytesOf } from "../../support/random.ts";
import {
  aCall,
  accept,
  admissionWorld,
  image,
  index,
  layerOf,
  people,
  reject,
  repositoryOf,
  signedBy,
} from "./world.ts";

const folk = people();
after(() => folk[Symbol.dispose]());

const soak = process.env["AMPHORA_SOAK"] === "1";
const rounds = soak ? 3000 : 250;

const repo = "docker.io/library/app";
const images = ["a", "b", "c"].map((name) => image(name));
const manifests = [...images, index(images.slice(0, 2)), index(images.slice(1))];
const signatures = images.flatMap(({ digest }) =>
  ["v1", "v2"].flatMap((tag) =>
    (["ann", "bob"] as const).map((who) => ({
      digest,
      signature: folk.sign(who, `${repo}:${tag}`, digest),
    })),
  ),
);
const policies = [
  [signedBy("ann.pub")],
  [signedBy("bob.pub", "matchExact")],
  [signedBy("ann.pub", "matchRepository"), signedBy("bob.pub", "matchRepository")],
  [accept],
  [reject],
];

/** What matters of a decision. */
function gist(decision: Decision | undefined) {
  if (!decision || decision.allowed) return decision && "allowed";
  return {
    status: decision.status,
    reason: decision.reason,
    at: decision.at,
    tagOnly: decision.tagOnly,
  };
}

// One admission keeps decisions at hand for years, the other for no time at all: whatever happens, they say the same.
test("what is at hand is never other than what would be decided now", async (context) => {
  const seed = Number(process.env["AMPHORA_SEED"] ?? (Math.random() * 2 ** 31) | 0);
  context.diagnostic(`AMPHORA_SEED=${seed}`);
  const bytes = randomBytesOf(seed, rounds * 8);
  let at = 0;
  const pick = <T>(items: readonly T[]): T => items[(bytes[at++] ?? 0) % items.length] as T;
  const common = { scopes: [{ repositories: ["**"], strictBlobs: true }] };
  const long = { ...common, decisionTtl: "3650d", refusalTtl: "3650d" };
  const keys = { "ann.pub": folk.keys.ann, "bob.pub": folk.keys.bob };
  await using world = await admissionWorld(long, { [repo]: [accept] }, keys);
  const none = world.second({ ...common, decisionTtl: "0", refusalTtl: "0" }, world.in("anew"));
  const both = [world.admission, none];
  const repository = repositoryOf(repo);
  const call = aCall();
  const actions: readonly (() => Promise<void> | void)[] = [
    () => {
      const { digest, signature } = pick(signatures);
      world.signatures.put(repo, digest, signature);
    },
    () => world.signatures.clear(repo, pick(images).digest),
    async () => {
      await world.writePolicy({ [repo]: pick(policies) });
      world.admission.reload();
    },
    () => {
      world.clock.ms += pick([1, 3_600_000, 86_400_000]);
    },
    () => {
      const digest = pick([...manifests.map(({ digest }) => digest), layerOf("a")]);
      for (const { blocks } of both)
        if (!blocks.ofDigest(digest)) blocks.add({ digest, reason: "bad" });
    },
    () => {
      const digest = pick([...manifests.map(({ digest }) => digest), layerOf("a")]);
      for (const { blocks } of both) blocks.remove({ digest });
    },
  ];
  for (let round = 0; round < rounds; round++) {
    if (pick([0, 1, 2]) === 0) await pick(actions)();
    if (round % 64 === 63)
      for (const { blocks } of both) for (const { id } of blocks.list()) blocks.remove({ id });
    const manifest = pick(manifests);
    const reference: ManifestReference = pick([
      { type: "tag", tag: "v1" },
      { type: "tag", tag: "v2" },
      { type: "digest", digest: manifest.digest },
    ]);
    const layer = layerOf(pick(["a", "b", "c"]));
    const [known, anew] = await Promise.all(
      both.map(async (admission) => [
        gist(await admission.admitManifest(repository, reference, manifest, call)),
        gist(await admission.admitBlob(repository, layer, call)),
      ]),
    );
    assert.deepEqual(known?.[0], anew?.[0], `round ${round}, manifest`);
    const [one, other] = [known?.[1], anew?.[1]];
    assert.equal(one === "allowed", other === "allowed", `round ${round}, blob`);
  }
});
