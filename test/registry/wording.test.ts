import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { RegistryError, type RegistryErrorCode } from "../../src/registry/errors.ts";
import { HttpError } from "../../src/registry/http/errors.ts";
import { testHost } from "./support.ts";

/** How a server behaves, and what reading a manifest from it is told to fail with. HOST stands for its address. */
interface Row {
  readonly answer: (request: IncomingMessage, response: ServerResponse) => void;
  readonly message: string;
  readonly code: RegistryErrorCode;
}

const alwaysSays =
  (status: number, body: string): Row["answer"] =>
  (_request, response) =>
    response.writeHead(status).end(body);

/** A registry by its `/v2/`; all else is answered with `status` and `body`. */
const says =
  (status: number, body: string): Row["answer"] =>
  (request, response) =>
    request.url === "/v2/" ? response.end("{}") : response.writeHead(status).end(body);

/** A registry that wants a token, whose service answers with `status` and `body`. */
const realmSays =
  (status: number, body: string): Row["answer"] =>
  (request, response) => {
    if (request.url?.startsWith("/tok")) return response.writeHead(status).end(body);
    const scope = request.headers.authorization
      ? ',error="insufficient_scope",scope="repository:x:pull"'
      : "";
    const challenge = `Bearer realm="http://${request.headers.host}/tok",service="s"${scope}`;
    return response
      .writeHead(401, { "www-authenticate": challenge })
      .end('{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":[]}]}');
  };

async function listening(answer: Row["answer"]): Promise<AsyncDisposable & { host: string }> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const reading = "reading manifest latest in HOST/x: ";
const error = (code: string, rest: string) => `{"errors":[{"code":"${code}"${rest}}]}`;

// What skopeo 1.22.0 said of the same answers.
const rows: readonly Row[] = [
  {
    answer: alwaysSays(503, "x"),
    code: "registry.unavailable",
    message:
      "pinging container registry HOST: received unexpected HTTP status: 503 Service Unavailable",
  },
  {
    answer: alwaysSays(404, "nope, this is a long text of more than fifty characters, yes\n"),
    code: "registry.not-found",
    message:
      'pinging container registry HOST: StatusCode: 404, "nope, this is a long text of more than fifty chara..."',
  },
  {
    answer: realmSays(500, "boom"),
    code: "registry.unavailable",
    message: "Requesting bearer token: received unexpected HTTP status: 500 Internal Server Error",
  },
  {
    answer: realmSays(404, "boom"),
    code: "registry.not-found",
    message: "Requesting bearer token: received unexpected HTTP status: 404 Not Found",
  },
  {
    answer: realmSays(401, '{"details":"incorrect username or password"}'),
    code: "registry.unauthorized",
    message:
      "unable to retrieve auth token: invalid username/password: unauthorized: incorrect username or password",
  },
  {
    answer: realmSays(403, error("DENIED", ',"message":"scope refused","detail":null')),
    code: "registry.denied",
    message: "Requesting bearer token: received unexpected HTTP status: 403 Forbidden",
  },
  {
    answer: realmSays(200, "<html>"),
    code: "registry.bad-response",
    message: `decoding bearer token (last URL "http://HOST/tok?account=alice&scope=repository%3Ax%3Apull&service=s", body start "<html>"): invalid character '<' looking for beginning of value`,
  },
  {
    answer: realmSays(200, '{"token":"abc"}'),
    code: "registry.denied",
    message: `${reading}requested access to the resource is denied`,
  },
  {
    answer: says(403, error("DENIED", ',"message":"no","detail":null')),
    code: "registry.denied",
    message: `${reading}denied: no`,
  },
  {
    answer: says(403, error("DENIED", ',"message":"requested access to the resource is denied"')),
    code: "registry.denied",
    message: `${reading}denied`,
  },
  { answer: says(403, ""), code: "registry.denied", message: `${reading}StatusCode: 403, ""` },
  {
    answer: says(404, error("NAME_UNKNOWN", ',"message":"","detail":{"name":"x"}')),
    code: "registry.not-found",
    message: `${reading}name unknown: `,
  },
  {
    answer: says(
      404,
      error("MANIFEST_UNKNOWN", ',"message":"manifest unknown","detail":{"Tag":"latest"}'),
    ),
    code: "registry.not-found",
    message: `${reading}manifest unknown`,
  },
  {
    answer: says(404, `<html>${"long ".repeat(12)}</html>`),
    code: "registry.not-found",
    message: `${reading}StatusCode: 404, "<html>long long long long long long long long long..."`,
  },
  {
    answer: says(400, '{"errors":[]}'),
    code: "registry.bad-response",
    message: String.raw`${reading}StatusCode: 400, "{\"errors\":[]}"`,
  },
  {
    answer: says(400, error("WEIRD", ',"message":"my msg"')),
    code: "registry.bad-response",
    message: `${reading}unknown: my msg`,
  },
  {
    answer: says(400, error("WEIRD", "")),
    code: "registry.bad-response",
    message: `${reading}unknown`,
  },
  {
    answer: says(401, "hello"),
    code: "registry.unauthorized",
    message: `${reading}authentication required`,
  },
  {
    answer: says(500, "{}"),
    code: "registry.unavailable",
    message: `${reading}received unexpected HTTP status: 500 Internal Server Error`,
  },
  // What it says of a failure in a body counts for nothing: an image must not be taken for absent.
  ...["MANIFEST_UNKNOWN", "UNKNOWN"].map((name) => ({
    answer: says(500, error(name, ',"message":"not found"')),
    code: "registry.unavailable" as const,
    message: `${reading}received unexpected HTTP status: 500 Internal Server Error`,
  })),
  {
    answer: says(302, ""),
    code: "registry.bad-response",
    message: `${reading}received unexpected HTTP status: 302 Found`,
  },
  {
    answer: says(404, error("UNKNOWN", ',"message":"Not Found"')),
    code: "registry.not-found",
    message: `${reading}unknown: Not Found`,
  },
  {
    answer: says(404, error("UNKNOWN", ',"message":"\\u001b[31mred"')),
    code: "registry.not-found",
    message: String.raw`${reading}unknown: \x1b[31mred`,
  },
];

for (const { answer, message, code } of rows) {
  test(`readManifest() says: ${message}`, async () => {
    await using server = await listening((request, response) => {
      request.resume();
      answer(request, response);
    });
    const { host } = server;
    await using reader = testHost(host, { credentials: { username: "alice", password: "pw" } });
    const signal = AbortSignal.timeout(300_000);
    await assert.rejects(
      reader.host.repository("x", "read").readManifest("latest", { signal }),
      (failure) => {
        assert.ok(failure instanceof RegistryError, String(failure));
        assert.equal(failure.message.replaceAll(host, "HOST"), message);
        assert.equal(failure.code, code);
        return true;
      },
    );
  });
}

for (const security of ["insecure", "verify"] as const) {
  test(`readManifest() says that nobody listens, ${security}`, async () => {
    await using reader = testHost("127.0.0.1:1", { security });
    const { signal } = new AbortController();
    const scheme = security === "insecure" ? "http" : "https";
    await assert.rejects(reader.host.repository("x", "read").readManifest("latest", { signal }), {
      code: "registry.unreachable",
      message: `pinging container registry 127.0.0.1:1: Get "${scheme}://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused`,
    });
    assert.equal(reader.events.filter(({ type }) => type === "retrying").length, 2);
  });
}

test("readManifest() says that a registry has no TLS", async () => {
  await using server = await listening((_request, response) => response.end());
  const { host } = server;
  await using reader = testHost(host, { security: "verify" });
  const { signal } = new AbortController();
  await assert.rejects(reader.host.repository("x", "read").readManifest("latest", { signal }), {
    code: "registry.unreachable",
    message: `pinging container registry ${host}: Get "https://${host}/v2/": http: server gave HTTP response to HTTPS client`,
  });
});

test("a request that comes while TLS is being tried waits, and is told the same", async () => {
  const urls: string[] = [];
  const held = Promise.withResolvers<void>();
  const plainAsked = Promise.withResolvers<void>();
  await using reader = testHost("registry.test", {
    limits: { tries: 1 },
    http: {
      warm: () => ({ [Symbol.dispose]() {} }),
      async contact() {},
      async request({ url }) {
        urls.push(url.protocol);
        if (url.protocol === "http:") plainAsked.resolve();
        if (urls.length === 2) await held.promise;
        throw new HttpError("registry.unreachable", "refused", { phase: "connect" });
      },
      async [Symbol.asyncDispose]() {},
    },
  });
  const { signal } = new AbortController();
  const ask = () => reader.host.repository("x", "read").readManifest("latest", { signal });
  const told = {
    code: "registry.unreachable",
    message: `pinging container registry registry.test: Get "http://registry.test/v2/": refused`,
  };
  const first = assert.rejects(ask(), told);
  await plainAsked.promise;
  const second = assert.rejects(ask(), told);
  await new Promise((resolve) => setImmediate(resolve));
  held.resolve();
  await Promise.all([first, second]);
  assert.deepEqual(urls, ["https:", "http:", "https:", "http:"]);
});
