import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  type Endpoints,
  endpointsFor,
  failedTriesText,
  findRegistry,
  matchLength,
  primaryEndpoint,
  settingsOf,
} from "../../src/config/endpoints.ts";
import { parseRegistriesFile } from "../../src/config/load-registries-conf.ts";
import { mergeRegistries, type RegistriesConf } from "../../src/config/registries-conf.ts";
import {
  formatDockerReference,
  parseDockerReference,
  withLatest,
} from "../../src/core/docker-reference.ts";

const digest = `sha256:${"ab".repeat(32)}`;

async function confOf(toml: string): Promise<RegistriesConf> {
  const file = await parseRegistriesFile(toml);
  return mergeRegistries([{ path: "r.conf", file }], { main: "r.conf", text: "r.conf" });
}

async function endpointsIn(toml: string, reference: string): Promise<Endpoints> {
  return endpointsFor(await confOf(toml), withLatest(parseDockerReference(reference)));
}

function tries(endpoints: Endpoints): string[] {
  return endpoints.endpoints.map(({ reference }) => formatDockerReference(reference));
}

/** Made once from random configurations; the other column is what `skopeo --debug inspect` (1.22.0) tried. */
interface Vector {
  readonly configuration: string;
  readonly reference: string;
  readonly error?: string;
  readonly endpoints?: readonly (readonly [reference: string, manner: string])[];
}

const vectors: readonly Vector[] = JSON.parse(
  readFileSync(new URL("./skopeo-endpoints.json", import.meta.url), "utf8"),
);

test("endpointsFor() tries what skopeo 1.22 tries, in its order, for random configurations", async () => {
  assert.ok(vectors.length >= 30);
  for (const { configuration, reference, error, endpoints } of vectors) {
    const actual = await endpointsIn(configuration, reference).then(
      (found) =>
        found.endpoints.map((each) => [
          formatDockerReference(each.reference),
          each.refusal
            ? `blocked ${/registry (\S+) is/.exec(each.refusal.message)?.[1]}`
            : each.insecure
              ? "insecure"
              : "secure",
        ]),
      (failure: Error) => failure.message,
    );
    assert.deepEqual(actual, error ?? endpoints, `${configuration}\n${reference}`);
  }
});

const mirrored = `
[[registry]]
prefix = "up.example/ns"
location = "real.example/team"
[[registry.mirror]]
location = "any.example"
insecure = true
[[registry.mirror]]
location = "digest.example/m"
pull-from-mirror = "digest-only"
[[registry.mirror]]
location = "tag.example/m"
pull-from-mirror = "tag-only"
`;

const orders: readonly [reference: string, expected: readonly string[]][] = [
  ["up.example/ns/x:1", ["any.example/x:1", "tag.example/m/x:1", "real.example/team/x:1"]],
  [
    `up.example/ns/x@${digest}`,
    [`any.example/x@${digest}`, `digest.example/m/x@${digest}`, `real.example/team/x@${digest}`],
  ],
  ["up.example/nsx:1", ["up.example/nsx:1"]],
  ["up.example/x:1", ["up.example/x:1"]],
];

for (const [reference, expected] of orders) {
  test(`endpointsFor() orders mirrors before the place itself: ${reference.slice(0, 30)}`, async () => {
    assert.deepEqual(tries(await endpointsIn(mirrored, reference)), expected);
  });
}

test("endpointsFor() marks mirrors and takes insecure from each endpoint", async () => {
  const { endpoints, entry } = await endpointsIn(mirrored, "up.example/ns/x:1");
  assert.deepEqual(
    endpoints.map(({ isMirror, insecure }) => [isMirror, insecure]),
    [
      [true, true],
      [true, false],
      [false, false],
    ],
  );
  assert.equal(entry?.prefix, "up.example/ns");
});

test("endpointsFor() marks what is on another host than was asked for, mirror or not", async () => {
  const toml = `[[registry]]
prefix = "up.example/a"
location = "real.example/a"
[[registry.mirror]]
location = "up.example/mirror"
[[registry.mirror]]
location = "up.example:5000"`;
  const { endpoints } = await endpointsIn(toml, "up.example/a/x:1");
  assert.deepEqual(
    endpoints.map(({ elsewhere }) => elsewhere),
    [undefined, true, true],
  );
  const [plain] = (await endpointsIn("", "up.example/a/x:1")).endpoints;
  assert.equal(plain.elsewhere, undefined);
});

test("endpointsFor() skips mirrors of a digest-only registry for a tag", async () => {
  const toml = `[[registry]]
location = "dig.example"
mirror-by-digest-only = true
[[registry.mirror]]
location = "m.example"`;
  assert.deepEqual(tries(await endpointsIn(toml, "dig.example/x")), ["dig.example/x:latest"]);
  assert.equal((await endpointsIn(toml, `dig.example/x@${digest}`)).endpoints.length, 2);
});

test("endpointsFor() leaves the name alone below a wildcard without a location", async () => {
  const toml = `[[registry]]
prefix = "*.wild.example"
[[registry.mirror]]
location = "m.example/w"`;
  assert.deepEqual(tries(await endpointsIn(toml, "a.b.wild.example/x:1")), [
    "m.example/w/x:1",
    "a.b.wild.example/x:1",
  ]);
});

test("endpointsFor() refuses a rewriting that is no reference, as example.com matching a port makes one", async () => {
  const toml = `[[registry]]
prefix = "example.com"
location = "other.example/path"`;
  await assert.rejects(endpointsIn(toml, "example.com:5000/x:1"), { code: "config.invalid" });
});

test("endpointsFor() looks up what is blocked by the physical name of each try", async () => {
  const toml = `[[registry]]
location = "up.example"
[[registry.mirror]]
location = "blocked.example/m"
[[registry]]
location = "blocked.example"
blocked = true`;
  const { endpoints } = await endpointsIn(toml, "up.example/x:1");
  assert.deepEqual(
    endpoints.map(({ refusal }) => refusal?.code),
    ["config.blocked", undefined],
  );
});

test("primaryEndpoint() keeps the name, and takes insecure and blocked from its entry", async () => {
  const conf = await confOf(`[[registry]]
prefix = "up.example"
location = "real.example"
insecure = true
[[registry.mirror]]
location = "m.example"
[[registry]]
location = "blocked.example/ns"
blocked = true`);
  const up = primaryEndpoint(conf, parseDockerReference("up.example/x:1"));
  assert.deepEqual(
    [formatDockerReference(up.reference), up.insecure, up.isMirror],
    ["up.example/x:1", true, false],
  );
  const blocked = (name: string) =>
    primaryEndpoint(conf, parseDockerReference(name)).refusal?.message;
  assert.equal(
    blocked("blocked.example/ns/x:1"),
    "registry blocked.example/ns is blocked in r.conf",
  );
  assert.equal(blocked("blocked.example/nsx:1"), undefined);
});

test("settingsOf() answers for a bare host", async () => {
  const conf = await confOf(`[[registry]]
location = "h.example:5000"
insecure = true`);
  assert.equal(settingsOf(conf, "h.example:5000").insecure, true);
  assert.equal(settingsOf(conf, "h.example").insecure, false);
});

const matches: readonly [prefix: string, name: string, length: number | undefined][] = [
  ["example.com", "example.com", 11],
  ["example.com", "example.com/x", 11],
  ["example.com", "example.com:5000/x", 11],
  ["example.com", "example.company/x", undefined],
  ["example.com/foo", "example.com/foobar", undefined],
  ["example.com/foo", "example.com/foo:1", 15],
  ["example.com/foo", "example.com", undefined],
  ["*.example.com", "example.com/x", undefined],
  ["*.example.com", "a.example.com/x", 13],
  ["*.example.com", "a.example.com:5000/x", 13],
  ["*.example.com", "a.b.example.com", 15],
  ["*.example.com", "other.org/a.example.com/x", undefined],
  // only the first occurrence counts
  ["*.example.com", "a.example.community.example.com/x", undefined],
];

for (const [prefix, name, length] of matches) {
  test(`matchLength() of ${prefix} on ${name} is ${length}`, () => {
    assert.equal(matchLength(prefix, name), length);
  });
}

test("findRegistry() takes the longest prefix", async () => {
  const conf = await confOf(
    ["registry.example", "registry.example/ns", "*.example"]
      .map((prefix) => `[[registry]]\nprefix = "${prefix}"\nlocation = "l.example"\n`)
      .join(""),
  );
  assert.equal(findRegistry(conf, "registry.example/ns")?.prefix, "registry.example/ns");
  assert.equal(findRegistry(conf, "registry.example/x")?.prefix, "registry.example");
  assert.equal(findRegistry(conf, "other.example/x")?.prefix, "*.example");
});

test("failedTriesText() wraps the primary's failure only where mirrors failed too", () => {
  const failed = (name: string, message: string) => ({
    reference: parseDockerReference(name),
    message,
  });
  const primary = failed("p.example/x:1", "no");
  assert.equal(failedTriesText([], primary), "no");
  assert.equal(
    failedTriesText([failed("m.example/x:1", "down"), failed("n.example/x:1", "off")], primary),
    "(Mirrors also failed: [m.example/x:1: down]\n[n.example/x:1: off]): p.example/x:1: no",
  );
});
