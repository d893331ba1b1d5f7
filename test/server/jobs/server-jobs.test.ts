import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { digestOf } from "../../../src/core/digest.ts";
import { makeImage, makeIndex, makeMultiArch } from "../../support/images.ts";
import { endOf, jobAt, jobsOf, postJob } from "../../support/jobs/job-client.ts";
import { hang, refuse } from "../../support/registry/faults.ts";
import { type Registry, startRegistry } from "../../support/registry.ts";
import { type ServerProcess, startServerProcess } from "../../support/server/server-process.ts";
import { type SignerKeys, signerKeys } from "../../support/server/signer.ts";
import { type TempFolder, tempFolder } from "../../support/temp.ts";

const secret = "a secret for webhooks";
const password = "only-the-registry-may-see-this";

let source: Registry;
let keys: SignerKeys;
let folder: TempFolder;
let server: ServerProcess;
let hook: Awaited<ReturnType<typeof startHook>>;

/** Whoever wants to know that a job has ended. */
async function startHook() {
  const calls: { headers: Record<string, unknown>; body: string }[] = [];
  const listener = createServer(async (request, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    calls.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
    response.end();
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const host = `127.0.0.1:${(listener.address() as AddressInfo).port}`;
  return { calls, host, [Symbol.asyncDispose]: async () => void listener.close() };
}

const policy = {
  default: [{ type: "insecureAcceptAnything" }],
  transports: { docker: { "source.example/refused": [{ type: "reject" }] } },
};

function yaml(): string {
  return stringify({
    log: { requests: false },
    admission: { policy: "policy.json", scopes: [{ repositories: ["**"], mode: "off" }] },
    signing: {
      keys: { release: { type: "key-file", file: keys.keys.release.file } },
      rules: [{ repositories: ["localhost:5000/signed/**"], keys: ["release"] }],
    },
    jobs: {
      attempts: 2,
      "webhook-secret-file": "hook-secret",
      "allowed-hosts": [{ host: "source.example", url: source.origin, insecure: true }, hook.host],
      credentials: {
        reader: { hosts: ["source.example"], username: "reader", "password-file": "password" },
      },
    },
    mirrors: {
      apps: {
        from: "source.example/team/app",
        to: "localhost:5000/mirror/",
        tags: { exclude: ["-rc"] },
      },
    },
  });
}

async function start(): Promise<ServerProcess> {
  const files = { "policy.json": JSON.stringify(policy), "hook-secret": secret, password };
  return await startServerProcess({ folder, yaml: yaml(), files });
}

before(async () => {
  source = await startRegistry();
  keys = await signerKeys();
  folder = await tempFolder();
  hook = await startHook();
  for (const tag of ["1", "2", "3-rc"])
    source.seed("team/app", tag, makeImage({ seed: tag.charCodeAt(0) }));
  source.seed("team/multi", "1", makeMultiArch());
  source.seed("refused", "1", makeImage({ seed: 9 }));
  source.seed("big", "1", makeImage({ seed: 10, layers: 1, layerBytes: 3_000_000 }));
  server = await start();
});

after(async () => {
  await server[Symbol.asyncDispose]();
  await source[Symbol.asyncDispose]();
  await keys[Symbol.asyncDispose]();
  await hook[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const copyOf = (from: string, to: string, more: object = {}) => ({
  kind: "copy",
  from: `docker://source.example/${from}`,
  to: `docker://localhost:5000/${to}`,
  ...more,
});

/** Starts a job, and gives it as it ended. */
async function done(body: object) {
  const { status, job, error } = await postJob(server.url, body);
  assert.equal(status, 202, JSON.stringify(error));
  return await endOf(server.url, job?.id ?? "");
}

async function digestAt(repository: string, tag: string): Promise<string | null> {
  const answer = await fetch(`${server.url}/v2/${repository}/manifests/${tag}`, {
    headers: {
      Accept:
        "application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.index.v1+json",
    },
  });
  await answer.arrayBuffer();
  return answer.ok ? answer.headers.get("docker-content-digest") : null;
}

test("a copy is made by a worker, is there to be pulled, and whoever asked is called", async () => {
  const webhook = `http://${hook.host}/hooks/1?token=t`;
  const job = await done(copyOf("team/app:1", "copied/app:1", { webhook }));
  assert.equal(job.state, "done", JSON.stringify(job.failure));
  assert.ok(job.result?.kind === "copy" && !job.result.unchanged);
  assert.equal(await digestAt("copied/app", "1"), job.result.digest);
  const again = await done(copyOf("team/app:1", "copied/app:1"));
  assert.ok(again.result?.kind === "copy" && again.result.unchanged);
  while (hook.calls.length === 0) await sleep(50);
  const [{ headers, body } = { headers: {}, body: "" }] = hook.calls;
  const mac = createHmac("sha256", secret).update(`${headers["amphora-timestamp"]}.`).update(body);
  assert.equal(headers["amphora-signature"], `sha256=${mac.digest("hex")}`);
  assert.equal(headers["amphora-event"], "job.done");
  assert.equal(JSON.parse(body).job.id, job.id);
});

test("of a list all images are copied where that is asked for", async () => {
  const job = await done(
    copyOf("team/multi:1", "copied/multi:1", { options: { platforms: "all" } }),
  );
  assert.ok(job.result?.kind === "copy", JSON.stringify(job.failure));
  assert.equal(await digestAt("copied/multi", "1"), job.result.digest);
});

test("what the policy refuses is refused once and for all, and nothing of it arrives", async () => {
  const job = await done(copyOf("refused:1", "copied/refused:1"));
  assert.equal(job.state, "refused");
  assert.equal(job.attempts, 1);
  assert.equal(job.failure?.code, "policy.refused");
  assert.equal(await digestAt("copied/refused", "1"), null);
  const verdict = await done({ kind: "verify", image: "docker://source.example/refused:1" });
  assert.ok(verdict.result?.kind === "verify");
  assert.equal(verdict.result.allowed, false);
  assert.match(verdict.result.reason, /rejected by policy/);
});

test("an image is signed by the server's signer, as its rules say", async () => {
  await done(copyOf("team/app:1", "signed/app:1"));
  const job = await done({
    kind: "sign",
    image: "docker://localhost:5000/signed/app:1",
    key: "release",
  });
  assert.ok(job.result?.kind === "sign", JSON.stringify(job.failure));
  assert.equal(job.result.digest, await digestAt("signed/app", "1"));
  const path = `/sigstore/localhost:5000/signed/app@${job.result.digest.replace(":", "=")}/signature-1`;
  assert.equal((await fetch(`${server.url}${path}`)).status, 200);
  const unruled = { kind: "sign", image: "docker://localhost:5000/copied/app:1", key: "release" };
  assert.equal((await postJob(server.url, unruled)).status, 403);
});

test("a mirror of the settings is run, and has nothing to do the next time", async () => {
  const run = async () => {
    const answer = await fetch(`${server.url}/api/v1/mirrors/apps/run`, { method: "POST" });
    assert.equal(answer.status, 202);
    const { job } = (await answer.json()) as { job: { id: string } };
    return await endOf(server.url, job.id);
  };
  const first = await run();
  assert.ok(first.result?.kind === "sync", JSON.stringify(first.failure));
  assert.deepEqual([first.state, first.result.summary.copied], ["done", 2]);
  assert.ok(await digestAt("mirror/team/app", "2"));
  assert.equal(await digestAt("mirror/team/app", "3-rc"), null);
  const { result } = await run();
  assert.ok(
    result?.kind === "sync" && result.summary.copied === 0 && result.summary.unchanged === 2,
  );
});

test("a mirror with an image that fails is a failure, with figures of what went well", async () => {
  const failing = source.behave({
    on: /^GET manifest \S*\/2$/,
    times: 1000,
    fault: refuse(404, { code: "MANIFEST_UNKNOWN" }),
  });
  const mirror = { mirrors: [{ from: "source.example/team/app", to: "localhost:5000/partly/" }] };
  const job = await done({ kind: "sync", mirror });
  failing.stop();
  assert.equal(job.state, "failed", JSON.stringify(job));
  assert.equal(job.failure?.code, "sync.incomplete");
  assert.ok(
    job.result?.kind === "sync" &&
      job.result.summary.copied === 2 &&
      job.result.summary.failed === 1,
  );
});

test("a job that runs is cancelled, and leaves nothing", async () => {
  const stalled = source.behave({ on: "GET blob", times: 1000, fault: hang() });
  const { job } = await postJob(server.url, copyOf("big:1", "cancelled/big:1"));
  const id = job?.id ?? "";
  while ((await jobAt(server.url, id)).state !== "running" || stalled.hits === 0) await sleep(50);
  assert.equal((await fetch(`${server.url}/api/v1/jobs/${id}`, { method: "DELETE" })).status, 202);
  assert.equal((await endOf(server.url, id)).state, "cancelled");
  stalled.stop();
  assert.equal(await digestAt("cancelled/big", "1"), null);
});

/** Blocks for as long as `work` takes. */
async function whileBlocked(what: object, work: () => Promise<void>): Promise<void> {
  const at = `${server.url}/api/v1/blocked`;
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ ...what, reason: "CVE-2026-9" });
  const made = await fetch(at, { method: "POST", headers, body });
  assert.equal(made.status, 201);
  const { id } = (await made.json()) as { id: string };
  await work();
  assert.equal((await fetch(`${at}/${id}`, { method: "DELETE" })).status, 200);
}

test("what is blocked is not copied, neither by a mirror", async () => {
  const one = makeImage({ seed: 9 });
  const other = makeImage({ seed: 8, platform: { os: "linux", architecture: "s390x" } });
  const list = makeIndex([one, other]);
  source.seed("blockable", "1", one);
  source.seed("blockable", "list", list);
  const refused = async (body: object) => {
    const job = await done(body);
    assert.equal(job.state, "refused", JSON.stringify(job));
    assert.match(job.failure?.message ?? "", /blocked: CVE-2026-9/);
  };
  const all = { options: { platforms: "all" } };
  for (const [digest, from, more] of [
    [one.digest, "blockable:1"],
    [digestOf(one.bytes, "sha512"), "blockable:1"],
    [one.layers[0]?.digest, "blockable:1"],
    [other.digest, "blockable:list", all],
    [list.digest, "blockable:list"],
  ] as const)
    await whileBlocked({ digest }, () => refused(copyOf(from, "blocked/app:1", more)));
  await whileBlocked({ repository: "*/team/**" }, async () => {
    await refused(copyOf("team/app:1", "blocked/app:1"));
    const mirror = {
      mirrors: [{ from: "source.example/team/app", to: "localhost:5000/blocked/" }],
    };
    const job = await done({ kind: "sync", mirror });
    assert.equal(job.state, "failed");
    assert.match(job.failure?.message ?? "", /blocked: CVE-2026-9/);
  });
  for (const repository of ["blocked/app", "blocked/team/app"])
    assert.equal(await digestAt(repository, "1"), null);
});

test("what is blocked while it is copied is copied no further", async () => {
  const stalled = source.behave({ on: "GET blob", times: 1000, fault: hang() });
  const { job } = await postJob(server.url, copyOf("big:1", "blocked/big:1"));
  const id = job?.id ?? "";
  while (stalled.hits === 0) await sleep(50);
  const { digest } = makeImage({ seed: 10, layers: 1, layerBytes: 3_000_000 });
  await whileBlocked({ digest }, async () => {
    const ended = await endOf(server.url, id);
    assert.equal(ended.state, "refused", JSON.stringify(ended));
    assert.match(ended.failure?.message ?? "", /blocked: CVE-2026-9/);
  });
  stalled.stop();
  assert.equal(await digestAt("blocked/big", "1"), null);
});

test("a job that runs when the server ends goes on with the next one", async () => {
  const stalled = source.behave({ on: "GET blob", times: 1000, fault: hang() });
  const { job } = await postJob(server.url, copyOf("big:1", "later/big:1"));
  const id = job?.id ?? "";
  while (stalled.hits === 0) await sleep(50);
  assert.equal(await server.kill("SIGTERM"), 0);
  stalled.stop();
  const { url: before } = server;
  server = await start();
  assert.notEqual(server.url, before);
  const ended = await endOf(server.url, id);
  assert.equal(ended.state, "done", JSON.stringify(ended.failure));
  assert.equal(
    ended.result?.kind === "copy" && ended.result.digest,
    await digestAt("later/big", "1"),
  );
});

/** A job that has ended may still be the worker's for a moment. */
async function figuresAtRest(): Promise<string> {
  let figures = "";
  for (let tries = 0; tries < 600; tries++) {
    figures = await (await fetch(`${server.url}/metrics`)).text();
    if (/^amphora_jobs_running 0$/m.test(figures)) return figures;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return assert.fail(figures);
}

test("figures tell of jobs, the audit log who started them, and nothing tells a secret", async () => {
  await done({
    kind: "verify",
    image: { image: "docker://source.example/team/app:1", credentials: "reader" },
  });
  const figures = await figuresAtRest();
  assert.match(figures, /^amphora_jobs_ended_total\{kind="copy",state="done"\} \d+$/m);
  const { readFile, readdir } = await import("node:fs/promises");
  const audit = await readFile(folder.in("data", "audit", "audit.jsonl"), "utf8");
  assert.match(
    audit,
    /"type":"job-started".*copy docker:\/\/source\.example\/team\/app:1 to docker:/,
  );
  const files = (await readdir(folder.in("data", "jobs"))).map((name) =>
    folder.in("data", "jobs", name),
  );
  const kept = await Promise.all(files.map((file) => readFile(file, "latin1")));
  const told = [server.log(), figures, audit, JSON.stringify(await jobsOf(server.url)), ...kept];
  for (const text of told) {
    assert.ok(!text.includes(password));
    assert.ok(!text.includes(secret));
  }
});
