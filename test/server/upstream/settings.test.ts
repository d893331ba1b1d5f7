import assert from "node:assert/strict";
import { test } from "node:test";
import { cacheSettings, upstreamsSettings } from "../../../src/server/upstream/settings.ts";

test("an upstream's name is enough", () => {
  const [upstream] = upstreamsSettings.parse([{ name: "docker.io" }]);
  assert.equal(upstream?.freshFor, 60_000);
  assert.equal(upstream.push, "refuse");
  assert.equal(upstream.deletes, false);
  assert.deepEqual(cacheSettings.parse({ maxBytes: "50GiB", low: "70%" }), {
    maxBytes: 50 * 1024 ** 3,
    low: 0.7,
    minAge: 3_600_000,
  });
});

const bad: readonly (readonly [string, readonly unknown[]])[] = [
  ["two of one name", [{ name: "a.example" }, { name: "a.example" }]],
  [
    "two of one alias",
    [
      { name: "a.example", alias: "x" },
      { name: "b.example", alias: "x" },
    ],
  ],
  ["two of one host", [{ name: "a.example", hosts: ["x.example"] }, { name: "x.example" }]],
  [
    "two defaults",
    [
      { name: "a.example", default: true },
      { name: "b.example", default: true },
    ],
  ],
  ["an alias that is a path", [{ name: "a.example", alias: "x/y" }]],
  ["an alias with capitals", [{ name: "a.example", alias: "Hub" }]],
  ["a name with a path", [{ name: "a.example/team" }]],
  ["a user without a password", [{ name: "a.example", username: "ann" }]],
  ["half a client certificate", [{ name: "a.example", clientKey: "key.pem" }]],
  [
    "a URL with a path, which nobody would ask",
    [{ name: "a.example", url: "https://a.example/x" }],
  ],
  ["a URL that is none", [{ name: "a.example", url: "ftp://a.example" }]],
  ["a mode that is none", [{ name: "a.example", push: "sometimes" }]],
  ["a platform that is none", [{ name: "a.example", platformsToPrefetch: ["arm64"] }]],
  ["a word unknown", [{ name: "a.example", passwd: "x" }]],
];
for (const [what, settings] of bad) {
  test(`${what} is refused`, () => {
    assert.equal(upstreamsSettings.safeParse(settings).success, false);
  });
}
