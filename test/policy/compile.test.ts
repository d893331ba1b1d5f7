import assert from "node:assert/strict";
import { test } from "node:test";
import { compilePolicy } from "../../policy/compile.ts";
import { parsePolicy } from "../../policy/parse.ts";

const file = (name: string, value: unknown) => ({
  file: name,
  bytes: Buffer.from(typeof value === "string" ? value : JSON.stringify(value)),
});
const reject = [{ type: "reject" }];
const accept = [{ type: "insecureAcceptAnything" }];
const signed = [{ type: "signedBy", keyType: "GPGKeys", keyPath: "/k" }];

test("compilePolicy() merges drop-ins into a standard policy", () => {
  const text = compilePolicy([
    file("policy.json", { default: reject, transports: { docker: { "h.example": signed } } }),
    file("policy.d/10.json", {
      transports: { docker: { "g.example": accept, __proto__x: accept }, dir: { "": accept } },
    }),
    file("policy.d/20.json", {}),
    file("policy.d/30.json", { transports: { dir: { "/a": reject }, oci: {} } }),
  ]);
  assert.deepEqual(JSON.parse(text), {
    default: reject,
    transports: {
      docker: { "h.example": signed, "g.example": accept, __proto__x: accept },
      dir: { "": accept, "/a": reject },
    },
  });
  assert.equal(parsePolicy(Buffer.from(text), "p").transports.get("docker")?.size, 3);
  assert.equal(
    compilePolicy([file("p", { default: accept })]),
    `${JSON.stringify({ default: accept }, null, 2)}\n`,
  );
});

test("compilePolicy() keeps names that are special in JavaScript", () => {
  const text = compilePolicy([
    file(
      "p",
      `{"default":[{"type":"reject"}],"transports":{"__proto__":{"__proto__":[{"type":"reject"}]}}}`,
    ),
  ]);
  assert.equal(
    parsePolicy(Buffer.from(text), "p").transports.get("__proto__")?.has("__proto__"),
    true,
  );
});

test("compilePolicy() takes the same thing said twice, however it is written", () => {
  const spelled = `{"default":[{"type":"reject"}],"transports":{"docker":{"h.example":[{"keyPath":"/k","signedIdentity":{"type":"matchRepoDigestOrExact"},"keyType":"GPGKeys","type":"signedBy"}]}}}`;
  const both = [
    file("a", { default: reject, transports: { docker: { "h.example": signed } } }),
    file("b", spelled),
  ];
  assert.deepEqual(JSON.parse(compilePolicy(both)).default, reject);
});

test("compilePolicy() refuses two files that disagree, and names both", () => {
  const one = file("a.json", {
    default: reject,
    transports: { docker: { "h.example/x": signed } },
  });
  assert.throws(
    () =>
      compilePolicy([one, file("b.json", { transports: { docker: { "h.example/x": accept } } })]),
    {
      code: "policy.conflict",
      message: 'transports.docker["h.example/x"] is set in a.json and differently in b.json',
      hint: 'Take transports.docker["h.example/x"] out of a.json or of b.json',
    },
  );
  assert.throws(() => compilePolicy([one, file("b.json", { default: accept })]), {
    code: "policy.conflict",
    message: "default is set in a.json and differently in b.json",
  });
  const again = file("b.json", { default: reject });
  assert.throws(() => compilePolicy([one, again, file("c.json", { default: accept })]), {
    message: "default is set in a.json and differently in c.json",
  });
  const data = (keyData: string) => ({
    default: reject,
    transports: { docker: { "": [{ type: "signedBy", keyType: "GPGKeys", keyData }] } },
  });
  assert.throws(() => compilePolicy([file("a", data("aGk=")), file("b", data("aGo="))]), {
    code: "policy.conflict",
  });
});

test("compilePolicy() refuses files that are none, and policies without a default", () => {
  assert.throws(
    () => compilePolicy([file("a", { default: reject }), file("b", { defualt: reject })]),
    {
      code: "policy.invalid",
      file: "b",
      hint: 'Write "default" instead of "defualt" in b',
    },
  );
  assert.throws(() => compilePolicy([file("a", {}), file("b", { transports: {} })]), {
    code: "policy.invalid",
    message: 'invalid policy in "a + b": Default policy is missing',
  });
  assert.throws(() => compilePolicy([]), { code: "policy.invalid" });
});
