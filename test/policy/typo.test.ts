import assert from "node:assert/strict";
import { test } from "node:test";
import { adviceForFault, nearestWord } from "../../policy/typo.ts";

/** Every name and value of containers-policy.json(5). */
const words =
  "default transports type insecureAcceptAnything reject signedBy signedBaseLayer sigstoreSigned " +
  "keyType GPGKeys signedByGPGKeys X509Certificates signedByX509CAs keyPath keyPaths keyData " +
  "keyDatas signedIdentity baseLayerIdentity matchExact matchRepoDigestOrExact matchRepository " +
  "exactReference exactRepository remapIdentity dockerReference dockerRepository prefix " +
  "signedPrefix fulcio caPath caData oidcIssuer subjectEmail pki caRootsPath caRootsData " +
  "caIntermediatesPath caIntermediatesData subjectHostname rekorPublicKeyPath rekorPublicKeyPaths " +
  "rekorPublicKeyData rekorPublicKeyDatas";

test("nearestWord() knows every word of a policy, in capitals too", () => {
  for (const word of words.split(" ")) {
    assert.equal(nearestWord(word), word);
    assert.equal(nearestWord(word.toUpperCase()), word);
  }
});

test("nearestWord() takes what is two letters away at most, of short words less", () => {
  const rows: readonly (readonly [text: string, known: string, isNear: boolean])[] = [
    ["prefix", "prefix", true],
    ["prefiy", "prefix", true],
    ["refix", "prefix", true],
    ["prefixx", "prefix", true],
    ["prfeix", "prefix", true],
    ["efix", "prefix", false], // four letters may differ by one only
    ["xxprefix", "prefix", true],
    ["prefixxx", "prefix", true],
    ["prefxxi", "prefix", true],
    ["xprefixxx", "prefix", false],
    ["pretty", "prefix", false],
    ["pxexix", "prefix", true],
    ["xxxfix", "prefix", false],
    ["xxprefi", "prefix", false],
    ["refixyy", "prefix", false],
    ["prefixy", "xprefix", true],
    ["xprefix", "prefixy", true],
    ["oci", "dir", false],
    ["dit", "dir", true],
    ["di", "dir", false],
    ["", "", true],
    ["", "a", false],
  ];
  for (const [text, known, isNear] of rows) {
    assert.equal(nearestWord(text, [known]), isNear ? known : undefined, `${text} ${known}`);
  }
  assert.equal(nearestWord("keyPat", ["keyData", "keyPath", "keyPaths"]), "keyPath");
  assert.equal(nearestWord("keyPat", ["keyPaths", "keyData", "keyPath"]), "keyPath");
});

test("adviceForFault() names the word, the scope or the place", () => {
  const scope = ["transports", "dir", "relative"];
  const rows: readonly (readonly [message: string, path: readonly string[], advice: string])[] = [
    [
      'Unknown key "relative"',
      scope,
      'Write a scope that transport "dir" knows instead of "relative" in p',
    ],
    ['Unknown key "relativ"', scope, "Correct p at transports.dir.relative"],
    [
      'Unknown key "prefiy"',
      scope,
      'Write "prefix" instead of "prefiy" in p at transports.dir.relative',
    ],
    ['Unknown key "relative"', [...scope, "x"], "Correct p at transports.dir.relative.x"],
    ['Unknown key "keypath"', [], 'Write "keyPath" instead of "keypath" in p'],
    ['Known: Unknown key "keypath"', [], "Correct p"],
    ['Unknown key "keypath" there', [], "Correct p"],
    ["unexpected end of JSON input", [], 'Find the fault with "jq . p", and correct it'],
    ["a key: invalid character 'x'", [], "Correct p"],
  ];
  for (const [message, path, advice] of rows) {
    assert.equal(adviceForFault(message, path, "p"), advice, message);
  }
});
