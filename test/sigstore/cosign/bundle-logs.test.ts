import assert from "node:assert/strict";
import { test } from "node:test";
import { bundleFromJSON } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { type BundleSigner, verifyBundleInLogs } from "../../../sigstore/cosign/bundle-logs.ts";
import {
  type BundleOptions,
  logKey,
  makeTrustedRoot,
  type RootOptions,
} from "../../support/bundle.ts";
import { extKeyUsage, makeCa, testKey, testTime, usages } from "../../support/certificates.ts";
import { type LogKind, logSpecs } from "../../support/log-body.ts";
import {
  certBundle,
  email,
  identities,
  issuer,
  keyBundle,
  keys,
  leaf,
  middle,
  other,
  refuses,
  root,
  signer,
  stampRoot,
  stamps,
  verify,
} from "./bundle-world.ts";

type Json = Record<string, unknown>;

const hoursAgo = (hours: number) => new Date(testTime.getTime() - hours * 3_600_000);
const trusting = (options: RootOptions = {}) =>
  identities([{ issuer, subject: { email } }], {
    timestampAuthorities: [[stamps, stampRoot]],
    ...options,
  });

/** The log counts for these times only. */
const periods =
  (...all: readonly (Json | undefined)[]) =>
  (made: Json) => ({
    ...made,
    tlogs: (made["tlogs"] as { publicKey: Json }[]).map((log, index) => ({
      ...log,
      publicKey: { ...log.publicKey, validFor: all[index] },
    })),
  });

/** In the log without a promise, so that an authority's timestamp is all that says when. */
const stamped = (hours: number, more: Partial<BundleOptions> = {}) =>
  certBundle({ log: { promise: false }, timestamps: [[stamps, hoursAgo(hours)]], ...more });

test("each kind of entry is accepted that is about this signature, and none about another", async () => {
  const rooted = { ...keys(signer), trustedRoot: makeTrustedRoot() };
  for (const kind of Object.keys(logSpecs) as LogKind[]) {
    await verify(keyBundle({ log: { kind } }), rooted);
    await verify(certBundle({ log: { kind } }), trusting());
    await refuses("bad-log-entry", keyBundle({ log: { kind, verifier: other.pem } }), rooted, kind);
    const strange = certBundle({ log: { kind, verifier: leaf().pem } });
    await refuses("bad-log-entry", strange, trusting(), kind);
  }
});

test("logs of certificates are not asked where a key signed", async () => {
  const trustedRoot = makeTrustedRoot({ certificateLogs: [testKey()] });
  await verify(keyBundle({ log: {} }), { ...keys(signer), trustedRoot });
});

test("a log counts in its time only, whoever tells what time it was", async () => {
  const accepted: readonly (Json | undefined)[] = [
    undefined,
    {},
    { start: hoursAgo(3) },
    { start: hoursAgo(2) },
    { end: hoursAgo(2) },
    { start: hoursAgo(2), end: hoursAgo(2) },
  ];
  for (const period of accepted) {
    const trust = trusting({ change: periods(period) });
    assert.deepEqual((await verify(stamped(2), trust)).signedAt, hoursAgo(2));
  }
  for (const period of [
    { start: hoursAgo(1) },
    { end: hoursAgo(3) },
    { start: hoursAgo(1), end: hoursAgo(0) },
    { start: hoursAgo(4), end: hoursAgo(3) },
  ]) {
    const why = JSON.stringify(period);
    await refuses("bad-log-entry", stamped(2), trusting({ change: periods(period) }), why);
  }
});

test("only the time of the log that an entry is in counts for it", async () => {
  const over = { end: hoursAgo(3) };
  const logs = [testKey(), logKey];
  await verify(stamped(2), trusting({ logs, change: periods(over, {}) }));
  await refuses("bad-log-entry", stamped(2), trusting({ logs, change: periods({}, over) }));
});

test("a log may be known by the key of its checkpoints", async () => {
  const change = (made: Json) => ({
    ...made,
    tlogs: (made["tlogs"] as Json[]).map(({ logId, ...log }) => ({
      ...log,
      checkpointKeyId: logId,
    })),
  });
  await verify(stamped(2), trusting({ change }));
});

test("of several times the first is when it was signed, and one in the log's time is enough", async () => {
  const bundle = certBundle({ timestamps: [[stamps, hoursAgo(2)]] });
  assert.deepEqual((await verify(bundle, trusting())).signedAt, hoursAgo(2));
  const later = certBundle({ log: { at: hoursAgo(3) }, timestamps: [[stamps, hoursAgo(2)]] });
  assert.deepEqual((await verify(later, trusting())).signedAt, hoursAgo(3));
  await verify(bundle, trusting({ change: periods({ start: hoursAgo(1.5) }) }));
});

test("a time that a log does not promise is none", async () => {
  const bundle = stamped(2, { log: { promise: false, at: hoursAgo(100) } });
  assert.deepEqual((await verify(bundle, trusting())).signedAt, hoursAgo(2));
  const rooted = { ...keys(signer), trustedRoot: makeTrustedRoot() };
  assert.ok(!("signedAt" in (await verify(keyBundle({ log: { promise: false } }), rooted))));
  assert.ok(!("signedAt" in (await verify(keyBundle(), keys(signer)))));
});

test("a log may be five minutes ahead, and no second more", async () => {
  const ahead = (seconds: number) => new Date(hoursAgo(1).getTime() - seconds * 1000);
  for (const seconds of [-1, 0, 1, 299, 300]) {
    await verify(certBundle(), trusting(), ahead(seconds));
  }
  for (const seconds of [301, 600, 1_000_000]) {
    await assert.rejects(verify(certBundle(), trusting(), ahead(seconds)), {
      code: "signature.bad-log-entry",
      message: "The bundle is dated in the future",
    });
  }
});

test("an authority that was not trusted then stands behind nobody", async () => {
  const key = middle.key;
  // The package takes an authority that is for servers; ours does not, and may not take the other for it.
  const server = makeCa({
    subject: "middle",
    issuer: root,
    key,
    extensions: [extKeyUsage(usages.serverAuth)],
  });
  const trust = (validFor: Json) =>
    trusting({
      authorities: [
        [server, root],
        [middle, root],
      ],
      change: (made) => {
        const [first, second] = made["certificateAuthorities"] as Json[];
        return { ...made, certificateAuthorities: [first, { ...second, validFor }] };
      },
    });
  for (const validFor of [
    {},
    { start: hoursAgo(1) },
    { start: hoursAgo(3), end: hoursAgo(1) },
    { end: hoursAgo(1) },
  ]) {
    await verify(certBundle(), trust(validFor));
  }
  for (const validFor of [
    { start: hoursAgo(0.5) },
    { start: hoursAgo(3), end: hoursAgo(2) },
    { end: hoursAgo(2) },
  ]) {
    await assert.rejects(verify(certBundle(), trust(validFor)), {
      code: "signature.bad-certificate",
      message: /^The certificate is not accepted: .*key usage/,
    });
  }
});

test("verifyBundleInLogs() asks who signed once more, and for a certificate when", async () => {
  const read = (bytes: Buffer) => bundleFromJSON(JSON.parse(bytes.toString()));
  const document = TrustedRoot.fromJSON(
    JSON.parse(makeTrustedRoot({ authorities: [[middle, root]] }).toString()),
  );
  const der = signer.publicKey.export({ format: "der", type: "spki" });
  const byKey: BundleSigner = { key: signer.publicKey, der, isSigned: () => true };
  const refused = { code: "signature.bad-log-entry" };
  const logged = read(keyBundle({ log: {} }));
  assert.deepEqual(await verifyBundleInLogs(logged, document, byKey), [hoursAgo(1)]);
  const unsigned = { ...byKey, isSigned: () => false };
  await assert.rejects(verifyBundleInLogs(logged, document, unsigned), refused);
  const certificate = leaf();
  const holder = { ...byKey, der: certificate.der };
  const certified = read(certBundle({ certificate }));
  assert.equal((await verifyBundleInLogs(certified, document, holder)).length, 1);
  const stranger = { ...holder, key: other.publicKey };
  await assert.rejects(verifyBundleInLogs(certified, document, stranger), refused);
  const timeless = read(certBundle({ certificate, log: { promise: false } }));
  await assert.rejects(verifyBundleInLogs(timeless, document, holder), refused);
});
