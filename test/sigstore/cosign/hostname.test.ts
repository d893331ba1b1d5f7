import assert from "node:assert/strict";
import { test } from "node:test";
import { noNames } from "../../../sigstore/cosign/alt-names.ts";
import { hostnameFailure, isForHost } from "../../../sigstore/cosign/hostname.ts";

const loopback = Buffer.from("00000000000000000000000000000001", "hex");
const v4 = Buffer.of(192, 0, 2, 1);

/** By the rules of Go's `VerifyHostname`. */
const rows: readonly (readonly [name: string, host: string, isFor: boolean])[] = [
  ["a.example.com", "a.example.com", true],
  ["A.Example.com", "a.eXample.com", true],
  ["a.example.com", "a.example.com.", true],
  ["a.example.com", "b.example.com", false],
  ["a.example.com", "a.a.example.com", false],
  ["*.example.com", "a.example.com", true],
  ["*.example.com", "example.com", false],
  ["*.example.com", "a.b.example.com", false],
  ["*.example.com", "*.example.com", true],
  ["a.*.com", "a.b.com", false],
  ["*", "com", false],
  ["*.b!", "x.b!", false],
  ["*.b", "x.b!", false],
  ["a_b.com", "a_b.com", true],
  ["-a.com", "-a.com", true],
  ["*.com", "-a.com", false],
  ["*.*", "a.*", false],
  ["", "", false],
  [".", ".", false],
  ["mutant", "", false],
  ["a.com", "a.com..", false],
  ["192.0.2.1", "192.0.2.1", false],
];

test("isForHost() takes whole names, and a wildcard for the first label", () => {
  for (const [name, host, isFor] of rows) {
    assert.equal(isForHost({ ...noNames, dnsNames: [name] }, host), isFor, `${name} for ${host}`);
    assert.equal(isForHost({ ...noNames, dnsNames: ["z.z", name] }, host), isFor, name);
  }
  assert.equal(isForHost(noNames, "a.com"), false);
});

test("isForHost() takes addresses, bare or in brackets, and nothing beside the brackets", () => {
  const names = { ...noNames, addresses: [v4, loopback] };
  for (const host of ["192.0.2.1", "::1", "[::1]", "0:0::1", "[192.0.2.1]"]) {
    assert.equal(isForHost(names, host), true, host);
  }
  for (const host of ["192.0.2.2", "::2", "x[::1]", "[::1]x", "[::1", "::1]", "1"]) {
    assert.equal(isForHost(names, host), false, host);
  }
});

test("hostnameFailure() says what the certificate is for", () => {
  const names = { ...noNames, addresses: [v4, loopback], dnsNames: ["a.com", "b.com"] };
  assert.equal(
    hostnameFailure(noNames, "[::1]"),
    "x509: cannot validate certificate for ::1 because it doesn't contain any IP SANs",
  );
  assert.match(hostnameFailure(names, "::2"), /valid for 192\.0\.2\.1, [0:]+1, not ::2$/);
  assert.match(hostnameFailure(names, "x[::1]"), /valid for a\.com, b\.com, not x\[::1\]$/);
  assert.match(hostnameFailure(names, "[::1]x"), /valid for a\.com, b\.com, not \[::1\]x$/);
  assert.match(hostnameFailure(noNames, "c"), /not valid for any names, but wanted to match c$/);
});
