import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { test } from "node:test";
import * as yaml from "yaml";
import type { Environment } from "../../src/config/environment.ts";
import { findRegistriesD, loadRegistriesD } from "../../src/config/load-registries-d.ts";
import { isStaging, mergeRegistriesD, signaturePlaces } from "../../src/config/registries-d.ts";
import { parseMoreLookasides, parseRegistriesDFile } from "../../src/config/registries-d-file.ts";
import { KnownError } from "../../src/core/errors.ts";
import { randomBytesOf } from "../support/random.ts";
import { tempFolder } from "../support/temp.ts";

const scopes = ["h.example.com/ns/one:v1", "h.example.com/ns/one", "h.example.com/ns"].concat([
  "h.example.com",
  "*.example.com",
  "*.com",
]);

function places(...texts: readonly string[]) {
  return signaturePlaces(
    mergeRegistriesD(texts.map((text, at) => parseRegistriesDFile(yaml, text, `/d/${at}.yaml`))),
    scopes,
  );
}

test("signaturePlaces() takes each value from the first section that has it", () => {
  const table: readonly [
    text: string,
    read?: string | undefined,
    write?: string | undefined,
    on?: boolean,
  ][] = [
    [""],
    ["default-docker: {lookaside: d}", "d", "d"],
    ["default-docker: {sigstore: d}", "d", "d"], // G11: the older name
    ["default-docker: {sigstore: old, lookaside: new}", "new", "new"],
    ["default-docker: {sigstore: r, sigstore-staging: w}", "r", "w"],
    ["default-docker: {sigstore-staging: old, lookaside-staging: new}", undefined, "new"],
    [
      "docker: {h.example.com/ns: {use-sigstore-attachments: true}, h.example.com: {lookaside: h}}",
      "h",
      "h",
      true,
    ],
    ["docker: {h.example.com/ns: {lookaside: ''}, h.example.com: {lookaside: h}}", "h", "h"], // G12f
    ["docker: {h.example.com/ns: {lookaside: n}}\ndefault-docker: {lookaside: d}", "n", "n"],
    [
      "docker: {'h.example.com/ns/one:v1': {lookaside: t}, h.example.com/ns/one: {lookaside: n}}",
      "t",
      "t",
    ],
    ["docker: {'*.example.com': {lookaside: w}, '*.com': {lookaside: x}}", "w", "w"],
    ["docker: {'*.com': {lookaside: x}}\ndefault-docker: {lookaside: d}", "x", "x"],
    ["docker: {h.example.com/n: {lookaside: x}}"],
    // A section's own look-aside comes before a wider section's staging.
    ["docker: {h.example.com/ns: {lookaside: n}, h.example.com: {lookaside-staging: h}}", "n", "n"],
    ["docker: {h.example.com/ns: {lookaside-staging: n}, h.example.com: {lookaside: h}}", "h", "n"],
    [
      "docker: {h.example.com: {use-sigstore-attachments: false}}\ndefault-docker: {use-sigstore-attachments: true}",
      undefined,
      undefined,
      false,
    ],
    ["default-docker: {lookaside: 5, other: [1]}\nmore: {}", "5", "5"], // G13: unknown members
    ["default-docker: {use-sigstore-attachments: yes}", undefined, undefined, true],
    ["default-docker: {use-sigstore-attachments: ~, lookaside: ~}"],
    ["a: &x {lookaside: l}\ndocker: {h.example.com: *x}", "l", "l"],
    ["a: &x {lookaside: l}\ndocker: {h.example.com: {<<: *x}}", "l", "l"],
    ["default-docker: {lookaside: a}\n---\ndefault-docker: {lookaside: b}", "a", "a"],
  ];
  for (const [text, read, write, attachments] of table) {
    const found = places(text);
    assert.deepEqual(
      [found.read?.value, found.write?.value, found.attachments?.value],
      [read, write, attachments],
      text,
    );
  }
});

test("parseRegistriesDFile() refuses what the reference refuses, in its words", () => {
  const table: readonly [text: string, message: string][] = [
    ["docker: []", "line 1: cannot unmarshal !!seq into map[string]docker.registryNamespace"],
    [
      "hello world",
      "line 1: cannot unmarshal !!str `hello w...` into docker.registryConfiguration",
    ],
    ["[1]", "line 1: cannot unmarshal !!seq into docker.registryConfiguration"],
    [
      "docker:\n  a: {lookaside: [x]}\n  b: {use-sigstore-attachments: maybe}",
      "line 2: cannot unmarshal !!seq into string\n  line 3: cannot unmarshal !!str `maybe` into bool",
    ],
    ["docker:\n  a: {}\n  a: {}", 'line 3: mapping key "a" already defined at line 2'],
    ["docker:\n  a: 5", "line 2: cannot unmarshal !!int `5` into docker.registryNamespace"],
    [
      'docker:\n  a: {use-sigstore-attachments: "true"}',
      "line 2: cannot unmarshal !!str `true` into bool",
    ],
    [
      "docker:\n  a: {lookaside: x, lookaside: y}",
      'line 2: mapping key "lookaside" already defined at line 2',
    ],
  ];
  for (const [text, message] of table) {
    assert.throws(
      () => parseRegistriesDFile(yaml, text, "/d/a.yaml"),
      (error) =>
        error instanceof KnownError &&
        error.message === `parsing /d/a.yaml: yaml: unmarshal errors:\n  ${message}`,
      text,
    );
  }
  for (const text of ["a: [", "docker:\n\ta: 1", "a: b: c", "*x", "{", "&x {<<: *x}"]) {
    assert.throws(() => parseRegistriesDFile(yaml, text, "/d/a.yaml"), KnownError, text);
  }
});

test("mergeRegistriesD() refuses what is defined in two files", () => {
  const refused = (text: string, what: string) =>
    assert.throws(
      () => places(text, text),
      new RegExp(`signature storage configuration: ${what} defined both in "/d/0.yaml" and "/d/1`),
    );
  refused("docker: {x: {}}", '"docker" namespace "x"');
  refused("default-docker: {}", '"default-docker"');
});

test("loadRegistriesD() reads .yaml of the user's folder, or else of the system's", async () => {
  await using folder = await tempFolder();
  const environment = {
    home: folder.in("home"),
    systemDirectory: folder.in("etc"),
    variables: {},
    uid: 1,
  } as unknown as Environment;
  const write = async (path: string, text: string) => {
    await mkdir(folder.in(path, ".."), { recursive: true });
    await writeFile(folder.in(path), text);
  };
  const load = async (explicit?: string) =>
    signaturePlaces(await loadRegistriesD(environment, explicit), scopes);
  assert.deepEqual(await load(), { more: [] });
  assert.deepEqual(await load(folder.in("none")), { more: [] });
  await write("etc/containers/registries.d/a.yaml", "default-docker: {lookaside: system}");
  assert.equal((await load()).read?.value, "system");
  const user = "home/.config/containers/registries.d";
  await write(`${user}/a.yml`, "default-docker: {lookaside: yml}");
  assert.equal((await load()).read, undefined, "the user's folder hides the system's");
  await write(`${user}/empty.yaml`, "");
  await write(
    `${user}/b.yaml`,
    "default-docker: {lookaside: user, lookaside-staging: 'https://w'}",
  );
  await write(
    `${user}/b.x-amphora.yml`,
    "docker: {h.example.com: {more-lookasides: [one, two]}}\ndefault-docker: {more-lookasides: [two, three]}",
  );
  const found = await load();
  assert.deepEqual(found.read, {
    value: "user",
    scope: "",
    file: folder.in(user, "b.yaml"),
  });
  assert.deepEqual(
    found.more.map(({ value }) => value),
    ["one", "two", "three"],
  );
  const config = await loadRegistriesD(environment);
  assert.ok(found.write && isStaging(config, found.write));
  assert.ok(found.read && !isStaging(config, found.read));
  assert.equal(findRegistriesD(environment, "/x"), "/x");
  await assert.rejects(loadRegistriesD(environment, folder.in(user, "b.yaml")), KnownError);
});

test("parseMoreLookasides() refuses members that it does not know", () => {
  for (const text of ["dokcer: {}", "docker: {a: {more: []}}", "docker: {a: {more-lookasides: x}}"])
    assert.throws(() => parseMoreLookasides(yaml, text, "/d/a"), KnownError, text);
});

test("parseRegistriesDFile() fails as a known error, or not at all, on damaged files", () => {
  const text =
    "default-docker: {lookaside: 'http://a/b?c', use-sigstore-attachments: yes}\ndocker:\n  a/b: &x\n    sigstore: file:///x\n  c: *x\n  d: {<<: *x, lookaside-staging: \"y\"}\n";
  const alphabet = "{}[]:,&*#|>!'\"%@`- \n\t\u0000é<~x0";
  const rounds = process.env["AMPHORA_SOAK"] === "1" ? 100_000 : 600;
  for (let round = 0; round < rounds; round++) {
    const random = randomBytesOf(round, 16);
    let damaged = text;
    for (let cut = random.readUInt8(15) % 4; cut >= 0; cut--) {
      const at = random.readUInt16LE(cut * 3) % damaged.length;
      const chosen = random.readUInt8(cut * 3 + 2);
      const insert = alphabet[chosen % alphabet.length] ?? "";
      damaged = damaged.slice(0, at) + insert + damaged.slice(at + (chosen >> 6));
    }
    try {
      places(damaged);
    } catch (error) {
      assert.ok(error instanceof KnownError, `${JSON.stringify(damaged)}: ${error}`);
    }
  }
});
