import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePolicy } from "../../policy/parse.ts";
import { keyNames, keySources } from "../../policy/requirement-keys.ts";

/** Each source of the requirement as `member: files`, and how a person is told of them. */
function sourcesOf(given: object): readonly [readonly string[], readonly string[]] {
  const text = JSON.stringify({ default: [given] });
  const [requirement] = parsePolicy(Buffer.from(text), "p").default;
  assert.ok(requirement.type === "signedBy" || requirement.type === "sigstoreSigned");
  const sources = keySources(requirement).map(({ member, source }) => {
    const files = "paths" in source ? source.paths : source.data.map((one) => one.length);
    return `${member}: ${files.join(" ")}`;
  });
  return [sources, keyNames(requirement)];
}

test("keySources() finds all that a requirement trusts, keyNames() what to call it", () => {
  const sigstore = (more: object) => ({ type: "sigstoreSigned", ...more });
  const issuer = { oidcIssuer: "https://i.example", subjectEmail: "a@b.example" };
  const openpgp = { type: "signedBy", keyType: "GPGKeys" };
  const log = { rekorPublicKeyPaths: ["/r", "/s"] };
  const inline = "Data in the policy";
  const rows: readonly (readonly [object, readonly string[], readonly string[]])[] = [
    [{ ...openpgp, keyPaths: ["/a", "/b"] }, ["key: /a /b"], ["/a", "/b"]],
    [{ ...openpgp, keyData: "AAAA" }, ["key: 3"], [`key${inline}`]],
    [sigstore({ keyPath: "/a" }), ["key: /a"], ["/a"]],
    [sigstore({ keyPath: "/a", ...log }), ["key: /a", "rekorPublicKey: /r /s"], ["/a", "/r", "/s"]],
    [
      sigstore({ keyDatas: ["AAAA", "AA=="], rekorPublicKeyData: "AAAA" }),
      ["key: 3 1", "rekorPublicKey: 3"],
      [`key${inline}`, `key${inline}`, `rekorPublicKey${inline}`],
    ],
    [
      sigstore({ fulcio: { caPath: "/c", ...issuer }, ...log }),
      ["fulcio.ca: /c", "rekorPublicKey: /r /s"],
      ["/c", "/r", "/s"],
    ],
    [
      sigstore({ fulcio: { caData: "AAAA", ...issuer }, rekorPublicKeyPath: "/r" }),
      ["fulcio.ca: 3", "rekorPublicKey: /r"],
      [`fulcio.ca${inline}`, "/r"],
    ],
    [
      sigstore({ pki: { caRootsPath: "/c", subjectEmail: "a@b.example" } }),
      ["pki.caRoots: /c"],
      ["/c"],
    ],
    [
      sigstore({
        pki: { caRootsData: "AAAA", caIntermediatesData: "AA==", subjectHostname: "h.example" },
      }),
      ["pki.caRoots: 3", "pki.caIntermediates: 1"],
      [`pki.caRoots${inline}`, `pki.caIntermediates${inline}`],
    ],
  ];
  for (const [requirement, sources, names] of rows) {
    assert.deepEqual(sourcesOf(requirement), [sources, names]);
  }
});
