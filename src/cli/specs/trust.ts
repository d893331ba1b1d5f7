import type { Flag } from "../flags.ts";
import { imageFlags, signingFlags } from "./groups.ts";
import type { CommandSpec } from "./spec.ts";

const jsonFlag: Flag = { name: "json", type: "bool", usage: "print JSON", ours: true };

const authFlag: Flag = {
  name: "authfile",
  type: "string",
  usage: "path of the registry credentials file",
};

const oneImage: readonly Flag[] = [authFlag, ...imageFlags("")];

const signers: readonly Flag[] = signingFlags.filter(({ name }) => name.startsWith("sign-"));

/** `amphora verify`. */
export const verifySpec: CommandSpec = {
  name: "verify",
  short: "Check IMAGE-NAME against the trust policy, and print the digest to pin",
  long: () =>
    "Ask the trust policy about IMAGE-NAME, as copy would, and copy nothing. What is admitted is printed as the name to pin:\nthe digest that was checked. What is refused ends with exit code 1 and the reason.",
  use: "verify [command options] IMAGE-NAME",
  examples: [
    "verify docker://registry.example.com/app:1.4",
    "verify --as docker://registry.example.com/app:1.4 dir:downloaded",
  ],
  flags: [
    ...oneImage,
    { name: "all", short: "a", type: "bool", usage: "check every image of a list", ours: true },
    {
      name: "as",
      type: "string",
      usage: "ask about the image as if it had been found at `IMAGE-NAME`",
      ours: true,
    },
    { name: "explain", type: "bool", usage: "print how the decision came about", ours: true },
    jsonFlag,
  ],
  ours: true,
  layout: "plain",
};

/** `amphora sign`. */
export const signSpec: CommandSpec = {
  name: "sign",
  short: "Sign IMAGE-NAME where it is, without pushing",
  long: () =>
    "Sign the image that IMAGE-NAME stands for now, and all the images of a list. Nothing is pushed: the signatures go to the\nlook-aside staging folder that registries.d names for IMAGE-NAME, or to --directory.",
  use: "sign [command options] IMAGE-NAME",
  examples: ["sign --sign-by 0123456789ABCDEF docker://vendor.example.com/app:1.4"],
  flags: [
    ...oneImage,
    ...signers,
    {
      name: "sign-identity",
      type: "string",
      usage: "sign as `REFERENCE` instead of the image's own name",
      ours: true,
    },
    {
      name: "directory",
      short: "d",
      type: "string",
      usage: "write the signatures below `DIRECTORY` instead of the configured staging folder",
      ours: true,
    },
    jsonFlag,
  ],
  ours: true,
  layout: "plain",
};

const initSpec: CommandSpec = {
  name: "init",
  short: "Write a first trust policy",
  long: () =>
    "Write a policy.json that refuses all images but those named. SCOPE is a registry, a namespace or a repository; KEY-FILE\nan OpenPGP or sigstore public key. Of several keys with commas between them one is enough; a SCOPE named twice needs\na signature for each.",
  use: "trust init [command options] [SCOPE=KEY-FILE[,KEY-FILE...]...]",
  examples: ["trust init registry.example.com/team=team.pub --accept-local"],
  flags: [
    {
      name: "accept",
      type: "strings",
      usage: "accept what comes from `SCOPE` without a signature (repeatable)",
      ours: true,
    },
    {
      name: "accept-local",
      type: "bool",
      usage: "accept images in folders, archives and stores of this machine",
      ours: true,
    },
    {
      name: "accept-anything",
      type: "bool",
      usage: "accept everything that no other line is about",
      ours: true,
    },
    {
      name: "system",
      type: "bool",
      usage: "write the policy of the whole machine instead of one's own",
      ours: true,
    },
    { name: "force", type: "bool", usage: "replace a policy that is there", ours: true },
  ],
  ours: true,
  layout: "plain",
};

const setSpec: CommandSpec = {
  name: "set",
  short: "Change what the trust policy asks of one SCOPE",
  long: () =>
    "Replace the requirements of SCOPE, or of the policy's default, and leave the rest of policy.json as it is. Of several\nkeys each must have signed, as with `podman image trust set`; with --any one is enough.",
  use: "trust set [command options] default|SCOPE",
  examples: [
    "trust set -f vendor.pub vendor.example.com",
    "trust set -t reject default",
    "trust set --any -f old.pub -f new.pub --identity matchRepository vendor.example.com/app",
  ],
  flags: [
    {
      name: "type",
      short: "t",
      type: "string",
      usage:
        "`TYPE` is accept, reject, signedBy or sigstoreSigned (by default what the key is for)",
      ours: true,
    },
    {
      name: "pubkeysfile",
      short: "f",
      type: "strings",
      usage: "public key in `FILE` (repeatable)",
      ours: true,
    },
    {
      name: "any",
      type: "bool",
      usage: "a signature by one of the keys is enough",
      ours: true,
    },
    {
      name: "identity",
      type: "string",
      usage:
        "which names signatures may claim: `MATCH` is matchExact, matchRepoDigestOrExact, matchRepository, exactReference=REFERENCE, exactRepository=REPOSITORY or remapIdentity=PREFIX,SIGNED-PREFIX",
      ours: true,
    },
    {
      name: "transport",
      type: "string",
      usage: "the scope is one of `TRANSPORT` (docker unless the policy has it elsewhere)",
      ours: true,
    },
    {
      name: "remove",
      type: "bool",
      usage: "remove the scope, so that a wider one counts again",
      ours: true,
    },
  ],
  ours: true,
  layout: "plain",
};

const showSpec: CommandSpec = {
  name: "show",
  short: "Show what the trust policy asks, one requirement a line",
  use: "trust show [command options]",
  examples: ["trust show"],
  flags: [
    jsonFlag,
    { name: "raw", type: "bool", usage: "print the policy file as it is", ours: true },
    { name: "noheading", short: "n", type: "bool", usage: "leave the headings out", ours: true },
  ],
  ours: true,
  layout: "plain",
};

const lintSpec: CommandSpec = {
  name: "lint",
  short: "Look for mistakes in the trust policy",
  long: () =>
    "Look for scopes that can never match, keys that cannot be used or soon end, and requirements that do not do what they\nseem to. Exit code 1 where an image would wrongly be let in or could never be.",
  use: "trust lint [command options]",
  examples: ["trust lint", "--policy new.json trust lint"],
  flags: [
    jsonFlag,
    { name: "strict", type: "bool", usage: "exit with 1 for warnings too", ours: true },
  ],
  ours: true,
  layout: "plain",
};

const explainSpec: CommandSpec = {
  name: "explain",
  short: "Tell how the trust policy decides about IMAGE-NAME, step by step",
  use: "trust explain [command options] IMAGE-NAME",
  examples: ["trust explain docker://registry.example.com/app:1.4"],
  flags: [
    ...oneImage,
    { name: "all", short: "a", type: "bool", usage: "explain every image of a list", ours: true },
    {
      name: "as",
      type: "string",
      usage: "explain the image as if it had been found at `IMAGE-NAME`",
      ours: true,
    },
    jsonFlag,
  ],
  ours: true,
  layout: "plain",
};

const compileSpec: CommandSpec = {
  name: "compile",
  short: "Make one policy.json of the pieces in a folder",
  long: () =>
    "Join the *.json files of FOLDER, in the order of their names, into one standard policy. Each file may hold a default and\nscopes; two files that say different things of the same scope are an error. FOLDER is policy.d beside the policy unless\nnamed.",
  use: "trust compile [command options] [FOLDER]",
  examples: ["trust compile /etc/containers/policy.d --output /etc/containers/policy.json"],
  flags: [
    {
      name: "output",
      short: "o",
      type: "string",
      usage: "write `FILE` instead of standard output",
      ours: true,
    },
  ],
  ours: true,
  layout: "plain",
};

const rotateSpec: CommandSpec = {
  name: "rotate",
  short: "Replace one public key of the trust policy by another, without a gap",
  long: () =>
    "First accept NEW-KEY-FILE wherever the policy accepts OLD-KEY-FILE. Then look at the IMAGE-NAMEs, all tags of those that\nhave none: which are signed by the old key only? With --sign-by and its like these are signed anew. With --cut-over the\nold key goes, unless such images are left.",
  use: "trust rotate [command options] OLD-KEY-FILE NEW-KEY-FILE [IMAGE-NAME...]",
  examples: [
    "trust rotate old.pub new.pub docker://registry.example.com/app",
    "trust rotate old.pub new.pub --sign-by NEW-FINGERPRINT docker://registry.example.com/app",
    "trust rotate old.pub new.pub --cut-over 2027-03-01 docker://registry.example.com/app",
  ],
  flags: [
    ...oneImage,
    ...signers,
    {
      name: "directory",
      short: "d",
      type: "string",
      usage: "write new signatures below `DIRECTORY` instead of the configured staging folder",
      ours: true,
    },
    {
      name: "cut-over",
      type: "string",
      usage: "remove the old key if it is `DATE` (YYYY-MM-DD, or now) or later",
      ours: true,
    },
    {
      name: "force",
      type: "bool",
      usage: "cut over even though images are left that only the old key has signed",
      ours: true,
    },
    jsonFlag,
  ],
  ours: true,
  layout: "plain",
};

/** `amphora trust` and the commands below it. */
export const trustSpec: CommandSpec = {
  name: "trust",
  short: "Write, show, check and explain the trust policy",
  use: "trust",
  flags: [],
  ours: true,
  layout: "indented",
  children: [compileSpec, explainSpec, initSpec, lintSpec, rotateSpec, setSpec, showSpec],
};
