import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { ConfigError } from "../../src/config/errors.ts";
import { mirrorSettings } from "../../src/sync/mirror-settings.ts";
import { type MirrorDocument, parseMirror } from "../../src/sync/parse-mirror.ts";
import { missingMembers } from "../support/missing-members.ts";
import { randomBytesOf } from "../support/random.ts";

const example = fileURLToPath(new URL("../../examples/mirror.yaml", import.meta.url));
const platform = { os: "linux", architecture: "amd64" };

function read(text: string | { readonly value: unknown }): Promise<MirrorDocument> {
  return parseMirror(text, { file: "/d/m.yaml", platform });
}

/** The lines of what is said to be wrong, without the file. */
async function complaints(text: string | { readonly value: unknown }): Promise<readonly string[]> {
  try {
    await read(text);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    assert.equal(error.code, "config.invalid");
    return error.message.split("\n").map((line) => line.replace("/d/m.yaml:", ""));
  }
}

test("examples/mirror.yaml is good, and has every member that there is", async () => {
  const text = readFileSync(example, "utf8");
  const { mirror, hosts, parallel, keepGoing } = await parseMirror(text, {
    file: example,
    platform,
  });
  assert.equal(mirror.rules.length, 5);
  assert.deepEqual([parallel, keepGoing], [16, true]);
  assert.deepEqual([...hosts.keys()], ["docker.io", "quay.io", "ghcr.io", "registry.example"]);
  assert.deepEqual(
    missingMembers(mirrorSettings, parse(text)).filter(
      (name) => !name.startsWith("defaults.tags."),
    ),
    [],
  );
});

test("a mirror of two lines takes all of a repository, as it is", async () => {
  const { mirror, hosts } = await read("mirrors:\n- from: alpine\n  to: registry.example/hub/\n");
  const everything = { list: undefined, include: [], exclude: [], semver: undefined };
  assert.deepEqual(mirror.rules, [
    {
      name: "docker.io/library/alpine",
      from: {
        kind: "registry",
        domain: "docker.io",
        repositories: [{ kind: "literal", name: "library/alpine" }],
        exclude: [],
        end: "docker.io",
      },
      to: {
        template: "docker://registry.example/hub/{{.Repository}}{{.Reference}}",
        replace: [],
        suffix: "",
        end: "registry.example",
      },
      tags: { ...everything, newest: undefined, newestBy: "version", maxAgeMs: undefined },
      copy: {
        select: { type: "all" },
        platform,
        preserveDigests: false,
        removeSignatures: false,
        compression: { force: false },
      },
      companions: { referrers: "none", digestTags: false },
      existing: { kind: "update" },
      prune: undefined,
    },
  ]);
  assert.equal(hosts.size, 0);
});

test("a mirror says more than the defaults, member by member", async () => {
  const { mirror } = await read(`
defaults: {platforms: system, referrers: all, prune: {dry-run: true}, tags: {newest: 1}}
mirrors:
- {from: a/b, to: x.example/}
- {from: a/b, to: y.example/, platforms: [linux/arm64/v8], referrers: none, prune: false, tags: {semver: ">1"}}
`);
  const [first, second] = mirror.rules;
  assert.deepEqual(first?.copy.select, { type: "system" });
  assert.deepEqual(first?.prune, {
    dryRun: true,
    backups: false,
    threshold: 0.2,
    alwaysUpTo: 1,
    only: [],
  });
  assert.deepEqual([first?.companions.referrers, first?.tags.newest], ["all", 1]);
  assert.deepEqual(second?.copy.select, {
    type: "platforms",
    platforms: [{ os: "linux", architecture: "arm64", variant: "v8" }],
    mayLack: true,
  });
  assert.deepEqual([second?.companions.referrers, second?.prune], ["none", undefined]);
  assert.deepEqual([second?.tags.newest, second?.tags.semver], [undefined, ">1"]);
});

test("tags are what was written, whatever YAML takes them for", async () => {
  const { mirror } = await read(
    "mirrors:\n- from: a/b\n  to: x.example/\n  tags: {list: [3.10, 0x1F, true, 1e3, 2024-01-02, '007', 1_0]}\n",
  );
  const [rule] = mirror.rules;
  assert.deepEqual(rule?.tags.list, ["3.10", "0x1F", "true", "1e3", "2024-01-02", "007", "1_0"]);
  assert.deepEqual(
    await complaints({
      value: { mirrors: [{ from: "a/b", to: "x.example/", tags: { list: [3.1] } }] },
    }),
    [" mirrors[0].tags.list[0]: expected a tag or a digest, found 3.1"],
  );
});

test("sources are repositories, images, patterns, registries and places", async () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const from = async (text: string) => {
    const { mirror } = await read(`mirrors:\n- from: ${text}\n  to: x.example/\n`);
    const [rule] = mirror.rules;
    const source = rule?.from;
    if (source?.kind === "place") return source.text;
    return [
      source?.domain,
      ...(source?.repositories ?? []).map((each) =>
        "name" in each ? each.name : `${each.kind} ${each.pattern}`,
      ),
      ...(rule?.tags.list ?? []),
    ].join(" ");
  };
  assert.equal(await from("alpine:3.20"), "docker.io library/alpine 3.20");
  assert.equal(await from(`docker://quay.io/a/b@${digest}`), `quay.io a/b ${digest}`);
  assert.equal(await from(`quay.io/a/b:1@${digest}`), `quay.io a/b 1@${digest}`);
  assert.equal(await from("localhost:5000/a"), "localhost:5000 a");
  assert.equal(await from("quay.io/**"), "quay.io glob **");
  assert.equal(await from("library/*"), "docker.io glob library/*");
  assert.equal(await from("{registry: quay.io}"), "quay.io glob **");
  assert.equal(
    await from("{registry: docker.io, repositories: [alpine, a/*], include: [x]}"),
    "docker.io library/alpine glob a/* regex x",
  );
  assert.equal(await from("oci:images"), "oci:/d/images");
  assert.equal(await from("dir:/srv/x/"), "dir:/srv/x/");
  assert.equal(await from("docker-archive:../x.tar"), "docker-archive:/x.tar");
  assert.equal(await from("containers-storage:alpine"), "containers-storage:alpine");
});

test("destinations get what they do not say, and are called by their registry", async () => {
  const to = async (text: string) => {
    const { mirror } = await read(`mirrors:\n- from: a/b\n  to: ${JSON.stringify(text)}\n`);
    const { template, end } = mirror.rules[0]?.to ?? {};
    return `${template} ${end}`;
  };
  assert.equal(
    await to("x.example:5000"),
    "docker://x.example:5000/{{.Repository}}{{.Reference}} x.example:5000",
  );
  assert.equal(
    await to("docker://x.example/a/"),
    "docker://x.example/a/{{.Repository}}{{.Reference}} x.example",
  );
  assert.equal(await to("x.example/a"), "docker://x.example/a{{.Reference}} x.example");
  assert.equal(await to("x.example/a:{{ .Tag }}-x"), "docker://x.example/a:{{ .Tag }}-x x.example");
  assert.equal(
    await to("x.example/{{.Name}}"),
    "docker://x.example/{{.Name}}{{.Reference}} x.example",
  );
  assert.equal(
    await to("{{.Domain}}/m/{{.Repository}}"),
    "docker://{{.Domain}}/m/{{.Repository}}{{.Reference}} destination",
  );
  assert.equal(await to("oci:out"), "oci:/d/out:{{.Tag}} local");
  assert.equal(await to("oci:/out/"), "oci:/out/{{.Repository}}{{.Reference}} local");
  assert.equal(await to("dir:/out/"), "dir:/out/{{.Repository}}{{.Reference}} local");
});

test("Docker Hub has one name", async () => {
  const { hosts, mirror } = await read(
    "mirrors: [{from: {registry: index.docker.io}, to: x.example/}]\nhosts: {index.docker.io: {tls-verify: true}}",
  );
  assert.deepEqual([...hosts.keys()], ["docker.io"]);
  assert.equal(mirror.rules[0]?.from.end, "docker.io");
});

test("hosts' settings come out by their domains, with no secret in them", async () => {
  const { hosts } = await read(`
mirrors: [{from: a/b, to: x.example/}]
hosts:
  a.example: {username: ann, password-file: pw, tls-verify: false, cert-dir: certs}
  b.example: {auth-file: /auth.json, limits: {requests-per-second: 0.5, bytes-per-second: 5MB, slots: 2, kept-pulls: 0}}
  c.example: {credentials: hub}
`);
  assert.deepEqual(Object.fromEntries(hosts), {
    "a.example": {
      credentials: { kind: "password-file", username: "ann", file: "/d/pw" },
      tlsVerify: false,
      certificateDirectory: "/d/certs",
      limits: {},
    },
    "b.example": {
      credentials: { kind: "auth-file", file: "/auth.json" },
      limits: { requestsPerSecond: 0.5, bytesPerSecond: 5_000_000, slots: 2, keptPulls: 0 },
    },
    "c.example": { credentials: { kind: "named", name: "hub" }, limits: {} },
  });
});

const good = "mirrors: [{from: a/b, to: x.example/}]";
const wrong: readonly (readonly [text: string, ...expected: RegExp[]])[] = [
  ["", /^ mirrors: expected a list, found nothing$/],
  ["7", /^ the whole: expected a mapping, found 7$/],
  ["mirrors: []", /^1: mirrors: expected at least one mirror/],
  ["{{{", /^1: not YAML: /],
  ["mirrors: *x\nhosts: *y", /^1: \*x: expected an anchor &x/, /^2: \*y: expected/],
  [`a: &a 1\nb: [${"*a, ".repeat(1001)}]`, /^ expected at most 1000 aliases$/],
  [`${good}\nmirors: 1`, /^2: mirors: unknown member, expected one of parallel, /],
  [`${good}\nkeep_going: true`, /^2: keep_going: unknown member, expected keep-going$/],
  [`${good}\nparallel: 0`, /^2: parallel: expected a whole number from 1 on, found 0$/],
  [`${good}\nhosts:\n  a/b: {}`, /^3: hosts\["a\/b"\]: expected a host name/],
  [
    `${good}\nhosts:\n  a.example: {username: x}`,
    /^3: .*password-file: expected a user's name and the file/,
  ],
  [
    `${good}\nhosts:\n  a.example: {credentials: x, auth-file: y}`,
    /^3: hosts\["a\.example"\]: expected one of username/,
  ],
  [`${good}\nhosts:\n  a.example: {password: x}`, /^3: .*\.password: unknown member/],
  [
    `${good}\nhosts: {a.example: {limits: {slots: 0, bytes-per-second: 0}}}`,
    /bytes-per-second: expected a size/,
    /slots: expected a whole number/,
  ],
  [
    "mirrors:\n- from: a/b\n- to: x.example/",
    /^2: mirrors\[0\]\.to: expected a place/,
    /^3: mirrors\[1\]\.from: expected a repository/,
  ],
  ["mirrors:\n- {from: A/b, to: x.example/}", /^2: mirrors\[0\]\.from: .*must be lowercase/],
  ["mirrors:\n- {from: quay.io, to: x.example/}", /all of a registry is quay\.io\/\*\*/],
  ["mirrors:\n- {from: 'a/***', to: x.example/}", /^2: .*expected a pattern of repositories/],
  ["mirrors:\n- {from: 'oci:', to: x.example/}", /^2: .*names no place/],
  [
    "mirrors:\n- {from: [a/b, {registry: x y}], to: x.example/}",
    /^2: mirrors\[0\]\.from\[1\]\.registry: expected a host name/,
  ],
  [
    "mirrors:\n- {from: {registry: x.example, repositories: ['a:b']}, to: x.example/}",
    /^2: mirrors\[0\]\.from\.repositories\[0\]: expected a repository/,
  ],
  [
    "mirrors:\n- {from: {registry: x.example, all: true}, to: x.example/}",
    /^2: mirrors\[0\]\.from\.all: unknown member/,
  ],
  [
    "mirrors:\n- {from: 'a/b:1', to: x.example/, tags: {list: [2]}}",
    /^2: mirrors\[0\]\.from: expected a repository without a tag/,
  ],
  [
    "mirrors:\n- {from: a/b, to: 'x.example/{{.Tga}}'}",
    /^2: mirrors\[0\]\.to: expected one of \{\{\.Domain\}\}/,
  ],
  [
    "mirrors:\n- {from: a/b, to: 'x.example/{{Tag}}'}",
    /^2: mirrors\[0\]\.to: expected placeholders such as/,
  ],
  ["mirrors:\n- {from: a/b, to: 'x y/z'}", /^2: mirrors\[0\]\.to: /],
  [
    "mirrors:\n- from: a/b\n  to: x.example/\n  tags:\n    include: ['(', 'a{2000}', '(?=x)']\n    exclude: x",
    /^5: .*include\[0\]: expected a regular expression \(error parsing regexp: missing closing \)/,
    /^5: .*include\[1\]: .*repeat count/,
    /^5: .*include\[2\]: .*Perl syntax/,
    /^6: .*exclude: expected a list/,
  ],
  [
    "mirrors:\n- {from: a/b, to: x.example/, replace: [{pattern: '[', with: ''}, {pattern: x}]}",
    /replace\[0\]\.pattern: expected a regular/,
    /replace\[1\]\.with: expected a text, found nothing/,
  ],
  [
    "mirrors:\n- {from: a/b, to: x.example/, tags: {semver: '>> 1', newest: -1, newest-by: age, max-age: 3 weeks}}",
    /semver: expected a constraint such as >= 3\.18 \(improper constraint: >> 1\), found ">> 1"/,
    /newest: expected a whole number/,
    /newest-by: expected version, created or name/,
    /max-age: expected a duration/,
  ],
  [
    "mirrors:\n- {from: a/b, to: x.example/, referrers: [sbom, application/vnd.x+json, application/*]}",
    /referrers\[0\]: expected a whole media type such as \S+, found "sbom"/,
    /referrers\[2\]: expected a whole media type such as \S+, found "application\/\*"/,
  ],
  [
    "mirrors:\n- {from: a/b, to: x.example/, platforms: every}",
    /platforms: expected all, system or a list of platforms, found "every"/,
  ],
  [
    "mirrors:\n- {from: a/b, to: x.example/, platforms: [linux]}",
    /platforms\[0\]: expected OS\/ARCHITECTURE/,
  ],
  [
    "mirrors:\n- {from: a/b, to: x.example/, existing: {immutable: ['a//']}, prune: {threshold: 2, only: ['***']}}",
    /existing\.immutable\[0\]: expected a pattern/,
    /prune\.threshold: expected a percentage/,
    /prune\.only\[0\]: expected a pattern/,
  ],
  [
    "mirrors:\n- {from: a/b, to: x.example/, backup: 'x/old:{{.Tag}}'}\n- {from: a/b, to: x.example/, backup: old}\n- {from: a/b, to: x.example/, backup: true}",
    /mirrors\[0\]\.backup: expected false, or the tag of a backup .*, found "x\/old:\{\{\.Tag\}\}"/,
    /mirrors\[1\]\.backup: expected false, or .* with \{\{\.Tag\}\} once and at will \{\{\.Digest\}\}, found "old"/,
    /mirrors\[2\]\.backup: expected false, or the tag of a backup .*, found true/,
  ],
  [
    "defaults: {backup: 'old-{{.Tag}}'}\nmirrors:\n- {from: a/b, to: 'docker-archive:/a.tar', existing: {immutable: ['*']}}\n- {from: a/b, to: 'dir:/a/{{.Name}}'}\n- {from: a/b, to: 'dir:/a/{{.Name}}', backup: false}",
    /mirrors\[0\]\.backup: expected no backups: docker-archive: does not tell what a name stands for/,
    /mirrors\[0\]\.existing: expected update or if-absent: docker-archive: does not tell/,
    /mirrors\[1\]\.backup: expected no backups: its folders are not called NAME:TAG/,
  ],
  [
    "mirrors:\n- {from: a/b, to: 'oci-archive:/{{.Tag}}.tar', prune: {}}\n- {from: a/b, to: 'dir:/a/{{.Name}}', prune: {}}\n- {from: a/b, to: 'dir:/a/', prune: {}}",
    /^2: mirrors\[0\]\.prune: expected no pruning: oci-archive: does not tell what a name stands for/,
    /mirrors\[1\]\.prune: expected no pruning: its folders are not called NAME:TAG/,
  ],
  ["a: &a [x]\nmirrors: *a\na: 1", /^3: a: expected once, found twice$/],
  [
    "mirrors:\n- {from: a/b, from: c/d, to: x.example/, to: y.example/}",
    /mirrors\[0\]\.from: expected once/,
    /mirrors\[0\]\.to: expected once/,
  ],
];

test("what is wrong is told by file, line and path, all of it at once", async () => {
  for (const [text, ...expected] of wrong) {
    const lines = await complaints(text);
    assert.equal(lines.length, expected.length, `${text}\n${lines.join("\n")}`);
    for (const pattern of expected)
      assert.ok(
        lines.some((line) => pattern.test(line)),
        `${pattern}\n${lines.join("\n")}`,
      );
  }
});

test("documents made to harm are refused in no time", async () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 9 }, (_, n) => {
    const [name, of] = [String.fromCharCode(98 + n), String.fromCharCode(97 + n)];
    return `${name}: &${name} [${Array(9).fill(`*${of}`).join(",")}]`;
  }).join("\n")}\n`;
  for (const text of [
    bomb,
    "[".repeat(10_000),
    `mirrors: ${"x".repeat(4 * 1024 * 1024)}`,
    "a: &a {<<: *a}",
    "? [a]\n: 1",
    "--- 1\n--- 2\n",
  ])
    assert.notDeepEqual(await complaints(text), [], text.slice(0, 40));
  assert.match(
    (
      await complaints(
        `mirrors:\n- {from: a/b, to: x.example/, tags: {semver: ${JSON.stringify("1 , ".repeat(2000))}}}`,
      )
    )[0] ?? "",
    /semver: expected/,
  );
});

test("whatever is written, it is read or what is wrong with it is told", async () => {
  const bytes = randomBytesOf(7, 40_000);
  let drawn = 0;
  const random = () => bytes.readUInt32LE((4 * drawn++) % 40_000) / 2 ** 32;
  const text = readFileSync(example, "utf8").replace(/^#.*\n/gm, "");
  const pieces = [
    "{",
    "}",
    "[",
    "]",
    ":",
    "\n  ",
    "- ",
    "*a",
    "&a ",
    "<<: ",
    "null",
    "7",
    '"',
    "'",
    "{{.Tag}}",
    "__proto__: ",
    "#",
    "|\n",
    "\t",
    "\0",
    "é",
  ];
  for (let round = 0; round < 300; round++) {
    let broken = text;
    for (let change = 0; change <= round % 4; change++) {
      const at = Math.floor(random() * broken.length);
      const piece = pieces[Math.floor(random() * pieces.length)] ?? "";
      broken = broken.slice(0, at) + piece + broken.slice(at + Math.floor(random() * 12));
    }
    await complaints(broken); // throws for any other error
  }
});

test("of thousands of mistakes the first are told, and how many more there are", async () => {
  const list = Array.from({ length: 5000 }, () => "'a b'").join(", ");
  const lines = await complaints(
    `mirrors:\n- {from: a/b, to: x.example/, tags: {list: [${list}]}}`,
  );
  assert.equal(lines.length, 201);
  assert.match(
    lines[0] ?? "",
    /^2: mirrors\[0\]\.tags\.list\[0\]: expected a tag or a digest, found "a b"$/,
  );
  assert.match(lines[200] ?? "", /and 4800 more$/);
});

test("values may be given in place of text, as they come from JSON", async () => {
  const value = { mirrors: [{ from: "a/b", to: "x.example/", tags: { list: ["1"] } }] };
  const { mirror } = await read({ value });
  assert.deepEqual(mirror.rules[0]?.tags.list, ["1"]);
  assert.deepEqual(await complaints({ value: { mirrors: 1, x: 2 } }), [
    " x: unknown member, expected one of parallel, keep-going, hosts, defaults, mirrors",
    " mirrors: expected a list, found 1",
  ]);
});

test("a file of skopeo's is not taken where nothing says where its images go", async () => {
  assert.deepEqual(await complaints("quay.io: {images: {a/b: []}}"), [
    " expected mirrors; skopeo's files do not say where images go",
  ]);
});
