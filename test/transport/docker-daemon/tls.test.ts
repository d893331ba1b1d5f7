import assert from "node:assert/strict";
import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { loadDaemonTls } from "../../../src/config/load-daemon-tls.ts";
import { loadEnvironment } from "../../../src/config/load-environment.ts";
import { createDockerDaemonTransport } from "../../../src/transport/docker-daemon/transport.ts";
import { skipWithout } from "../../support/peers.ts";
import { makePki, type Pki } from "../../support/tls.ts";

const signal = new AbortController().signal;
const skip = skipWithout("openssl");
const prefix = "initializing docker engine client: ";

/** A folder with ca.pem, cert.pem and key.pem. */
async function daemonCerts({ folder, ca, client }: Pki): Promise<string> {
  const directory = folder.in("docker");
  await mkdir(directory, { recursive: true });
  await copyFile(ca.certPath, folder.in("docker", "ca.pem"));
  await copyFile(client.certPath, folder.in("docker", "cert.pem"));
  await copyFile(client.keyPath, folder.in("docker", "key.pem"));
  return directory;
}

test("tcp:// means TLS, with the certificates of --cert-dir at both ends", { skip }, async () => {
  await using pki = await makePki();
  const directory = await daemonCerts(pki);
  const { cert, key } = pki.server;
  const asked: string[] = [];
  const server = createServer(
    { cert, key, ca: pki.ca.cert, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.writeHead(404, { "content-type": "application/json", "api-version": "1.30" });
      response.end('{"message":"no such image"}');
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const open = async (settings: Parameters<typeof loadDaemonTls>[1]) => {
    await using clients = new AsyncDisposableStack();
    const transport = createDockerDaemonTransport({
      host: `tcp://127.0.0.1:${port}/base`,
      tls: () => loadDaemonTls(loadEnvironment(), settings),
      onOpen: (client) => clients.use(client),
    });
    const reference = await transport.resolve("foo:x", "source", { signal });
    await transport.openSource(reference, { signal });
  };
  const loading = "loading image from docker engine: ";
  try {
    await assert.rejects(open({ directory, verify: true }), {
      message: `${loading}Error response from daemon: no such image`,
    });
    assert.deepEqual(asked, ["HEAD /base/_ping", "GET /base/v1.30/images/get?names=foo%3Ax"]);
    await assert.rejects(open({ verify: true }), { message: /error during connect: Get .*x509: / });
    await assert.rejects(open({ verify: false }), { code: "daemon.unreachable" }); // no certificate of ours
    assert.equal(asked.length, 2);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

test("what is wrong with the certificates is told in skopeo's words", { skip }, async () => {
  await using pki = await makePki();
  const directory = await daemonCerts(pki);
  const load = () => loadDaemonTls(loadEnvironment(), { directory, verify: true });
  const file = (name: string) => pki.folder.in("docker", name);
  assert.equal(load().clientCertificates.length, 1);
  await copyFile(pki.server.keyPath, file("key.pem"));
  assert.throws(load, {
    message: `${prefix}Could not load X509 key pair: tls: private key does not match public key`,
  });
  await rm(file("key.pem"));
  assert.throws(load, {
    message: `${prefix}Could not load X509 key pair: open ${file("key.pem")}: no such file or directory`,
  });
  await writeFile(file("ca.pem"), "x");
  assert.throws(load, {
    message: `${prefix}failed to append certificates from PEM file: "${file("ca.pem")}"`,
  });
  await rm(file("ca.pem"));
  assert.throws(load, {
    message: `${prefix}could not read CA certificate "${file("ca.pem")}": open ${file("ca.pem")}: no such file or directory`,
  });
});
