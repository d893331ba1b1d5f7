import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "../../../src/config/errors.ts";
import type { SyncEvent } from "../../../src/sync/events.ts";
import type { MirrorRule } from "../../../src/sync/mirror.ts";
import { createEnumerate } from "../../../src/sync/selection/enumerate.ts";
import { startDockerRegistry } from "../../support/docker-registry.ts";
import { Engine } from "../../support/engine.ts";
import { makeImage, makeIndex, makeMultiArch } from "../../support/images.ts";
import { skipWithout } from "../../support/peers.ts";
import { refuse } from "../../support/registry/faults.ts";
import { type Registry, startRegistry } from "../../support/registry.ts";
import { type Found, find, partsOf, registryRule, tagRules } from "./support.ts";

const image = makeImage();

async function seeded(tags: Readonly<Record<string, readonly string[]>>): Promise<Registry> {
  const registry = await startRegistry();
  for (const [repository, names] of Object.entries(tags))
    for (const tag of names) registry.seed(repository, tag, image);
  return registry;
}

test("all tags of a repository come, in the registry's order", async () => {
  await using registry = await seeded({ "team/app": ["1.0", "1.1", "latest"] });
  await using engine = new Engine();
  const rule = registryRule(
    registry.host,
    ["team/app"],
    "docker://to.example/{{.Repository}}{{.Reference}}",
  );
  const { images, events } = await find(engine, [rule]);
  assert.deepEqual(
    images,
    ["1.0", "1.1", "latest"].map(
      (tag) => `//${registry.host}/team/app:${tag} -> docker://to.example/team/app:${tag}`,
    ),
  );
  assert.deepEqual(
    events.map((event) => (event.type === "listed" ? [event.found, event.taken] : event.type)),
    ["listing", [3, 3]],
  );
});

test("a list is taken as it is: no registry is asked", async () => {
  await using registry = await seeded({});
  await using engine = new Engine();
  const digest = `sha256:${"a".repeat(64)}`;
  const rule = registryRule(
    registry.host,
    ["app"],
    "docker://to.example/x/{{.Name}}{{.Reference}}",
    {
      tags: tagRules({ list: ["2", "1", "2", digest] }),
    },
  );
  const { images } = await find(engine, [rule]);
  assert.deepEqual(
    images.map((line) => line.replace(/.* -> /, "")),
    [
      "docker://to.example/x/app:2",
      "docker://to.example/x/app:1",
      `docker://to.example/x/app@${digest}`,
    ],
  );
  assert.equal(registry.log.entries.length, 0);
});

test("tags that stand for signatures and referrers are no images of their own where those go along", async () => {
  const of = `sha256-${"a".repeat(64)}`;
  await using registry = await seeded({ app: ["1", of, `${of}.sig`, `${of}.att`] });
  await using engine = new Engine();
  const taken = async (digestTags: boolean, list?: readonly string[]) => {
    const rule = registryRule(
      registry.host,
      ["app"],
      "docker://to.example/{{.Repository}}{{.Reference}}",
      {
        tags: tagRules({ list }),
        companions: { referrers: "none", digestTags },
      },
    );
    return (await find(engine, [rule])).images.length;
  };
  assert.equal(await taken(true), 1);
  assert.equal(await taken(true, [`${of}.sig`]), 1);
  assert.equal(await taken(false), 4);
});

test("globs and RE2 choose among the catalog, a name asks for none of it, exclusions take from both", async () => {
  await using registry = await seeded({
    "team/app": ["1"],
    "team/api": ["1"],
    "team/deep/app": ["1"],
    other: ["1"],
  });
  await using engine = new Engine();
  const taken = async (repositories: readonly string[], excluded: readonly string[] = []) => {
    const rule = registryRule(
      registry.host,
      repositories,
      "docker://to.example/{{.Repository}}{{.Reference}}",
      { excluded },
    );
    const { images } = await find(engine, [rule]);
    return images.map((line) => line.replace(/.*example\//, "").replace(/:1$/, ""));
  };
  assert.deepEqual(await taken(["team/*"]), ["team/api", "team/app"]);
  assert.deepEqual(await taken(["**"]), ["other", "team/api", "team/app", "team/deep/app"]);
  assert.deepEqual(await taken(["^team/.*p$"]), ["team/app", "team/deep/app"]);
  assert.deepEqual(await taken(["other", "team/**"], ["^api$", "*/*/*", "team/app"]), [
    "other",
    "team/api",
  ]);
  const before = registry.log.entries.length;
  assert.deepEqual(await taken(["other"]), ["other"]);
  assert.equal(registry.log.entries.length, before + 1);
});

/** Until somebody is told that a listing is tried again, nothing of these pages is to be had. */
async function findAfterOutage(
  registry: Registry,
  rule: MirrorRule,
  on: RegExp,
): Promise<Pick<Found, "images" | "events">> {
  const outage = registry.behave({ on, times: Number.POSITIVE_INFINITY, fault: refuse(503) });
  await using engine = new Engine();
  const events: SyncEvent[] = [];
  const report = (event: SyncEvent) => {
    if (event.type === "listing-retrying") outage.stop();
    events.push(event);
  };
  const { images } = await find(engine, [rule], { report });
  return { images, events };
}

for (const [what, pages] of [
  ["a catalog", /_catalog/],
  ["the second page of tags", /tags\/list.*last=/],
] as const) {
  test(`${what} that cannot be had for a while is asked for again`, async () => {
    await using registry = await seeded({ "team/app": ["1", "2", "3"] });
    registry.features = { ...registry.features, pageLimit: 2 };
    const to = "docker://to.example/{{.Repository}}{{.Reference}}";
    const rule = registryRule(registry.host, ["team/*"], to);
    const { images, events } = await findAfterOutage(registry, rule, pages);
    assert.equal(images.length, 3);
    const told = events.map(({ type }) => type).filter((type) => type.startsWith("listing-"));
    assert.deepEqual(told, ["listing-retrying"]);
  });
}

test("of tags that cannot be had to their end nothing is taken, and it is told that this may pass", async () => {
  await using registry = await seeded({ app: ["1", "2", "3"] });
  registry.features = { ...registry.features, pageLimit: 2 };
  registry.behave({ on: /tags\/list.*last=/, times: Number.POSITIVE_INFINITY, fault: refuse(503) });
  await using engine = new Engine();
  const to = "docker://to.example/{{.Repository}}{{.Reference}}";
  const { images, events } = await find(engine, [registryRule(registry.host, ["app"], to)]);
  assert.deepEqual(images, []);
  const last = events.at(-1);
  assert.ok(last?.type === "listing-failed" && last.retryable, JSON.stringify(last));
  assert.equal(events.filter(({ type }) => type === "listing-retrying").length, 2);
});

test("what cannot be listed is told of, and the others come all the same", async () => {
  await using registry = await seeded({ there: ["1"] });
  registry.features = { ...registry.features, catalog: false };
  await using engine = new Engine();
  const to = "docker://to.example/{{.Repository}}{{.Reference}}";
  const { images, failures } = await find(engine, [
    registryRule(registry.host, ["absent", "there"], to),
    registryRule(registry.host, ["x/*"], to),
  ]);
  assert.equal(images.length, 1);
  assert.deepEqual(
    failures.map((failure) => failure.split(" ")[0]),
    ["registry.unsupported", "registry.not-found"],
  );
});

test("an image that two rules give one name comes once", async () => {
  await using registry = await seeded({ app: ["1.0", "1.1", "x"] });
  await using engine = new Engine();
  const to = "docker://to.example/{{.Repository}}{{.Reference}}";
  const { images, failures } = await find(engine, [
    registryRule(registry.host, ["app"], to, { tags: tagRules({ semver: ">= 1" }) }),
    registryRule(registry.host, ["app"], to),
  ]);
  assert.deepEqual(
    images.map((line) => line.slice(line.lastIndexOf(":"))),
    [":1.0", ":1.1", ":x"],
  );
  assert.deepEqual(failures, []);
});

test("images that would go to one name are told of before the first of any comes", async () => {
  await using registry = await seeded({ "a/app": ["1", "2"], "b/app": ["2", "3", "4"], c: ["1"] });
  await using engine = new Engine();
  const { images, failures, events } = await find(engine, [
    registryRule(registry.host, ["c"], "docker://to.example/{{.Name}}:{{.Tag}}"),
    registryRule(registry.host, ["a/app", "b/app"], "docker://to.example/{{.Name}}:{{.Tag}}"),
  ]);
  assert.deepEqual(
    images.map((line) => line.replace(/.* -> /, "")),
    ["c:1", "app:1", "app:3", "app:4"].map((name) => `docker://to.example/${name}`),
  );
  assert.deepEqual(failures, [`sync.name-clash ${registry.host}/b/app`]);
  const clash = events.find((event) => event.type === "listing-failed");
  assert.match(
    clash?.message ?? "",
    /a\/app:2 and docker:.*b\/app:2 would both go to docker:\/\/to\.example\/app:2$/,
  );
});

test("images that would go to one archive are told of, whatever they are called in it", async () => {
  await using registry = await seeded({ a: ["1", "2"], b: ["1"], c: ["1"] });
  await using engine = new Engine();
  const to = (path: string) => `oci-archive:/srv/${path}:{{.Name}}-{{.Tag}}`;
  const { images, failures, events } = await find(engine, [
    registryRule(registry.host, ["a"], to("all.tar")),
    registryRule(registry.host, ["a"], to("a-{{.Tag}}.tar")),
    registryRule(registry.host, ["b"], "docker-archive:/srv/two.tar:to.example/b:{{.Tag}}"),
    registryRule(registry.host, ["c"], "docker-archive:/srv/two.tar:to.example/c:{{.Tag}}"),
  ]);
  assert.deepEqual(images, []);
  assert.deepEqual(failures, [
    `sync.name-clash ${registry.host}/a`,
    `sync.name-clash ${registry.host}/c`,
    // A file each is good; this engine knows no archives.
    `usage.bad-reference docker://${registry.host}/a:1`,
    `usage.bad-reference docker://${registry.host}/a:2`,
  ]);
  const clash = events.find((event) => event.type === "listing-failed");
  assert.match(
    clash?.message ?? "",
    /a:2 would both go to oci-archive:\/srv\/all\.tar, which is written with one image$/,
  );
});

test("tags that all go to one name are told of, and so are names that only the tags make the same", async () => {
  await using registry = await seeded({ a: ["1", "2"], x: ["b-1"], "x-b": ["1"] });
  await using engine = new Engine();
  const one = await find(engine, [registryRule(registry.host, ["a"], "docker://to.example/a:all")]);
  assert.deepEqual([one.images.length, one.failures.length], [0, 1]);
  const flat = registryRule(
    registry.host,
    ["x", "x-b"],
    "docker://to.example/all:{{.Name}}-{{.Tag}}",
  );
  const two = await find(engine, [flat]);
  assert.deepEqual([two.images.length, two.failures.length], [0, 1]);
});

test("what a rule made is no source of it, and no source is pruned", async () => {
  await using registry = await seeded({ app: ["1"], "hub/app": ["1"], "hub/old": ["1"] });
  await using engine = new Engine();
  const { host } = registry;
  const rule = (name: string, path: string, to: string, more: Partial<MirrorRule> = {}) => ({
    ...registryRule(host, [path], `docker://${host}/${to}{{.Reference}}`, more),
    name,
  });
  const prune = { dryRun: false, only: [], threshold: 1, alwaysUpTo: 10 };
  const { images, failures } = await find(engine, [
    rule("all", "**", "hub/{{.Repository}}"),
    rule("own", "app", "app", { prune }),
    rule("retagged", "app", "app", { tags: tagRules({ list: ["1"] }) }),
    rule("next", "hub/app", "next/app"),
  ]);
  assert.deepEqual(failures.toSorted(), [`sync.cycle ${host}/app`, `sync.cycle ${host}/hub/app`]);
  assert.deepEqual(
    images.map((line) => line.replaceAll(host, "r")),
    [
      "//r/app:1 -> docker://r/hub/app:1",
      "//r/hub/old:1 -> docker://r/hub/hub/old:1",
      "//r/app:1 -> docker://r/app:1",
      "//r/hub/app:1 -> docker://r/next/app:1",
    ],
  );
});

test("names that come out invalid are told of: of a repository before it is asked, of a tag when it comes", async () => {
  await using registry = await seeded({ app: ["1", "2"] });
  await using engine = new Engine();
  const upper = await find(engine, [
    registryRule(registry.host, ["app"], "docker://to.example/Team/{{.Name}}{{.Reference}}"),
  ]);
  assert.deepEqual(
    [upper.images, upper.failures],
    [[], [`usage.bad-reference ${registry.host}/app`]],
  );
  assert.equal(registry.log.entries.length, 0);
  const long = registryRule(registry.host, ["app"], "docker://to.example/{{.Name}}:{{.Tag}}", {
    tags: tagRules({ list: ["1", "x".repeat(128)] }),
  });
  const { images, failures } = await find(engine, [{ ...long, to: { ...long.to, suffix: "-m" } }]);
  assert.deepEqual([images.length, failures.length], [1, 1]);
});

test("replacements change the repository, suffixes end the name", async () => {
  await using registry = await seeded({ "library/app": ["1"] });
  await using engine = new Engine();
  const rule = registryRule(
    registry.host,
    ["library/app"],
    "docker://to.example/{{.Repository}}{{.Reference}}",
  );
  const replace = [
    { pattern: "^lib(r)ary/", by: "hub/$1/" },
    { pattern: "p+", by: "q" },
  ];
  const { images } = await find(engine, [
    { ...rule, to: { ...rule.to, replace, suffix: "-mirrored" } },
  ]);
  assert.deepEqual(
    images.map((line) => line.replace(/.* -> /, "")),
    ["docker://to.example/hub/r/aq:1-mirrored"],
  );
});

test("the newest are chosen by version, by name, or by when they were made; old ones are passed over", async () => {
  await using registry = await startRegistry();
  await using engine = new Engine();
  const days = {
    "1.9": "2024-01-01",
    "1.10": "2024-01-05",
    "2.0-rc1": "2024-01-09",
    b: "2024-01-08",
    a: "2023-06-01",
  };
  for (const [tag, day] of Object.entries(days))
    registry.seed("app", tag, makeImage({ created: `${day}T00:00:00Z` }));
  registry.seed("app", "multi", makeMultiArch({ created: "2024-01-07T00:00:00Z" }));
  const taken = async (rules: Parameters<typeof tagRules>[0]) => {
    const to = "docker://to.example/{{.Repository}}{{.Reference}}";
    const { images } = await find(engine, [
      registryRule(registry.host, ["app"], to, { tags: tagRules(rules) }),
    ]);
    return images.map((line) => line.slice(line.lastIndexOf(":") + 1));
  };
  assert.deepEqual(await taken({ newest: 2 }), ["1.10", "2.0-rc1"]);
  assert.deepEqual(await taken({ newest: 0 }), []);
  assert.deepEqual(await taken({ newest: 2, newestBy: "name" }), ["b", "multi"]);
  assert.deepEqual(await taken({ newest: 3, newestBy: "created" }), ["2.0-rc1", "b", "multi"]);
  const day = 24 * 3_600_000;
  assert.deepEqual(await taken({ maxAgeMs: 3 * day }), ["2.0-rc1", "b", "multi"]);
  assert.deepEqual(
    await taken({ include: [{ kind: "regex", pattern: "^1" }], maxAgeMs: 5 * day }),
    ["1.10"],
  );
});

test("what does not say when it was made, or is not there, keeps no other tag from being chosen", async () => {
  await using registry = await startRegistry();
  await using engine = new Engine();
  const madeOn = (day: string, seed: number) =>
    makeImage({ type: "oci", seed, created: `${day}T00:00:00Z` });
  const nested = madeOn("2024-01-08", 1);
  registry.seed(
    "app",
    "nested",
    makeIndex([makeIndex([nested], { type: "oci" })], { type: "oci" }),
  );
  const gone = madeOn("2024-01-01", 2);
  const there = madeOn("2024-01-07", 3);
  registry.seed("app", "sparse", makeIndex([gone, there], { type: "oci" }));
  registry.store.repositories.get("app")?.manifests.delete(gone.digest);
  registry.seed("app", "zero", makeImage({ seed: 4, created: "0001-01-01T00:00:00Z" }));
  registry.seed("app", "old", madeOn("2023-01-01", 5));
  registry.features = { ...registry.features, strangeTags: ["untagged"] };
  const taken = async (rules: Parameters<typeof tagRules>[0]) => {
    const to = "docker://to.example/{{.Repository}}{{.Reference}}";
    const { images, failures } = await find(engine, [
      registryRule(registry.host, ["app"], to, { tags: tagRules(rules) }),
    ]);
    assert.deepEqual(failures, []);
    return images.map((line) => line.slice(line.lastIndexOf(":") + 1));
  };
  assert.deepEqual(await taken({ newest: 2, newestBy: "created" }), ["nested", "sparse"]);
  assert.deepEqual(await taken({ newest: 3, newestBy: "created" }), ["nested", "old", "sparse"]);
  const maxAgeMs = 5 * 24 * 3_600_000;
  assert.deepEqual(await taken({ maxAgeMs }), ["nested", "sparse", "zero", "untagged"]);
});

test("a registry is asked for no more than a few repositories ahead", async () => {
  const names = Array.from({ length: 30 }, (_, index) => `r${index}`);
  await using registry = await seeded(Object.fromEntries(names.map((name) => [name, ["1", "2"]])));
  await using engine = new Engine();
  const rule = registryRule(
    registry.host,
    names,
    "docker://to.example/{{.Repository}}{{.Reference}}",
  );
  const enumerate = createEnumerate({ rules: [rule] });
  let taken = 0;
  for await (const _image of enumerate(rule, partsOf(engine))) if (++taken === 3) break;
  assert.ok(registry.log.entries.length <= 8, `${registry.log.entries.length} requests`);
});

test("ends that cannot be opened are told of once a rule", async () => {
  await using registry = await seeded({ a: ["1"], b: ["1"] });
  await using engine = new Engine();
  const rule = registryRule(
    registry.host,
    ["a", "b"],
    "docker://to.example/{{.Repository}}{{.Reference}}",
  );
  const open = async (name: string) => {
    if (name === "destination") throw new ConfigError("config.unreadable", "no such password");
    return { resolve: engine.end.bind(engine) };
  };
  const { images, failures } = await find(engine, [rule], { ends: { open } });
  assert.deepEqual([images.length, failures.length], [0, 1]);
});

test("a run that is called off ends the search with its reason", async () => {
  await using registry = await seeded({ app: ["1", "2"] });
  await using engine = new Engine();
  const reason = new Error("enough");
  const rule = registryRule(
    registry.host,
    ["app"],
    "docker://to.example/{{.Repository}}{{.Reference}}",
  );
  await assert.rejects(find(engine, [rule], { signal: AbortSignal.abort(reason) }), reason);
});

test("docker-registry's catalog and tags are read page by page", {
  skip: skipWithout("docker-registry"),
}, async () => {
  await using source = await seeded({ app: ["1"] });
  await using registry = await startDockerRegistry();
  await using engine = new Engine();
  for (const name of ["team/app:1.0", "team/app:1.1", "team/api:1.0", "other:1.0"])
    await engine.copy(`docker://${source.host}/app:1`, `docker://${registry.host}/${name}`);
  const rule = registryRule(
    registry.host,
    ["team/*"],
    "docker://to.example/{{.Repository}}{{.Reference}}",
    {
      tags: tagRules({ semver: ">= 1" }),
    },
  );
  const { images, failures } = await find(engine, [rule]);
  assert.deepEqual(failures, []);
  assert.deepEqual(
    images.map((line) => line.replace(/.* -> docker:\/\/to\.example\//, "")).toSorted(),
    ["team/api:1.0", "team/app:1.0", "team/app:1.1"],
  );
});
