import assert from "node:assert/strict";
import { test } from "node:test";
import { createSecureContext } from "node:tls";
import { parseFlatYaml } from "../../src/config/flat-yaml.ts";
import { loadTlsDetails } from "../../src/config/load-tls-details.ts";
import type { TlsDetails } from "../../src/config/tls-details.ts";
import { createMachine } from "./temporary.ts";

const tls13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

const files: readonly [text: string, expected: TlsDetails][] = [
  ["", {}],
  ["# nothing\n---\n", {}],
  ["minVersion:\ncipherSuites:\nnamedGroups:\n", {}],
  ["minVersion: 1.3", { minVersion: "TLSv1.3" }],
  [`minVersion: "1.2" # the least`, { minVersion: "TLSv1.2" }],
  ["minVersion: '1.0'\r\n", { minVersion: "TLSv1.2" }],
  [`minVersion: ""`, {}],
  ["cipherSuites: []", { ciphers: tls13 }],
  ["namedGroups: []", {}],
  [
    "cipherSuites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, ]",
    { ciphers: `ECDHE-RSA-AES128-GCM-SHA256:${tls13}` },
  ],
  [
    `minVersion: "1.2"
cipherSuites:
  - "TLS_AES_128_GCM_SHA256"
  - "TLS_CHACHA20_POLY1305_SHA256"
namedGroups:
- "secp256r1"
- "secp384r1"   # comment
- "x25519"
- X25519MLKEM768
`,
    {
      minVersion: "TLSv1.2",
      ciphers: "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256",
      groups: "P-256:P-384:X25519:X25519MLKEM768",
    },
  ],
];

for (const [text, expected] of files) {
  test(`loadTlsDetails() reads ${JSON.stringify(text).slice(0, 60)}`, (t) => {
    const details = loadTlsDetails(createMachine(t).write("tls.yaml", text));
    assert.deepEqual(details, expected);
    createSecureContext({
      minVersion: details.minVersion,
      ciphers: details.ciphers,
      ecdhCurve: details.groups,
    });
  });
}

const refused: readonly string[] = [
  "minVersion: 1.4",
  "minVersion: {}",
  "minVersion: [1.2]",
  'cipherSuites: "not-an-array"',
  "cipherSuites: [NOPE]",
  "cipherSuites: [&a TLS_AES_128_GCM_SHA256]",
  "cipherSuites:\n  - a: b",
  "namedGroups: [X25519]", // IANA writes it small
  "unknown: x",
  "minVersion: 1.2\nminVersion: 1.3",
  "- TLS_AES_128_GCM_SHA256",
  "minVersion: |\n  1.2",
  "just text",
];

for (const text of refused) {
  test(`loadTlsDetails() refuses ${JSON.stringify(text)}`, (t) => {
    const file = createMachine(t).write("tls.yaml", text);
    assert.throws(() => loadTlsDetails(file), { code: "config.invalid", file });
  });
}

test("loadTlsDetails() demands the file", (t) => {
  const file = createMachine(t).path("none.yaml");
  assert.throws(() => loadTlsDetails(file), {
    code: "config.unreadable",
    message: `reading "${file}": open ${file}: no such file or directory`,
  });
});

test("parseFlatYaml() ends at the end of the document", () => {
  assert.deepEqual([...parseFlatYaml("---\na: b\n...\n{ nonsense")], [["a", "b"]]);
});
