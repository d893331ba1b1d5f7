import { formatPolicyPath, type PolicyPath } from "./errors.ts";

/** Every word that a policy's grammar knows — `specs/signing.md` 1.2. */
const words = [
  ...["default", "transports", "type", "keyType", "keyPath", "keyPaths", "keyData", "keyDatas"],
  ...["signedIdentity", "baseLayerIdentity", "fulcio", "pki", "caPath", "caData", "oidcIssuer"],
  ...["subjectEmail", "subjectHostname", "caRootsPath", "caRootsData"],
  ...["caIntermediatesPath", "caIntermediatesData", "rekorPublicKeyPath", "rekorPublicKeyPaths"],
  ...["rekorPublicKeyData", "rekorPublicKeyDatas", "dockerReference", "dockerRepository"],
  ...["prefix", "signedPrefix", "insecureAcceptAnything", "reject", "signedBy", "sigstoreSigned"],
  ...["signedBaseLayer", "matchExact", "matchRepoDigestOrExact", "matchRepository"],
  ...["exactReference", "exactRepository", "remapIdentity"],
  ...["GPGKeys", "signedByGPGKeys", "X509Certificates", "signedByX509CAs"],
];

/** What to do about a policy that cannot be read: one sentence in the imperative. */
export function adviceForFault(message: string, path: PolicyPath, file: string): string {
  const place = path.length === 0 ? "" : ` at ${formatPolicyPath(path)}`;
  const scope = path.length === 3 ? path[2] : undefined;
  if (scope !== undefined && message === `Unknown key ${JSON.stringify(scope)}`) {
    return `Write a scope that transport "${path[1]}" knows instead of ${JSON.stringify(scope)} in ${file}`;
  }
  const wrong =
    /^(?:Unknown|Unrecognized) (?:key|policy requirement type|policy reference match type|keyType value) "(.*)"$/.exec(
      message,
    )?.[1];
  const meant = wrong && nearestWord(wrong);
  if (meant) return `Write "${meant}" instead of "${wrong}" in ${file}${place}`;
  const isSyntax = /^(?:invalid character|unexpected end of JSON)/.test(message);
  if (isSyntax) return `Find the fault with "jq . ${file}", and correct it`;
  return `Correct ${file}${place}`;
}

/** The known word that differs from `text` least, by two letters at most or by case; undefined where none is near. */
export function nearestWord(text: string, known: readonly string[] = words): string | undefined {
  const near = known
    .map((word) => ({ word, far: distance(word.toLowerCase(), text.toLowerCase()) }))
    .filter(({ far }) => far <= Math.min(2, text.length / 3));
  return near.sort((a, b) => a.far - b.far)[0]?.word;
}

/** How many letters are to be put in, left out or changed. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      const changed = (row[j] ?? 0) + (letter === b[j] ? 0 : 1);
      next.push(Math.min(changed, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
