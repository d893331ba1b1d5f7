import assert from "node:assert/strict";
import { test } from "node:test";
import { type Certificate, parseCertificate } from "../../../sigstore/cosign/certificate.ts";
import { verifyChain } from "../../../sigstore/cosign/certificate-chain.ts";
import {
  extKeyUsage,
  makeCa,
  makeCertificate,
  type TestCertificate,
  testKey,
  testTime,
  usages,
} from "../../support/certificates.ts";

const parse = ({ der }: TestCertificate): Certificate => parseCertificate(der);

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

test("a time that is none is in no period", () => {
  const pool = { roots: [parse(root)], intermediates: [] };
  const leaf = parse(makeCertificate({ issuer: root }));
  assert.ok(verifyChain(leaf, pool, testTime).chain);
  assert.equal(verifyChain(leaf, pool, new Date(Number.NaN)).chain, undefined);
});
