import assert from "node:assert/strict";
import { test } from "node:test";
import { type LintOptions, lintPolicy } from "../../policy/lint.ts";
import { lintDockerScope, lintTransport } from "../../policy/lint-scopes.ts";
import { contextOf } from "./world.ts";

const reject = [{ type: "reject" }];
const accept = [{ type: "insecureAcceptAnything" }];
const signed = [{ type: "signedBy", keyType: "GPGKeys", keyPath: "/k" }];
const options: LintOptions = {
  readKeyFile: contextOf({ "/k": Buffer.from("good") }).readKeyFile,
  now: new Date("2026-06-01T00:00:00Z"),
};

/** Each finding as `code: message`. */
async function found(transports: object, more: Partial<LintOptions> = {}) {
  const bytes = Buffer.from(JSON.stringify({ default: reject, transports }));
  const findings = await lintPolicy(bytes, "p", { ...options, ...more });
  return findings.map(({ code, severity, message }) => `${severity} ${code}: ${message}`);
}

test("it is said why no image has a name that a scope could match", () => {
  const hex = "0".repeat(64);
  const full = (name: string) => `names are looked up in full: write "${name}"`;
  const wildcard = 'a wildcard is "*." and the end of a host name';
  const rows: readonly (readonly [scope: string, reason: string])[] = [
    ["docker://h.example/a", "a scope is a name without a transport or scheme"],
    ["docker-daemon://h.example", "a scope is a name without a transport or scheme"],
    ["h.example/", "a scope does not end with a slash"],
    ["h.example/a/", "a scope does not end with a slash"],
    ["/h.example", "no image can have this name"],
    ["Busybox", "no image can have this name"],
    ["busybox:5000x", "no image can have this name"],
    [`h.example/a:1@sha256:${hex}`, "images with tag and digest are looked up by the digest alone"],
    ["[::1]:5000", "no image has an IPv6 address for a host"],
    ["[::1]/a", "no image has an IPv6 address for a host"],
    ["index.docker.io", 'images of index.docker.io are looked up as "docker.io/…"'],
    ["busybox", full("docker.io/library/busybox")],
    [`busybox@sha256:${hex}`, full(`docker.io/library/busybox@sha256:${hex}`)],
    ["library/busybox", full("docker.io/library/busybox")],
    ["docker.io/busybox:1", full("docker.io/library/busybox:1")],
    [`docker.io/busybox@sha256:${hex}`, full(`docker.io/library/busybox@sha256:${hex}`)],
    ["h.example/A", "no image can have this name"],
    ["h.example/a b", "no image can have this name"],
    ["-h.example", "no image can have this name"],
    ["x h://h.example/a", "no image can have this name"],
    ["*", wildcard],
    ["*.", wildcard],
    ["*h.example", wildcard],
    ["a.*.example", wildcard],
    ["*.*.example", wildcard],
    ["*.example*", wildcard],
    ["*.h.example/a", "a wildcard stands for hosts: it cannot have a path"],
    ["*.h.example:443", "a wildcard matches any port, and must not name one"],
    ["*.-.example", "no host ends like this"],
  ];
  for (const [scope, reason] of rows) {
    const [finding, ...others] = lintDockerScope(scope);
    assert.equal(finding?.message, reason, scope);
    assert.deepEqual([finding.code, finding.severity], ["scope.never-matches", "error"], scope);
    assert.deepEqual(others, []);
  }
});

test("it is said what more, and what less, a scope matches than it seems to", () => {
  const hub = (name: string) =>
    `this is what ${name} has on Docker Hub; an official image would be "docker.io/library/${name}"`;
  const port = (host: string) => `images of ${host} on a port, such as ${host}:5000, do not match`;
  const byDigest = "whoever asks for the same image by digest is not held to this scope";
  const rows: readonly (readonly [scope: string, ...messages: readonly string[]])[] = [
    ["*.io", "all images of docker.io match too"],
    ["*.com", "every host below .com matches"],
    ["*.0.1", "every IPv4 address that ends with .0.1 matches"],
    ["*.0x.1x"],
    ["*.x.1"],
    ["*.h.io"],
    ["localhost/a", port("localhost")],
    ["10.0.0.1", port("10.0.0.1")],
    ["10.0.0.1x/a"],
    ["x10.0.0.1/a"],
    ["localhost:5000/a"],
    ["h.example/a:1", byDigest],
    ["10.0.0.1/a:1", port("10.0.0.1"), byDigest],
    ["docker.io/busybox", hub("busybox")],
    ["docker.io/library"],
    ["docker.io/library/busybox"],
    ["xdocker.io/busybox"],
    ["h.example/docker.io/busybox"],
    ["docker.io/busybox/x"],
  ];
  for (const [scope, ...messages] of rows) {
    assert.deepEqual(
      lintDockerScope(scope).map(({ message }) => message),
      messages,
      scope,
    );
  }
});

test("every transport is known, and what was meant by another", () => {
  const known =
    "docker atomic docker-daemon dir sif oci oci-archive docker-archive tarball containers-storage ostree";
  for (const name of known.split(" ")) {
    assert.deepEqual(lintTransport(name), []);
    const [wrong] = lintTransport(name.toUpperCase());
    assert.ok(wrong?.message.endsWith(`; "${name}" may have been meant`), name);
  }
  const [nothingLike] = lintTransport("future");
  assert.ok(nothingLike?.message.endsWith("is ever looked at"));
});

test("of each transport with paths a link is found, of others none", async () => {
  const realPath = async (path: string) => (path === "/link" ? "/real" : undefined);
  for (const transport of ["dir", "oci", "oci-archive", "sif"]) {
    assert.deepEqual(
      await found({ [transport]: { "/link": accept } }, { realPath }),
      ["error scope.symlink: images are known by their path without links: write /real"],
      transport,
    );
  }
  assert.deepEqual(await found({ docker: { "h.example": accept } }, { realPath }), []);
});

test("a path that is not there may have a tag too much", async () => {
  const realPath = async () => undefined;
  const missing = "info scope.missing-path: nothing is there";
  const ofPath = async (transport: string, scope: string) =>
    await found({ [transport]: { [scope]: accept } }, { realPath });
  assert.deepEqual(await ofPath("oci", "/gone"), [missing]);
  assert.deepEqual(await ofPath("oci", "/go:ne/x"), [missing]);
  assert.deepEqual(await ofPath("dir", "/gone:1"), [missing]);
  assert.deepEqual(await ofPath("oci", "/gone:1"), [
    "warning scope.never-matches: images of oci are known by their path, without a name or tag",
  ]);
  assert.deepEqual(await ofPath("oci", ""), []);
});

test("a scope is weaker only than one that asks for a signature, where it asks for none itself", async () => {
  const weaker = async (wider: readonly object[], own: readonly object[], transport = "docker") => {
    const [parent, child] = transport === "docker" ? ["h.example", "h.example/a"] : ["", "/srv/a"];
    const lines = await found({ [transport]: { [parent]: wider, [child]: own } });
    return lines.filter((line) => line.includes("weaker"));
  };
  const hole =
    'warning scope.weaker-than-parent: nothing is inherited: what "h.example" asks for is not asked for here';
  assert.deepEqual(await weaker(signed, accept), [hole]);
  assert.deepEqual(await weaker([...signed, ...accept], accept), [hole]);
  assert.deepEqual(await weaker(accept, accept), []);
  assert.deepEqual(await weaker(reject, accept), []);
  assert.deepEqual(await weaker(signed, [...accept, ...signed]), []);
  assert.deepEqual(await weaker(signed, [...signed, ...accept]), []);
  assert.deepEqual(await weaker(signed, accept, "dir"), []);
});

test("attachments are missed wherever one requirement of a scope reads them", async () => {
  const sigstore = {
    type: "sigstoreSigned",
    keyPath: "/k",
    signedIdentity: { type: "matchRepository" },
  };
  const readsSigstore = () => false;
  const missed = async (list: readonly object[], transport = "docker") =>
    (await found({ [transport]: { "h.example": list } }, { readsSigstore })).filter((line) =>
      line.includes("no-attachments"),
    ).length;
  assert.equal(await missed([sigstore]), 1);
  assert.equal(await missed([sigstore, ...signed]), 1);
  assert.equal(await missed([...signed, sigstore]), 1);
  assert.equal(await missed(signed), 0);
  assert.equal(await missed([sigstore], "atomic"), 0);
});
