import assert from "node:assert/strict";
import { test } from "node:test";
import { call } from "../../support/server/client.ts";
import { startServed } from "../../support/server/served.ts";

/** `secret`, of ann. */
const users = "ann:$2y$05$cDZ.YJO6YYemJQT2av0tJ.NYlu/5pFbyQjwZmnbjz/gh.S/QcY0Mm\n";
const yaml = `
access:
  htpasswd: users
  tokens: {}
  rules: [{ users: [ann], repositories: ["**"], actions: ["*"] }]
signing:
  keys: { k: { type: key-file, file: nowhere } }
  rules: [{ repositories: ["**"], keys: [k] }]
  signer: { socket: nowhere.sock }
`;

test("whose token says too little is told which would do, on every face", async () => {
  await using served = await startServed({ yaml, files: { users } });
  const login = `Basic ${Buffer.from("ann:secret").toString("base64")}`;
  const asked = await call(served.url, "GET", "/token?scope=repository:a:pull", {
    headers: { authorization: login },
  });
  const { token } = JSON.parse(asked.body.toString()) as { token: string };
  const image = JSON.stringify({ repository: "a", tag: "v1" });
  const rows: readonly (readonly [method: string, path: string, scope: string, body?: string])[] = [
    ["POST", "/v2/a/blobs/uploads/", "repository:a:pull,push"],
    ["POST", "/api/v1/sign", "repository:a:push", image],
    ["GET", "/api/v1/blocked", "registry:api:admin"],
    ["GET", "/metrics", "registry:api:admin"],
    ["GET", "/api/v1/jobs", "registry:api:jobs"],
  ];
  for (const [method, path, scope, body] of rows) {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const answer = await call(served.url, method, path, { headers, ...(body && { body }) });
    assert.equal(answer.status, 401, path);
    assert.equal(
      answer.headers["www-authenticate"],
      `Bearer realm="${served.url}/token",service="localhost:5000",scope="${scope}",error="insufficient_scope"`,
    );
  }
});

test("whose token is over is told so, since some clients ask for another at that word alone", async () => {
  await using served = await startServed({ yaml, files: { users } });
  const told = async (authorization: string) => {
    const { status, headers } = await call(served.url, "GET", "/v2/", {
      headers: { authorization },
    });
    return [status, headers["www-authenticate"]];
  };
  const challenge = `Bearer realm="${served.url}/token",service="localhost:5000"`;
  assert.deepEqual(await told("Bearer a.b.c"), [401, `${challenge},error="invalid_token"`]);
  assert.deepEqual(await told(`Basic ${btoa("ann:wrong")}`), [401, challenge]);
});
