import assert from "node:assert/strict";
import { test } from "node:test";
import { JobError } from "../../../src/jobs/errors.ts";
import type { JobRequest } from "../../../src/jobs/job.ts";
import { createAllowedHosts } from "../../../src/server/jobs/allowed-hosts.ts";
import { createJobRules } from "../../../src/server/jobs/rules.ts";
import { serverSettings } from "../../../src/server/settings.ts";

const settings = serverSettings.parse({
  name: "registry.example",
  upstreams: [
    { name: "docker.io", redirectsTo: ["storage.internal"] },
    { name: "up.example", url: "http://10.0.0.9:5000" },
  ],
  mirrors: { base: { from: "docker.io/library/alpine", to: "registry.example/base/" } },
  signing: {
    keys: { release: { type: "gpg", key: "A" }, other: { type: "gpg", key: "B" } },
    rules: [{ repositories: ["registry.example/team/**"], users: ["ann"], keys: ["release"] }],
  },
  jobs: {
    folders: ["/srv/images"],
    serverUrl: "http://127.0.0.1:5000",
    allowedHosts: [
      "listed.example",
      "10.0.0.5:5000",
      "*.mirrors.example",
      { host: "lab.example:5000", url: "http://192.168.1.7:5000", insecure: true },
    ],
    credentials: {
      hub: { hosts: ["docker.io"], username: "me", passwordFile: "/x" },
      anns: { hosts: ["listed.example"], username: "me", passwordFile: "/x", users: ["ann"] },
    },
  },
});

const hosts = createAllowedHosts(settings);
const platform = { os: "linux", architecture: "amd64" };
const rules = createJobRules({ settings, hosts, platform });

async function codeOf(request: JobRequest, owner = "ann"): Promise<string> {
  try {
    await rules.check(request, owner);
    return "";
  } catch (error) {
    assert.ok(error instanceof JobError);
    return error.code;
  }
}

const verify = (image: string, credentials?: string): JobRequest => ({
  kind: "verify",
  image: { image, ...(credentials !== undefined && { credentials }) },
});

const images: readonly (readonly [image: string, code: string])[] = [
  ["docker://docker.io/library/alpine:3", ""],
  ["docker://alpine", ""],
  ["docker://registry.example/team/app:1", ""],
  ["docker://up.example/a", ""],
  [`docker://listed.example/a@sha256:${"0".repeat(64)}`, ""],
  ["docker://LISTED.example/a", ""],
  ["docker://10.0.0.5:5000/a", ""],
  ["docker://lab.example:5000/a", ""],
  ["docker://eu.mirrors.example/a", ""],
  ["docker://a.b.mirrors.example/a", ""],
  ["docker://mirrors.example/a", "job.not-allowed"],
  ["docker://evilmirrors.example/a", "job.not-allowed"],
  ["docker://eu.mirrors.example:8080/a", "job.not-allowed"],
  ["docker://listed.example:5000/a", "job.not-allowed"],
  ["docker://10.0.0.5/a", "job.not-allowed"],
  ["docker://quay.io/a/b", "job.not-allowed"],
  ["docker://169.254.169.254/latest/meta-data", "job.not-allowed"],
  ["docker://metadata.google.internal/a", "job.not-allowed"],
  ["docker://localhost:5000/a", "job.not-allowed"],
  ["docker://127.0.0.1:5000/a", "job.not-allowed"],
  ["docker://127.1:5000/a", "job.not-allowed"],
  ["docker://2130706433.x:80/a", "job.not-allowed"],
  ["docker://0x7f.0.0.1/a", "job.not-allowed"],
  ["docker://[::1]:5000/a", "job.bad-request"],
  ["docker://user:pw@listed.example/a", "job.bad-request"],
  ["docker://listed.example/A", "job.bad-request"],
  ["docker://listed.example/../x", "job.bad-request"],
  ["docker:listed.example/a", "job.bad-request"],
  ["dir:/srv/images/a", ""],
  ["oci:/srv/images/a:tag", ""],
  ["oci-archive:/srv/images/a.tar:tag", ""],
  ["docker-archive:/srv/images/a.tar", ""],
  ["dir:/srv/images", ""],
  ["dir:/srv/images/../../etc", "job.not-allowed"],
  ["dir:/srv/images-of-others/a", "job.not-allowed"],
  ["dir:srv/images/a", "job.not-allowed"],
  ["dir:/etc", "job.not-allowed"],
  ["oci:/etc:x/../srv/images", "job.not-allowed"],
  ["oci:/srv/images/../x:t", "job.not-allowed"],
  ["docker-archive:/dev/stdin", "job.not-allowed"],
  ["containers-storage:a", "job.not-allowed"],
  ["docker-daemon:a:b", "job.not-allowed"],
  ["tarball:/srv/images/a.tar", "job.not-allowed"],
  ["atomic:listed.example/a/b", "job.not-allowed"],
  ["constructor:a", "job.not-allowed"],
];

test("a job is about hosts and folders that the settings name, and nothing else", async () => {
  for (const [image, code] of images) {
    assert.equal(await codeOf(verify(image)), code, image);
    const copy = {
      kind: "copy",
      from: { image: "docker://alpine" },
      to: { image },
      options: {},
    } as const;
    assert.equal(await codeOf(copy), code, `copy to ${image}`);
  }
});

test("every public host may be named where * is listed, and none within", () => {
  const open = createAllowedHosts({ ...settings, jobs: { allowedHosts: ["*"] } });
  for (const name of ["quay.io", "quay.io:8443", "8.8.8.8", "eu.mirrors.example"])
    assert.ok(open.mayName(name), name);
  for (const name of [
    "localhost",
    "localhost:5000",
    "127.0.0.1",
    "127.1",
    "10.0.0.5:5000",
    "169.254.169.254",
    "a",
    "x.internal",
    "x.local",
    "0.0.0.0",
    "0x7f.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
  ])
    assert.ok(!open.mayName(name), name);
  assert.ok(open.mayCall(new URL("https://hooks.example/x")));
  for (const url of [
    "http://127.0.0.1/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[fd00::1]/",
    "http://2130706433/",
    "http://0177.0.0.1/",
    "http://localhost./",
  ])
    assert.ok(!open.mayCall(new URL(url)), url);
});

const connections: readonly (readonly [origin: string, address: string, may: boolean])[] = [
  ["https://quay.io", "52.1.2.3", true],
  ["https://turns-inward.example", "127.0.0.1", false],
  ["https://turns-inward.example", "::1", false],
  ["https://turns-inward.example", "::ffff:10.0.0.1", false],
  ["https://turns-inward.example", "169.254.169.254", false],
  ["https://turns-inward.example", "fe80::1", false],
  ["https://turns-inward.example", "fd12:3456::1", false],
  ["https://turns-inward.example", "64:ff9b::a00:1", false],
  ["https://turns-inward.example", "0.0.0.0", false],
  ["http://169.254.169.254", "169.254.169.254", false],
  ["https://listed.example", "10.1.1.1", true],
  ["https://listed.example:444", "10.1.1.1", false],
  ["http://10.0.0.5:5000", "10.0.0.5", true],
  ["http://10.0.0.5:6379", "10.0.0.5", false],
  ["https://eu.mirrors.example", "10.1.1.1", false],
  ["http://192.168.1.7:5000", "192.168.1.7", true],
  ["http://10.0.0.9:5000", "10.0.0.9", true],
  ["https://registry-1.docker.io", "10.1.1.1", true],
  ["https://storage.internal", "10.1.1.1", true],
  ["http://127.0.0.1:5000", "127.0.0.1", true],
  ["http://127.0.0.1:9090", "127.0.0.1", false],
];

test("connections lead inward only to hosts that are named one by one", () => {
  for (const [origin, address, may] of connections)
    assert.equal(hosts.mayConnect(new URL(origin), address), may, `${origin} at ${address}`);
});

test("webhooks go to listed hosts, and to this server and the upstreams only where they are listed", () => {
  const may = (url: string) => hosts.mayCall(new URL(url));
  assert.ok(may("https://listed.example/hook?x=1"));
  assert.ok(may("http://10.0.0.5:5000/"));
  assert.ok(may("https://hook.mirrors.example/"));
  for (const url of [
    "http://127.0.0.1:5000/api/v1/blocked",
    "https://registry.example/",
    "https://docker.io/",
    "http://169.254.169.254/",
    "https://listed.example:444/",
    "https://quay.io/",
  ])
    assert.ok(!may(url), url);
  assert.throws(() => rules.checkWebhook("http://169.254.169.254/"), { code: "job.not-allowed" });
});

test("credentials go to their hosts alone, and are used for their users alone", async () => {
  assert.equal(await codeOf(verify("docker://alpine", "hub")), "");
  assert.equal(await codeOf(verify("docker://listed.example/a", "hub")), "job.not-allowed");
  assert.equal(await codeOf(verify("docker://listed.example/a", "anns")), "");
  assert.equal(await codeOf(verify("docker://listed.example/a", "anns"), "bob"), "job.not-allowed");
  assert.equal(await codeOf(verify("docker://listed.example/a", "none")), "job.not-allowed");
  assert.equal(await codeOf(verify("docker://listed.example/a", "constructor")), "job.not-allowed");
  assert.equal(await codeOf(verify("dir:/srv/images/a", "anns")), "job.bad-request");
});

test("images of this server are signed by keys that a rule gives to whoever asks", async () => {
  const sign = (image: string, key: string, owner = "ann") =>
    codeOf({ kind: "sign", image: { image }, key }, owner);
  assert.equal(await sign("docker://registry.example/team/app:1", "release"), "");
  assert.equal(
    await sign("docker://registry.example/team/app:1", "release", "bob"),
    "job.not-allowed",
  );
  assert.equal(await sign("docker://registry.example/team/app:1", "other"), "job.not-allowed");
  assert.equal(await sign("docker://registry.example/free/app:1", "release"), "job.not-allowed");
  assert.equal(await sign("docker://docker.io/team/app:1", "release"), "job.not-allowed");
  assert.equal(await sign("docker://registry.example/team/app", "release"), "job.bad-request");
});

test("a mirror of the settings is run by its name", async () => {
  const sync = (mirror: string) => codeOf({ kind: "sync", mirror, dryRun: false });
  assert.equal(await sync("base"), "");
  assert.equal(await sync("other"), "job.bad-request");
  assert.equal(await sync("constructor"), "job.bad-request");
});

const to = "registry.example/hub/";

/** Specifications that come with a job, as one mirror's members or a whole text. */
const specifications: readonly (readonly [mirror: object | string, code: string])[] = [
  [{ from: "docker.io/library/alpine", to }, ""],
  [{ from: "listed.example/team/*", to, tags: { newest: 3 } }, ""],
  [{ from: { registry: "listed.example" }, to }, ""],
  [{ from: "docker.io/library/alpine", to: "dir:/srv/images/{{.Image}}" }, ""],
  [{ from: "dir:/srv/images/a", to }, ""],
  [`mirrors: [{ from: docker.io/library/alpine, to: ${to} }]`, ""],
  [{ from: "quay.io/a/b", to }, "job.not-allowed"],
  [{ from: { registry: "169.254.169.254" }, to }, "job.not-allowed"],
  [{ from: ["docker.io/library/alpine", "quay.io/a/b"], to }, "job.not-allowed"],
  [{ from: "docker.io/library/alpine", to: "quay.io/x/" }, "job.not-allowed"],
  [{ from: "docker.io/library/alpine", to: "{{.Registry}}/x/{{.Tag}}" }, "job.bad-request"],
  [{ from: "docker.io/library/alpine", to: "dir:/etc/{{.Tag}}" }, "job.not-allowed"],
  [{ from: "dir:/etc", to }, "job.not-allowed"],
  [{ from: "dir:images/a", to }, "job.not-allowed"],
  [{ from: "docker.io/library/alpine", to, hosts: {} }, "job.bad-request"],
  [{ from: "docker.io/library/alpine", to, tags: { include: ["("] } }, "job.bad-request"],
  [{ from: "docker.io/library/alpine", to, tags: { semver: "new" } }, "job.bad-request"],
  [{ from: "docker.io/library/alpine" }, "job.bad-request"],
  [{ from: Array(20_000).fill("docker.io/library/alpine"), to }, "job.bad-request"],
  [{ from: "docker.io/a/b", to, tags: { include: Array(201).fill("a") } }, "job.bad-request"],
  ["mirrors: {", "job.bad-request"],
  ["docker.io: { images: { alpine: [] } }", "job.bad-request"],
  ["quay.io:\n  credentials: { username: me, password: secret }\n  images: {}", "job.bad-request"],
];

const hostSettings: readonly (readonly [host: object, code: string])[] = [
  [{ credentials: "hub" }, ""],
  [{ limits: { "requests-per-second": 5 } }, ""],
  [{ credentials: "anns" }, "job.not-allowed"],
  [{ credentials: "none" }, "job.not-allowed"],
  [{ username: "me", "password-file": "/etc/shadow" }, "job.not-allowed"],
  [{ "auth-file": "/root/.docker/config.json" }, "job.not-allowed"],
  [{ "tls-verify": false }, "job.not-allowed"],
  [{ "cert-dir": "/etc" }, "job.not-allowed"],
];

test("a specification that comes with a job names no more than any other job", async () => {
  const sync = (mirror: unknown) => codeOf({ kind: "sync", mirror, dryRun: false });
  for (const [mirror, code] of specifications) {
    const whole = typeof mirror === "string" ? mirror : { mirrors: [mirror] };
    assert.equal(await sync(whole), code, JSON.stringify(mirror).slice(0, 200));
  }
  for (const [host, code] of hostSettings) {
    const mirrors = [{ from: "docker.io/library/alpine", to }];
    const found = await sync({ mirrors, hosts: { "docker.io": host } });
    assert.equal(found, code, JSON.stringify(host));
  }
});
