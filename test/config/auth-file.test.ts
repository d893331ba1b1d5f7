import assert from "node:assert/strict";
import { test } from "node:test";
import { type AuthAnswer, findInAuthFile, parseAuthFile } from "../../src/config/auth-file.ts";
import { readCredentialKey } from "../../src/config/credentials.ts";

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

function find(file: unknown, key: string, legacy = false): AuthAnswer | undefined {
  const text = typeof file === "string" ? file : JSON.stringify(file);
  return findInAuthFile(parseAuthFile(text, { legacy }), readCredentialKey(key), { legacy });
}

function login(entry: string, username: string, password: string): AuthAnswer {
  return { kind: "credentials", entry, credentials: { username, password } };
}

const team = {
  auths: {
    "q.example": { auth: base64("host:1") },
    "q.example/team": { auth: base64("team:2") },
    "q.example/team/app": { auth: base64("app:3") },
    "q.example:5000": { auth: base64("port:4") },
  },
};

const longest: readonly [key: string, entry: string | undefined][] = [
  ["q.example/team/app", "q.example/team/app"],
  ["q.example/team/app/x", "q.example/team/app"],
  ["q.example/team/other", "q.example/team"],
  ["q.example/teammate", "q.example"],
  ["q.example", "q.example"],
  ["q.example:5000/team/app", "q.example:5000"],
  ["other.example/team", undefined],
];

for (const [key, entry] of longest) {
  test(`findInAuthFile() answers ${key} with the entry ${entry}`, () => {
    const answer = find(team, key);
    assert.equal(answer?.kind === "credentials" ? answer.entry : undefined, entry);
  });
}

const answers: readonly [
  what: string,
  file: unknown,
  key: string,
  legacy: boolean,
  expected: AuthAnswer | undefined,
][] = [
  [
    "splits at the first colon",
    { auths: { h: { auth: base64("u:p:w") } } },
    "h",
    false,
    login("h", "u", "p:w"),
  ],
  [
    "trims the NULs that old docker wrote",
    { auths: { h: { auth: base64("u:p\0\0") } } },
    "h",
    false,
    login("h", "u", "p"),
  ],
  [
    "reads an identity token beside its user",
    { auths: { h: { auth: base64("u:"), identitytoken: "t" } } },
    "h",
    false,
    { kind: "credentials", entry: "h", credentials: { identityToken: "t", username: "u" } },
  ],
  [
    "takes a token without auth for nothing, as the reference does",
    { auths: { h: { identitytoken: "t" } } },
    "h",
    false,
    { kind: "empty", entry: "h" },
  ],
  [
    "does not read plain members",
    { auths: { h: { username: "u", password: "p" } } },
    "h",
    false,
    { kind: "empty", entry: "h" },
  ],
  [
    "takes {} for an empty entry, which hides those above it",
    { auths: { "h/a": {}, h: { auth: base64("u:p") } } },
    "h/a",
    false,
    { kind: "empty", entry: "h/a" },
  ],
  [
    "tells of an entry without a colon",
    { auths: { h: { auth: base64("up") } } },
    "h",
    false,
    { kind: "malformed", entry: "h" },
  ],
  [
    "takes ':' for an empty entry",
    { auths: { h: { auth: base64(":") } } },
    "h",
    false,
    { kind: "empty", entry: "h" },
  ],
  [
    "asks the registry's helper before the entries",
    { credHelpers: { h: "pass" }, ...team },
    "h/x",
    false,
    { kind: "helper", helper: "pass" },
  ],
  ["knows no helper for a path", { credHelpers: { "h/x": "pass" } }, "h/x", false, undefined],
  [
    "matches Docker Hub by its old URL",
    { auths: { "https://index.docker.io/v1/": { auth: base64("u:p") } } },
    "docker.io/library/x",
    false,
    login("https://index.docker.io/v1/", "u", "p"),
  ],
  [
    "matches a key written as a URL",
    { auths: { "https://h.example/v2/": { auth: base64("u:p") } } },
    "h.example/x",
    false,
    login("https://h.example/v2/", "u", "p"),
  ],
  [
    "reads a legacy file's top level, by host only",
    { "h.example/v1/": { auth: base64("u:p") } },
    "h.example/x",
    true,
    login("h.example/v1/", "u", "p"),
  ],
  [
    "finds members whatever their letter case",
    { Auths: { h: { AUTH: base64("u:p") } } },
    "h",
    false,
    login("h", "u", "p"),
  ],
  [
    "joins members that come twice, the last of each key counting",
    `{"auths":{"h":{"auth":"dTpw"},"g":{}},"AUTHS":{"g":{"auth":"djpw"}}}`,
    "g",
    false,
    login("g", "v", "p"),
  ],
  [
    "loses nothing of the first of them",
    `{"auths":{"h":{"auth":"dTpw"}},"auths":{"g":{}}}`,
    "h",
    false,
    login("h", "u", "p"),
  ],
  ["takes null for absent", { auths: null, credHelpers: null }, "h", false, undefined],
  [
    "takes null for an empty entry",
    { auths: { h: null } },
    "h",
    false,
    { kind: "empty", entry: "h" },
  ],
  [
    "ignores line ends within base64",
    `{"auths":{"h":{"auth":"dT\\npw\\r\\n"}}}`,
    "h",
    false,
    login("h", "u", "p"),
  ],
  [
    "is not fooled by names of object members",
    `{"auths":{"__proto__":{"auth":"dTpw"}}}`,
    "constructor",
    false,
    undefined,
  ],
];

for (const [what, file, key, legacy, expected] of answers) {
  test(`findInAuthFile() ${what}`, () => {
    assert.deepEqual(find(file, key, legacy), expected);
  });
}

/** Texts of skopeo 1.22, but for the byte count of base64 that is too short. */
const faults: readonly [text: string, message: string][] = [
  ["", "unexpected end of JSON input"],
  [`{"auths":`, "unexpected end of JSON input"],
  [
    `{"auths":{"h":5}}`,
    "json: cannot unmarshal number into Go struct field dockerConfigFile.auths of type config.dockerAuthConfig",
  ],
  [`{"auths":{"h":{"auth":"!!"}}}`, "illegal base64 data at input byte 0"],
];

for (const [text, message] of faults) {
  test(`parseAuthFile() and findInAuthFile() refuse ${JSON.stringify(text)}`, () => {
    assert.throws(() => find(text, "h"), { code: "config.invalid", message });
  });
}

for (const auth of ["dTpw=", "dTp", "dT=w", "dTpw====", "dT-w"]) {
  test(`findInAuthFile() refuses ${auth}, which is not base64`, () => {
    assert.throws(() => find({ auths: { h: { auth } } }, "h"), { code: "config.invalid" });
  });
}
