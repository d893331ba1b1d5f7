import { makeImage } from "../../support/images.ts";
import { type Case, plainCase } from "./case.ts";
import { writeDir } from "./layouts.ts";
import { images, type World } from "./world.ts";

const lax = "--src-tls-verify=false --dest-tls-verify=false";
const docker = `sync ${lax} --src docker --dest docker`;
const toDir = `sync ${lax} --src docker --dest dir`;
const fromDir = `sync ${lax} --src dir --dest docker`;
const fromYaml = `sync ${lax} --src yaml --dest dir --scoped`;
const anywhere = `sync ${lax} --src yaml --dest docker`;

/** `sync`: docker to docker, to folders and from them, and by YAML. */
export const syncCases: readonly Case[] = [
  // Docker to docker.
  plainCase(`${docker} R/made/docker:v1 R/mirror`),
  plainCase(`${docker} R/made/docker R/mirror`),
  plainCase(`${docker} R/made/docker@${images.docker.digest} R/mirror`),
  plainCase(`${docker} --scoped R/made/docker:v1 R/mirror`),
  plainCase(`${docker} R/made/docker:v1 R`),
  plainCase(`${docker} R/made/docker:v1 R//mirror/../x`),
  plainCase(`${docker} R/made/docker:v1 R/Mirror`),
  plainCase(`${docker} --append-suffix -x R/made/docker R/mirror`),
  plainCase(`${docker} --append-suffix -x R/made/docker@${images.docker.digest} R/mirror`),
  plainCase(`${docker} --dry-run R/made/docker R/mirror`),
  plainCase(`${docker} --all R/made/list:v1 R/mirror`),
  plainCase(`${docker} R/made/list:v1 R/mirror`),
  plainCase(`${docker} --all R/made/index R/mirror`),
  plainCase(`${docker} --format oci R/made/docker:v1 R/mirror`),
  plainCase(`${docker} --format nope R/made/docker:v1 R/mirror`),
  plainCase(`${docker} --remove-signatures --preserve-digests R/made/docker:v1 R/mirror`),
  plainCase(`${docker} --digestfile digests R/made/docker R/mirror`, { files: ["digests"] }),
  plainCase(`${docker} --digestfile digests --dry-run R/made/docker R/mirror`, {
    files: ["digests"],
  }),
  plainCase(`${docker} --digestfile nowhere/digests R/made/docker:v1 R/mirror`),
  plainCase(`${docker} --digestfile digests R/made/docker:nope R/mirror # is emptied`, {
    args: (world) => [
      ...docker.split(" "),
      "--digestfile",
      "digests",
      `${world.registry.host}/made/docker:nope`,
      `${world.registry.host}/mirror`,
    ],
    prepare: (world) => world.write("work/digests", "old\n"),
    files: ["digests"],
  }),
  again(`${docker} R/made/docker R/mirror`),
  again(`${docker} --all R/made/list:v1 R/mirror`),
  again(`${docker} R/made/list:v1 R/mirror`),
  plainCase(`${docker} R/made/docker:nope R/mirror`),
  plainCase(`${docker} R/nope R/mirror`),
  plainCase(`${docker} R/nope:v1 R/mirror`),
  plainCase(`${docker} R/bad/halfway R/mirror`, { furnish: halfway }),
  plainCase(`${docker} --keep-going --digestfile digests R/bad/halfway R/mirror`, {
    furnish: halfway,
    files: ["digests"],
  }),
  plainCase(`${docker} R/bad/bad-tags R/mirror`),
  plainCase(`${docker} R/bad/denied-tags R/mirror`),
  plainCase(`${docker} R/bad/no-tags R/mirror`, { furnish: noTags }),
  plainCase(`${docker} G/private/thing R/mirror`),
  plainCase(`${docker} --src-creds ann:secret G/private/thing R/mirror`),
  plainCase(`${docker} R/made/docker:v1 G/copied`),
  plainCase(`${docker} --dest-creds ann:secret R/made/docker:v1 G/copied`),
  plainCase(`${docker} 127.0.0.1:1/made/docker:v1 R/mirror`),
  plainCase(`${docker} 127.0.0.1:1/made/docker R/mirror`),
  plainCase(`${docker} R/made/docker:v1 127.0.0.1:1/mirror`),
  plainCase(`${docker} R/made/docker:v1:v2 R/mirror`),
  plainCase(`${docker} R/Made/Docker R/mirror`),
  plainCase(`${docker} docker://R/made/docker:v1 R/mirror`),
  plainCase(`${docker} R/made/docker:v1@${images.docker.digest} R/mirror`),
  // Docker to dir.
  plainCase(`${toDir} R/made/docker:v1 out`, { files: ["out"] }),
  plainCase(`${toDir} R/made/docker out`, { files: ["out"] }),
  plainCase(`${toDir} --scoped R/made/docker:v1 out`, {
    files: ["out/*/made/docker:v1/**"],
  }),
  plainCase(`${toDir} R/made/docker@${images.docker.digest} out`, { files: ["out"] }),
  plainCase(`${toDir} --append-suffix -x R/made/docker:v1 out`, { files: ["out"] }),
  plainCase(`${toDir} --append-suffix /x R/made/docker:v1 out`, { files: ["out"] }),
  plainCase(`${toDir} --dry-run R/made/docker out`, { files: ["out"] }),
  plainCase(`${toDir} --dry-run R/made/docker:v1 out # there`, {
    args: (world) => [
      ...toDir.split(" "),
      "--dry-run",
      `${world.registry.host}/made/docker:v1`,
      "out",
    ],
    prepare: (world) => writeDir(world.in("out", "docker:v1"), images.oci),
  }),
  plainCase(`${toDir} R/made/docker out # one is there`, {
    args: (world) => [...toDir.split(" "), `${world.registry.host}/made/docker`, "out"],
    prepare: (world) => writeDir(world.in("out", "docker:v1"), images.oci),
    files: ["out"],
  }),
  plainCase(`${toDir} --keep-going R/made/docker out # one is there`, {
    args: (world) => [
      ...toDir.split(" "),
      "--keep-going",
      `${world.registry.host}/made/docker`,
      "out",
    ],
    prepare: (world) => writeDir(world.in("out", "docker:v1"), images.oci),
    files: ["out"],
  }),
  plainCase(`${toDir} R/made/docker:v1 schema2.json`),
  plainCase(`${toDir} R/made/docker:nope out`, { files: ["out"] }),
  plainCase(`${toDir} R/made/docker:v1 ''`, { files: ["docker:v1"] }),
  plainCase(`${toDir} --all R/made/list out`, { files: ["out"] }),
  plainCase(`${toDir} --keep-going R/bad/halfway out`, { furnish: halfway, files: ["out"] }),
  // Dir to docker.
  plainCase(`${fromDir} dir R/mirror`),
  again(`${fromDir} dir R/mirror`),
  again(`${fromDir} --scoped dir R/mirror`),
  plainCase(`${fromDir} tree R/mirror`, { prepare: tree }),
  plainCase(`${fromDir} ./tree R/mirror`, { prepare: tree }),
  plainCase(`${fromDir} --scoped tree R/mirror`, { prepare: tree }),
  plainCase(`${fromDir} --scoped tree/ R/mirror`, { prepare: tree }),
  plainCase(`${fromDir} --scoped tree/a/one:v1 R/mirror`, { prepare: tree }),
  plainCase(`${fromDir} --dry-run --scoped --append-suffix -x tree R/mirror`, { prepare: tree }),
  plainCase(`${fromDir} --digestfile digests tree R/mirror`, { prepare: tree, files: ["digests"] }),
  plainCase(`${fromDir} nowhere R/mirror`),
  plainCase(`${fromDir} schema2.json R/mirror`),
  plainCase(`${fromDir} hollow R/mirror`, {
    prepare: (world) => world.write("work/hollow/x/y", ""),
  }),
  plainCase(`${fromDir} broken R/mirror`, {
    prepare: (world) => world.write("work/broken/x:1/manifest.json", "{ no json"),
  }),
  plainCase(`${fromDir} --keep-going broken R/mirror`, {
    async prepare(world) {
      await world.write("work/broken/a:1/manifest.json", "{ no json");
      await writeDir(world.in("broken", "b:1"), images.docker);
    },
  }),
  // YAML.
  ...yamlCases(),
  // What is asked wrongly.
  plainCase("sync a"),
  plainCase("sync a b"),
  plainCase("sync --src docker a b"),
  plainCase("sync --src oci --dest dir a b"),
  plainCase("sync --src docker --dest oci a b"),
  plainCase("sync --src docker --dest yaml a b"),
  plainCase("sync --src dir --dest dir a b"),
  plainCase("sync --nope"),
  plainCase("sync --policy nowhere --src docker --dest dir a b"),
  plainCase(`${docker} --src-creds ann --src-no-creds a b`),
  plainCase(
    `${docker} --sign-by ann --sign-by-sigstore-private-key k --sign-passphrase-file f R/made/docker:v1 R/mirror`,
  ),
  plainCase(`sync --tls-verify=false --src docker --dest docker R/made/docker:v1 R/mirror`),
  plainCase(`${docker} --retry-times 2 --retry-delay 1ms 127.0.0.1:1/made/docker R/mirror`),
  plainCase(`${docker} --retry-times 1 127.0.0.1:1/made/docker:v1 R/mirror`),
  plainCase(`${toDir} --retry-times 1 --keep-going 127.0.0.1:1/made/docker:v1 out`),
  plainCase(`--command-timeout 1ns ${docker} R/made/docker:v1 R/mirror`),
];

/** The second of two runs, with nothing to do. */
function again(line: string): Case {
  const one = plainCase(line);
  return { ...one, name: `${line} # again`, before: (world) => [one.args(world)] };
}

/** One case for each YAML file; `HOST` in it is the open registry. */
function yamlCases(): readonly Case[] {
  const known = "HOST:\n  tls-verify: false\n";
  const list = (line: string) => `${known}  images:\n    ${line}\n`;
  const rows: readonly (readonly [string, string, string?])[] = [
    ["tags", list('made/docker: ["v1", "v2"]')],
    ["all tags", list("made/docker: []")],
    ["no value", list("made/docker:")],
    ["digests", list(`made/docker: ["${images.docker.digest}"]`)],
    ["one tag, not a list", list("made/docker: v1")],
    ["numbers", list("made/docker: [1.0, 2]")],
    ["a tag twice", list('made/docker: ["v1", "v1"]')],
    ["a missing tag", list('made/docker: ["nope", "v1"]')],
    ["a bad tag", list('made/docker: ["v 1", "v1"]')],
    ["a bad repository", list('Made/Docker: ["v1"]')],
    ["a tagged repository", list('"made/docker:v1": ["v1"]')],
    ["a missing repository", list("made/nope: []")],
    ["a regex", `${known}  images-by-tag-regex:\n    made/docker: ^v\\d\n`],
    ["a regex, unanchored", `${known}  images-by-tag-regex:\n    made/docker: "1"\n`],
    ["a regex that fits none", `${known}  images-by-tag-regex:\n    made/docker: ^zz\n`],
    ["a bad regex", `${known}  images-by-tag-regex:\n    made/docker: "["\n`],
    [
      "a bad regex, and tags",
      `${list('made/docker: ["v1"]')}  images-by-tag-regex:\n    made/docker: "(?<x>a)(?=b)"\n`,
    ],
    ["a regex for a missing repository", `${known}  images-by-tag-regex:\n    made/nope: v\n`],
    ["versions", `${known}  images-by-semver:\n    made/versions: ">= 1.2.0"\n`],
    ["a caret", `${known}  images-by-semver:\n    made/versions: "^1"\n`],
    ["a bad constraint", `${known}  images-by-semver:\n    made/versions: ">= nope"\n`],
    [
      "two that overlap",
      `${list('made/docker: ["v1"]')}  images-by-tag-regex:\n    made/docker: ^v1$\n`,
    ],
    ["nothing for a registry", known],
    ["empty", ""],
    ["a list", "- HOST\n"],
    ["no YAML", "HOST: [\n"],
    ["a tab", "HOST:\n\timages: {}\n"],
    ["a key twice", `${known}  tls-verify: false\n`],
    ["an unknown key", `${list('made/docker: ["v1"]')}  image: {}\n`],
    ["an unknown kind", `${known}  images: 3\n`],
    ["tls-verify is no boolean", "HOST:\n  tls-verify: maybe\n"],
    ["bad credentials", `${list('made/docker: ["v1"]')}  credentials: ann\n`],
    ["cert-dir", `${list('made/docker: ["v1"]')}  cert-dir: nowhere\n`],
    ["a bad host", "'HO ST':\n  images:\n    a: []\n"],
  ];
  return [
    ...rows.map(([name, text]) => yamlCase(`${fromYaml} sync.yaml out # ${name}`, fromYaml, text)),
    yamlCase(
      `${anywhere} sync.yaml R/mirror # tags`,
      anywhere,
      list('made/docker: ["v1"]'),
      "R/mirror",
    ),
    yamlCase(
      `${anywhere} sync.yaml R/mirror # two sources`,
      anywhere,
      `${list('made/docker: ["v1", "v2"]')}    made/oci: []\n`,
      "R/mirror",
      { anyOrder: true },
    ),
    // Go goes through a file's two registries in any order.
    yamlCase(
      `${fromYaml} sync.yaml out # a merge key`,
      fromYaml,
      "x: &x\n  tls-verify: false\nHOST:\n  <<: *x\n  images: {made/docker: [v1]}\n",
      "out",
      { anyOrder: true },
    ),
    yamlCase(
      `sync --src yaml --dest dir sync.yaml out # without TLS`,
      "sync --src yaml --dest dir",
      list('made/docker: ["v1"]'),
    ),
    yamlCase(
      `sync --src yaml --dest dir sync.yaml out # with TLS`,
      "sync --src yaml --dest dir --src-tls-verify=false",
      "HOST:\n  tls-verify: true\n  images: {made/docker: [v1]}\n",
    ),
    yamlCase(
      `${fromYaml} sync.yaml out # credentials`,
      fromYaml,
      "GUARDED:\n  tls-verify: false\n  credentials: {username: ann, password: secret}\n  images: {private/thing: []}\n",
    ),
    yamlCase(
      `${fromYaml} sync.yaml out # wrong credentials`,
      fromYaml,
      "GUARDED:\n  tls-verify: false\n  credentials: {username: ann, password: wrong}\n  images: {private/thing: [v1]}\n",
    ),
    yamlCase(
      `${fromYaml} --dry-run sync.yaml out # a dry run`,
      `${fromYaml} --dry-run`,
      list("made/docker: [v1]"),
    ),
    yamlCase(
      `${fromYaml} --keep-going sync.yaml out # going on`,
      `${fromYaml} --keep-going`,
      list("made/docker: [nope, v1]"),
    ),
    plainCase(`${fromYaml} nowhere.yaml out`),
    plainCase(`${fromYaml} tree out`, { prepare: tree }),
  ];
}

function yamlCase(
  name: string,
  line: string,
  text: string,
  destination = "out",
  more: Partial<Case> = {},
): Case {
  return {
    name,
    args: (world) => [
      ...line.split(" "),
      "sync.yaml",
      destination.replace(/^R/, world.registry.host),
    ],
    furnish: async (world) => {
      const { registry, guarded } = world;
      for (const tag of ["1.0.0", "1.2.0", "v1.10.3", "2.0.0-rc1", "latest"])
        registry.seed("made/versions", tag, images.docker);
      const settled = text.replaceAll("HOST", registry.host).replaceAll("GUARDED", guarded.host);
      await world.write("work/sync.yaml", settled);
    },
    files: ["digests", "out/*/**"],
    ...more,
  };
}

/** A repository whose second tag cannot be copied. */
async function halfway({ registry }: World): Promise<void> {
  const broken = makeImage({ seed: 41, layers: 1 });
  registry.seed("bad/halfway", "a", images.docker);
  const { digest = "" } = broken.config ?? {};
  const config = new Map([...broken.blobs].filter(([each]) => each === digest));
  registry.seed("bad/halfway", "b", { ...broken, blobs: config });
  registry.seed("bad/halfway", "c", images.oci);
}

async function noTags({ registry }: World): Promise<void> {
  registry.seed("bad/no-tags", undefined, images.docker);
}

async function tree(world: World): Promise<void> {
  await writeDir(world.in("tree", "a", "one:v1"), images.docker);
  await writeDir(world.in("tree", "b", "deep", "two:v2"), images.oci);
  await writeDir(world.in("tree", "a", "one:v1", "inner:v1"), images.docker);
  await writeDir(world.in("tree", "untagged"), images.docker);
}
