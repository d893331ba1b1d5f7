import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AuthEdit,
  type AuthFileFormat,
  editAuthFile,
} from "../../src/config/auth-file-edit.ts";

const login: AuthEdit = {
  kind: "set",
  key: "h.example",
  credentials: { username: "u", password: "p" },
};

function tabs(text: string): string {
  return text.replace(/^( {2})+/gm, (indent) => "\t".repeat(indent.length / 2));
}

/** What skopeo 1.22 writes, but for members that it drops and we keep. */
const edits: readonly [
  what: string,
  before: string | undefined,
  edit: AuthEdit,
  format: AuthFileFormat,
  after: string,
][] = [
  [
    "makes a file",
    undefined,
    login,
    "containers",
    tabs(`{
  "auths": {
    "h.example": {
      "auth": "dTpw"
    }
  }
}`),
  ],
  [
    "sorts entries, orders their members, and keeps what it does not know",
    `{"x":1.50,"credHelpers":{"b":"2","a":"1"},"auths":{"z":{"email":"e","identitytoken":"t","auth":"YTo="},"a<b":{}}}`,
    login,
    "containers",
    tabs(`{
  "auths": {
    "a\\u003cb": {},
    "h.example": {
      "auth": "dTpw"
    },
    "z": {
      "auth": "YTo=",
      "identitytoken": "t",
      "email": "e"
    }
  },
  "credHelpers": {
    "a": "1",
    "b": "2"
  },
  "x": 1.50
}`),
  ],
  [
    "sorts the members of docker's file",
    `{"psFormat":"x","HttpHeaders":{"User-Agent":"y"},"auths":{}}`,
    login,
    "docker",
    tabs(`{
  "HttpHeaders": {
    "User-Agent": "y"
  },
  "auths": {
    "h.example": {
      "auth": "dTpw"
    }
  },
  "psFormat": "x"
}`),
  ],
  [
    "removes an entry",
    `{"auths":{"h.example":{"auth":"dTpw"},"i.example":{}}}`,
    { kind: "remove", key: "h.example" },
    "containers",
    tabs(`{
  "auths": {
    "i.example": {}
  }
}`),
  ],
  [
    "clears entries and helpers of our file",
    `{"auths":{"h.example":{"auth":"dTpw"}},"credHelpers":{"a":"1"}}`,
    { kind: "clear" },
    "containers",
    tabs(`{
  "auths": {}
}`),
  ],
  [
    "clears entries but not helpers of docker's file",
    `{"auths":{"h.example":{"auth":"dTpw"}},"credHelpers":{"a":"1"},"list":[1,[],{"b":null}]}`,
    { kind: "clear" },
    "docker",
    tabs(`{
  "auths": {},
  "credHelpers": {
    "a": "1"
  },
  "list": [
    1,
    [],
    {
      "b": null
    }
  ]
}`),
  ],
];

for (const [what, before, edit, format, after] of edits) {
  test(`editAuthFile() ${what}`, () => {
    assert.equal(editAuthFile(before, edit, format), after);
  });
}

test("editAuthFile() keeps numbers and big integers digit by digit", () => {
  const text = editAuthFile(`{"n":123456789012345678901234567890}`, login, "docker");
  assert.match(text, /"n": 123456789012345678901234567890/);
});

test("editAuthFile() writes a password of any characters", () => {
  const credentials = { username: "u", password: "pä:\u{1f511}" };
  const text = editAuthFile(undefined, { kind: "set", key: "h", credentials }, "containers");
  const { auth } = JSON.parse(text).auths.h;
  assert.equal(Buffer.from(auth, "base64").toString("utf8"), "u:pä:\u{1f511}");
});

test("editAuthFile() refuses what is not JSON", () => {
  assert.throws(() => editAuthFile("{", login, "containers"), { code: "config.invalid" });
});
