import assert from "node:assert/strict";
import { test } from "node:test";
import { type BundleJson, type BundleOptions, statementOf } from "../../support/bundle.ts";
import { daysOn, testTime } from "../../support/certificates.ts";
import {
  certBundle,
  email,
  identities,
  issuer,
  leaf,
  other,
  refuses,
  stampRoot,
  stamps,
  verify,
} from "./bundle-world.ts";

// `@sigstore/verify` checks proofs, checkpoints and timestamps: whichever version of it is there is held to this.

type Json = Record<string, unknown>;
interface Proof extends Json {
  hashes: string[];
  checkpoint: { envelope: string };
}
interface Entry extends Json {
  inclusionProof: Proof;
}

const at = new Date(testTime.getTime() - 7_200_000);
const trust = identities([{ issuer, subject: { email } }], {
  timestampAuthorities: [[stamps, stampRoot]],
});
const certificate = leaf();

/** In the log by proof alone, and timed by an authority alone. */
function proved(change?: (bundle: BundleJson) => unknown, more: Partial<BundleOptions> = {}) {
  const made = { certificate, log: { promise: false }, timestamps: [[stamps, at]] } as const;
  return certBundle({ ...made, ...more, ...(change && { change }) });
}

const entriesOf = (bundle: Buffer) =>
  JSON.parse(bundle.toString()).verificationMaterial.tlogEntries as Entry[];

function withEntries(change: (entries: Entry[]) => unknown): Buffer {
  return proved((bundle) => {
    const { verificationMaterial: material } = bundle;
    const entries = material.tlogEntries as Entry[];
    material.tlogEntries = (change(entries) as Entry[] | undefined) ?? entries;
  });
}

/** The bundle with its one proof changed. */
const withProof = (change: (proof: Proof) => unknown) =>
  withEntries(([entry]) => {
    if (entry) change(entry.inclusionProof);
  });

const withNote = (change: (note: string) => string) =>
  withProof(({ checkpoint }) => {
    checkpoint.envelope = change(checkpoint.envelope);
  });

const flipped = (base64: string) => {
  const bytes = Buffer.from(base64, "base64");
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return bytes.toString("base64");
};

test("a proof of inclusion is of this entry, in the tree that the log signed", async () => {
  assert.deepEqual((await verify(proved(), trust)).signedAt, at);
  const elsewhere = entriesOf(proved())[0]?.inclusionProof;
  assert.ok(elsewhere);
  const wrong: readonly Buffer[] = [
    withProof((proof) => Object.assign(proof, elsewhere)),
    withProof((proof) => Object.assign(proof, { checkpoint: elsewhere.checkpoint })),
    withProof((proof) => Object.assign(proof, { hashes: elsewhere.hashes })),
    withProof(({ hashes }) => hashes.push(hashes[0] ?? "")),
    withProof(({ hashes }) => hashes.pop()),
    withProof(({ hashes }) => hashes.push(flipped(hashes.pop() ?? ""))),
    withProof((proof) => Object.assign(proof, { logIndex: "1" })),
    withProof((proof) => Object.assign(proof, { logIndex: "2" })),
    withProof((proof) => Object.assign(proof, { logIndex: "-1" })),
    withProof((proof) => Object.assign(proof, { logIndex: "x" })),
  ];
  for (const [index, bytes] of wrong.entries()) {
    await refuses("bad-log-entry", bytes, trust, `row ${index}`);
  }
});

test("a checkpoint is one that the log of the entry signed, under its name", async () => {
  const wrong: readonly Buffer[] = [
    withNote((note) => note.replace("\n2\n", "\n3\n")),
    withNote((note) => note.replace("\n2\n", "\nx\n")),
    withNote((note) => note.replace(/\n([\w+/]{43}=)\n/, (_, hash) => `\n${flipped(hash)}\n`)),
    withNote((note) => note.replace("rekor.example.com - 1", "rekor.example.com - 2")),
    withNote((note) => note.replace("\u2014 rekor.example.com", "\u2014 rekor.example.org")),
    withNote((note) => note.replace("\u2014 rekor.example.com", "\u2014 .*")),
    withNote((note) => note.replace(/\u2014.*\n/, "")),
    withNote((note) => note.replace("\n\n", "\n")),
    withNote((note) => note.replace(/ (\S+)\n$/, (_, signature) => ` ${flipped(signature)}\n`)),
    withNote(() => ""),
    proved(undefined, { log: { promise: false, key: other } }),
  ];
  for (const [index, bytes] of wrong.entries()) {
    await assert.rejects(
      verify(bytes, trust),
      { code: /^signature\.(bad-log-entry|malformed)$/ },
      `row ${index}`,
    );
  }
});

test("each entry of a bundle has to hold, and be another", async () => {
  const foreign = entriesOf(proved(undefined, { statement: statementOf("0".repeat(64)) }));
  const unknown = entriesOf(proved(undefined, { log: { promise: false, key: other } }));
  const again = entriesOf(proved(undefined, { log: { promise: false, at: daysOn(-0.1) } }));
  const refused: readonly ((entries: Entry[]) => Entry[])[] = [
    () => [],
    () => foreign,
    () => unknown,
    (own) => [...own, ...foreign],
    (own) => [...foreign, ...own],
    (own) => [...own, ...unknown],
    (own) => [...own, ...own],
    (own) => [...own, ...again], // by another signature
    (own) => own.map(({ inclusionProof: _, ...entry }) => entry as Entry),
    (own) => own.map((entry) => ({ ...entry, logId: { keyId: flipped("AAAA") } })),
    (own) => own.map((entry) => ({ ...entry, logId: undefined })),
    (own) => own.map((entry) => ({ ...entry, kindVersion: undefined })),
    (own) => own.map((entry) => ({ ...entry, kindVersion: { kind: "intoto", version: "0.0.2" } })),
    (own) => own.map((entry) => ({ ...entry, kindVersion: { kind: "dsse", version: "0.0.2" } })),
  ];
  for (const [index, change] of refused.entries()) {
    await assert.rejects(
      verify(withEntries(change), trust),
      { code: /^signature\.(bad-log-entry|malformed)$/ },
      `row ${index}`,
    );
  }
});

test("each timestamp has to hold, over this signature, by a trusted authority", async () => {
  const stampsOf = (bytes: Buffer) =>
    JSON.parse(bytes.toString()).verificationMaterial.timestampVerificationData
      .rfc3161Timestamps as { signedTimestamp: string }[];
  const withStamps = (change: (own: { signedTimestamp: string }[]) => object[]) =>
    proved((bundle) => {
      const data = bundle.verificationMaterial["timestampVerificationData"] as Json;
      const own = data["rfc3161Timestamps"] as { signedTimestamp: string }[];
      data["rfc3161Timestamps"] = change(own);
    });
  const foreign = stampsOf(proved(undefined, { statement: statementOf("0".repeat(64)) }));
  const edited = (edit: (bytes: Buffer) => Buffer) =>
    withStamps((own) =>
      own.map(({ signedTimestamp }) => ({
        signedTimestamp: edit(Buffer.from(signedTimestamp, "base64")).toString("base64"),
      })),
    );
  const wrong: readonly Buffer[] = [
    withStamps(() => []),
    withStamps(() => foreign),
    withStamps((own) => [...own, ...foreign]),
    withStamps((own) => [...own, ...own]),
    withStamps(() => [{ signedTimestamp: "AAAA" }]),
    withStamps(() => [{}]),
    edited((bytes) => bytes.subarray(0, -1)),
    edited((bytes) => {
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      return bytes;
    }),
    edited((bytes) => {
      const year = at.getUTCFullYear();
      bytes.write(String(year - 1), bytes.indexOf(String(year)));
      return bytes;
    }),
  ];
  for (const [index, bytes] of wrong.entries()) {
    await assert.rejects(
      verify(bytes, trust),
      { code: /^signature\.(bad-log-entry|malformed)$/ },
      `row ${index}`,
    );
  }
  const twice = proved(undefined, {
    timestamps: [
      [stamps, at],
      [stamps, daysOn(-0.5)],
    ],
  });
  assert.deepEqual((await verify(twice, trust)).signedAt, daysOn(-0.5));
});
