import assert from "node:assert/strict";
import { test } from "node:test";
import { prepareBundleTrust } from "../../../sigstore/cosign/bundle-trust.ts";
import type { BundleTrust } from "../../../sigstore/verifiers.ts";
import { makeTrustedRoot } from "../../support/bundle.ts";
import { extKeyUsage, makeCertificate, usages } from "../../support/certificates.ts";
import {
  byEmail,
  email,
  identities,
  issuer,
  keys,
  middle,
  root,
  signer,
  stampRoot,
} from "./bundle-world.ts";

type Json = Record<string, unknown>;

const some = [{ issuer, subject: { email } }];
const changed = (change: (made: Json) => unknown) => identities(some, { change });
const typed = (mediaType: unknown) => changed((made) => ({ ...made, mediaType }));
const authority = (more: Json) =>
  changed((made) => ({
    ...made,
    certificateAuthorities: (made["certificateAuthorities"] as Json[]).map((one) => ({
      ...one,
      ...more,
    })),
  }));
const text = (trust: BundleTrust) => Buffer.from(trust.trustedRoot ?? []).toString();

test("a trusted root is read, of each of its types", async () => {
  for (const type of ["+json;version=0.1", ".v0.1+json", ".v0.2+json"]) {
    const { root: prepared } = await prepareBundleTrust(
      typed(`application/vnd.dev.sigstore.trustedroot${type}`),
    );
    const [found] = prepared?.authorities ?? [];
    assert.ok(found && root.der.equals(found.root.raw));
    assert.ok(found.intermediates.some(({ raw }) => middle.der.equals(raw)));
  }
});

test("an authority is trusted from its start to its end, or always", async () => {
  const start = "2020-01-01T00:00:00.000Z";
  const end = "2030-01-01T00:00:00.000Z";
  const period = async (validFor: unknown) => {
    const prepared = await prepareBundleTrust(authority({ validFor }));
    const [found] = prepared.root?.authorities ?? [];
    return [found?.validFrom.toISOString(), found?.validTo.toISOString()];
  };
  const [first, last] = ["1970-01-01T00:00:00.000Z", "+275760-09-13T00:00:00.000Z"];
  assert.deepEqual(await period({ start, end }), [start, end]);
  assert.deepEqual(await period({ start }), [start, last]);
  assert.deepEqual(await period({ end }), [first, end]);
  assert.deepEqual(await period(undefined), [first, last]);
});

test("keys may do without a trusted root, and with one they have it", async () => {
  const alone = await prepareBundleTrust(keys(signer));
  assert.ok(alone.signers.type === "keys" && alone.signers.keys.length === 1);
  assert.equal(alone.root, undefined);
  const trustedRoot = makeTrustedRoot();
  const rooted = await prepareBundleTrust({ ...keys(signer), trustedRoot });
  assert.equal(rooted.root?.document.tlogs.length, 1);
  assert.deepEqual(rooted.root.authorities, []);
});

test("trust that cannot be read is refused", async () => {
  const stamper = (...extensions: readonly Buffer[]) =>
    makeCertificate({ subject: "stamper", issuer: stampRoot, extensions });
  const stamps = (...chain: readonly ReturnType<typeof stamper>[]) =>
    identities(some, { timestampAuthorities: [chain] });
  const bytes = (json: string) => Buffer.from(json);
  const withLog = (more: Json) =>
    changed((made) => ({ ...made, tlogs: [{ ...(made["tlogs"] as Json[])[0], ...more }] }));
  const type = "application/vnd.dev.sigstore.trustedroot+json;version=0.1";
  const wrong: readonly BundleTrust[] = [
    keys(),
    keys({ pem: "garbage" }),
    { ...keys(), trustedRoot: makeTrustedRoot() },
    { signers: { type: "certificates", identities: some } },
    identities([]),
    identities(some, { authorities: [] }),
    identities(some, { authorities: [[]] }),
    identities(some, { logs: [] }),
    stamps(),
    stamps(stamper(), stampRoot),
    stamps(stamper(extKeyUsage(usages.codeSigning)), stampRoot),
    typed("text/plain"),
    typed(undefined),
    typed(`x${type}`),
    typed(`${type}x`),
    typed("application/vnd.dev.sigstore.trustedroot.v0.3+json"),
    authority({ certChain: undefined }),
    authority({ certChain: { certificates: [{ rawBytes: "AAAA" }] } }),
    withLog({ hashAlgorithm: "SHA0" }),
    { ...byEmail, trustedRoot: bytes("hello") },
    { ...byEmail, trustedRoot: bytes("") },
    { ...byEmail, trustedRoot: bytes("null") },
    { ...byEmail, trustedRoot: bytes("{}") },
    { ...byEmail, trustedRoot: bytes(text(byEmail).replace('"tlogs"', '"tlogs":[],"tlogs"')) },
    { ...byEmail, trustedRoot: bytes(`${text(byEmail)}{}`) },
  ];
  for (const [index, trust] of wrong.entries()) {
    await assert.rejects(
      prepareBundleTrust(trust),
      { code: "signature.bad-trust" },
      `row ${index}`,
    );
  }
});
