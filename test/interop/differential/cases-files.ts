import { type Case, plainCase } from "./case.ts";
import { images, type World } from "./world.ts";

const both = "--src-tls-verify=false --dest-tls-verify=false";
const blob = images.oci.layers[0]?.digest.slice("sha256:".length) ?? "";

/** Truncates, damages or removes files of the places that a world has. */
function damaged(line: string, name: string, damage: (world: World) => Promise<void>): Case {
  return {
    ...plainCase(line),
    name: `${line} # ${name}`,
    prepare: damage,
    files: ["out"],
  };
}

const broken: readonly Case[] = [
  damaged("copy -q oci:layout:v1 dir:out", "a blob is damaged", (world) =>
    world.write(`work/layout/blobs/sha256/${blob}`, "not the blob"),
  ),
  damaged("inspect oci:layout:v1", "no index.json", (world) =>
    world.remove("work/layout/index.json"),
  ),
  damaged("inspect oci:layout:v1", "index.json is no JSON", (world) =>
    world.write("work/layout/index.json", "{"),
  ),
  damaged("inspect oci:layout:v1", "the manifest is missing", (world) =>
    world.remove(`work/layout/blobs/sha256/${images.oci.digest.slice(7)}`),
  ),
  damaged("inspect oci:layout:v1", "the manifest is no JSON", (world) =>
    world.write(`work/layout/blobs/sha256/${images.oci.digest.slice(7)}`, "no JSON"),
  ),
  damaged("copy -q oci:layout:v1 dir:out", "no oci-layout", (world) =>
    world.remove("work/layout/oci-layout"),
  ),
  damaged("inspect dir:dir", "manifest.json is no JSON", (world) =>
    world.write("work/dir/manifest.json", "no JSON"),
  ),
  damaged("inspect dir:dir", "no version", (world) => world.remove("work/dir/version")),
  damaged("copy -q dir:dir dir:out", "a layer is missing", (world) =>
    world.remove(`work/dir/${images.docker.layers[0]?.digest.slice(7)}`),
  ),
  damaged("copy -q dir:dir dir:out", "a layer is damaged", (world) =>
    world.write(`work/dir/${images.docker.layers[0]?.digest.slice(7)}`, "not the layer"),
  ),
  damaged("copy -q dir:dir dir:out", "out is a file", (world) => world.write("work/out", "a file")),
  damaged("copy -q dir:dir dir:out", "out holds something else", (world) =>
    world.write("work/out/mine", "mine"),
  ),
  damaged("copy -q dir:dir oci:out:v1", "out holds something else", (world) =>
    world.write("work/out/mine", "mine"),
  ),
];

const configured: readonly Case[] = [
  damaged(`inspect -n --tls-verify=false docker://G/private/thing:v1`, "auth.json", (world) =>
    world.write("run/containers/auth.json", authFor(world, "ann:secret")),
  ),
  damaged(`inspect -n --tls-verify=false docker://G/private/thing:v1`, "config.json", (world) =>
    world.write("home/.docker/config.json", authFor(world, "ann:secret")),
  ),
  damaged(`inspect -n --tls-verify=false docker://G/private/thing:v1`, "wrong auth", (world) =>
    world.write("run/containers/auth.json", authFor(world, "ann:wrong")),
  ),
  damaged(
    `inspect -n --tls-verify=false docker://G/private/thing:v1`,
    "auth is no base64",
    (world) =>
      world.write(
        "run/containers/auth.json",
        JSON.stringify({ auths: { [world.guarded.host]: { auth: "%%%" } } }),
      ),
  ),
  damaged(
    `inspect -n --tls-verify=false docker://G/private/thing:v1`,
    "auth.json is no JSON",
    (world) => world.write("run/containers/auth.json", "{"),
  ),
  damaged("inspect -n docker://R/made/docker:v1", "insecure by registries.conf", (world) =>
    world.write(
      "home/.config/containers/registries.conf",
      `[[registry]]\nlocation = "${world.registry.host}"\ninsecure = true\n`,
    ),
  ),
  damaged("inspect -n docker://R/made/docker:v1", "blocked by registries.conf", (world) =>
    world.write(
      "home/.config/containers/registries.conf",
      `[[registry]]\nlocation = "${world.registry.host}/made"\nblocked = true\n`,
    ),
  ),
  damaged("inspect -n docker://R/made/docker:v1", "registries.conf is no TOML", (world) =>
    world.write("home/.config/containers/registries.conf", "[[registry"),
  ),
  damaged("inspect -n docker://docker.io/made/docker:v1", "rewritten by registries.conf", (world) =>
    world.write(
      "home/.config/containers/registries.conf",
      `[[registry]]\nprefix = "docker.io"\nlocation = "${world.registry.host}"\ninsecure = true\n`,
    ),
  ),
  damaged(`copy -q ${both} docker://R/made/docker:v1 dir:out`, "no policy admits it", (world) =>
    world.write("home/.config/containers/policy.json", '{"default":[]}'),
  ),
  damaged(
    `copy -q ${both} docker://R/made/docker:v1 dir:out`,
    "a policy with unknown members",
    (world) =>
      world.write(
        "home/.config/containers/policy.json",
        '{"default":[{"type":"insecureAcceptAnything"}],"nope":1}',
      ),
  ),
  damaged(
    `copy -q ${both} docker://R/made/docker:v1 dir:out`,
    "rejected for its repository",
    (world) =>
      world.write(
        "home/.config/containers/policy.json",
        JSON.stringify({
          default: [{ type: "insecureAcceptAnything" }],
          transports: { docker: { [`${world.registry.host}/made`]: [{ type: "reject" }] } },
        }),
      ),
  ),
  damaged(`copy -q dir:dir dir:out`, "rejected for its folder", (world) =>
    world.write(
      "home/.config/containers/policy.json",
      JSON.stringify({
        default: [{ type: "insecureAcceptAnything" }],
        transports: { dir: { [world.in("dir")]: [{ type: "reject" }] } },
      }),
    ),
  ),
];

function authFor(world: World, pair: string): string {
  const auth = Buffer.from(pair).toString("base64");
  return JSON.stringify({ auths: { [world.guarded.host]: { auth } } });
}

const lines: readonly string[] = [
  "inspect oci:layout:@0",
  "inspect --raw oci:layout:@1",
  "inspect oci:layout:@7",
  "copy -q oci:layout:@0 dir:out",
  `copy -q ${both} docker://R/made/docker:v1 oci:out:@0`,
  "delete oci:layout:v1",
  "delete oci:layout:nope",
  "delete oci:layout:list",
  `copy -q --dest-shared-blob-dir shared ${both} docker://R/made/oci:v1 oci:out:v1`,
  `copy -q -f oci ${both} docker://R/made/empty:v1 dir:out`,
  `copy -q -a ${both} docker://R/made/emptyIndex:v1 dir:out`,
  `copy -q ${both} docker://R/made/emptyIndex:v1 dir:out`,
  `copy -q --all ${both} docker://R/made/index:v1 docker://R/made/index:v1`,
  `copy -q ${both} docker://R/made/docker:v1 docker://R/made/docker:v1`,
  `copy -q ${both} docker://R/made/docker@${images.docker.digest} dir:out`,
  `copy -q ${both} docker://R/made/docker:v1 docker://R/to/x@${images.docker.digest}`,
  `copy -q ${both} docker://R/made/docker:v1 docker://R/to/x@sha256:${"2".repeat(64)}`,
  `copy -q --format v2s1 ${both} docker://R/made/docker:v1 docker://R/to/x:v1`,
  `copy -q --preserve-digests ${both} docker://R/made/docker:v1 oci:out:v1`,
  `copy -q ${both} docker://R/made/docker:v1 oci:`,
  `copy -q ${both} docker://R/made/docker:v1 dir:`,
  `copy -q ${both} docker://R/made/docker:v1 oci:out:v1:v2`,
  `copy -q ${both} docker://R/made/docker:v1 ostree:out`,
  `copy -q ${both} docker://R/made/sha512:v1 dir:out`,
  `copy -q ${both} docker://R/made/sha512:v1 oci:out:v1`,
  `copy ${both} --dest-compress docker://R/made/docker:v1 oci:out:v1`,
  "copy -q dir:dir dir:dir",
  "inspect --tls-verify docker://R/made/docker:v1",
  "inspect --tls-verify=0 -n docker://R/made/docker:v1",
  "inspect --tls-verify=F -nf '{{.Os}}' docker://R/made/docker:v1",
  "inspect -n=false --tls-verify=false docker://R/made/docker:v1",
  "--tls-verify=false inspect -n docker://R/made/docker:v1",
  "--debug=false inspect --tls-verify=false -n docker://R/made/docker:v1",
  "--command-timeout 1m inspect --tls-verify=false -n docker://R/made/docker:v1",
  "--command-timeout 1ns inspect --tls-verify=false -n docker://R/made/docker:v1",
  "inspect -- dir:dir",
  "inspect dir:dir --raw",
  "inspect --raw --raw=false dir:dir",
  "version",
  "--version",
  "help nope",
  "copy --nope",
  "list-tags",
  "list-tags a b",
  "standalone-sign",
  "sync",
  "sync --src docker --dest dir a b c",
];

/** Files that are damaged or in the way, configuration, and corners of the command line. */
export const fileCases: readonly Case[] = [
  ...broken,
  ...configured,
  ...lines.map((line) =>
    plainCase(line, { files: line.startsWith("delete") ? ["layout"] : ["out", "shared"] }),
  ),
];
