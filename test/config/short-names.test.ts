import assert from "node:assert/strict";
import { test } from "node:test";
import { readAliases } from "../../src/config/short-name-aliases.ts";
import {
  isShortName,
  localCandidates,
  resolveShortName,
  type ShortNameRules,
} from "../../src/config/short-names.ts";
import { formatDockerReference } from "../../src/core/docker-reference.ts";

const rules: ShortNameRules = {
  aliases: readAliases(
    new Map([
      ["busybox", "quay.io/team/busybox"],
      ["gone", ""],
    ]),
  ),
  unqualifiedSearchRegistries: ["first.example", "docker.io"],
  unqualifiedSearchOrigin: "/etc/containers/registries.conf",
  shortNameMode: "permissive",
};

const rows: readonly (readonly [name: string, found: readonly string[]])[] = [
  ["busybox", ["quay.io/team/busybox"]],
  ["busybox:1", ["quay.io/team/busybox:1"]],
  ["app", ["first.example/app", "docker.io/library/app"]],
  ["team/app:2", ["first.example/team/app:2", "docker.io/team/app:2"]],
  ["gone", ["first.example/gone", "docker.io/library/gone"]],
  ["localhost/app", ["localhost/app"]],
  ["h.example:5000/app:1", ["h.example:5000/app:1"]],
];

test("resolveShortName() tries an alias, else every registry that is searched", () => {
  for (const [name, found] of rows)
    assert.deepEqual(resolveShortName(name, rules).map(formatDockerReference), found, name);
});

test("resolveShortName() keeps a digest, and passes aliases over where they are switched off", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const [reference] = resolveShortName(`busybox@${digest}`, rules);
  assert.equal(reference && formatDockerReference(reference), `quay.io/team/busybox@${digest}`);
  const found = resolveShortName("busybox", { ...rules, shortNameMode: "disabled" });
  assert.equal(found.length, 2);
});

test("resolveShortName() refuses where nothing is searched, and where somebody would have to choose", () => {
  assert.throws(() => resolveShortName("app", { ...rules, unqualifiedSearchRegistries: [] }), {
    code: "config.invalid",
    message:
      'short-name "app" did not resolve to an alias and no unqualified-search registries are defined in "/etc/containers/registries.conf"',
  });
  assert.throws(() => resolveShortName("app", { ...rules, shortNameMode: "enforcing" }), {
    code: "config.invalid",
    message: "short-name resolution enforced but cannot prompt without a TTY",
  });
  assert.equal(resolveShortName("busybox", { ...rules, shortNameMode: "enforcing" }).length, 1);
  assert.throws(() => resolveShortName("App", rules), { code: "usage.bad-reference" });
});

test("localCandidates() looks under localhost before registries, and for a whole name nowhere else", () => {
  assert.deepEqual(localCandidates("busybox:1", rules).map(formatDockerReference), [
    "quay.io/team/busybox:1",
    "localhost/busybox:1",
    "first.example/busybox:1",
    "docker.io/library/busybox:1",
    "docker.io/library/busybox:1",
  ]);
  assert.deepEqual(localCandidates("h.example/a", rules).map(formatDockerReference), [
    "h.example/a",
  ]);
});

test("isShortName() goes by the part before the first slash", () => {
  const names = ["app", "team/app", "localhost/app", "h.example/app", "h:5000/app", "app:1.2"];
  assert.deepEqual(names.filter(isShortName), ["app", "team/app", "app:1.2"]);
});
