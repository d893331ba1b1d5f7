import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "../../src/config/errors.ts";
import { parseRegistriesFile } from "../../src/config/load-registries-conf.ts";
import type { RegistriesFile, Version1Rule } from "../../src/config/registries-file.ts";

function parse(text: string, rule: Version1Rule = {}): Promise<RegistriesFile> {
  return parseRegistriesFile(text, rule);
}

/** The texts are skopeo 1.22's, as it prints them after the file's name. */
const faults: readonly [text: string, message: string][] = [
  [
    `[[registry]]\nlocation = "https://a.example"`,
    "invalid location 'https://a.example': URI schemes are not supported",
  ],
  [`[[registry]]\ninsecure = true`, "invalid condition: both location and prefix are unset"],
  [
    `[[registry]]\nprefix = "a.example"`,
    "invalid condition: location is unset and prefix is not in the format: *.example.com",
  ],
  [
    `[[registry]]\nlocation = "a.example"\npull-from-mirror = "all"`,
    'pull-from-mirror must not be set for a non-mirror registry "a.example"',
  ],
  [
    `[[registry]]\nlocation = "a.example"\n[[registry.mirror]]\ninsecure = true`,
    "invalid condition: mirror location is unset",
  ],
  [
    `[[registry]]\nlocation = "a.example"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "m.example"\npull-from-mirror = "all"`,
    'cannot set mirror usage mirror-by-digest-only for the registry ("a.example") and pull-from-mirror for per-mirror ("m.example") at the same time',
  ],
  [
    `[[registry]]\nlocation = "a.example"\n[[registry.mirror]]\nlocation = "m.example"\npull-from-mirror = "never"`,
    'unsupported pull-from-mirror value "never" for mirror "m.example"',
  ],
  [
    `[[registry]]\nlocation = "a.example"\n[[registry]]\nlocation = "a.example"\ninsecure = true`,
    "registry 'a.example' is defined multiple times with conflicting 'insecure' setting",
  ],
  [
    `[[registry]]\nlocation = "a.example"\n[[registry]]\nlocation = "a.example"\nblocked = true`,
    "registry 'a.example' is defined multiple times with conflicting 'blocked' setting",
  ],
  [`unqualified-search-registries = ["a b"]`, 'Invalid unqualified-search-registries entry "a b"'],
  [
    `unqualified-search-registries = ["a.example/ns"]`,
    'Invalid unqualified-search-registries entry "a.example/ns"',
  ],
  [`short-name-mode = "x"`, 'invalid short-name mode: "x"'],
  [
    `[[registry]]\nprefix = "*.a.example/x"`,
    'Wildcarded prefix should be in the format: *.example.com. Current prefix "*.a.example/x" is incorrectly formatted',
  ],
  [
    `[aliases]\n"x.y/a" = "b"\n"q" = "b"`,
    'validating short-name aliases: invalid short name "x.y/a": must not contain registry\ninvalid alias "b": must contain registry and repository\ninvalid alias "b": must contain registry and repository',
  ],
  [
    `[aliases]\n"q:1" = "a.example/b"`,
    'validating short-name aliases: invalid short name "q:1": must not contain tag',
  ],
  [
    `[aliases]\n"q" = "a.example/b:1"`,
    'validating short-name aliases: invalid alias "a.example/b:1": must not contain tag',
  ],
  [
    `[[registry]]\nlocation = 5`,
    'toml: line 2 (last key "registry.location"): incompatible types: TOML value has type int64; destination has type string',
  ],
  [
    `# x\n[[registry]]\nlocation = "x"\ninsecure = "true"`,
    'toml: line 4 (last key "registry.insecure"): incompatible types: TOML value has type string; destination has type boolean',
  ],
  [
    `credential-helpers = "x"`,
    'toml: line 1 (last key "credential-helpers"): incompatible types: TOML value has type string; destination has type slice',
  ],
  [
    `[registries.search]\nregistries = ["q"]\n[[registry]]\nlocation = "x"`,
    "mixing sysregistry v1/v2 is not supported",
  ],
];

for (const [text, message] of faults) {
  test(`parseRegistriesFile() refuses ${JSON.stringify(text).slice(0, 70)}`, async () => {
    await assert.rejects(parse(text), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.code, "config.invalid");
      assert.equal(error.message, message);
      return true;
    });
  });
}

test("parseRegistriesFile() tells the line of broken TOML", async () => {
  await assert.rejects(parse(`a = 1\n[[registry]\n`), (error: Error) => {
    assert.match(error.message, /^toml: line 2: /);
    return true;
  });
});

test("parseRegistriesFile() reads every member, in any letter case, and passes over unknown ones", async () => {
  const file = await parse(`
unqualified-search-registries = ["a.example", "b.example:5000/"]
credential-helpers = ["containers-auth.json", "pass"]
short-name-mode = "enforcing"
additional-layer-store-auth-helper = "x"
unknown = 1
[[Registry]]
Prefix = "p.example/ns/"
LOCATION = "l.example//"
mirror-by-digest-only = true
[[Registry.mirror]]
location = "m.example/"
INSECURE = true
[aliases]
"short" = "docker.io/short"
"gone" = ""
`);
  assert.deepEqual(file, {
    registries: [
      {
        prefix: "p.example/ns",
        location: "l.example",
        insecure: false,
        blocked: false,
        mirrorByDigestOnly: true,
        mirrors: [{ location: "m.example", insecure: true, pull: "all" }],
      },
    ],
    unqualifiedSearchRegistries: ["a.example", "b.example:5000"],
    credentialHelpers: ["containers-auth.json", "pass"],
    shortNameMode: "enforcing",
    aliases: new Map([
      ["short", { domain: "docker.io", path: "library/short" }],
      ["gone", undefined],
    ]),
  });
});

test("parseRegistriesFile() keeps the first entry of a prefix and sorts by prefix", async () => {
  const file = await parse(
    ["z", "a", "z"]
      .map((p, i) => `[[registry]]\nprefix = "${p}.example"\nlocation = "l${i}.example"\n`)
      .join(""),
  );
  assert.deepEqual(
    file.registries.map(({ prefix, location }) => [prefix, location]),
    [
      ["a.example", "l1.example"],
      ["z.example", "l0.example"],
    ],
  );
});

test("parseRegistriesFile() converts version 1 unless it is told to refuse it", async () => {
  const text = `
[registries.search]
registries = ["s.example"]
[registries.insecure]
registries = ["i.example/", "b.example"]
[registries.block]
registries = ["b.example"]
`;
  const file = await parse(text);
  assert.deepEqual(file.unqualifiedSearchRegistries, ["s.example"]);
  assert.deepEqual(
    file.registries.map(({ prefix, insecure, blocked }) => [prefix, insecure, blocked]),
    [
      ["b.example", true, true],
      ["i.example", true, false],
    ],
  );
  await assert.rejects(parse(text, { refuseVersion1: "no" }), {
    code: "config.invalid",
    message: "no",
  });
});
