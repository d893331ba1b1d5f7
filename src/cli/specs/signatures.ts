import type { Flag } from "../flags.ts";
import { deprecatedTlsFlag, dockerFlags, sharedAuthFlag } from "./groups.ts";
import type { CommandSpec } from "./spec.ts";

const allFlag: Flag = {
  name: "all",
  short: "a",
  type: "bool",
  usage: "of an index, the signatures of its instances too",
};

const places = "`PLACE`: api, lookaside, attachments, folder, or the URL of a look-aside";

const fromFlag: Flag = { name: "from", type: "strings", usage: `only those kept in ${places}` };
const toFlag: Flag = { name: "to", type: "string", usage: `to ${places}` };

const oneImage: readonly Flag[] = [sharedAuthFlag, ...dockerFlags(""), allFlag];

const list: CommandSpec = {
  name: "list",
  short: "List the signatures of IMAGE-NAME, and where each is kept",
  long: () =>
    "List the signatures of IMAGE-NAME, place by place. What they say of themselves is shown as it is: nothing is verified.",
  use: "signatures list [command options] IMAGE-NAME",
  examples: ["signatures list docker://quay.io/example/app:1"],
  flags: [...oneImage, fromFlag, { name: "json", type: "bool", usage: "print one JSON document" }],
  ours: true,
  layout: "plain",
};

const copy: CommandSpec = {
  name: "copy",
  short: "Copy the signatures of SOURCE-IMAGE, without the image",
  long: () =>
    "Bring the signatures of SOURCE-IMAGE to where DESTINATION-IMAGE's are kept. Signatures that are there stay.",
  use: "signatures copy [command options] SOURCE-IMAGE DESTINATION-IMAGE",
  examples: ["signatures copy docker://quay.io/example/app:1 dir:app"],
  flags: [
    sharedAuthFlag,
    ...dockerFlags("src-", "screds"),
    ...dockerFlags("dest-", "dcreds"),
    deprecatedTlsFlag,
    allFlag,
    fromFlag,
    toFlag,
  ],
  ours: true,
  layout: "plain",
};

const migrate: CommandSpec = {
  name: "migrate",
  short: "Bring the signatures of IMAGE-NAME from one of its places to another",
  long: () =>
    "Bring the signatures of IMAGE-NAME from one place to another of the same repository. Nothing is removed where they were.",
  use: "signatures migrate [command options] --from PLACE --to PLACE IMAGE-NAME",
  examples: [
    "signatures migrate --from https://old.example.com/sigs --to api docker://r.example.com/app:1",
  ],
  flags: [...oneImage, fromFlag, toFlag],
  ours: true,
  layout: "plain",
};

const remove: CommandSpec = {
  name: "remove",
  short: "Remove one signature of IMAGE-NAME",
  long: () =>
    "Remove the signature with this NUMBER, as `signatures list` counts them in that place. The last one takes its number.",
  use: "signatures remove [command options] --from PLACE IMAGE-NAME NUMBER",
  examples: ["signatures remove --from lookaside docker://r.example.com/app:1 2"],
  flags: [sharedAuthFlag, ...dockerFlags(""), fromFlag],
  ours: true,
  layout: "plain",
};

/** `amphora signatures` and what is below it. */
export const signaturesSpec: CommandSpec = {
  name: "signatures",
  short: "List signatures of images, and bring them from one place to another",
  use: "signatures",
  flags: [],
  ours: true,
  layout: "indented",
  children: [list, copy, migrate, remove],
};
