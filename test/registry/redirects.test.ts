import assert from "node:assert/strict";
import { test } from "node:test";
import { RegistryError } from "../../src/registry/errors.ts";
import { isOwnRealm, usableRealm } from "../../src/registry/realm.ts";
import { resolveLocation } from "../../src/registry/redirects.ts";

const registry = new URL("https://registry.example/");
const here = new URL("https://registry.example/v2/a/blobs/uploads/?mount=x");

const allowed: readonly (readonly [location: string, to: string])[] = [
  [
    "/v2/a/blobs/uploads/1?_state=x%2By",
    "https://registry.example/v2/a/blobs/uploads/1?_state=x%2By",
  ],
  ["1", "https://registry.example/v2/a/blobs/uploads/1"],
  ["?x=1", "https://registry.example/v2/a/blobs/uploads/?x=1"],
  ["https://registry.example:443/u", "https://registry.example/u"],
  ["https://cdn.example/x?sig=1", "https://cdn.example/x?sig=1"],
  ["//cdn.example/x", "https://cdn.example/x"],
  // a registry that does not know that a proxy speaks TLS for it
  ["http://registry.example/v2/u", "https://registry.example/v2/u"],
  ["http://registry.example:5000/v2/u", "https://registry.example/v2/u"],
];

for (const [location, to] of allowed) {
  test(`resolveLocation() goes to ${location}`, () => {
    assert.equal(resolveLocation({ from: here, location, registry, insecure: false }).href, to);
  });
}

const refused: readonly string[] = [
  "http://cdn.example/x",
  "https://user:pw@registry.example/x",
  "https://user@cdn.example/x",
  "file:///etc/passwd",
  "javascript:alert(1)",
  "https://127.0.0.1/x",
  "https://169.254.169.254/latest/meta-data",
  "https://10.1.2.3/x",
  "https://192.168.0.1/x",
  "https://[::1]/x",
  "https://[fe80::1]/x",
  "https://[::ffff:10.0.0.1]/x",
  "https://[64:ff9b::a00:1]/x",
  "https://0x7f000001/x",
  "https://2130706433/x",
  "https://localhost/x",
  "https://a.localhost/x",
  "https://[",
];

for (const location of refused) {
  test(`resolveLocation() does not go to ${location}`, () => {
    assert.throws(
      () => resolveLocation({ from: here, location, registry, insecure: false }),
      (error) => error instanceof RegistryError && error.code === "registry.bad-redirect",
    );
  });
}

test("resolveLocation() goes within a network to which the registry belongs", () => {
  for (const home of [
    "https://10.0.0.5:5000/",
    "https://registry.corp/",
    "https://localhost:5000/",
  ]) {
    const inside = new URL(home);
    const to = resolveLocation({
      from: inside,
      location: "https://10.0.0.9/x",
      registry: inside,
      insecure: false,
    });
    assert.equal(to.href, "https://10.0.0.9/x");
  }
});

test("resolveLocation() leaves TLS where the registry may be insecure", () => {
  const leap = { from: here, location: "http://cdn.example/x", registry, insecure: true };
  assert.equal(resolveLocation(leap).href, "http://cdn.example/x");
});

test("usableRealm() takes http(s) URLs without users, with TLS if the registry has it", () => {
  const usable = (realm: string, insecure = false) => {
    const parameters = new Map([["realm", realm]]);
    return usableRealm({ scheme: "bearer", parameters }, registry, insecure)?.url.href;
  };
  assert.equal(usable("https://auth.example/token"), "https://auth.example/token");
  assert.equal(usable("http://auth.example/token", true), "http://auth.example/token");
  for (const realm of [
    "",
    "null://x",
    "/token",
    "http://auth.example/token",
    "https://u:p@a.example/",
    "https://127.0.0.1/t",
    "https://169.254.169.254/t",
    "ftp://a/",
  ]) {
    assert.equal(usable(realm), undefined, realm);
  }
});

test("isOwnRealm() knows hosts of one registrable domain, and known pairs", async () => {
  const own = (one: string, other: string) =>
    isOwnRealm(new URL(`https://${one}/`), new URL(`https://${other}/token`));
  assert.equal(await own("registry-1.docker.io", "auth.docker.io"), true);
  assert.equal(await own("registry.example.co.uk", "auth.example.co.uk"), true);
  assert.equal(await own("localhost:5000", "localhost:5001"), true);
  assert.equal(await own("one.co.uk", "two.co.uk"), false);
  assert.equal(await own("one.github.io", "two.github.io"), false);
  assert.equal(await own("registry.example", "evil.invalid"), false);
  assert.equal(await own("10.0.0.1", "10.0.0.2"), false);
});
