import { spawnSync } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SigstoreTrust } from "../../../sigstore/verifiers.ts";
import { digestOf, hexOf } from "../../../src/core/digest.ts";
import { allCases, normalised } from "./cases/all.ts";
import { config, manifest, reference, type VerifyCase } from "./cases/case.ts";

// By hand: `node test/sigstore/cosign/record.ts skopeo [ARG…]` asks that skopeo about every case, through a `dir:` image
// with one signature, and writes test/fixtures/sigstore/1.22.json.

const [program = "skopeo", ...before] = process.argv.slice(2);
const work = join(process.cwd(), ".record");

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

function requirement({ identity, rekorKeys }: SigstoreTrust): object {
  return {
    type: "sigstoreSigned",
    signedIdentity: { type: "exactReference", dockerReference: reference },
    ...(rekorKeys && { rekorPublicKeyDatas: rekorKeys.map(base64) }),
    ...whom(identity),
  };
}

function whom(identity: SigstoreTrust["identity"]): object {
  switch (identity.type) {
    case "keys":
      return { keyDatas: identity.keys.map(base64) };
    case "fulcio": {
      const { ca, oidcIssuer, subjectEmail } = identity;
      return { fulcio: { caData: base64(ca), oidcIssuer, subjectEmail } };
    }
    case "pki": {
      const { type, caRoots, caIntermediates, ...subject } = identity;
      const more = caIntermediates && { caIntermediatesData: base64(caIntermediates) };
      return { pki: { caRootsData: base64(caRoots), ...more, ...subject } };
    }
  }
}

async function ask({ trust, signature }: VerifyCase): Promise<string> {
  await rm(work, { recursive: true, force: true });
  const image = join(work, "image");
  await mkdir(image, { recursive: true });
  const { mediaType, payload, annotations } = signature;
  const stored = { mimeType: mediaType, payload: base64(payload), annotations };
  const policy = { default: [requirement(trust)] };
  await writeFile(join(image, "version"), "Directory Transport Version: 1.1\n");
  await writeFile(join(image, "manifest.json"), manifest);
  await writeFile(join(image, hexOf(digestOf(config))), config);
  await writeFile(join(image, "signature-1"), `\0sigstore-json\n${JSON.stringify(stored)}`);
  await writeFile(join(work, "policy.json"), JSON.stringify(policy));
  const args = ["--policy", join(work, "policy.json"), "copy", `dir:${image}`, `dir:${work}/copy`];
  const { status, stderr } = spawnSync(program, [...before, ...args], { encoding: "utf8" });
  if (status === 0) return "";
  const message = /level=fatal msg="(.*)"\n$/s.exec(stderr)?.[1];
  if (message === undefined) throw new Error(stderr);
  return normalised(JSON.parse(`"${message}"`).replace(/^Source image rejected: /, ""));
}

const recorded: Record<string, string> = {};
for (const one of allCases) {
  if (Object.hasOwn(recorded, one.name)) throw new Error(`two cases called ${one.name}`);
  recorded[one.name] = await ask(one);
}
await rm(work, { recursive: true, force: true });
const fixture = new URL("../../fixtures/sigstore/1.22.json", import.meta.url);
await writeFile(fixture, `${JSON.stringify(recorded, undefined, 2)}\n`);
