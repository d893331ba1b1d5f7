import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { connect as connectPlain } from "node:net";
import { json, text } from "node:stream/consumers";
import { test } from "node:test";
import { connect } from "node:tls";
import { skipWithout } from "../../support/peers.ts";
import { type Served, startServed } from "../../support/server/served.ts";
import { type Certificate, makePki, type Pki } from "../../support/tls.ts";

const needed = { skip: skipWithout("openssl") };

async function served(pki: Pki, yaml = ""): Promise<Served> {
  const files = {
    "server.crt": pki.server.cert,
    "server.key": pki.server.key,
    "ca.crt": pki.ca.cert,
  };
  const tls = "tls: {cert: server.crt, key: server.key, client-ca: ca.crt";
  return await startServed({ yaml: yaml.includes("tls:") ? yaml : `${tls}}\n${yaml}`, files });
}

/** The status of `path`, asked with a client's certificate or without. */
function ask(
  { host }: Served,
  path: string,
  { pki, client }: { pki: Pki; client?: Certificate },
): Promise<number> {
  const [, port] = host.split(":");
  return new Promise((resolve, reject) => {
    request(
      {
        host: "127.0.0.1",
        port,
        path,
        ca: pki.ca.cert,
        agent: false,
        ...(client && { cert: client.cert, key: client.key }),
      },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      },
    )
      .on("error", reject)
      .end();
  });
}

test("a client certificate that TLS has verified says who asks", needed, async () => {
  await using pki = await makePki();
  await using server = await served(
    pki,
    "access: {rules: [{users: ['*'], repositories: ['**'], actions: [admin]}]}",
  );
  assert.equal(await ask(server, "/metrics", { pki, client: pki.client }), 200);
  assert.equal(await ask(server, "/metrics", { pki }), 401);
  assert.equal(await ask(server, "/metrics", { pki, client: pki.stranger }), 401);
  assert.equal(await ask(server, "/v2/", { pki }), 401);
  assert.equal(await ask(server, "/v2/", { pki, client: pki.client }), 200);
  const users = server.events.flatMap((event) =>
    event.type === "request" && event.caller?.user !== undefined ? [event.caller.user] : [],
  );
  assert.deepEqual([...new Set(users)], ["amphora test client"]);
});

test("nobody without a certificate is spoken to where one is required", needed, async () => {
  await using pki = await makePki();
  const yaml =
    "tls: {cert: server.crt, key: server.key, client-ca: ca.crt, require-client-cert: true}";
  await using server = await served(pki, yaml);
  assert.equal(await ask(server, "/healthz", { pki, client: pki.client }), 200);
  await assert.rejects(() => ask(server, "/healthz", { pki }));
  await assert.rejects(() => ask(server, "/healthz", { pki, client: pki.stranger }));
});

test("who speaks plain HTTP to a server of TLS is told so", needed, async () => {
  await using pki = await makePki();
  await using server = await served(pki);
  const [, port] = server.host.split(":");
  const socket = connectPlain(Number(port), "127.0.0.1");
  socket.write("GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.equal(
    await text(socket),
    "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
  );
  assert.equal(await ask(server, "/healthz", { pki }), 200);
});

test("a certificate that changes is served, one that cannot be used is not", needed, async () => {
  await using pki = await makePki();
  await using server = await served(pki);
  const subject = () => servedSubject(server);
  assert.equal(await subject(), "amphora test server");
  const cert = server.folder.in("etc", "server.crt");
  await copyFile(pki.stranger.certPath, cert);
  await server.reload();
  assert.equal(await subject(), "amphora test server");
  await writeFile(server.folder.in("etc", "server.key"), await readFile(pki.stranger.keyPath));
  await server.reload();
  assert.equal(await subject(), "amphora test stranger");
  const told = server.events.flatMap((event) => (event.type === "message" ? [event.text] : []));
  assert.ok(told.includes("certificate not changed"));
  assert.ok(told.includes("certificate read again"));
});

function servedSubject({ host }: Served): Promise<string> {
  const [, port] = host.split(":");
  return new Promise((resolve, reject) => {
    const socket = connect(
      { host: "127.0.0.1", port: Number(port), rejectUnauthorized: false },
      () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      },
    );
    socket.on("error", reject);
  });
}

test("a key that does not belong to the certificate starts no server", needed, async () => {
  await using pki = await makePki();
  const files = { "server.crt": pki.server.cert, "server.key": pki.client.key };
  const yaml = "tls: {cert: server.crt, key: server.key}";
  await assert.rejects(() => startServed({ yaml, files }), { code: "server.bad-file" });
  const none = { yaml: "tls: {cert: nowhere.crt, key: nowhere.key}" };
  await assert.rejects(() => startServed(none), { code: "server.bad-file" });
});

test("an authority that nobody can have a certificate of starts no server", needed, async () => {
  await using pki = await makePki();
  const files = {
    "server.crt": pki.server.cert,
    "server.key": pki.server.key,
    "ca.crt": pki.ca.cert,
    "empty.crt": "",
  };
  const start = (more: string) =>
    startServed({ yaml: `tls: {cert: server.crt, key: server.key, ${more}}`, files });
  for (const file of ["empty.crt", "server.key"])
    await assert.rejects(() => start(`client-ca: ${file}`), {
      code: "server.bad-file",
      message: new RegExp(`${file} holds no certificate in PEM form$`),
    });
  await assert.rejects(() => start("require-client-cert: true"), {
    message: /:1: tls\.client-ca: expected the authority of the certificates/,
  });
  await using server = await start("client-ca: ca.crt");
  await writeFile(server.folder.in("etc", "ca.crt"), "");
  await server.reload();
  const client = pki.client;
  const told = server.events.flatMap((event) => (event.type === "message" ? [event.text] : []));
  assert.ok(told.includes("certificate not changed"));
  assert.equal(await ask(server, "/v2/", { pki, client }), 200);
});

test("tokens are to be had by TLS where the server was asked by TLS", needed, async () => {
  await using pki = await makePki();
  await using server = await served(pki, "access: {tokens: {}}");
  const [, port] = server.host.split(":");
  const options = { host: "127.0.0.1", port, ca: readFileSync(pki.ca.certPath) };
  const challenge = await new Promise<string>((resolve, reject) => {
    request({ ...options, path: "/v2/", agent: false }, (answer) => {
      answer.resume();
      resolve(answer.headers["www-authenticate"] ?? "");
    })
      .on("error", reject)
      .end();
  });
  assert.equal(
    challenge,
    `Bearer realm="https://127.0.0.1:${port}/token",service="localhost:5000"`,
  );
  const token = await new Promise((resolve, reject) => {
    request({ ...options, path: "/token?scope=repository:a:pull", agent: false }, (answer) =>
      resolve(json(answer)),
    )
      .on("error", reject)
      .end();
  });
  assert.equal((token as { expires_in: number }).expires_in, 300);
});
