import assert from "node:assert/strict";
import { test } from "node:test";
import { lintRequirements } from "../../policy/lint-requirements.ts";
import { parsePolicy } from "../../policy/parse.ts";

const keyPath = "/k";
const openpgp = (more: object = {}) => ({
  type: "signedBy",
  keyType: "GPGKeys",
  keyPath,
  ...more,
});
const identity = (type: string, more: object = {}) => ({ signedIdentity: { type, ...more } });
const repository = identity("exactRepository", { dockerRepository: "h.example/a" });
const reference = identity("exactReference", { dockerReference: "h.example/a:1" });
const sigstore = (more: object = {}) => ({
  type: "sigstoreSigned",
  keyPath,
  ...identity("matchRepository"),
  ...more,
});
const fulcio = (oidcIssuer: string, subjectEmail: string) => ({
  type: "sigstoreSigned",
  fulcio: { caPath: "/c", oidcIssuer, subjectEmail },
  rekorPublicKeyPath: "/r",
  ...identity("matchRepository"),
});
const reject = { type: "reject" };
const accept = { type: "insecureAcceptAnything" };

/** Each finding as `severity code [index]`, with the message where it is asked for. */
function found(list: readonly object[], transport?: string, scope?: string): readonly string[] {
  const policy = parsePolicy(Buffer.from(JSON.stringify({ default: list })), "p");
  return lintRequirements(policy.default, transport, scope).map(
    ({ severity, code, index }) => `${severity} ${code} [${index}]`,
  );
}

test("of transports without signatures no image passes, of those without names only by a fixed one", () => {
  for (const transport of "oci oci-archive docker-archive docker-daemon tarball sif".split(" ")) {
    for (const one of [openpgp(), openpgp(repository), sigstore()]) {
      assert.deepEqual(found([one], transport), ["error transport.no-signatures [0]"], transport);
    }
    assert.deepEqual(found([accept], transport), []);
  }
  const never = ["error identity.never-matches [0]"];
  assert.deepEqual(found([openpgp()], "dir"), never);
  assert.deepEqual(found([sigstore()], "dir"), never);
  for (const fixed of [repository, reference]) {
    assert.deepEqual(found([openpgp(fixed)], "dir"), []);
  }
  for (const transport of ["docker", "atomic", "containers-storage", undefined]) {
    assert.deepEqual(found([openpgp()], transport), []);
  }
});

test("keys that are asked for one by one are found, of both kinds", () => {
  const second = ["warning requirement.all-needed [1]"];
  const other = { keyPath: "/other" };
  assert.deepEqual(found([openpgp(), openpgp(other)]), second);
  assert.deepEqual(found([sigstore(), sigstore(other)]), second);
  assert.deepEqual(found([openpgp(), sigstore()]), []);
  assert.deepEqual(found([sigstore(), openpgp()]), []);
  const byEmail = fulcio("https://i.example", "a@h.example");
  assert.deepEqual(found([sigstore(), byEmail]), []);
  assert.deepEqual(found([byEmail, sigstore()]), []);
  assert.deepEqual(found([byEmail, fulcio("https://i.example", "b@h.example")]), []);
  assert.deepEqual(found([openpgp(), sigstore(), openpgp(other)]), [
    "warning requirement.all-needed [2]",
  ]);
});

test("requirements that do nothing are found, each at its place", () => {
  const policy = JSON.stringify({ default: [openpgp(), sigstore(), openpgp(), sigstore()] });
  const { default: list } = parsePolicy(Buffer.from(policy), "p");
  assert.deepEqual(
    lintRequirements(list, undefined).map(({ message }) => message),
    ["the same as requirement 1", "the same as requirement 2"],
  );
  assert.deepEqual(found([accept]), []);
  assert.deepEqual(found([openpgp(), accept]), ["warning requirement.adds-nothing [1]"]);
  assert.deepEqual(found([accept, openpgp()]), ["warning requirement.adds-nothing [0]"]);
  assert.deepEqual(found([openpgp(), reject]), []);
  assert.deepEqual(found([openpgp(), reject, sigstore()]), [
    "warning requirement.never-reached [2]",
  ]);
});

test("a remap is idle where its prefix is no name of the scope", () => {
  const idle = (scope: string, prefix: string) =>
    found(
      [openpgp(identity("remapIdentity", { prefix, signedPrefix: "v.example" }))],
      "docker",
      scope,
    );
  const one = ["warning identity.idle-remap [0]"];
  assert.deepEqual(idle("h.example/ns:1", "h.example/ns"), []);
  assert.deepEqual(idle("h.example/ns:1", "h.example"), []);
  assert.deepEqual(idle("h.example/ns:1", "h.example/other"), one);
  assert.deepEqual(idle("h.example:5000/ns", "h.example:5000/ns"), []);
  assert.deepEqual(idle("h.example:5000/ns:1", "h.example:5000"), []);
  assert.deepEqual(idle("h.example:5000", "h.example"), one);
});

test("identities that sigstore's certificates and cosign's signatures never have are found", () => {
  for (const type of ["matchExact", "matchRepoDigestOrExact"]) {
    assert.deepEqual(found([sigstore(identity(type))]), ["info identity.cosign [0]"]);
  }
  assert.deepEqual(found([sigstore(reference)]), ["info identity.cosign [0]"]);
  assert.deepEqual(found([sigstore(repository)]), []);
  const [issuer, email] = ["https://i.example", "a@h.example"];
  assert.deepEqual(found([fulcio(issuer, email)]), []);
  assert.deepEqual(found([fulcio(`${issuer}/path`, email)]), []);
  for (const wrong of ["a", "@h.example", "a@", "a@b@c", `${email} x`, `x ${email}`, "a@h/x"]) {
    assert.deepEqual(found([fulcio(issuer, wrong)]), ["error identity.fulcio [0]"], wrong);
  }
  for (const wrong of ["i.example", `x${issuer}`, "http://i.example", "https://", "https:// x"]) {
    assert.deepEqual(found([fulcio(wrong, email)]), ["warning identity.fulcio [0]"], wrong);
  }
  const pki = { caRootsPath: "/c", subjectHostname: "h.example" };
  const byCa = { type: "sigstoreSigned", pki, ...identity("matchRepository") };
  assert.deepEqual(found([byCa]), ["info key.expires-soon [0]"]);
});
