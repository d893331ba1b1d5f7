import assert from "node:assert/strict";
import { test } from "node:test";
import {
  parseRepositoryPattern,
  RepositoryPatternError,
} from "../../src/core/repository-pattern.ts";

const matching: readonly (readonly [pattern: string, name: string, matches: boolean])[] = [
  ["docker.io/library/app", "docker.io/library/app", true],
  ["docker.io/library/app", "docker.io/library/app2", false],
  ["docker.io/library/app", "docker.io/library/app/x", false],
  ["docker.io/**", "docker.io/library/app", true],
  ["docker.io/**", "docker.io/a", true],
  ["docker.io/**", "docker.io", false],
  ["docker.io/**", "docker.iox/a", false],
  ["**", "localhost:5000/app", true],
  ["**", "a", true],
  ["**/app", "app", true],
  ["**/app", "h.example/team/app", true],
  ["**/app", "h.example/team/app/x", false],
  ["team/*", "team/app", true],
  ["team/*", "team/app/x", false],
  ["team/*", "team", false],
  ["team/*", "team/", false],
  ["team/**", "team", false],
  ["team/**", "team/a/b/c", true],
  ["a/**/z", "a/z", true],
  ["a/**/z", "a/b/c/z", true],
  ["a/**/z", "a/b/c/z/y", false],
  ["a/**/b/**/c", "a/x/b/c/b/y/c", true],
  ["h/team-*", "h/team-red", true],
  ["h/team-*", "h/team-", true],
  ["h/team-*", "h/team", false],
  ["h/*-team", "h/red-team", true],
  ["h/a*b*c", "h/aXbbYc", true],
  ["h/a*b*c", "h/acb", false],
  ["localhost:5000/x", "localhost:5000/x", true],
  ["h.example/x", "hxexample/x", false],
];

test("patterns match as they say", () => {
  for (const [pattern, name, matches] of matching)
    assert.equal(parseRepositoryPattern(pattern).matches(name), matches, `${pattern} ${name}`);
});

test("what cannot be meant is refused", () => {
  for (const text of [
    "",
    "/a",
    "a/",
    "a//b",
    "a/***",
    "a/x**",
    "a b",
    "a/[x]",
    "a?",
    "a/\n",
    "x".repeat(600),
  ])
    assert.throws(() => parseRepositoryPattern(text), RepositoryPatternError, text);
});

test("no pattern takes long", () => {
  const nasty = parseRepositoryPattern(`${"**/".repeat(60)}x`);
  const stars = parseRepositoryPattern(`h/${"*a".repeat(200)}b`);
  const started = process.cpuUsage();
  assert.equal(nasty.matches("a/".repeat(120).concat("y")), false);
  assert.equal(stars.matches(`h/${"a".repeat(250)}`), false);
  assert.ok(process.cpuUsage(started).user < 5_000_000);
});
