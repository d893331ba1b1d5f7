import { type Case, plainCase } from "./case.ts";
import { images } from "./world.ts";

const flag = "--tls-verify=false";

/** `list-tags`, `manifest-digest`, `delete`, and the program itself. */
export const otherCases: readonly Case[] = [
  plainCase(`list-tags ${flag} docker://R/made/docker`),
  plainCase(`list-tags ${flag} docker://R/made/index`),
  plainCase(`list-tags ${flag} docker://R/nope`),
  plainCase(`list-tags ${flag} docker://R/made/docker:v1`),
  plainCase(`list-tags ${flag} --creds ann:secret docker://G/private/thing`),
  plainCase(`list-tags ${flag} docker://G/private/thing`),
  plainCase(`list-tags ${flag} oci:layout`),
  plainCase(`list-tags ${flag} docker-archive:nowhere.tar`),
  plainCase("list-tags nothing"),
  plainCase("list-tags R/made/docker"),
  plainCase("manifest-digest schema2.json"),
  plainCase("manifest-digest schema1.json"),
  plainCase("manifest-digest list.json"),
  plainCase("manifest-digest garbage.json"),
  plainCase("manifest-digest empty.json"),
  plainCase("manifest-digest nowhere.json"),
  plainCase("manifest-digest"),
  plainCase("manifest-digest a b"),
  plainCase(`delete ${flag} docker://R/made/docker:v1`),
  plainCase(`delete ${flag} docker://R/made/docker@${images.docker.digest}`),
  plainCase(`delete ${flag} docker://R/made/docker:nope`),
  plainCase(`delete ${flag} docker://R/nope:v1`),
  plainCase(`delete ${flag} docker://G/private/thing:v1`),
  plainCase(`delete ${flag} --creds ann:secret docker://G/private/thing:v1`),
  plainCase("delete dir:dir"),
  plainCase("delete"),
  plainCase("delete nothing"),
  plainCase("nope"),
  plainCase("inspct"),
  plainCase("--nope"),
  plainCase("-x"),
  plainCase("copy -q"),
  plainCase("-q copy a b"),
];

/** `login` and `logout`, with what they write. */
export const loginCases: readonly Case[] = [
  plainCase(`login ${flag} -u ann -p secret G`, { files: ["../run"] }),
  plainCase(`login ${flag} -u ann --password-stdin G`, { input: "secret\n", files: ["../run"] }),
  plainCase(`login ${flag} -u ann -p wrong G`, { files: ["../run"] }),
  plainCase(`login ${flag} -v -u ann -p secret --authfile auth.json G`, { files: ["auth.json"] }),
  plainCase(`login ${flag} -u ann -p secret --authfile auth.json G/private`, {
    files: ["auth.json"],
  }),
  plainCase(`login ${flag} -u ann -p secret http://G`, { files: ["../run"] }),
  plainCase(`login ${flag} --get-login G`),
  plainCase("login"),
  plainCase("login a b"),
  plainCase(`login ${flag} -u ann --password-stdin -p x G`),
  plainCase(`login ${flag} --password-stdin G`),
  plainCase(`login ${flag} -u ann -p secret G:v1/thing@sha256:1`),
  plainCase(`login ${flag} --authfile nowhere/auth.json -u ann -p secret G`, {
    files: ["nowhere"],
  }),
  plainCase(`login ${flag} --get-login G # after login`, {
    args: ({ guarded }) => ["login", flag, "--get-login", guarded.host],
    before: ({ guarded }) => [["login", flag, "-u", "ann", "-p", "secret", guarded.host]],
  }),
  plainCase(`login G # with existing credentials`, {
    args: ({ guarded }) => ["login", flag, guarded.host],
    before: ({ guarded }) => [["login", flag, "-u", "ann", "-p", "secret", guarded.host]],
  }),
  plainCase(`inspect G # after login`, {
    args: ({ guarded }) => ["inspect", "--raw", flag, `docker://${guarded.host}/private/thing:v1`],
    before: ({ guarded }) => [["login", flag, "-u", "ann", "-p", "secret", guarded.host]],
  }),
  plainCase(`logout G # after login`, {
    args: ({ guarded }) => ["logout", guarded.host],
    before: ({ guarded }) => [["login", flag, "-u", "ann", "-p", "secret", guarded.host]],
    files: ["../run"],
  }),
  plainCase("logout --all # after login", {
    args: () => ["logout", "--all"],
    before: ({ guarded }) => [["login", flag, "-u", "ann", "-p", "secret", guarded.host]],
    files: ["../run"],
  }),
  plainCase("logout G"),
  plainCase("logout"),
  plainCase("logout a b"),
  plainCase("logout --all a"),
];
