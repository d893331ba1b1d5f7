import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { test } from "node:test";
import type { Gate } from "../../policy/gate.ts";
import type { PolicySubject } from "../../policy/subject.ts";
import { admit } from "../../src/copy/admit.ts";
import { copy } from "../../src/copy/copy.ts";
import { dryRun } from "../../src/copy/dry-run.ts";
import type { CopyOptions } from "../../src/copy/options.ts";
import { createTransfers } from "../../src/copy/transfers.ts";
import { digestOf } from "../../src/core/digest.ts";
import { readRawManifest } from "../../src/core/manifest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import { Compression } from "../../src/stream/recompress.ts";
import type { ImageSource } from "../../src/transport/contract/image-source.ts";
import { contextOf, docker, gateOf } from "../policy/world.ts";
import { Engine } from "../support/engine.ts";
import { tempFolder } from "../support/temp.ts";

const emptyIndex = Buffer.from(
  JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] }),
);

function sourceOf(readSignatures: ImageSource["readSignatures"] = async () => []): ImageSource {
  return {
    reference: docker("h.example/a:1"),
    readSignatures,
  } as Partial<ImageSource> as ImageSource;
}

const options = { carrySignatures: false, signal: new AbortController().signal };

test("admit() asks about the sha256 also of a manifest that was asked for by another digest", async () => {
  const asked: PolicySubject[] = [];
  const gate: Gate = {
    verdict: () => assert.fail(),
    admit: async (subject) => void asked.push(subject),
  };
  const long = digestOf(emptyIndex, "sha512");
  await admit(sourceOf(), gate, readRawManifest(emptyIndex, { digest: long }), options);
  await admit(sourceOf(), gate, readRawManifest(emptyIndex), options);
  assert.deepEqual(
    asked.map(({ manifestDigest }) => manifestDigest),
    [digestOf(emptyIndex), digestOf(emptyIndex)],
  );
});

test("admit() tells why a run was ended, not that signatures could not be read", async () => {
  const controller = new AbortController();
  const reason = new Error("interrupted");
  const source = sourceOf(async () => {
    controller.abort(reason);
    throw new TypeError("cut off");
  });
  const gate = gateOf(
    { default: [{ type: "signedBy", keyType: "GPGKeys", keyPath: "/k" }] },
    contextOf({}),
  );
  const given = { carrySignatures: false, signal: controller.signal };
  await assert.rejects(admit(source, gate, readRawManifest(emptyIndex), given), reason);
});

test("an index of which no instance is copied is judged itself", async () => {
  await using folder = await tempFolder();
  await using engine = new Engine();
  await mkdir(folder.in("source"));
  await writeFile(folder.in("source", "manifest.json"), emptyIndex);
  await writeFile(folder.in("source", "version"), "Directory Transport Version: 1.1\n");
  const gate = gateOf({ default: [{ type: "reject" }] }, contextOf({}));
  for (const type of ["all", "index-only"] as const) {
    const choices: CopyOptions = {
      select: { type },
      platform: { os: "linux", architecture: "amd64" },
      preserveDigests: false,
      removeSignatures: false,
      compression: { force: false },
    };
    const job = {
      from: await engine.end(`dir:${folder.in("source")}`, "source"),
      to: await engine.end(`dir:${folder.in("copy")}`, "destination"),
      gate,
      options: choices,
      signal: options.signal,
    };
    const run = {
      transfers: createTransfers(1),
      compression: new Compression({ parallel: 1 }),
      report: () => {},
      tellLayers: false,
    };
    await assert.rejects(copy({ ...job, ...run }), /is rejected by policy/, type);
    await assert.rejects(dryRun({ ...job, tellLayers: false }), { code: "policy.refused" }, type);
  }
});
