import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { TLSSocket, TlsOptions } from "node:tls";
import type { TlsSettings } from "../../../src/registry/http/contract.ts";
import { skipWithout } from "../../support/peers.ts";
import { run } from "../../support/run.ts";
import { makePki, type Pki } from "../../support/tls.ts";
import { ask, codeOf, get, testClient, textOf } from "./asking.ts";
import { answering, type Script, scriptedServer } from "./scripted-server.ts";

const hi = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
const options = { skip: skipWithout("openssl") };
let pki: Pki;

before(async () => {
  if (options.skip === false) pki = await makePki();
});
after(() => pki?.[Symbol.asyncDispose]());

function serverTls(more: TlsOptions = {}): TlsOptions {
  return { key: pki.server.key, cert: pki.server.cert, ...more };
}

function clientTls(more: Partial<TlsSettings> = {}): TlsSettings {
  return { ca: [pki.ca.cert], clientCertificates: [], verify: true, ...more };
}

function clientWith(settings: TlsSettings) {
  return testClient({ tlsFor: () => settings });
}

test("request() speaks TLS to a server whose certificate it trusts", options, async () => {
  const protocols: unknown[] = [];
  const script: Script = (peer) => {
    protocols.push((peer.socket as TLSSocket).alpnProtocol);
    return answering(hi)(peer);
  };
  await using server = await scriptedServer(script, {
    tls: serverTls({ ALPNProtocols: ["h2", "http/1.1"] }),
  });
  const asked: string[] = [];
  await using client = testClient({
    tlsFor: (origin) => {
      asked.push(origin.href);
      return clientTls();
    },
  });
  for (const origin of [server.origin, `https://localhost:${server.port}`]) {
    assert.equal(await get(client, origin), "hi");
    assert.equal(await get(client, origin), "hi");
  }
  assert.equal(server.connections, 2);
  assert.deepEqual(protocols, ["http/1.1", "http/1.1"]);
  assert.deepEqual(asked, [`${server.origin}/`, `https://localhost:${server.port}/`]);
});

test("request() resumes the session for a second connection", options, async () => {
  const resumed: boolean[] = [];
  await using server = await scriptedServer(
    async (peer) => {
      resumed.push((peer.socket as TLSSocket).isSessionReused());
      await peer.head();
      await peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi");
    },
    { tls: serverTls() },
  );
  await using client = clientWith(clientTls());
  for (let round = 0; round < 3; round++) assert.equal(await get(client, server.origin), "hi");
  assert.deepEqual(resumed, [false, true, true]);
});

test("request() trusts nothing that is not told to it", options, async () => {
  await using server = await scriptedServer(answering(hi), { tls: serverTls() });
  for (const settings of [clientTls({ ca: [] }), clientTls({ ca: [pki.stranger.cert] })]) {
    await using client = clientWith(settings);
    await assert.rejects(get(client, server.origin), {
      code: "registry.tls",
      phase: "connect",
      retryable: false,
      message: "tls: failed to verify certificate: x509: certificate signed by unknown authority",
    });
  }
  await using careless = clientWith(clientTls({ ca: [], verify: false }));
  assert.equal(await get(careless, server.origin), "hi");
});

test(
  "request() shows its client certificate, and says so where one was needed",
  options,
  async () => {
    const tls = serverTls({ requestCert: true, rejectUnauthorized: true, ca: pki.ca.cert });
    await using server = await scriptedServer(answering(hi), { tls });
    const pair = { certificate: pki.client.cert, key: pki.client.key };
    await using known = clientWith(clientTls({ clientCertificates: [pair] }));
    assert.equal(await get(known, server.origin), "hi");
    await using unknown = clientWith(clientTls());
    await assert.rejects(get(unknown, server.origin), {
      code: "registry.tls",
      message: "remote error: tls: certificate required",
    });
  },
);

test(
  "request() speaks no TLS older than 1.2, and none older than it is told",
  options,
  async () => {
    await using old = await scriptedServer(answering(hi), {
      tls: serverTls({ minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" }),
    });
    await using now = await scriptedServer(answering(hi), {
      tls: serverTls({ maxVersion: "TLSv1.2" }),
    });
    await using client = clientWith(clientTls());
    assert.equal(await codeOf(get(client, old.origin)), "registry.tls");
    assert.equal(await get(client, now.origin), "hi");
    await using strict = clientWith(clientTls({ minVersion: "TLSv1.3" }));
    assert.equal(await codeOf(get(strict, now.origin)), "registry.tls");
  },
);

for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
  test(
    `request() carries a large body both ways over ${version}, a slow reader included`,
    options,
    async () => {
      const size = 12 * 1024 * 1024;
      const content = Buffer.alloc(size);
      for (let at = 0; at < size; at += 4) content.writeUInt32LE((at * 2654435761) % 2 ** 32, at);
      const expected = createHash("sha256").update(content).digest("hex");
      let uploaded = "";
      const script: Script = async (peer) => {
        for (let head = await peer.head(); head !== undefined; head = await peer.head()) {
          if (head.startsWith("GET")) {
            await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
            await peer.send(content);
          } else {
            const hash = createHash("sha256");
            for (let left = size; left > 0; left -= 65_536) hash.update(await peer.bytes(65_536));
            uploaded = hash.digest("hex");
            await peer.send("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
          }
        }
      };
      await using server = await scriptedServer(script, {
        tls: serverTls({ maxVersion: version }),
      });
      await using client = clientWith(clientTls());
      await using source = await ask(client, server.origin, { lane: "blob" });
      async function* slowly(): AsyncGenerator<Uint8Array> {
        let count = 0;
        for await (const chunk of source.body) {
          if (count++ % 3 === 0) for (let turns = 0; turns < 5; turns++) await turn();
          yield chunk;
        }
      }
      const body = { length: size, bytes: slowly() };
      const response = await ask(client, server.origin, { method: "PUT", lane: "blob", body });
      assert.equal(response.status, 201);
      assert.equal(uploaded, expected);
    },
  );
}

test("request() gives the early answer of a TLS server that then resets", options, async () => {
  await using server = await scriptedServer(
    async (peer) => {
      await peer.head();
      await peer.bytes(100_000);
      await peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    },
    { tls: serverTls() },
  );
  await using client = clientWith(clientTls());
  async function* zeros(): AsyncGenerator<Uint8Array> {
    for (;;) {
      await turn();
      yield Buffer.alloc(64 * 1024);
    }
  }
  const body = { length: 2 ** 40, bytes: zeros() };
  const response = await ask(client, server.origin, { method: "PUT", lane: "blob", body });
  assert.equal(response.status, 413);
  assert.equal(await textOf(response), "no");
});

interface Made {
  readonly name: string;
  readonly extension: string;
  readonly dates?: readonly [from: string, to: string];
  readonly host?: string;
  readonly message: RegExp;
}

const verifyFailed = "^tls: failed to verify certificate: x509: ";

/** The texts are those that skopeo 1.22 prints for the same certificates. */
const certificates: readonly Made[] = [
  {
    name: "for other names",
    extension: "subjectAltName=DNS:other.example,DNS:two.example",
    host: "localhost",
    message: new RegExp(
      `${verifyFailed}certificate is valid for other\\.example, two\\.example, not localhost$`,
    ),
  },
  {
    name: "for names, asked for an address",
    extension: "subjectAltName=DNS:other.example",
    message: new RegExp(
      `${verifyFailed}cannot validate certificate for 127\\.0\\.0\\.1 because it doesn't contain any IP SANs$`,
    ),
  },
  {
    name: "for another address",
    extension: "subjectAltName=IP:127.0.0.9",
    message: new RegExp(
      `${verifyFailed}certificate is valid for 127\\.0\\.0\\.9, not 127\\.0\\.0\\.1$`,
    ),
  },
  {
    name: "for an address, asked for a name",
    extension: "subjectAltName=IP:127.0.0.1",
    host: "localhost",
    message: new RegExp(
      `${verifyFailed}certificate is not valid for any names, but wanted to match localhost$`,
    ),
  },
  {
    name: "with a common name only",
    extension: "basicConstraints=CA:FALSE",
    host: "localhost",
    message: new RegExp(
      `${verifyFailed}certificate relies on legacy Common Name field, use SANs instead$`,
    ),
  },
  {
    name: "that has expired",
    extension: "subjectAltName=IP:127.0.0.1",
    dates: ["20200101000000Z", "20210101000000Z"],
    message: new RegExp(
      `${verifyFailed}certificate has expired or is not yet valid: current time 20..-..-..T..:..:..Z is after 2021-01-01T00:00:00Z$`,
    ),
  },
  {
    name: "that is not valid yet",
    extension: "subjectAltName=IP:127.0.0.1",
    dates: ["20900101000000Z", "20910101000000Z"],
    message: new RegExp(
      `${verifyFailed}certificate has expired or is not yet valid: current time 20..-..-..T..:..:..Z is before 2090-01-01T00:00:00Z$`,
    ),
  },
];

for (const made of certificates) {
  test(`request() refuses a certificate ${made.name}`, options, async () => {
    const { key, cert } = await issue(made);
    await using server = await scriptedServer(answering(hi), { tls: { key, cert } });
    await using client = clientWith(clientTls());
    const url = `https://${made.host ?? "127.0.0.1"}:${server.port}/`;
    await assert.rejects(get(client, url), { code: "registry.tls", message: made.message });
  });
}

/** Has the test's CA issue one; `openssl ca` is what can set dates in the past. */
async function issue({ extension, dates }: Made): Promise<{ key: string; cert: string }> {
  const { folder, ca } = pki;
  const path = (name: string) => folder.in(`odd.${name}`);
  const config = `[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=${folder.path}\ndatabase=${path("txt")}\n
rand_serial=yes\ndefault_md=sha256\npolicy=p\nunique_subject=no\nx509_extensions=e\n
[p]\ncommonName=supplied\n[e]\n${extension}\n`;
  await writeFile(path("cnf"), config);
  await writeFile(path("txt"), "");
  const request = ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  await openssl(
    ...request,
    "-nodes",
    "-subj",
    "/CN=localhost",
    "-keyout",
    path("key"),
    "-out",
    path("csr"),
  );
  const [from, to] = dates ?? [];
  const times = from && to ? ["-startdate", from, "-enddate", to] : ["-days", "30"];
  const signing = ["ca", "-batch", "-notext", "-config", path("cnf"), "-cert", ca.certPath];
  await openssl(
    ...signing,
    "-keyfile",
    ca.keyPath,
    "-in",
    path("csr"),
    "-out",
    path("crt"),
    ...times,
  );
  return { key: await readFile(path("key"), "utf8"), cert: await readFile(path("crt"), "utf8") };
}

async function openssl(...args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await run("openssl", args);
  assert.equal(exitCode, 0, stderr);
}

const notTls: readonly (readonly [string, string, string, string])[] = [
  [
    "HTTP",
    "HTTP/1.1 400 Bad Request\r\n\r\n",
    "registry.tls",
    "http: server gave HTTP response to HTTPS client",
  ],
  ["nothing", "", "registry.connection-lost", "EOF"],
];

for (const [name, answer, code, message] of notTls) {
  test(`request() asks for TLS where a server speaks ${name}`, async () => {
    await using server = await scriptedServer(async (peer) => {
      await peer.bytes(1);
      await peer.send(answer);
    });
    await using client = testClient();
    const url = `https://127.0.0.1:${server.port}/`;
    await assert.rejects(get(client, url), { code, message, phase: "connect" });
  });
}

test("request() gives up on a handshake that stalls", async () => {
  await using server = await scriptedServer((peer) => peer.closed());
  await using client = testClient({ timeouts: { tlsMs: 50 } });
  await assert.rejects(get(client, `https://127.0.0.1:${server.port}/`), {
    code: "registry.timed-out",
    message: "net/http: TLS handshake timeout",
    phase: "connect",
  });
});

test("request() called off in the handshake throws the signal's reason", async () => {
  await using server = await scriptedServer((peer) => peer.closed());
  await using client = testClient();
  const abort = new AbortController();
  const reason = new Error("called off");
  const asked = ask(client, `https://127.0.0.1:${server.port}/`, { signal: abort.signal });
  setTimeout(() => abort.abort(reason), 50);
  await assert.rejects(asked, (error) => error === reason);
  while (server.open > 0) await turn();
});
