import assert from "node:assert/strict";
import { test } from "node:test";
import { prepareTrust } from "../../../sigstore/cosign/trust.ts";
import type { SigstoreTrust } from "../../../sigstore/verifiers.ts";
import { makeCa, testKey } from "../../support/certificates.ts";
import { keys, signer } from "./cases/case.ts";

const ca = Buffer.from(makeCa().pem);
const garbage = Buffer.from("garbage");
const rekorKeys = [Buffer.from(testKey().pem)];
const who = { oidcIssuer: "https://issuer.example.com", subjectEmail: "ann@example.com" };

function fulcio(more: object = {}, logs: object = { rekorKeys }): SigstoreTrust {
  return { identity: { type: "fulcio", ca, ...who, ...more }, ...logs };
}

function pki(more: object, logs: object = {}): SigstoreTrust {
  return { identity: { type: "pki", caRoots: ca, ...more }, ...logs };
}

test("prepareTrust() keeps what is given and nothing else", () => {
  assert.deepEqual(Object.keys(prepareTrust(keys(signer))), ["type", "keys"]);
  const logged = prepareTrust({ ...keys(signer), rekorKeys });
  assert.ok("rekorKeys" in logged && logged.rekorKeys?.length === 1);
  const keyless = prepareTrust(fulcio());
  assert.ok(keyless.type === "fulcio" && keyless.rekorKeys.length === 1);
  assert.deepEqual([keyless.pool.roots.length, keyless.pool.intermediates.length], [1, 0]);
  assert.deepEqual(
    [keyless.oidcIssuer, keyless.subjectEmail],
    ["https://issuer.example.com", "ann@example.com"],
  );
  const byEmail = prepareTrust(pki({ subjectEmail: "a@b", subjectHostname: "" }));
  assert.deepEqual(Object.keys(byEmail), ["type", "pool", "subjectEmail"]);
  assert.ok(byEmail.type === "pki" && byEmail.pool.intermediates.length === 0);
  const byHost = prepareTrust(pki({ subjectHostname: "h", caIntermediates: ca }));
  assert.deepEqual(Object.keys(byHost), ["type", "pool", "subjectHostname"]);
  assert.ok(byHost.type === "pki" && byHost.pool.intermediates.length === 1);
});

test("prepareTrust() refuses trust that trusts nobody, or not only whom it names", () => {
  const wrong: readonly SigstoreTrust[] = [
    keys(),
    keys(signer, "garbage"),
    { ...keys(signer), rekorKeys: [] },
    { ...keys(signer), rekorKeys: [garbage] },
    { ...keys(signer), rekorKeys: [...rekorKeys, Buffer.from(testKey("ed25519").pem)] },
    { ...keys(signer), rekorKeys: [Buffer.from(testKey("rsa", "bundle").pem)] },
    fulcio({ ca: garbage }),
    fulcio({ oidcIssuer: "" }),
    fulcio({ subjectEmail: "" }),
    fulcio({ oidcIssuer: "", subjectEmail: "" }),
    fulcio({}, {}),
    fulcio({}, { rekorKeys: [] }),
    fulcio({}, { rekorKeys: [garbage] }),
    pki({ subjectEmail: "a@b" }, { rekorKeys }),
    pki({ subjectEmail: "a@b" }, { rekorKeys: [] }),
    pki({}),
    pki({ subjectEmail: "", subjectHostname: "" }),
    pki({ subjectEmail: "a@b", caRoots: garbage }),
    pki({ subjectEmail: "a@b", caIntermediates: garbage }),
  ];
  for (const [index, trust] of wrong.entries()) {
    assert.throws(() => prepareTrust(trust), { code: "signature.bad-trust" }, `row ${index}`);
  }
});
