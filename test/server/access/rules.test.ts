import assert from "node:assert/strict";
import { test } from "node:test";
import { grantsOf, isGranted, parseScopes } from "../../../src/server/access/grants.ts";
import { KnownCaller } from "../../../src/server/access/known-caller.ts";
import { makeRules } from "../../../src/server/access/rules.ts";
import { accessSettings } from "../../../src/server/access/settings.ts";
import { addressGroup, createTokenBuckets } from "../../../src/server/access/token-bucket.ts";
import type { Action } from "../../../src/server/access.ts";

const groups = new Map([["dev", new Set(["bob", "cid"])]]);

const settings = accessSettings.parse({
  anonymous: ["pull"],
  rules: [
    { users: ["ann"], repositories: ["**"], actions: ["*"] },
    { users: ["bob"], repositories: ["team/*"], actions: ["push"] },
    { users: ["@dev"], repositories: ["dev/**"], actions: ["overwrite"] },
    { users: ["*"], repositories: ["shared"], actions: ["push", "delete"] },
    { addresses: ["10.0.0.0/8", "2001:db8::/32"], repositories: ["net/**"], actions: ["push"] },
    { users: ["bob"], addresses: ["192.0.2.1"], repositories: ["desk"], actions: ["sign"] },
    { users: ["anonymous"], repositories: ["drop/**"], actions: ["push"] },
  ],
});

const cases: readonly (readonly [
  user: string | undefined,
  repository: string,
  action: Action,
  allowed: boolean,
  address?: string,
])[] = [
  [undefined, "any/thing", "pull", true],
  [undefined, "any/thing", "push", false],
  [undefined, "drop/x", "push", true],
  ["bob", "drop/x", "push", true],
  ["ann", "any", "admin", true],
  ["ann", "", "admin", true],
  ["bob", "", "admin", false],
  [undefined, "", "admin", false],
  ["bob", "team/x", "push", true],
  ["bob", "team/x", "overwrite", false],
  ["bob", "team/x/y", "push", false],
  ["bob", "team", "push", false],
  ["bob", "teams/x", "push", false],
  ["cid", "team/x", "push", false],
  ["cid", "dev/a/b", "push", true],
  ["cid", "dev/a/b", "overwrite", true],
  ["cid", "dev/a/b", "delete", false],
  ["dee", "dev/a", "push", false],
  ["@dev", "dev/a", "push", false],
  ["dee", "shared", "delete", true],
  [undefined, "shared", "delete", false],
  ["dee", "shared/x", "delete", false],
  [undefined, "net/a", "push", true, "10.1.2.3"],
  [undefined, "net/a", "push", true, "2001:db8::1"],
  [undefined, "net/a", "push", false, "11.1.2.3"],
  [undefined, "net/a", "push", false, "local"],
  ["bob", "desk", "sign", true, "192.0.2.1"],
  ["bob", "desk", "sign", false, "192.0.2.2"],
  ["cid", "desk", "sign", false, "192.0.2.1"],
  ["*", "team/x", "push", false],
  ["anonymous", "team/x", "push", false],
];

test("rules give what they say, and what none gives nobody has", () => {
  const rules = makeRules(settings, () => groups);
  for (const [user, repository, action, allowed, address = "203.0.113.9"] of cases) {
    const caller = new KnownCaller(user, address);
    assert.equal(rules(caller, repository, action), allowed, `${user} ${action} ${repository}`);
  }
});

test("without rules every user may do all but administer, and nobody else anything", () => {
  const rules = makeRules(accessSettings.parse({}), () => new Map());
  const user = new KnownCaller("ann", "192.0.2.1");
  assert.deepEqual(
    (["pull", "push", "overwrite", "delete", "sign", "jobs", "admin"] as const).filter(
      (action) => rules(user, "a/b", action) || rules(user, "", action),
    ),
    ["pull", "push", "overwrite", "delete", "sign"],
  );
  assert.equal(rules(new KnownCaller(undefined, "192.0.2.1"), "a/b", "pull"), false);
});

test("jobs and admin are of the server as a whole, and who may see to all jobs may have some", () => {
  const rules = makeRules(
    accessSettings.parse({
      rules: [
        { users: ["ann"], repositories: ["**"], actions: ["jobs"] },
        { users: ["bob"], repositories: ["team/**"], actions: ["jobs"] },
        { users: ["root"], repositories: ["**"], actions: ["admin"] },
      ],
    }),
    () => new Map(),
  );
  const mayOf = (name: string) =>
    (["jobs", "admin", "push"] as const).filter((action) =>
      rules(new KnownCaller(name, "192.0.2.1"), "", action),
    );
  assert.deepEqual(mayOf("ann"), ["jobs"]);
  assert.deepEqual(mayOf("bob"), []);
  assert.deepEqual(mayOf("root"), ["jobs", "admin"]);
});

test("scopes are read as clients write them; what is none is left out", () => {
  const scopes: readonly (readonly [string, unknown])[] = [
    ["repository:a/b:pull,push", [["repository", "a/b", "pull,push"]]],
    ["repository:h.example:5000/a/b:pull", [["repository", "h.example:5000/a/b", "pull"]]],
    ["repository(plugin):a:pull", [["repository", "a", "pull"]]],
    ["registry:catalog:*", [["registry", "catalog", "*"]]],
    [
      "repository:a:pull repository:b:*",
      [
        ["repository", "a", "pull"],
        ["repository", "b", "*"],
      ],
    ],
    ["", []],
    ["repository", []],
    ["repository:a", []],
    ["repository:a:", []],
    ["repository::pull", []],
    ["repository:a:PULL", []],
    [`repository:${"a".repeat(301)}:pull`, []],
  ];
  for (const [text, expected] of scopes) {
    const read = parseScopes([text]).map(({ type, name, actions }) => [type, name, actions.join()]);
    assert.deepEqual(read, expected, text);
  }
  assert.equal(parseScopes(Array.from({ length: 500 }, () => "repository:a:pull")).length, 100);
});

test("a token is good for what it says and no more", () => {
  const grants = grantsOf(
    parseScopes(["repository:a:pull,push repository:b:* registry:api:admin"]),
  );
  const good: readonly (readonly [string, Action, boolean])[] = [
    ["a", "pull", true],
    ["a", "push", true],
    ["a", "overwrite", true],
    ["a", "sign", true],
    ["a", "delete", false],
    ["b", "delete", true],
    ["c", "pull", false],
    ["", "pull", true],
    ["", "admin", true],
  ];
  for (const [repository, action, granted] of good)
    assert.equal(isGranted(grants, repository, action), granted, `${action} ${repository}`);
  assert.equal(isGranted(grantsOf([]), "", "admin"), false);
});

test("buckets fill again with time, and know no more names than they should", () => {
  let now = 0;
  const buckets = createTokenBuckets({ burst: 2, perMs: 0.001, now: () => now, maxNames: 2 });
  assert.deepEqual([buckets.take("a"), buckets.take("a"), buckets.take("a")], [0, 0, 1000]);
  now = 600;
  assert.equal(buckets.take("a"), 400);
  now = 1000;
  assert.equal(buckets.take("a"), 0);
  buckets.giveBack("a");
  assert.equal(buckets.take("a"), 0);
  for (const name of ["b", "c"]) buckets.take(name);
  assert.equal(buckets.take("a"), 0);
  now = -5000;
  assert.equal(buckets.take("c"), 0);
});

test("of an IPv6 address the network counts", () => {
  const same = ["2001:db8:0:1::1", "2001:db8:0:1:ffff::", "2001:0DB8:0000:0001:0:0:0:9"];
  assert.deepEqual([...new Set(same.map(addressGroup))], ["2001:db8:0:1::/64"]);
  assert.notEqual(addressGroup("2001:db8:0:2::1"), addressGroup("2001:db8:0:1::1"));
  assert.equal(addressGroup("::1"), "0:0:0:0::/64");
  assert.equal(addressGroup("192.0.2.1"), "192.0.2.1");
  assert.equal(addressGroup("local"), "local");
});
