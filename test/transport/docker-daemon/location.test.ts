import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDaemonHost } from "../../../src/transport/docker-daemon/host.ts";
import { loadFailure } from "../../../src/transport/docker-daemon/load-progress.ts";
import { resolveDaemonLocation } from "../../../src/transport/docker-daemon/location.ts";

const hex = "a".repeat(64);

test("an image goes by a name with a tag or a digest, or by its id", () => {
  const named = resolveDaemonLocation("docker.io/library/foo:x");
  assert.equal(named.text, "foo:x");
  assert.equal(named.policyIdentity, "docker.io/library/foo:x");
  assert.deepEqual(named.policyNamespaces.slice(0, 2), [
    "docker.io/library/foo",
    "docker.io/library",
  ]);
  const byDigest = resolveDaemonLocation(`h:1/foo@sha256:${hex}`);
  assert.equal(byDigest.policyIdentity, `h:1/foo@sha256:${hex}`);
  const byId = resolveDaemonLocation(`sha256:${hex}`);
  assert.deepEqual(byId, {
    transport: "docker-daemon",
    text: `sha256:${hex}`,
    policyIdentity: "",
    policyNamespaces: [],
  });
});

test("what could be two things, or none, is told in skopeo's words", () => {
  const reserved = "The sha256 repository name is reserved for (non-shortened) digest references";
  const cases = [
    ["foo", "docker-daemon: reference foo has neither a tag nor a digest"],
    [
      `foo:t@sha256:${hex}`,
      "docker-daemon: references with both a tag and digest are currently not supported",
    ],
    ["sha256:aaaa", `Invalid docker-daemon: reference sha256:aaaa: ${reserved}`],
    [
      `sha512:${hex}${hex}`,
      `Invalid docker-daemon: reference sha512:${hex}${hex}: only digest algorithm sha256 accepted`,
    ],
    [hex, `invalid repository name (${hex}), cannot specify 64-byte hexadecimal strings`],
    ["UP:x", "invalid reference format: repository name must be lowercase"],
    ["", "invalid reference format"],
  ] as const;
  for (const [text, message] of cases) {
    assert.throws(() => resolveDaemonLocation(text), { code: "usage.bad-reference", message });
  }
});

test("a host is a socket, plain HTTP where it says so, and else TLS", () => {
  const of = (text: string) => {
    const { url, socketPath } = parseDaemonHost(text);
    return [url.href, socketPath];
  };
  assert.deepEqual(of("unix:///run/d.sock"), ["http://api.moby.localhost/", "/run/d.sock"]);
  assert.deepEqual(of("http://h:1"), ["http://h:1/", undefined]);
  assert.deepEqual(of("tcp://h:1/base"), ["https://h:1/base", undefined]);
  assert.deepEqual(of("https://[::1]:1"), ["https://[::1]:1/", undefined]);
  const prefix = "initializing docker engine client: ";
  for (const text of ["nonsense", "127.0.0.1:1", "fd://", "http://h:x"]) {
    const message = `${prefix}unable to parse docker host \`${text}\``;
    assert.throws(() => parseDaemonHost(text), { message });
  }
  assert.throws(() => parseDaemonHost("npipe://x"), { message: `${prefix}protocol not available` });
});

test("a load's answer tells of failures behind its status", () => {
  assert.equal(loadFailure(""), undefined);
  assert.equal(loadFailure('{"stream":"a {"}{"stream":"b \\"}"}\n\n'), undefined);
  const failure = loadFailure(
    '{"stream":"x"}\n{"errorDetail":{"message":"bad \\"x\\""},"error":"bad"}',
  );
  assert.equal(failure?.message, 'docker engine reported: "bad \\"x\\""');
  assert.equal(
    loadFailure("garbage")?.message,
    "parsing docker load progress: invalid character 'g' looking for beginning of value",
  );
});
