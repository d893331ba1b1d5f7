import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { HttpClientOptions } from "../../../src/registry/http/contract.ts";
import { skipWithout } from "../../support/peers.ts";
import { makePki, type Pki } from "../../support/tls.ts";
import { ask, get, testClient } from "./asking.ts";
import { answering, type Peer, type Script, scriptedServer } from "./scripted-server.ts";

const hi = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
const options = { skip: skipWithout("openssl") };
let pki: Pki;

before(async () => {
  if (options.skip === false) pki = await makePki();
});
after(() => pki?.[Symbol.asyncDispose]());

function clientBy(proxy: string, more: Partial<HttpClientOptions> = {}) {
  return testClient({
    proxyFor: () => new URL(proxy),
    tlsFor: () => ({ ca: [pki.ca.cert], clientCertificates: [], verify: true }),
    ...more,
  });
}

/** Joins a client to the server at `port`, both ways. */
async function splice(peer: Peer, port: number): Promise<void> {
  const onward = connect({ host: "127.0.0.1", port });
  await once(onward, "connect");
  peer.socket.removeAllListeners("data");
  peer.socket.pipe(onward).pipe(peer.socket);
  onward.on("error", () => peer.socket.destroy());
  await once(onward, "close");
}

/** An HTTP proxy for tunnels, which keeps the heads it was sent. */
function tunnelling(heads: string[]): Script {
  return async (peer) => {
    const head = (await peer.head()) ?? "";
    heads.push(head);
    const port = Number(/^CONNECT \S+:(\d+) /.exec(head)?.[1]);
    await peer.send("HTTP/1.1 200 Connection established\r\n\r\n");
    await splice(peer, port);
  };
}

test("request() asks an HTTP proxy for plain URLs, and gives it alone the credentials", async () => {
  const heads: string[] = [];
  await using proxy = await scriptedServer(async (peer) => {
    for (let head = await peer.head(); head !== undefined; head = await peer.head()) {
      heads.push(head);
      await peer.send(hi);
    }
  });
  await using client = clientBy(`http://us%40er:pa%3Ass@127.0.0.1:${proxy.port}`);
  assert.equal(await get(client, "http://u:p@registry.example:5000/v2/?n=1#f"), "hi");
  assert.equal(await get(client, "http://registry.example:5000/v2/"), "hi");
  assert.equal(proxy.connections, 1);
  const authorization = Buffer.from("us@er:pa:ss").toString("base64");
  assert.equal(
    heads[0],
    `GET http://registry.example:5000/v2/?n=1 HTTP/1.1\r\nHost: registry.example:5000\r\nProxy-Authorization: Basic ${authorization}`,
  );
});

test(
  "request() tunnels TLS through an HTTP proxy; the server sees no proxy header",
  options,
  async () => {
    const atProxy: string[] = [];
    const atServer: string[] = [];
    await using server = await scriptedServer(
      async (peer) => {
        for (let head = await peer.head(); head !== undefined; head = await peer.head()) {
          atServer.push(head);
          await peer.send(hi);
        }
      },
      { tls: { key: pki.server.key, cert: pki.server.cert } },
    );
    await using proxy = await scriptedServer(tunnelling(atProxy));
    await using client = clientBy(`http://user:secret@127.0.0.1:${proxy.port}`);
    assert.equal(await get(client, `${server.origin}/v2/`), "hi");
    assert.equal(await get(client, `${server.origin}/v2/`), "hi");
    assert.equal(proxy.connections, 1);
    const authorization = Buffer.from("user:secret").toString("base64");
    assert.deepEqual(atProxy, [
      `CONNECT 127.0.0.1:${server.port} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nProxy-Authorization: Basic ${authorization}`,
    ]);
    assert.ok(atServer.every((head) => !/proxy/i.test(head)));
  },
);

test(
  "request() tunnels through a proxy that speaks TLS itself, with the proxy's own trust",
  options,
  async () => {
    const heads: string[] = [];
    const tls = { key: pki.server.key, cert: pki.server.cert };
    await using server = await scriptedServer(answering(hi), { tls });
    await using proxy = await scriptedServer(tunnelling(heads), { tls });
    const proxyTls = () => ({ ca: [pki.ca.cert], clientCertificates: [], verify: true });
    await using client = clientBy(`https://127.0.0.1:${proxy.port}`, { proxyTls });
    assert.equal(await get(client, server.origin), "hi");
    await using wary = clientBy(`https://127.0.0.1:${proxy.port}`); // the servers' CA is not the proxy's
    await assert.rejects(get(wary, server.origin), {
      code: "registry.tls",
      message: /^proxyconnect tcp: tls: failed to verify certificate: x509: certificate signed by/,
    });
  },
);

for (const tunnelled of [false, true]) {
  test(
    `request() carries large bodies through a ${tunnelled ? "tunnel" : "plain proxy"}`,
    options,
    async () => {
      const content = Buffer.alloc(5_000_000, "0123456789");
      const serve: Script = async (peer) => {
        for (let head = await peer.head(); head !== undefined; head = await peer.head()) {
          await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${content.byteLength}\r\n\r\n`);
          await peer.send(content);
        }
      };
      const tls = { key: pki.server.key, cert: pki.server.cert };
      await using server = await scriptedServer(serve, { tls });
      await using proxy = await scriptedServer(tunnelled ? tunnelling([]) : serve);
      await using client = clientBy(`http://127.0.0.1:${proxy.port}`);
      const url = tunnelled ? server.origin : "http://registry.example/";
      for (let round = 0; round < 2; round++) {
        await using response = await ask(client, url, { lane: "blob" });
        const held: Uint8Array[] = [];
        let at = 0;
        for await (const chunk of response.body) {
          held.push(chunk);
          await turn();
          if (held.length > 2) check(held.shift());
        }
        for (const chunk of held) check(chunk);
        assert.equal(at, content.byteLength);
        function check(chunk: Uint8Array = new Uint8Array(0)): void {
          assert.equal(Buffer.compare(chunk, content.subarray(at, at + chunk.byteLength)), 0);
          at += chunk.byteLength;
        }
      }
    },
  );
}

const refusals: readonly (readonly [
  answer: string,
  message: string,
  code: string,
  retryable: boolean,
])[] = [
  [
    "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
    "Proxy Authentication Required",
    "registry.unreachable",
    false,
  ],
  ["HTTP/1.1 503 Service Unavailable\r\n\r\n", "Service Unavailable", "registry.unreachable", true],
  ["HTTP/1.1 403\r\n\r\n", "403", "registry.unreachable", false],
  ["", "EOF", "registry.connection-lost", true],
  [
    "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    "proxy sent data before the tunnel was used",
    "registry.bad-response",
    false,
  ],
];

for (const [answer, message, code, retryable] of refusals) {
  test(`request() fails where a proxy answers CONNECT with ${JSON.stringify(answer)}`, async () => {
    await using proxy = await scriptedServer(async (peer) => {
      await peer.head();
      await peer.send(answer);
    });
    await using client = testClient({ proxyFor: () => new URL(proxy.origin) });
    const asked = get(client, "https://registry.example/");
    await assert.rejects(asked, { code, message, retryable, phase: "connect" });
  });
}

/** A SOCKS 5 proxy that joins every client to `port`, and keeps what it was asked. */
function socks(port: number, asked: string[], method = 0): Script {
  return async (peer) => {
    const [, count = 0] = await peer.bytes(2);
    const methods = [...(await peer.bytes(count))];
    if (!methods.includes(method)) return peer.send(Uint8Array.of(5, 255));
    await peer.send(Uint8Array.of(5, method));
    if (method === 2) {
      const user = await lengthed(peer, 1);
      const password = await lengthed(peer, 0);
      asked.push(`${user}:${password}`);
      await peer.send(Uint8Array.of(1, password === "secret" ? 0 : 1));
    }
    const [, , , type = 0] = await peer.bytes(4);
    const address =
      type === 3 ? await lengthed(peer, 0) : (await peer.bytes(type === 1 ? 4 : 16)).join(".");
    const portAsked = (await peer.bytes(2)).readUInt16BE();
    asked.push(`${type} ${address} ${portAsked}`);
    if (address === "refused.example")
      return peer.send(Uint8Array.of(5, 5, 0, 1, 0, 0, 0, 0, 0, 0));
    await peer.send(Uint8Array.of(5, 0, 0, 3, 4, 104, 111, 115, 116, 0, 80));
    await splice(peer, port);
  };
}

async function lengthed(peer: Peer, skip: number): Promise<string> {
  await peer.bytes(skip);
  const [length = 0] = await peer.bytes(1);
  return (await peer.bytes(length)).toString();
}

const targets: readonly (readonly [scheme: string, host: string, asked: string])[] = [
  ["socks5", "registry.example:5000", "3 registry.example 5000"],
  ["socks5h", "registry.example", "3 registry.example 80"],
  ["socks5", "192.0.2.7:81", "1 192.0.2.7 81"],
  ["socks5", "[2001:db8::7]:82", "4 32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.7 82"],
];

for (const [scheme, host, expected] of targets) {
  test(`request() to ${host} goes through a ${scheme} proxy`, async () => {
    const asked: string[] = [];
    await using server = await scriptedServer(answering(hi));
    await using proxy = await scriptedServer(socks(server.port, asked));
    await using client = testClient({
      proxyFor: () => new URL(`${scheme}://127.0.0.1:${proxy.port}`),
    });
    assert.equal(await get(client, `http://${host}/`), "hi");
    assert.deepEqual(asked, [expected]);
  });
}

test(
  "request() over TLS goes through a SOCKS proxy with a user and password",
  options,
  async () => {
    const asked: string[] = [];
    await using server = await scriptedServer(answering(hi), {
      tls: { key: pki.server.key, cert: pki.server.cert },
    });
    await using proxy = await scriptedServer(socks(server.port, asked, 2));
    await using client = clientBy(`socks5://user:secret@127.0.0.1:${proxy.port}`);
    assert.equal(await get(client, `https://localhost:${server.port}/`), "hi");
    assert.deepEqual(asked, ["user:secret", `3 localhost ${server.port}`]);
  },
);

/** The texts are those of skopeo 1.22. */
const socksFailures: readonly (readonly [
  url: string,
  userInfo: string,
  method: number,
  message: string,
])[] = [
  ["http://refused.example/", "", 0, "refused.example:80: unknown error connection refused"],
  ["http://a.example/", "user:wrong@", 2, "a.example:80: username/password authentication failed"],
  ["http://a.example:5000/", "", 2, "a.example:5000: no acceptable authentication methods"],
];

for (const [url, userInfo, method, message] of socksFailures) {
  test(`request() fails where a SOCKS proxy says: ${message}`, async () => {
    await using proxy = await scriptedServer(socks(0, [], method));
    const by = new URL(`socks5://${userInfo}127.0.0.1:${proxy.port}`);
    await using client = testClient({ proxyFor: () => by });
    await assert.rejects(get(client, url), {
      code: "registry.unreachable",
      phase: "connect",
      message: `socks connect tcp 127.0.0.1:${proxy.port}->${message}`,
    });
  });
}

test("request() says that it was the proxy which cannot be reached", async () => {
  await using client = testClient({ proxyFor: () => new URL("http://127.0.0.1:1") });
  await assert.rejects(get(client, "http://registry.example/"), {
    code: "registry.unreachable",
    syscallCode: "ECONNREFUSED",
    message: "proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused",
  });
});

test("request() gives up on a proxy that stalls, and can be called off", async () => {
  await using proxy = await scriptedServer((peer) => peer.closed());
  for (const scheme of ["http", "socks5"]) {
    const proxyFor = () => new URL(`${scheme}://127.0.0.1:${proxy.port}`);
    await using client = testClient({ proxyFor, timeouts: { connectMs: 60 } });
    const code = "registry.timed-out";
    await assert.rejects(get(client, "https://registry.example/"), { code, phase: "connect" });
    await using patient = testClient({ proxyFor });
    const abort = new AbortController();
    const asked = ask(patient, "https://registry.example/", { signal: abort.signal });
    setTimeout(() => abort.abort("off"), 30);
    await assert.rejects(asked, (error) => error === "off");
  }
  while (proxy.open > 0) await turn();
});
