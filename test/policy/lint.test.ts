import assert from "node:assert/strict";
import { test } from "node:test";
import { formatPolicyPath } from "../../policy/errors.ts";
import { type LintOptions, lintPolicy } from "../../policy/lint.ts";
import type { KeyDescription } from "../../policy/lint-keys.ts";
import { contextOf } from "./world.ts";

const now = new Date("2026-06-01T00:00:00Z");
const files = {
  "/k": Buffer.from("good"),
  "/l": Buffer.from("lasting"),
  "/soon": Buffer.from("soon"),
  "/old": Buffer.from("old"),
  "/revoked": Buffer.from("revoked"),
  "/empty": Buffer.from(""),
  "/two": Buffer.from("-----BEGIN PUBLIC KEY-----\nx\n-----BEGIN PUBLIC KEY-----\ngood"),
  rel: Buffer.from("good"),
};
const keys: Readonly<Record<string, KeyDescription>> = {
  good: { id: "GOOD" },
  lasting: { id: "LASTING", expires: new Date("2030-01-01T00:00:00Z") },
  soon: { id: "SOON", expires: new Date("2026-06-20T00:00:00Z") },
  old: { id: "OLD", expires: new Date("2026-05-31T00:00:00Z") },
  revoked: { id: "REVOKED", revoked: true },
};
const options: LintOptions = {
  readKeyFile: contextOf(files).readKeyFile,
  describeKeys: async (_, bytes) => {
    const text = Buffer.from(bytes).toString();
    return Object.entries(keys).flatMap(([name, key]) => (text.includes(name) ? [key] : []));
  },
  now,
  realPath: async (path) =>
    path === "/lnk" ? "/real" : path.startsWith("/real") ? path : undefined,
  readsSigstore: (scope) => scope === "h.example",
};

async function found(policy: unknown, given: LintOptions = options): Promise<readonly string[]> {
  const bytes = Buffer.from(typeof policy === "string" ? policy : JSON.stringify(policy));
  const findings = await lintPolicy(bytes, "p", given);
  return findings.map(
    ({ code, severity, path }) => `${severity} ${code} ${formatPolicyPath(path)}`,
  );
}

const reject = [{ type: "reject" }];
const accept = [{ type: "insecureAcceptAnything" }];
const signedBy = (...paths: readonly string[]) => ({
  type: "signedBy",
  keyType: "GPGKeys",
  keyPaths: paths,
});
const sigstore = (more: object = { keyPath: "/k" }, identity = "matchRepository") => ({
  type: "sigstoreSigned",
  ...more,
  signedIdentity: { type: identity },
});
const fulcio = (oidcIssuer: string, subjectEmail: string) => ({
  fulcio: { caPath: "/k", oidcIssuer, subjectEmail },
  rekorPublicKeyPath: "/k",
});

test("a good policy gives no findings", async () => {
  const docker = {
    "h.example": [signedBy("/k", "/l")],
    "h.example/a": [signedBy("/l")],
    "docker.io/library": accept,
  };
  assert.deepEqual(
    await found({
      default: reject,
      transports: { docker, dir: { "": accept, "/real/x": accept } },
    }),
    [],
  );
});

test("a file that is no policy is found to be that, and where", async () => {
  const [typo] = await lintPolicy(Buffer.from('{"defualt":[]}'), "p", options);
  assert.equal(typo?.hint, 'Write "default" instead of "defualt" in p');
  assert.deepEqual(await found("{"), ["error policy.invalid "]);
  assert.deepEqual(
    await found({ default: reject, transports: { docker: { x: [{ type: "sign" }] } } }),
    ["error policy.invalid transports.docker.x[0]"],
  );
});

test("defaults and transports that were not meant are found", async () => {
  assert.deepEqual(await found({ default: accept }), ["warning default.accepts-anything default"]);
  assert.deepEqual(
    await found({ default: reject, transports: { Docker: {}, future: {}, ostree: {} } }),
    ["error transport.unknown transports.Docker", "error transport.unknown transports.future"],
  );
});

/** What is found of a scope: `code severity`, without the place. */
async function ofScope(transport: string, scope: string, requirements: readonly object[] = accept) {
  const lines = await found({
    default: reject,
    transports: { [transport]: { [scope]: requirements } },
  });
  return lines.map((line) => line.split(" ", 2).join(" "));
}

test("scopes that never match, or match more or less than meant, are found", async () => {
  const hex = "0".repeat(64);
  const never = ["error scope.never-matches"];
  const rows: readonly (readonly [scope: string, found: readonly string[]])[] = [
    ["", []],
    ["busybox", never],
    ["library/busybox", never],
    ["docker.io/busybox", ["info scope.never-matches"]],
    ["docker.io/busybox:1", never],
    ["docker.io", []],
    ["docker.io/library/busybox", []],
    ["index.docker.io", never],
    ["index.docker.io/library/a", never],
    ["docker://h.example/a", never],
    ["h.example/", never],
    ["h.example/A", never],
    ["h.example//a", never],
    ["h.example/a b", never],
    ["[::1]:5000", never],
    [`h.example/a:1@sha256:${hex}`, never],
    [`h.example/a@sha256:${hex}`, []],
    ["H.example/a", ["warning scope.never-matches"]],
    ["h.example", []],
    ["h.example:5000/a", []],
    ["h.example/a:1", ["warning scope.tag-bypassed"]],
    ["localhost", ["warning scope.without-port"]],
    ["127.0.0.1/a", ["warning scope.without-port"]],
    ["localhost:5000", []],
    ["*.h.example", []],
    ["*", never],
    ["*.", never],
    ["a.*.example", never],
    ["*.-.example", never],
    ["*.h.example:443", never],
    ["*.h.example/a", never],
    ["*.io", ["warning scope.matches-more"]],
    ["*.com", ["warning scope.matches-more"]],
    ["*.0.0.1", ["warning scope.matches-more"]],
  ];
  for (const [scope, expected] of rows)
    assert.deepEqual(await ofScope("docker", scope), expected, scope);
  assert.deepEqual(await ofScope("atomic", "busybox"), never);
  assert.deepEqual(await ofScope("docker-daemon", "busybox"), never);
  assert.deepEqual(await ofScope("containers-storage", "[/s]busybox"), []);
});

test("paths that are links, or not there, are found", async () => {
  assert.deepEqual(await ofScope("dir", "/lnk"), ["error scope.symlink"]);
  assert.deepEqual(await ofScope("dir", "/gone"), ["info scope.missing-path"]);
  assert.deepEqual(await ofScope("dir", "/gone:tag"), ["info scope.missing-path"]);
  assert.deepEqual(await ofScope("oci", "/gone:tag"), ["warning scope.never-matches"]);
  assert.deepEqual(await ofScope("oci", "/real/l"), []);
  const { realPath: _, ...withoutPaths } = options;
  assert.deepEqual(
    await found({ default: reject, transports: { dir: { "/lnk": accept } } }, withoutPaths),
    [],
  );
});

test("scopes that ask for less than a wider one are found", async () => {
  const below = async (scope: string, other: string, requirements: readonly object[] = accept) => {
    const docker = { [other]: [signedBy("/k")], [scope]: requirements };
    return (await found({ default: reject, transports: { docker } })).some((line) =>
      line.includes("weaker"),
    );
  };
  assert.equal(await below("h.example/a", "h.example"), true);
  assert.equal(await below("h.example/a:1", "h.example/a"), true);
  assert.equal(await below("a.h.example:5000/x", "*.h.example"), true);
  assert.equal(await below("h.example:5000", "h.example"), false);
  assert.equal(await below("h.example/ab", "h.example/a"), false);
  assert.equal(await below("h.example", "*.h.example"), false);
  assert.equal(await below("h.example/a", ""), false);
  assert.equal(await below("h.example/a", "h.example", reject), false);
  assert.equal(await below("h.example/a", "h.example", [signedBy("/l")]), false);
});

test("requirements that cannot hold, or add nothing, are found", async () => {
  const ofList = async (transport: string, ...list: readonly object[]) =>
    (await found({ default: reject, transports: { [transport]: { "": list } } })).map((line) =>
      line.replace(/ transports.*(\[\d\])$/, " $1"),
    );
  const both = { type: "signedBy", keyType: "GPGKeys", keyData: "Z29vZA==" };
  assert.deepEqual(await ofList("docker", both, both), ["warning requirement.duplicate [1]"]);
  assert.deepEqual(await ofList("docker", both, signedBy("/l")), [
    "warning requirement.all-needed [1]",
  ]);
  assert.deepEqual(await ofList("docker", both, accept[0] ?? {}), [
    "warning requirement.adds-nothing [1]",
  ]);
  assert.deepEqual(await ofList("docker", reject[0] ?? {}, both), [
    "warning requirement.never-reached [1]",
  ]);
  const layer = { type: "signedBaseLayer", baseLayerIdentity: { type: "matchExact" } };
  assert.deepEqual(await ofList("docker", layer), ["error requirement.not-implemented [0]"]);
  const x509 = { type: "signedBy", keyType: "X509Certificates", keyPath: "/k" };
  assert.deepEqual(await ofList("docker", x509), ["error requirement.not-implemented [0]"]);
  assert.deepEqual(await ofList("oci", both), ["error transport.no-signatures [0]"]);
  assert.deepEqual(await ofList("docker-archive", sigstore()), [
    "error transport.no-signatures [0]",
  ]);
  assert.deepEqual(await ofList("dir", both), ["error identity.never-matches [0]"]);
  const exact = {
    ...both,
    signedIdentity: { type: "exactRepository", dockerRepository: "h.example/a" },
  };
  assert.deepEqual(await ofList("dir", exact), []);
});

test("traps of sigstore are found", async () => {
  const ofSigstore = async (requirement: object, scope = "h.example") =>
    (await found({ default: reject, transports: { docker: { [scope]: [requirement] } } })).map(
      (line) => line.replace(/ transports.*$/, ""),
    );
  assert.deepEqual(await ofSigstore(sigstore()), []);
  assert.deepEqual(await ofSigstore(sigstore(), "g.example"), ["warning sigstore.no-attachments"]);
  assert.deepEqual(await ofSigstore(sigstore({ keyPath: "/k" }, "matchExact")), [
    "info identity.cosign",
  ]);
  const issuer = "https://issuer.example";
  assert.deepEqual(await ofSigstore(sigstore(fulcio(issuer, "a@h.example"))), []);
  assert.deepEqual(await ofSigstore(sigstore(fulcio("issuer.example", "a@h.example"))), [
    "warning identity.fulcio",
  ]);
  assert.deepEqual(await ofSigstore(sigstore(fulcio(issuer, "https://ci.example/job@main"))), [
    "error identity.fulcio",
  ]);
  const pki = { caRootsPath: "/k", caIntermediatesPath: "/empty", subjectHostname: "h.example" };
  assert.deepEqual(await ofSigstore(sigstore({ pki })), [
    "info key.expires-soon",
    "error key.imports-nothing",
  ]);
  assert.deepEqual(await ofSigstore(sigstore({ keyPath: "/two" })), ["warning key.only-first"]);
  assert.deepEqual(await ofSigstore(sigstore({ keyPath: "/empty" })), [
    "error key.imports-nothing",
  ]);
  assert.deepEqual(await ofSigstore(sigstore({ keyPath: "/k", rekorPublicKeyPath: "/missing" })), [
    "error key.unreadable",
  ]);
  const { readsSigstore: _, ...unaware } = options;
  assert.deepEqual(await found({ default: [sigstore()], transports: {} }, unaware), []);
  assert.deepEqual(
    await found({ default: reject, transports: { docker: { g: [sigstore()] } } }, unaware),
    ["error scope.never-matches transports.docker.g"],
  );
});

test("keys that are missing, useless or soon to be are found", async () => {
  const ofKeys = async (...paths: readonly string[]) =>
    (await found({ default: [signedBy(...paths)] })).map((line) => line.replace(" default[0]", ""));
  assert.deepEqual(await ofKeys("/k", "/l"), []);
  assert.deepEqual(await ofKeys("rel"), ["warning key.relative-path"]);
  assert.deepEqual(await ofKeys("missing", "/k"), [
    "warning key.relative-path",
    "error key.unreadable",
  ]);
  assert.deepEqual(await ofKeys("/empty", "/k"), ["warning key.imports-nothing"]);
  assert.deepEqual(await ofKeys("/empty"), [
    "warning key.imports-nothing",
    "error key.imports-nothing",
  ]);
  assert.deepEqual(await ofKeys(), ["error key.imports-nothing"]);
  assert.deepEqual(await ofKeys("/soon"), ["warning key.expires-soon"]);
  assert.deepEqual(await ofKeys("/old", "/k"), ["warning key.expired"]);
  assert.deepEqual(await ofKeys("/old"), ["warning key.expired", "error key.expired"]);
  assert.deepEqual(await ofKeys("/old", "/revoked"), [
    "warning key.expired",
    "warning key.revoked",
    "error key.expired",
  ]);
  const short = { ...options, soonMs: 24 * 60 * 60 * 1000 };
  assert.deepEqual(await found({ default: [signedBy("/soon")] }, short), []);
  const { describeKeys: _, ...blind } = options;
  assert.deepEqual(await found({ default: [signedBy("/empty")] }, blind), []);
  assert.deepEqual(await found({ default: [signedBy("/gone")] }, blind), [
    "error key.unreadable default[0]",
  ]);
  const bug = new TypeError("bug");
  await assert.rejects(
    found({ default: [signedBy("/k")] }, { ...options, readKeyFile: () => Promise.reject(bug) }),
    bug,
  );
});

test("a key ends in the moment that it names, and soon is thirty days", async () => {
  const day = 24 * 60 * 60 * 1000;
  const after = async (ms: number) => {
    const expires = new Date(now.getTime() + ms);
    const describeKeys = async () => [{ id: "K", expires }];
    const lines = await found({ default: [signedBy("/k")] }, { ...options, describeKeys });
    return lines.map((line) => line.replace(" default[0]", ""));
  };
  const over = ["warning key.expired", "error key.expired"];
  assert.deepEqual(await after(-1), over);
  assert.deepEqual(await after(0), over);
  assert.deepEqual(await after(1), ["warning key.expires-soon"]);
  assert.deepEqual(await after(30 * day), ["warning key.expires-soon"]);
  assert.deepEqual(await after(30 * day + 1), []);
});

test("what cannot be read leaves open whether all keys are over", async () => {
  const gone = "error key.unreadable default[0]";
  assert.deepEqual(await found({ default: [signedBy("/old", "/gone")] }), [
    "warning key.expired default[0]",
    gone,
  ]);
  assert.deepEqual(await found({ default: [signedBy("/gone")] }), [gone]);
  const { describeKeys: _, ...blind } = options;
  assert.deepEqual(await found({ default: [signedBy()] }, blind), [
    "error key.imports-nothing default[0]",
  ]);
});

test("of files of certificates all are used, of public keys the first", async () => {
  const block = (label: string) => `-----BEGIN ${label}-----\ngood\n`;
  const { readKeyFile } = contextOf({
    "/certificates": Buffer.from(block("CERTIFICATE").repeat(2)),
    "/keys": Buffer.from(block("PUBLIC KEY").repeat(3)),
    "/one": Buffer.from(`${block("PUBLIC KEY")}x ${block("PUBLIC KEY")}`),
  });
  const given = { ...options, readKeyFile };
  const pki = { caRootsPath: "/certificates", subjectHostname: "h.example" };
  assert.deepEqual(await found({ default: [sigstore({ pki })] }, given), [
    "info key.expires-soon default[0]",
  ]);
  assert.deepEqual(await found({ default: [sigstore({ keyPath: "/one" })] }, given), []);
  assert.deepEqual(await found({ default: [sigstore({ keyPath: "/keys" })] }, given), [
    "warning key.only-first default[0]",
  ]);
});

test("keys of another kind, private ones, and files that others may write to are found", async () => {
  const pem = (label: string) => Buffer.from(`-----BEGIN ${label}-----\ngood`);
  const kinds = {
    ...contextOf({
      "/pgp": pem("PGP PUBLIC KEY BLOCK"),
      "/pub": pem("PUBLIC KEY"),
      "/rsa": pem("RSA PUBLIC KEY"),
      "/cert": pem("CERTIFICATE"),
      "/private": pem("PRIVATE KEY"),
      "/pgp-private": pem("PGP PRIVATE KEY BLOCK"),
      "/other": pem("X509 CRL"),
      "/binary": Buffer.concat([Buffer.of(0x99), Buffer.from("good")]),
      "/new-binary": Buffer.concat([Buffer.of(0xc6), Buffer.from("good")]),
      "/binary-private": Buffer.concat([Buffer.of(0x95), Buffer.from("good")]),
      "/binary-other": Buffer.concat([Buffer.of(0x90), Buffer.from("good")]),
    }),
  };
  const ofKind = async (requirement: object, more: Partial<LintOptions> = {}) =>
    (
      await found(
        { default: [requirement] },
        { ...options, readKeyFile: kinds.readKeyFile, ...more },
      )
    ).map((line) => line.replace(/ default.*$/, ""));
  for (const good of ["/pgp", "/binary", "/new-binary", "/other", "/binary-other"]) {
    assert.deepEqual(await ofKind(signedBy(good)), [], good);
  }
  for (const path of ["/pub", "/rsa", "/cert"]) {
    assert.deepEqual(
      await ofKind(signedBy(path)),
      ["error key.wrong-kind", "error key.imports-nothing"],
      path,
    );
  }
  for (const path of ["/private", "/pgp-private", "/binary-private"]) {
    assert.deepEqual(await ofKind(signedBy(path)), ["warning key.private"], path);
  }
  assert.deepEqual(await ofKind(sigstore({ keyPath: "/pub" })), []);
  assert.deepEqual(await ofKind(sigstore({ keyPath: "/rsa" })), []);
  assert.deepEqual(await ofKind(sigstore({ keyPath: "/cert" })), ["error key.wrong-kind"]);
  assert.deepEqual(await ofKind(sigstore({ keyPath: "/binary" })), ["error key.wrong-kind"]);
  const pki = { caRootsPath: "/pub", subjectHostname: "h" };
  assert.deepEqual(await ofKind(sigstore({ pki })), [
    "info key.expires-soon",
    "error key.wrong-kind",
  ]);
  const isWritableByAll = async (path: string) => path === "/pgp" || path === "p";
  assert.deepEqual(await ofKind(signedBy("/pgp", "/binary"), { isWritableByAll }), [
    "error policy.writable ",
    "warning key.writable",
  ]);
  const inline = { type: "signedBy", keyType: "GPGKeys", keyData: "Z29vZA==" };
  assert.deepEqual(await ofKind(inline, { isWritableByAll: async (path) => path !== "p" }), []);
});

test("remaps of names that a scope does not have are found", async () => {
  const idle = async (scope: string, prefix: string, transport = "docker") => {
    const signedIdentity = { type: "remapIdentity", prefix, signedPrefix: "v.example" };
    const list = [{ ...signedBy("/k"), signedIdentity }];
    const lines = await found({ default: reject, transports: { [transport]: { [scope]: list } } });
    return lines.some((line) => line.includes("idle-remap"));
  };
  for (const [scope, prefix, expected] of [
    ["h.example/ns", "h.example", false],
    ["h.example/ns", "h.example/ns", false],
    ["h.example", "h.example/ns", false],
    ["h.example/ns:1", "h.example/ns", false],
    [`h.example/ns@sha256:${"0".repeat(64)}`, "h.example/ns", false],
    ["*.example", "h.example", false],
    ["", "h.example", false],
    ["h.example/ns", "g.example", true],
    ["h.example:5000/ns", "h.example", true],
    ["h.example/ns", "h.example/n", true],
  ] as const) {
    assert.equal(await idle(scope, prefix), expected, `${scope} ${prefix}`);
  }
  assert.equal(await idle("h.example/ns", "g.example", "atomic"), false);
});

test("messages say what to do in words", async () => {
  const bytes = Buffer.from(
    JSON.stringify({
      default: reject,
      transports: { docker: { "*.h.example:443": [signedBy("/old")] }, Docker: {} },
    }),
  );
  const messages = (await lintPolicy(bytes, "p", options)).map(({ message }) => message);
  assert.deepEqual(messages, [
    'there is no transport "Docker": nothing below it is ever looked at; "docker" may have been meant',
    "a wildcard matches any port, and must not name one",
    "key OLD in /old expired on 2026-05-31",
    "every key has expired or is revoked: no image passes",
  ]);
});
