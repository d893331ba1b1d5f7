import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { parse } from "yaml";
import type * as z from "zod";
import { loadSettings } from "../../../src/cli/serve/load-settings.ts";
import { settingShape } from "../../../src/config/setting-shape.ts";
import { serverSettings } from "../../../src/server/settings.ts";
import { tempFolder } from "../../support/temp.ts";

const example = new URL("../../../examples/serve.yaml", import.meta.url);

test("without a configuration it is a registry for this machine", async () => {
  const { settings, file } = await loadSettings({}, { variables: {}, cwd: "/w" });
  assert.equal(file, undefined);
  assert.equal(settings.name, "localhost:5000");
  assert.deepEqual(settings.listen, [{ type: "tcp", host: "127.0.0.1", port: 5000 }]);
  assert.equal(settings.data, "/w/amphora-data");
  assert.equal(settings.access, undefined);
  assert.equal(settings.limits.manifestBytes, 4 * 1024 * 1024);
});

test("examples/serve.yaml is good, and has every member that there is", async () => {
  const { pathname } = example;
  const { settings } = await loadSettings({ config: pathname }, { variables: {}, cwd: "/w" });
  assert.equal(settings.data, "/var/lib/amphora");
  assert.match(settings.tls?.cert ?? "", /^\/.*examples\/tls\/server\.crt$/);
  assert.deepEqual(missing(serverSettings, parse(readFileSync(example, "utf8")), ""), []);
});

/** Members of the schema that `value` does not have. */
function missing(schema: z.core.$ZodType, value: unknown, path: string): string[] {
  const shape = settingShape(schema);
  if (shape.kind === "table")
    return Object.values(value as object).flatMap((item) =>
      missing(shape.value, item, `${path}.*`),
    );
  if (shape.kind === "list") {
    const some = (value as readonly unknown[]).map((item) =>
      missing(shape.element, item, `${path}[]`),
    );
    return (some[0] ?? []).filter((name) => some.every((names) => names.includes(name)));
  }
  if (shape.kind !== "section") return [];
  const members = value as Readonly<Record<string, unknown>>;
  return [...shape.members].flatMap(([name, member]) => {
    const at = path === "" ? name : `${path}.${name}`;
    if (/^access\.robots\.\*\.|^admission\.scopes\[\]\.bridge$/.test(at)) return [];
    return name in members ? missing(member.schema, members[name], at) : [at];
  });
}

const wrong: readonly (readonly [text: string, expected: string])[] = [
  ["nam: x", "FILE:1: nam: unknown member, expected one of name, listen, data"],
  [
    "name: a/b",
    'FILE:1: name: expected a host name, with a port if need be, such as registry.example, found "a/b"',
  ],
  [
    "name: 7",
    "FILE:1: name: expected a host name, with a port if need be, such as registry.example, found 7",
  ],
  ["name: x\nname: y", "FILE:2: name: expected once, found twice"],
  ["cache:\n  low: 80%\n  low: 70%", "FILE:3: cache.low: expected once, found twice"],
  [
    "upstreams:\n  - {name: a.example, name: b.example}",
    "FILE:2: upstreams[0].name: expected once, found twice",
  ],
  ["listen: 127.0.0.1:5000", 'FILE:1: listen: expected a list, found "127.0.0.1:5000"'],
  [
    "jobs: {queue: 'redis://me:secret@host'}",
    'FILE:1: jobs.queue: expected embedded, or a URL such as redis://HOST:6379/0, found "redis://***@host"',
  ],
  [
    "jobs: {queue: 'redis://host/jobs'}",
    'FILE:1: jobs.queue: expected embedded, or a URL such as redis://HOST:6379/0, found "redis://host/jobs"',
  ],
  [
    "jobs: {queue: 'redis://host', queue-ca: ca.crt}",
    `FILE:1: jobs.queue-ca: expected none where the queue is not at rediss://HOST, found "ca.crt"`,
  ],
  ["jobs: {slots: 0}", "FILE:1: jobs.slots: expected a whole number from 1 to 256, found 0"],
  [
    "jobs: {allowed-hosts: [a/b]}",
    'FILE:1: jobs.allowed-hosts[0]: expected HOST, HOST:PORT, *.DOMAIN, or * for every public host, found "a/b"',
  ],
  [
    "jobs: {allowed-hosts: [{host: x, insecur: true}]}",
    "FILE:1: jobs.allowed-hosts[0].insecur: unknown member, expected one of host, url, insecure, ca",
  ],
  [
    "jobs: {credentials: {hub: {username: a, password-file: b}}}",
    "FILE:1: jobs.credentials.hub.hosts: expected a list, found nothing",
  ],
  [
    "mirrors: {a: {from: b/c, to: d.example/, schedule: daily-ish}}",
    "FILE:1: mirrors.a.schedule: expected a time in cron's words",
  ],
  [
    "mirrors: {a: {from: b.example/c, to: d.example/, tag: x}}",
    "FILE: mirrors.a: mirrors[0].tag: unknown member",
  ],
  [
    "mirrors: {a: {from: b.example/c, to: d.example/, hosts: {b.example: {credentials: me}}}}",
    'FILE: mirrors.a: hosts.b.example.credentials: expected the name of an entry under jobs.credentials, found "me"',
  ],
  [
    "schedules: {a: {cron: '0 3 * * *', kind: sync, mirror: none}}",
    'FILE: schedules.a: mirror: there is no mirror "none" in the settings',
  ],
  [
    "schedules: {a: {cron: '0 3 * * *', kind: verify, image: 'docker://quay.io/a/b'}}",
    "FILE: schedules.a: image: no job may be about quay.io",
  ],
  [
    "schedules: {a: {cron: '0 3 * * *', time-zone: Mars, kind: sync, mirror: none}}",
    "FILE:1: schedules.a.time-zone: expected a time zone such as Europe/Berlin",
  ],
  [
    "name: A.example\nupstreams: [{name: a.example}]",
    "FILE:2: upstreams[0].name: expected another name than the server's",
  ],
  [
    "upstreams: [{name: a.example, url: https://a.example/x}]",
    "FILE:1: upstreams[0].url: expected a URL without a path, such as https://registry.example:5000",
  ],
  ["listen: []", "FILE:1: listen: expected at least one address, found a list"],
  [
    "listen: [a b]",
    'FILE:1: listen[0]: expected HOST:PORT, or unix:PATH with the whole path, found "a b"',
  ],
  [
    "listen: ['unix:a.sock']",
    'FILE:1: listen[0]: expected HOST:PORT, or unix:PATH with the whole path, found "unix:a.sock"',
  ],
  [
    "listen: ['127.0.0.1:65536']",
    'FILE:1: listen[0]: expected HOST:PORT, or unix:PATH with the whole path, found "127.0.0.1:65536"',
  ],
  ["data: ''", 'FILE:1: data: expected a path, found ""'],
  ["tls: {cert: a}", "FILE:1: tls.key: expected a path, found nothing"],
  ["access:", "FILE:1: access: expected a mapping, found nothing (an empty mapping is {})"],
  [
    "access: {anonymous: [pul]}",
    'FILE:1: access.anonymous[0]: expected one of pull, push, overwrite, delete, sign, jobs, admin, *, found "pul"',
  ],
  [
    "access:\n  rules:\n    - {repositories: [a], actions: [pull]}",
    "FILE:3: access.rules[0]: expected users or addresses (users: [anonymous] for everybody), found a mapping",
  ],
  [
    "access: {rules: [{users: [a b], repositories: [a], actions: [pull]}]}",
    'FILE:1: access.rules[0].users[0]: expected a user\'s name, @GROUP, * for every user, or anonymous, found "a b"',
  ],
  [
    "access: {rules: [{addresses: [10.0.0.0/33], repositories: [a], actions: [pull]}]}",
    'FILE:1: access.rules[0].addresses[0]: expected an address or a network such as 10.0.0.0/8, found "10.0.0.0/33"',
  ],
  [
    "access: {robots: {'a b': {sha256: x}}}",
    'FILE:1: access.robots["a b"]: expected a user\'s name, without spaces, colons, slashes and quotes',
  ],
  [
    "access: {robots: {a.b: {}}}",
    'FILE:1: access.robots["a.b"]: expected either token-file or sha256, found a mapping',
  ],
  [
    "access: {tokens: {lifetime: 5 minutes}}",
    'FILE:1: access.tokens.lifetime: expected a duration such as 60s, 5m or 24h, found "5 minutes"',
  ],
  [
    "access: {tokens: {url: 'https://u:p@x'}}",
    'FILE:1: access.tokens.url: expected a URL that begins with http:// or https://, found "https://***@x"',
  ],
  [
    "cache: {max-bytes: 50Gib}",
    'FILE:1: cache.max-bytes: expected a size such as 512MiB or 50GiB, found "50Gib"',
  ],
  ["cache: {maxBytes: 5}", "FILE:1: cache.maxBytes: unknown member, expected max-bytes"],
  ["cache: {low: 101%}", 'FILE:1: cache.low: expected a percentage such as 80%, found "101%"'],
  ["limits: {connections: -1}", "FILE:1: limits.connections: expected a whole number, found -1"],
  ["log: {requests: no}", 'FILE:1: log.requests: expected true or false, found "no"'],
  ["audit: {off: 1}", "FILE:1: audit.off: expected true or false, found 1"],
  ["[1]", "FILE: the whole: expected a mapping, found a list"],
  ["name: !secret x", "FILE:1: not YAML: Unresolved tag: !secret"],
  ["name: [", "FILE:1: not YAML: "],
  ["a: &x [*x]", "FILE"],
  ["--- {}\n--- {}", "FILE:2: not YAML: "],
  [
    "x: &a [1,1,1,1,1,1,1,1,1,1]\ny: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nz: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nu: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]",
    "FILE: Excessive alias count",
  ],
];

test("what is wrong in the file is told with its file, line, path and what was expected", async () => {
  await using folder = await tempFolder();
  const file = folder.in("serve.yaml");
  for (const [text, expected] of wrong) {
    await writeFile(file, text);
    const error = await loadSettings({ config: file }, { variables: {}, cwd: "/w" }).catch(
      (e) => e,
    );
    assert.equal(error.code, "config.invalid", `${text}: ${error.message}`);
    assert.ok(
      error.message.replaceAll(file, "FILE").startsWith(expected),
      `${text}: ${error.message}`,
    );
  }
});

test("all that is wrong is told at once", async () => {
  await using folder = await tempFolder();
  const file = folder.in("serve.yaml");
  await writeFile(file, "nam: x\nlog:\n  level: loud\nlimits: {blob-bytes: many}\n");
  const error = await loadSettings({ config: file }, { variables: {}, cwd: "/w" }).catch((e) => e);
  assert.deepEqual(
    error.message
      .split("\n")
      .map((line: string) => line.slice(file.length, line.indexOf(": ", file.length + 5))),
    [":1: nam", ":4: limits.blob-bytes", ":3: log.level"],
  );
});

test("the environment counts more than the file, flags count more than both", async () => {
  await using folder = await tempFolder();
  const file = folder.in("serve.yaml");
  await writeFile(
    file,
    "data: d\nlisten: ['127.0.0.1:1']\naccess: {htpasswd: users, robots: {my-ci: {sha256: zz}}}\nupstreams: [{name: a.example}]\n",
  );
  const variables = {
    AMPHORA_SERVE_CONFIG: file,
    AMPHORA_SERVE_LISTEN: "127.0.0.1:2, unix:/x",
    AMPHORA_SERVE_DATA: "e",
    AMPHORA_SERVE_ACCESS_ANONYMOUS: "pull,push",
    AMPHORA_SERVE_ACCESS_ROBOTS_MY_CI_SHA256: "0".repeat(64),
    AMPHORA_SERVE_ACCESS_TOKENS_LIFETIME: "7m",
    AMPHORA_SERVE_UPSTREAMS_0_FRESH_FOR: "5s",
    AMPHORA_SERVE_UPSTREAMS_1_NAME: "b.example",
    AMPHORA_SERVE_UPSTREAMS_1_OFFLINE: "true",
    AMPHORA_SERVE_LIMITS_REQUESTS_PER_USER: "12",
    AMPHORA_SERVE_LOG_LEVEL: "warn",
    AMPHORA_SERVE_SERVICE_HOST: "10.0.0.1",
    AMPHORA_SERVER: "x",
  };
  const { settings, unusedVariables } = await loadSettings({}, { variables, cwd: "/w" });
  assert.deepEqual(settings.listen, [
    { type: "tcp", host: "127.0.0.1", port: 2 },
    { type: "unix", path: "/x" },
  ]);
  assert.equal(settings.data, "/w/e");
  assert.equal(settings.access?.htpasswd, folder.in("users"));
  assert.deepEqual(settings.access?.anonymous, ["pull", "push"]);
  assert.equal(settings.access?.robots["my-ci"]?.sha256, "0".repeat(64));
  assert.equal(settings.access?.tokens?.lifetime, 420_000);
  assert.deepEqual(
    settings.upstreams.map(({ name, freshFor, offline }) => [name, freshFor, offline]),
    [
      ["a.example", 5000, false],
      ["b.example", 60_000, true],
    ],
  );
  assert.equal(settings.limits.requestsPerUser, 12);
  assert.equal(settings.log.level, "warn");
  assert.deepEqual(unusedVariables, ["AMPHORA_SERVE_SERVICE_HOST"]);
  const flags = { listen: ["127.0.0.1:3"], data: "f" };
  const flagged = await loadSettings(flags, { variables, cwd: "/w" });
  assert.deepEqual(flagged.settings.listen, [{ type: "tcp", host: "127.0.0.1", port: 3 }]);
  assert.equal(flagged.settings.data, "/w/f");
});

test("what is wrong in the environment or in flags is told with their names", async () => {
  const load = (variables: Record<string, string>, flags = {}) =>
    loadSettings(flags, { variables, cwd: "/w" }).catch((error) => error.message);
  assert.equal(
    await load({ AMPHORA_SERVE_LOG_LEVEL: "loud" }),
    'AMPHORA_SERVE_LOG_LEVEL: log.level: expected debug, info, warn or error, found "loud"',
  );
  assert.match(
    await load({ AMPHORA_SERVE_LISTEN: "x" }),
    /^AMPHORA_SERVE_LISTEN: listen\[0\]: expected HOST:PORT/,
  );
  assert.match(await load({}, { listen: ["x"] }), /^--listen: listen\[0\]: expected HOST:PORT/);
  assert.match(await load({ AMPHORA_SERVE_LIMITS_CONNECTIONS: "many" }), /found "many"$/);
});

test("a file that is not there is told of", async () => {
  await assert.rejects(() => loadSettings({ config: "/nowhere/x" }, { variables: {}, cwd: "/w" }), {
    code: "config.unreadable",
  });
});
