import assert from "node:assert/strict";
import { test } from "node:test";
import { signerInLog } from "../../../sigstore/cosign/log-body.ts";
import { makeCertificate, testKey } from "../../support/certificates.ts";
import { type LogKind, logBody, logSpecs } from "../../support/log-body.ts";

const key = testKey();
const certificate = makeCertificate();
const spki = key.publicKey.export({ format: "der", type: "spki" });
const logged = { payload: Buffer.of(1), data: Buffer.of(2), signature: Buffer.of(3) };
const base64 = (text: string) => Buffer.from(text).toString("base64");

function body(kind: LogKind, verifier = key.pem): Record<string, unknown> {
  return logBody(kind, { ...logged, verifier });
}

function read(entry: unknown): Uint8Array {
  return signerInLog(Buffer.from(typeof entry === "string" ? entry : JSON.stringify(entry)));
}

test("signerInLog() finds keys and certificates in each kind of entry", () => {
  for (const kind of Object.keys(logSpecs) as LogKind[]) {
    assert.equal(Buffer.compare(read(body(kind)), spki), 0, kind);
    const found = read(body(kind, certificate.pem));
    assert.equal(Buffer.compare(found, certificate.der), 0, `${kind} with a certificate`);
  }
});

test("signerInLog() refuses an entry that is none, or does not say who signed", () => {
  const dsse = body("dsse 0.0.1");
  const rekor2 = body("hashedrekord 0.0.2");
  const signatures = (value: unknown) => ({ ...dsse, spec: { signatures: value } });
  const inRekor2 = (verifier: unknown) => ({
    ...rekor2,
    spec: { hashedRekordV002: { signature: { verifier } } },
  });
  const wrong: readonly unknown[] = [
    "",
    "{",
    "null",
    "3",
    "[]",
    {},
    { ...dsse, kind: undefined },
    { ...dsse, kind: ["dsse"] },
    { ...dsse, apiVersion: undefined },
    { ...dsse, apiVersion: ["0.0.1"] },
    { ...dsse, kind: "rekord" },
    { ...dsse, apiVersion: "0.0.2" },
    { ...dsse, kind: "constructor", apiVersion: "" },
    JSON.stringify(dsse).replace('"kind"', '"kind":"dsse","kind"'),
    { ...dsse, spec: null },
    { ...dsse, spec: [] },
    signatures({}),
    signatures({ 0: { verifier: base64(key.pem) } }),
    signatures([]),
    signatures([null]),
    signatures([{ verifier: "" }]),
    signatures([{ verifier: 3 }]),
    signatures([{ verifier: "*" }]),
    signatures([{ verifier: base64("hello") }]),
    signatures([{ verifier: spki.toString("base64") }]),
    { ...rekor2, apiVersion: "0.0.1" },
    inRekor2(undefined),
    inRekor2(base64(key.pem)),
    inRekor2({ rawBytes: spki.toString("base64") }),
    inRekor2({ publicKey: spki.toString("base64") }),
    inRekor2({ publicKey: { rawBytes: "*" } }),
  ];
  for (const entry of wrong) {
    assert.throws(() => read(entry), { code: "signature.bad-log-entry" }, JSON.stringify(entry));
  }
});
