import assert from "node:assert/strict";
import { test } from "node:test";
import { type Certificate, parseCertificate } from "../../../sigstore/cosign/certificate.ts";
import { verifyChain } from "../../../sigstore/cosign/certificate-chain.ts";
import { commonNameOf } from "../../../sigstore/cosign/certificate-name.ts";
import {
  altNames,
  basicConstraints,
  extKeyUsage,
  keyUsage,
  makeCa,
  makeCertificate,
  type TestCertificate,
  testKey,
  testTime,
  usages,
} from "../../support/certificates.ts";
import { der, oid, sequence, utf8 } from "../../support/der.ts";

const parse = (made: TestCertificate): Certificate => parseCertificate(made.der);

function verify(
  leaf: TestCertificate,
  roots: readonly TestCertificate[],
  intermediates: readonly TestCertificate[] = [],
) {
  const pool = { roots: roots.map(parse), intermediates: intermediates.map(parse) };
  return verifyChain(parse(leaf), pool, testTime);
}

const root = makeCa();

test("a chain goes from the leaf to the root", () => {
  const middle = makeCa({ subject: "middle", issuer: root });
  const leaf = makeCertificate({ issuer: middle });
  const { chain } = verify(leaf, [root], [middle]);
  assert.deepEqual(
    chain,
    [leaf, middle, root].map(parse).map((one, at) => chain?.[at] ?? one),
  );
  assert.deepEqual(
    chain?.map(({ raw }) => Buffer.from(raw)),
    [leaf.der, middle.der, root.der],
  );
});

test("authorities that vouch for each other lead nowhere, and to the root if one is", () => {
  const [a, b] = [testKey(), testKey()];
  const selfA = makeCa({ subject: "a", key: a });
  const selfB = makeCa({ subject: "b", key: b });
  const aByB = makeCa({ subject: "a", key: a, issuer: selfB });
  const bByA = makeCa({ subject: "b", key: b, issuer: selfA });
  const leaf = makeCertificate({ issuer: selfA });
  assert.equal(verify(leaf, [root], [aByB, bByA]).chain, undefined);
  assert.equal(verify(leaf, [selfB], [aByB, bByA]).chain?.length, 3);
  assert.equal(verify(leaf, [root], [aByB, bByA, selfA, selfB]).chain, undefined);
});

test("one authority that may not sign code does not hide another that may", () => {
  const key = testKey();
  const servers = makeCa({
    subject: "m",
    key,
    issuer: root,
    extensions: [extKeyUsage(usages.serverAuth)],
  });
  const code = makeCa({
    subject: "m",
    key,
    issuer: root,
    extensions: [extKeyUsage(usages.codeSigning)],
  });
  const leaf = makeCertificate({ issuer: code });
  for (const pool of [
    [servers, code],
    [code, servers],
  ]) {
    assert.deepEqual(Buffer.from(verify(leaf, [root], pool).chain?.[1]?.raw ?? []), code.der);
  }
});

test("a crowd of namesakes is not tried without end", () => {
  const key = testKey();
  const crowd = Array.from({ length: 30 }, (_, at) =>
    makeCa({ subject: "same", key, extensions: [extKeyUsage(`1.2.${at}`)] }),
  );
  const others = Array.from({ length: 30 }, () => makeCa({ subject: "same" }));
  const leaf = makeCertificate({ issuer: makeCa({ subject: "same", key: testKey() }) });
  const result = verify(leaf, [root], [...crowd, ...others, ...crowd]);
  assert.equal(result.chain, undefined);
  const many = [...others, ...others, ...others, ...others].map(parse);
  const pool = { roots: [parse(root)], intermediates: many };
  const ended = verifyChain(parse(leaf), pool, testTime);
  assert.match("failure" in ended ? ended.failure : "", /attempts limit reached/);
});

test("a certificate that is a root itself is its own chain, also one of several roots", () => {
  const key = testKey();
  const own = makeCertificate({ subject: "own", key });
  for (const roots of [[own], [own, root], [root, own]]) {
    assert.deepEqual(
      verify(own, roots).chain?.map(({ raw }) => Buffer.from(raw)),
      [own.der],
    );
  }
  assert.equal(verify(makeCertificate({ subject: "own", key }), [root]).chain, undefined);
});

test("an authority of another kind of key, or of one that is not taken, has signed nothing", () => {
  const leaf = makeCertificate({ issuer: root });
  const why = (authority: TestCertificate, signed = leaf) => {
    const { chain, ...rest } = verify(signed, [authority]);
    assert.equal(chain, undefined);
    return "failure" in rest ? rest.failure : "";
  };
  for (const kind of ["ed25519", "rsa"] as const) {
    const text = why(makeCa({ key: testKey(kind, "chain") }));
    assert.match(
      text,
      /\(possibly because of "x509: signature algorithm does not fit the public key"/,
    );
  }
  const unknown = makeCa({ key: testKey("p224") });
  for (const text of [why(unknown), why(unknown, makeCertificate({ issuer: unknown }))]) {
    assert.match(text, /"x509: cannot verify signature: algorithm unimplemented"/);
  }
});

test("isSignedBy() is false for keys of every other kind, and for none", () => {
  const leaf = parse(makeCertificate({ issuer: root }));
  assert.equal(leaf.isSignedBy(parse(root)), true);
  for (const kind of ["ed25519", "rsa", "p384", "p256"] as const) {
    const { publicKey } = testKey(kind, "other");
    assert.equal(leaf.isSignedBy({ ...parse(root), publicKey }), false);
  }
  assert.equal(leaf.isSignedBy({ ...parse(root), publicKey: undefined }), false);
});

test("an authority is told by its common name, or else by its serial number", () => {
  const why = (subject: string) => {
    const leaf = makeCertificate({ issuer: makeCa({ subject }) });
    const authority = makeCa({ subject });
    const { failure = "" } = { failure: "", ...verify(leaf, [authority]) };
    return { failure, serial: BigInt(`0x${authority.serial.subarray(2).toString("hex")}`) };
  };
  assert.match(why("name").failure, /candidate authority certificate "name"\)$/);
  const { failure, serial } = why("");
  assert.ok(failure.endsWith(`candidate authority certificate "serial:${serial}")`), failure);
});

test("commonNameOf() finds the common name, or else the organization, wherever it stands", () => {
  const attribute = (id: string, text: string) => sequence(oid(id), utf8(text));
  const name = (...attributes: readonly Buffer[]) =>
    commonNameOf(sequence(...attributes.map((one) => der(0x31, one))));
  const [common, organization] = [attribute("2.5.4.3", "who"), attribute("2.5.4.10", "org")];
  const country = attribute("2.5.4.6", "XX");
  assert.equal(name(country, organization, common), "who");
  assert.equal(name(common, country), "who");
  assert.equal(name(country, organization), "org");
  assert.equal(name(attribute("2.5.4.3", ""), organization), "org");
  assert.equal(name(country), "");
  assert.equal(name(), "");
  assert.equal(commonNameOf(sequence(der(0x31, country, common))), "who");
});

test("an authority is not its own: same name, key and alternative names", () => {
  const key = testKey();
  const namesOf = (dns: string | undefined) => (dns === undefined ? [] : [altNames([{ dns }])]);
  const length = (own: string | undefined, theirs: string | undefined, subject = "x") => {
    const authority = makeCa({ subject: "x", key, extensions: namesOf(theirs) });
    const extensions = namesOf(own);
    const leaf = makeCertificate({ subject, key, issuer: authority, extensions });
    return verify(leaf, [authority]).chain?.length;
  };
  assert.equal(length(undefined, undefined), undefined);
  assert.equal(length("a", "a"), undefined);
  assert.equal(length("a", "b"), 2);
  assert.equal(length(undefined, "a"), 2);
  assert.equal(length("a", undefined), 2);
  assert.equal(length("a", "a", "another name"), 2);
});

test("the first and the last second of a certificate are of its time", () => {
  const leaf = makeCertificate({ issuer: root, notBefore: testTime, notAfter: testTime });
  assert.equal(verify(leaf, [root]).chain?.length, 2);
});

test("a key usage of no bits says nothing, as for Go", () => {
  const authority = makeCertificate({
    subject: "root",
    extensions: [basicConstraints(true), keyUsage()],
  });
  assert.ok(verify(makeCertificate({ issuer: authority }), [authority]).chain);
});

test("a time that is none is in no period", () => {
  const pool = { roots: [parse(root)], intermediates: [] };
  const leaf = parse(makeCertificate({ issuer: root }));
  assert.ok(verifyChain(leaf, pool, testTime).chain);
  assert.equal(verifyChain(leaf, pool, new Date(Number.NaN)).chain, undefined);
});
