import assert from "node:assert/strict";
import { test } from "node:test";
import { createToyKey, toySignature } from "./toy-signatures.ts";
import { contextOf, docker, gateOf, manifestDigest, subjectOf } from "./world.ts";

// Rows E of specs/signing.md, appendix A: an image with one valid signature by `ed`, as skopeo 1.22 judged it.
const ed = createToyKey("ed");
const rsa = createToyKey("rsa");
const image = docker("h.example/ns/one:v1");
const claim = { digest: manifestDigest, reference: "h.example/ns/one:v1" };
const files = {
  "/ed": ed.file,
  "/rsa": rsa.file,
  "/garbage": Buffer.from("garbage"),
  "/empty": new Uint8Array(),
  ed: ed.file,
};

const accept = '[{"type":"insecureAcceptAnything"}]';
const withDefault = (transports: string) => `{"default":${accept},"transports":${transports}}`;
const scoped = (transport: string, scope: string) =>
  withDefault(`{${JSON.stringify(transport)}:{${JSON.stringify(scope)}:${accept}}}`);
const only = (...requirements: readonly string[]) => `{"default":[${requirements.join(",")}]}`;
const signedBy = (members: string) => `{"type":"signedBy",${members}}`;
const gpg = (members: string) => only(signedBy(`"keyType":"GPGKeys",${members}`));
const identity = (match: string) => gpg(`"keyPath":"/ed","signedIdentity":${match}`);
const sigstore = (members: string) => only(`{"type":"sigstoreSigned"${members && `,${members}`}}`);
const base64 = Buffer.from(ed.file).toString("base64");
const fulcio = (members: string) => sigstore(`"rekorPublicKeyPath":"/ed","fulcio":{${members}}`);
const okEd = signedBy('"keyType":"GPGKeys","keyPath":"/ed"');
const okRsa = signedBy('"keyType":"GPGKeys","keyPath":"/rsa"');
const matchExact = '{"type":"matchExact"}';

const rows: readonly (readonly [id: string, policy: string, allowed: boolean])[] = [
  ["E1", `{"default":${accept}}`, true],
  ["E2", `{"default":${accept},"extra":1}`, false],
  ["E3", `{"default":${accept},"default":${accept}}`, false],
  ["E4", `{"transports":{}}`, false],
  ["E5", `{"default":null}`, false],
  ["E6", `{"default":[]}`, false],
  ["E6b", `{"default":{"type":"insecureAcceptAnything"}}`, false],
  ["E7", withDefault("null"), false],
  ["E7b", withDefault("[]"), false],
  ["E8", scoped("future", "anything"), true],
  ["E8b", withDefault(`{"docker":{},"docker":{}}`), false],
  ["E8c", withDefault(`{"docker":{"a":${accept},"a":${accept}}}`), false],
  ["E8d", withDefault(`{"docker":{"a":[]}}`), false],
  ["E8e", withDefault(`{"future":{"a":[{"type":"x"}]}}`), false],
  ["E8f", withDefault(`{"docker":null}`), false],
  ["E9", only(`{"type":"x"}`), false],
  ["E9b", only("{}"), false],
  ["E10", only(`{"type":"insecureAcceptAnything","extra":1}`), false],
  ["E10b", only(`{"type":"insecureAcceptAnything","type":"insecureAcceptAnything"}`), false],
  ["E10c", only(`{"Type":"insecureAcceptAnything"}`), false],
  ["E10d", `{"Default":${accept}}`, false],
  ...["dir", "oci"].flatMap((transport) =>
    ["/", "rel", "/a/", "/a//b", "/a/../b", "/a/b", ""].map(
      (scope) =>
        [
          `E11 ${transport} ${scope}`,
          scoped(transport, scope),
          scope === "/a/b" || scope === "",
        ] as const,
    ),
  ),
  ["E12", scoped("docker-archive", "x"), false],
  ["E12b", scoped("tarball", "x"), false],
  ["E12c", scoped("docker-daemon", `sha256:${"0".repeat(64)}`), false],
  ["E12d", scoped("docker-daemon", "docker.io/library/busybox"), true],
  ["E12e", scoped("docker", "::/@@ garbage"), true],
  ["E12f", scoped("atomic", "a/b/c/d"), false],
  ["E12g", scoped("containers-storage", "overlay@/s"), false],
  ["E12h", scoped("containers-storage", "[overlay@/s]docker.io/library/busybox"), true],
  ["E12i", scoped("containers-storage", "[overlay@s]"), false],
  ["E12j", scoped("ostree", "anything"), true],
  ["E13", `{"default":${accept}} x`, false],
  ["E13b", `{"default":${accept}} \r\n\t`, true],
  ["E13c", `/* c */{"default":${accept}}`, false],
  ["E13d", "", false],
  ["E13e", `\ufeff{"default":${accept}}`, false],
  ["E14", only(signedBy('"keyType":"x","keyPath":"/ed"')), false],
  ["E14b", only(signedBy('"keyType":"signedByGPGKeys","keyPath":"/ed"')), false],
  ["E14c", only(signedBy('"keyType":"X509Certificates","keyPath":"/ed"')), false],
  ["E14d", only(signedBy('"keyPath":"/ed"')), false],
  ["E15", gpg(`"keyPath":"/ed","keyData":"${base64}"`), false],
  ["E15b", only(signedBy('"keyType":"GPGKeys"')), false],
  ["E15c", gpg('"keyPath":""'), false],
  ["E15d", gpg('"keyPaths":[]'), false],
  ["E15e", gpg('"keyPaths":null'), false],
  ["E15f", gpg('"keyData":""'), false],
  ["E15g", gpg('"keyData":"!!!"'), false],
  ["E15h", gpg(`"keyData":"${base64.slice(0, 10)}\\n${base64.slice(10)}"`), true],
  ["E15i", gpg(`"keyData":"${base64}_-"`), false],
  ["E15k", gpg('"keyPath":"/ed"'), true],
  ["E15l", gpg('"keyPath":"/missing"'), false],
  ["E15m", gpg('"keyPath":"/garbage"'), false],
  ["E15n", gpg('"keyPath":"/empty"'), false],
  ["E15q", gpg('"keyPaths":["/rsa","/ed"]'), true],
  ["E15r", gpg('"keyPaths":["/ed","/missing"]'), false],
  ["E15s", gpg('"keyPaths":["/ed","/garbage"]'), true],
  ["E15w", gpg('"keyPath":"ed"'), true],
  ["E16", identity('{"type":"x"}'), false],
  ["E16b", identity("null"), false],
  ["E16c", identity('{"type":"matchExact","x":1}'), false],
  ["E16d", identity('{"type":"exactReference","dockerReference":"h.example/ns/one"}'), false],
  ["E16e", identity('{"type":"exactReference"}'), false],
  ["E16f", identity('{"type":"exactReference","dockerReference":"UPPER:x"}'), false],
  ["E16g", identity('{"type":"exactRepository","dockerRepository":"UPPER"}'), false],
  ...["h.example/ns:t", "h.example/ns/", "", "*.example"].map(
    (prefix) =>
      [
        `E16h-k ${prefix}`,
        identity(`{"type":"remapIdentity","prefix":"${prefix}","signedPrefix":"h.example"}`),
        false,
      ] as const,
  ),
  ["E16l", identity('{"type":"remapIdentity","prefix":"h.example"}'), false],
  ["E17", only(`{"type":"signedBaseLayer","baseLayerIdentity":${matchExact}}`), false],
  ["E17b", only('{"type":"signedBaseLayer"}'), false],
  ["E20", sigstore('"keyPath":"/ed"'), true],
  ["E20b", sigstore(""), false],
  ["E20c", sigstore(`"keyPath":"/ed","keyData":"${base64}"`), false],
  ["E20d", sigstore('"keyPaths":[]'), false],
  ["E20e", sigstore('"keyDatas":[]'), false],
  ["E20f", sigstore('"fulcio":{"caPath":"/ed","oidcIssuer":"i","subjectEmail":"e"}'), false],
  ["E20g", fulcio('"caPath":"/ed","oidcIssuer":"i","subjectEmail":"e"'), true],
  ["E20h", fulcio('"caPath":"/ed","oidcIssuer":"i"'), false],
  ["E20i", fulcio('"caPath":"/ed","caData":"aGk=","oidcIssuer":"i","subjectEmail":"e"'), false],
  ["E20j", fulcio('"caPath":"/ed","oidcIssuer":"i","subjectEmail":"e","x":1'), false],
  ["E20k", sigstore('"pki":{"caRootsPath":"/ed","subjectEmail":"e"}'), true],
  [
    "E20l",
    sigstore('"pki":{"caRootsPath":"/ed","subjectEmail":"e"},"rekorPublicKeyPath":"/ed"'),
    false,
  ],
  ["E20m", sigstore('"pki":{"caRootsPath":"/ed"}'), false],
  [
    "E20n",
    sigstore('"keyPath":"/ed","rekorPublicKeyPath":"/ed","rekorPublicKeyPaths":["/ed"]'),
    false,
  ],
  ["E20o", sigstore('"keyPath":"/ed","rekorPublicKeyPaths":["/ed"]'), true],
  ["E20p", sigstore('"keyPath":"/ed","rekorPublicKeyPaths":[]'), false],
  ["E20q", sigstore('"keyPath":"/ed","keyType":"GPGKeys"'), false],
  [
    "E20r",
    sigstore(
      '"keyPath":"/ed","fulcio":{"caPath":"/ed","oidcIssuer":"i","subjectEmail":"e"},"rekorPublicKeyPath":"/ed"',
    ),
    false,
  ],
  ["E30", only(okEd, okRsa), false],
  ["E30c", only('{"type":"insecureAcceptAnything"}', okRsa), false],
  ["E30d", only('{"type":"insecureAcceptAnything"}', '{"type":"reject"}'), false],
  ["E30e", only(okEd, '{"type":"reject"}'), false],
];

async function allows(policy: string, ...keys: readonly (typeof ed)[]): Promise<boolean> {
  const signatures = keys.flatMap((key) => [
    toySignature(key, claim),
    toySignature(key, claim, "sigstore"),
  ]);
  try {
    return (await gateOf(policy, contextOf(files)).verdict(subjectOf(image, signatures))).allowed;
  } catch (error) {
    assert.equal((error as { readonly code?: unknown }).code, "policy.invalid");
    return false;
  }
}

test("each policy of the laboratory judges as it does for skopeo", async () => {
  for (const [id, policy, allowed] of rows) assert.equal(await allows(policy, ed), allowed, id);
  assert.equal(await allows(only(okEd, okRsa), ed, rsa), true, "E30b");
});

test("a policy of more than ten megabytes is refused before it is read", async () => {
  const spaces = " ".repeat(10 * 1024 * 1024);
  assert.equal(await allows(`{"default":${accept}}${spaces}`), false);
});
