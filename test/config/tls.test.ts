import assert from "node:assert/strict";
import { chmodSync, mkdirSync, symlinkSync } from "node:fs";
import { after, test } from "node:test";
import { connect, createServer, rootCertificates } from "node:tls";
import { loadHostCertificates } from "../../src/config/load-certificates.ts";
import { loadSystemRoots } from "../../src/config/load-system-roots.ts";
import { createTlsLookup } from "../../src/config/load-tls.ts";
import type { TlsSettings } from "../../src/config/tls-settings.ts";
import { skipWithout } from "../support/peers.ts";
import { makePki, type Pki } from "../support/tls.ts";
import { createMachine, type Machine } from "./temporary.ts";

const host = "h.example:5000";
const user = `home/.config/containers/certs.d/${host}`;
const system = `etc/containers/certs.d/${host}`;
const docker = `etc/docker/certs.d/${host}`;

test("loadHostCertificates() reads the first folder that has the host, and no other", (t) => {
  const machine = createMachine(t);
  const read = () => loadHostCertificates(machine.environment, host).ca;
  assert.deepEqual(read(), []);
  machine.write(`${docker}/a.crt`, "docker");
  assert.deepEqual(read(), ["docker"]);
  machine.write(`${system}/a.crt`, "system");
  machine.write(`${system}/b.crt`, "second");
  machine.write(`${system}/c.pem`, "not asked for");
  assert.deepEqual(read(), ["system", "second"]);
  mkdirSync(machine.path(user), { recursive: true });
  assert.deepEqual(read(), []);
});

test("loadHostCertificates() tells the folders it considered and the files it read", (t) => {
  const machine = createMachine(t);
  machine.write(`${system}/a.crt`, "system");
  const { files } = loadHostCertificates(machine.environment, host);
  assert.deepEqual(files, [
    { path: machine.path(user), outcome: "absent" },
    { path: machine.path(system), outcome: "read" },
    { path: machine.path(`${system}/a.crt`), outcome: "read" },
  ]);
});

test("loadHostCertificates() takes a named folder for every host, there or not", (t) => {
  const machine = createMachine(t);
  machine.write(`${user}/a.crt`, "user");
  machine.write("own/a.crt", "own");
  const read = (folder: string) =>
    loadHostCertificates(machine.environment, host, machine.path(folder)).ca;
  assert.deepEqual(read("own"), ["own"]);
  assert.deepEqual(read("none"), []);
});

/** Texts of skopeo 1.22. `server` and `client` stand for a certificate, `keys` for its key. */
const faults: readonly [
  what: string,
  files: (pki: Pki) => Readonly<Record<string, string>>,
  message: string,
][] = [
  [
    "a certificate without a key",
    (pki) => ({ "x.cert": pki.client.cert }),
    "missing key x.key for client certificate x.cert. Note that CA certificates should use the extension .crt",
  ],
  [
    "a key without a certificate",
    (pki) => ({ "x.key": pki.client.key }),
    "missing client certificate x.cert for key x.key",
  ],
  [
    "a certificate that is none",
    (pki) => ({ "x.cert": "junk", "x.key": pki.client.key }),
    "tls: failed to find any PEM data in certificate input",
  ],
  [
    "a key that is none",
    (pki) => ({ "x.cert": pki.client.cert, "x.key": "junk" }),
    "tls: failed to find any PEM data in key input",
  ],
  [
    "another's key",
    (pki) => ({ "x.cert": pki.client.cert, "x.key": pki.server.key }),
    "tls: private key does not match public key",
  ],
  [
    "a broken certificate",
    (pki) => ({
      "x.cert": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
      "x.key": pki.client.key,
    }),
    "x509: malformed certificate",
  ],
  [
    "a broken key",
    (pki) => ({
      "x.cert": pki.client.cert,
      "x.key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    }),
    "tls: failed to parse private key",
  ],
];

const skip = skipWithout("openssl");
let made: Promise<Pki> | undefined;
const pkiOnce = (): Promise<Pki> => {
  made ??= makePki();
  return made;
};
after(async () => (await made)?.[Symbol.asyncDispose]());

for (const [what, files, message] of faults) {
  test(`loadHostCertificates() refuses ${what}`, { skip }, async (t) => {
    const machine = createMachine(t);
    for (const [name, text] of Object.entries(files(await pkiOnce())))
      machine.write(`${user}/${name}`, text);
    assert.throws(() => loadHostCertificates(machine.environment, host), {
      code: "config.bad-certificate",
      message,
    });
  });
}

test("loadHostCertificates() refuses a folder that is a file, and a file that is a folder", (t) => {
  const machine = createMachine(t);
  const file = machine.write("file", "");
  assert.throws(() => loadHostCertificates(machine.environment, host, file), {
    code: "config.unreadable",
    message: `open ${file}: not a directory`,
  });
  mkdirSync(machine.path(`${user}/a.crt`), { recursive: true });
  assert.throws(() => loadHostCertificates(machine.environment, host), {
    code: "config.unreadable",
    message: `read ${machine.path(`${user}/a.crt`)}: is a directory`,
  });
});

test("loadHostCertificates() passes over a folder it may not enter", (t) => {
  if (process.getuid?.() === 0) return t.skip("root may enter every folder");
  const machine = createMachine(t);
  machine.write(`${user}/a.crt`, "user");
  machine.write(`${system}/a.crt`, "system");
  chmodSync(machine.path("home/.config/containers/certs.d"), 0);
  assert.deepEqual(loadHostCertificates(machine.environment, host).ca, ["system"]);
  chmodSync(machine.path("home/.config/containers/certs.d"), 0o755);
});

const pem = (name: string) => `-----BEGIN CERTIFICATE-----\n${name}\n-----END CERTIFICATE-----\n`;

function withRoots(machine: Machine, variables: Readonly<Record<string, string>>): Machine {
  return { ...machine, environment: { ...machine.environment, variables } };
}

test("loadSystemRoots() takes SSL_CERT_FILE and SSL_CERT_DIR instead of the system's, each file once", (t) => {
  const machine = createMachine(t);
  const file = machine.write("roots.pem", pem("file"));
  machine.write("one/a.pem", pem("a"));
  machine.write("one/README", "no certificate");
  machine.write("one/sub/b.pem", pem("b"));
  machine.write("two/c.pem", pem("c"));
  symlinkSync("a.pem", machine.path("one/0123abcd.0"));
  symlinkSync("a.pem", machine.path("one/link.pem"));
  symlinkSync(file, machine.path("two/file.pem"));
  symlinkSync(machine.path("none"), machine.path("two/broken.pem"));
  const { environment } = withRoots(machine, {
    SSL_CERT_FILE: file,
    SSL_CERT_DIR: ["one", "two", "none", "one"].map(machine.path).join(":"),
  });
  const { pem: texts, files } = loadSystemRoots(environment);
  assert.deepEqual(texts, [pem("file"), pem("a"), pem("c")]);
  assert.deepEqual(files, [file, machine.path("one/a.pem"), machine.path("two/c.pem")]);
});

test("loadSystemRoots() adds NODE_EXTRA_CA_CERTS to the system's, or else to Node's own", (t) => {
  const machine = createMachine(t);
  const NODE_EXTRA_CA_CERTS = machine.write("extra.pem", pem("extra"));
  const SSL_CERT_FILE = machine.write("roots.pem", pem("file"));
  const SSL_CERT_DIR = machine.path("none");
  const roots = (variables: Readonly<Record<string, string>>) =>
    loadSystemRoots(withRoots(machine, variables).environment).pem;
  assert.deepEqual(roots({ NODE_EXTRA_CA_CERTS, SSL_CERT_FILE, SSL_CERT_DIR }), [
    pem("file"),
    pem("extra"),
  ]);
  const none = { SSL_CERT_FILE: machine.path("none"), SSL_CERT_DIR };
  assert.deepEqual(roots(none), []);
  assert.deepEqual(roots({ ...none, NODE_EXTRA_CA_CERTS }), [...rootCertificates, pem("extra")]);
});

test("createTlsLookup() gives hosts without certificates of their own the same object", (t) => {
  const machine = createMachine(t);
  machine.write(`${user}/a.crt`, pem("own"));
  const file = machine.write("roots.pem", pem("system"));
  const { environment } = withRoots(machine, { SSL_CERT_FILE: file, SSL_CERT_DIR: "/none" });
  const tlsFor = createTlsLookup(environment, { details: { minVersion: "TLSv1.3" } });
  const plain = tlsFor("a.example", { verify: true });
  assert.equal(tlsFor("b.example", { verify: true }), plain);
  assert.deepEqual(plain, {
    ca: [pem("system")],
    clientCertificates: [],
    verify: true,
    minVersion: "TLSv1.3",
  });
  const own = tlsFor(host, { verify: true });
  assert.deepEqual(own.ca, [pem("system"), pem("own")]);
  assert.equal(tlsFor(host, { verify: true }), own);
  assert.deepEqual(tlsFor("a.example", { verify: false }).ca, []);
  assert.equal(tlsFor("a.example", { verify: false }).verify, false);
});

test("createTlsLookup() adds a host's authorities to Node's own where the system has none", (t) => {
  const machine = createMachine(t);
  machine.write(`${user}/a.crt`, pem("own"));
  const { environment } = withRoots(machine, { SSL_CERT_FILE: "/none", SSL_CERT_DIR: "/none" });
  const tlsFor = createTlsLookup(environment);
  assert.deepEqual(tlsFor("a.example", { verify: true }).ca, []);
  assert.deepEqual(tlsFor(host, { verify: true }).ca, [...rootCertificates, pem("own")]);
});

/** Connects with the settings as the HTTP client does, and says what came of it. */
function handshake(settings: TlsSettings, port: number): Promise<string> {
  return new Promise((resolve) => {
    const [own] = settings.clientCertificates;
    const socket = connect({
      port,
      host: "127.0.0.1",
      ...(settings.ca.length > 0 && { ca: [...settings.ca] }),
      ...(own && { cert: own.certificate, key: own.key }),
      rejectUnauthorized: settings.verify,
    });
    socket.on("data", (data) => {
      resolve(String(data));
      socket.destroy();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(String(error.code)));
  });
}

test("createTlsLookup() makes settings that a server with its own authority and client certificates accepts", {
  skip,
}, async (t) => {
  const pki = await pkiOnce();
  const server = createServer(
    {
      key: pki.server.key,
      cert: pki.server.cert,
      ca: pki.ca.cert,
      requestCert: true,
      rejectUnauthorized: false,
    },
    (socket) => socket.end(socket.authorized ? "known" : "unknown"),
  );
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const name = `127.0.0.1:${address.port}`;
  const machine = createMachine(t);
  const ask = (verify: boolean) =>
    handshake(createTlsLookup(machine.environment)(name, { verify }), address.port);
  assert.match(await ask(true), /^(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE)$/);
  assert.equal(await ask(false), "unknown");
  machine.write(`${system.replace(host, name)}/ca.crt`, pki.ca.cert);
  assert.equal(await ask(true), "unknown");
  machine.write(`${system.replace(host, name)}/me.cert`, pki.client.cert);
  machine.write(`${system.replace(host, name)}/me.key`, pki.client.key);
  assert.equal(await ask(true), "known");
});
