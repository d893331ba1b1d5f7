import { type Case, plainCase } from "./case.ts";

const names = [
  "no-json",
  "empty-body",
  "json-null",
  "json-list",
  "no-layers",
  "two-kinds",
  "bad-digest",
  "path-digest",
  "unknown-type",
  "negative-size",
  "wrong-digest-header",
  "no-digest-header",
  "flipped-manifest",
  "flipped-blob",
  "long-blob",
  "short-blob",
  "html-error",
  "forbidden",
  "bad-gateway",
  "no-error-body",
  "missing-blob",
  "missing-child",
  "huge",
];

/** What a hostile or broken registry brings out, by inspect, list-tags and copy. */
export const hostileCases: readonly Case[] = [
  ...names.map((name) => plainCase(`inspect --tls-verify=false docker://R/bad/${name}:v1`)),
  ...names.map((name) =>
    plainCase(`copy -q --src-tls-verify=false docker://R/bad/${name}:v1 dir:out`),
  ),
  ...["html-tags", "no-tags", "bad-tags", "denied-tags"].flatMap((name) => [
    plainCase(`list-tags --tls-verify=false docker://R/bad/${name}`),
    plainCase(`inspect --tls-verify=false docker://R/bad/${name}:v1`),
  ]),
];
