import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, test } from "node:test";
import { createVerifiers } from "../../../sigstore/create-verifiers.ts";
import type { UntrustedSignature } from "../../../sigstore/signature.ts";
import type { RawManifest } from "../../../src/core/manifest.ts";
import { createAdmission } from "../../../src/server/admission/create-admission.ts";
import { openLivePolicy } from "../../../src/server/admission/live-policy.ts";
import { admissionSettings } from "../../../src/server/admission/settings.ts";
import { createServedSignatures } from "../../../src/server/signatures/create-served-signatures.ts";
import type { SignatureOrigin } from "../../../src/server/signatures/origin.ts";
import { tempFolder } from "../../support/temp.ts";
import {
  aCall,
  admissionWorld,
  image,
  PlaceError,
  people,
  repositoryOf,
  signedBy,
  worldTime,
} from "./world.ts";

const folk = people();
after(() => folk[Symbol.dispose]());

test("what an upstream said before lets in while it is away, and makes nothing unsigned", async () => {
  await using folder = await tempFolder();
  const clock = { ms: worldTime };
  const said = new Map<string, readonly UntrustedSignature[]>();
  let away = false;
  const origin: SignatureOrigin = {
    where: "sigs.test",
    async read(digest) {
      if (away) throw new PlaceError();
      return said.get(digest) ?? [];
    },
  };
  const signatures = createServedSignatures({
    folder: folder.in("signatures"),
    now: () => clock.ms,
    openOrigins: async () => [origin],
  });
  await using world = await admissionWorld(
    {},
    { "docker.io/library/app": [signedBy("ann.pub")] },
    { "ann.pub": folk.keys.ann },
    signatures,
  );
  const name = "docker.io/library/app";
  const [one, two] = [image("one"), image("two")];
  said.set(one.digest, [folk.sign("ann", `${name}:v1`, one.digest)]);
  const ask = async (manifest: RawManifest) => {
    const decision = await world.byTag(name, "v1", manifest);
    return decision.allowed ? 200 : decision.status;
  };
  assert.deepEqual([await ask(one), await ask(two)], [200, 403]);
  away = true;
  clock.ms += 3_600_000;
  world.clock.ms = clock.ms;
  assert.deepEqual([await ask(one), await ask(two)], [200, 503]);
  away = false;
  clock.ms += 3_600_000;
  world.clock.ms = clock.ms;
  assert.deepEqual([await ask(one), await ask(two)], [200, 403]);
});

test("signatures that this server keeps are those it judges by, as they come", async () => {
  await using folder = await tempFolder();
  const name = "registry.test/team/app";
  await writeFile(folder.in("ann.pub"), folk.keys.ann);
  const docker = { [name]: [signedBy(folder.in("ann.pub"))] };
  await writeFile(
    folder.in("policy.json"),
    JSON.stringify({ default: [{ type: "reject" }], transports: { docker } }),
  );
  const now = () => worldTime;
  const report = () => {};
  using policy = openLivePolicy({
    policy: folder.in("policy.json"),
    verifiers: createVerifiers({ now: () => new Date(now()) }),
    requireSigned: false,
    report,
  });
  const signatures = createServedSignatures({ folder: folder.in("signatures"), now });
  using admission = createAdmission({
    settings: admissionSettings.parse({ refusalTtl: "1h" }),
    serverName: "registry.test",
    policy,
    signatures,
    readManifest: async () => undefined,
    folder: folder.in("admission"),
    now,
    report,
  });
  const repository = repositoryOf(name);
  const one = image("one");
  const call = aCall();
  const ask = () => admission.admitManifest(repository, { type: "tag", tag: "v1" }, one, call);
  assert.equal((await ask()).allowed, false);
  const signature = folk.sign("ann", `${name}:v1`, one.digest);
  await signatures.add(repository, one.digest, [signature], call);
  const allowed = await ask();
  assert.equal(allowed.allowed, true);
  assert.equal((await ask()).id, allowed.id, "at hand");
});
