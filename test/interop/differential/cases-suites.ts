import { type Case, plainCase } from "./case.ts";
import { images, type World } from "./world.ts";

const both = "--src-tls-verify=false --dest-tls-verify=false";
const one = "1".repeat(64);

/** Lines as peers' own test suites have them, and what trying them by hand turned up. */
const lines: readonly string[] = [
  "--tls-verify=false inspect docker://G/busybox:latest --cert-path=/",
  "--tls-verify=false inspect docker://G/busybox:latest --cert-dir=/etc/docker/certs.d/",
  "--tls-verify=false inspect --creds=ann:secret docker://G/busybox:nope",
  "--tls-verify=false inspect docker://R/busybox:nope",
  "--tls-verify=false copy docker://R/made/docker:v1 docker://R/to/x:v1",
  "copy --tls-verify=false docker://R/made/docker:v1 docker://R/to/x:v1",
  "copy --dest-tls-verify=false --dcreds=ann:secret dir:dir docker://G/to/x:mine",
  "copy oci:layout:thisdoesnotexist dir:out",
  `copy ${both} --preserve-digests --multi-arch=all --format=oci docker://R/made/list:v1 dir:out`,
  "inspect --tls-verify=false docker://R/made/docker@@unknown-digest@@",
  "delete --tls-verify=false docker://R/made/docker@@unknown-digest@@",
  "delete --tls-verify=false docker://R/made/docker:v1@@unknown-digest@@",
  "copy --src-tls-verify=false docker://R/made/docker@@unknown-digest@@ dir:out",
  `copy ${both} docker://R/made/docker:v1 docker://R/to/x@@unknown-digest@@`,
  "inspect docker://x:99999999/y",
  "inspect docker://[::1]:1/made/docker:v1",
  "inspect oci:layout:@00",
  "inspect oci:layout:a~b",
  "copy -q --src-creds ann:wrong --screds ann:secret --src-tls-verify=false docker://G/private/thing:v1 dir:out",
  "copy -q --src-registry-token x --src-creds ann:secret --src-tls-verify=false docker://G/private/thing:v1 dir:out",
  "copy -q --src-cert-dir schema2.json --src-tls-verify=false docker://R/made/docker:v1 dir:out",
  "copy -q --digestfile . dir:dir dir:out2",
  `copy ${both} --multi-arch index-only docker://R/made/list:v1 docker://R/to/x:v1`,
  `copy ${both} -q docker://R/bad/missing-child:v1 oci:out:v1`,
  "list-tags --authfile garbage.json --tls-verify=false docker://R/made/docker",
  "--registries-conf nowhere inspect -n --tls-verify=false docker://R/made/docker:v1",
  "--registries-conf . inspect -n --tls-verify=false docker://R/made/docker:v1",
  "login -u ann -p secret ''",
  "login -u ann -p secret x:y",
  "login -u ann -p secret 127.0.0.1:99999",
  "logout --compat-auth-file nowhere.json --all",
];

/** The same lines in a world that was changed before. */
function changed(note: string, change: (world: World) => Promise<void>, ...texts: string[]) {
  return texts.map((line): Case => {
    return { ...plainCase(line), name: `${line} # ${note}`, prepare: change, files: ["../run"] };
  });
}

function conf(text: string): (world: World) => Promise<void> {
  return (world) =>
    world.write(
      "home/.config/containers/registries.conf",
      text.replaceAll("R!", world.registry.host),
    );
}

const auth = (auths: (world: World) => unknown) => (world: World) =>
  world.write("run/containers/auth.json", JSON.stringify({ auths: auths(world) }));

const mirrored = `[[registry]]\nlocation = "127.0.0.1:1"\nmirror = [{ location = "R!/made", insecure = true }]\n`;

/** Peers' suites: registries.conf and auth files, good, bad and contradicting. */
const configured: readonly Case[] = [
  ...changed(
    "blocked host",
    conf('[[registry]]\nlocation = "blocked.example"\nblocked = true\n'),
    "copy -q docker://blocked.example/image:test docker://R/to/x:v1",
    "copy -q dir:dir docker://blocked.example/image:test",
    "inspect docker://blocked.example/image:test",
    `inspect docker://blocked.example/image@sha256:${one}`,
    "delete docker://blocked.example/image:test",
    "list-tags docker://blocked.example/image",
    "login -u ann -p secret blocked.example",
  ),
  ...changed(
    "mirrored",
    conf(mirrored),
    "inspect -n docker://127.0.0.1:1/docker:v1",
    `inspect --raw docker://127.0.0.1:1/docker@${images.docker.digest}`,
    "inspect -n docker://127.0.0.1:1/docker:nope",
    "list-tags docker://127.0.0.1:1/docker",
  ),
  ...changed(
    "registries.conf is wrong",
    conf("[[registry]]\ninsecure = true\n"),
    "inspect -n --tls-verify=false docker://R/made/docker:v1",
    "list-tags --tls-verify=false docker://R/made/docker",
    "delete --tls-verify=false docker://R/made/docker:v1",
    "delete --tls-verify=false --creds a:b docker://R/made/docker:v1",
    "copy -q --dest-tls-verify=false dir:dir docker://R/to/x:v1",
    "login --tls-verify=false -u ann -p secret G",
    "logout G",
    "logout --all",
    "inspect dir:dir",
  ),
  ...changed(
    "auths is a list",
    auth(() => []),
    "inspect -n --tls-verify=false docker://G/private/thing:v1",
  ),
  ...changed(
    "auth is a number",
    auth(({ guarded }) => ({ [guarded.host]: { auth: 1 } })),
    "login --get-login G",
  ),
  ...changed(
    "logged in to a repository",
    auth(({ guarded }) => ({ [`${guarded.host}/private`]: { auth: "YW5uOnNlY3JldA==" } })),
    "inspect -n --tls-verify=false docker://G/private/thing:v1",
    "login --get-login G",
    "login --get-login G/private",
    "logout G",
    "logout G/private",
  ),
  ...["", " --authfile ''", " --authfile nowhere.json"].map((flag): Case => {
    const line = `inspect -n${flag} --tls-verify=false docker://G/private/thing:v1`;
    return {
      ...plainCase(line),
      name: `${line} # REGISTRY_AUTH_FILE`,
      env: { REGISTRY_AUTH_FILE: "chosen.json" },
      prepare: (world) =>
        world.write(
          "work/chosen.json",
          JSON.stringify({ auths: { [world.guarded.host]: { auth: "YW5uOnNlY3JldA==" } } }),
        ),
    };
  }),
];

/** What peers' suites check that the other cases do not. */
export const suiteCases: readonly Case[] = [
  ...lines.map((line) => plainCase(line, { files: ["out", "out2"] })),
  ...configured,
];
