import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { builtProgram } from "../../support/built.ts";
import { runCli } from "../../support/run-cli.ts";
import { tempFolder } from "../../support/temp.ts";

const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill("SIGKILL"); // of a test that failed
});

/** A server in a process of its own, as users start it. */
async function startProcess(args: readonly string[], cwd: string) {
  const main = await builtProgram();
  const child = spawn(process.execPath, [main, "serve", "--listen", "127.0.0.1:0", ...args], {
    cwd,
    env: { PATH: process.env["PATH"] ?? "", AMPHORA_CALLED_AS: "amphora" },
    stdio: ["ignore", "inherit", "pipe"],
  });
  children.push(child);
  const lines: Record<string, unknown>[] = [];
  const closed = once(child, "close");
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      const entry = JSON.parse(line);
      lines.push(entry);
      if (entry.msg === "listening") resolve(entry.url);
    });
    void closed.then(() => reject(new Error("It ended before it listened")));
  });
  return { child, url, lines, closed };
}

test("SIGTERM during an upload lets it come to its end; the process ends with 0", async () => {
  await using folder = await tempFolder();
  const { child, url, lines, closed } = await startProcess(["--data", "d"], folder.path);
  const begun = await fetch(`${url}/v2/team/x/blobs/uploads/`, { method: "POST" });
  const place = new URL(begun.headers.get("location") ?? "", url);
  const bytes = Buffer.alloc(100_000, "x");
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  place.searchParams.set("digest", digest);
  const headers = { "Content-Length": bytes.length, Expect: "100-continue" };
  const put = request(place, { method: "PUT", headers });
  put.flushHeaders();
  await once(put, "continue");
  put.write(bytes.subarray(0, 50_000));
  child.kill("SIGTERM");
  await until(() =>
    fetch(`${url}/v2/`).then(
      () => false,
      () => true,
    ),
  );
  put.end(bytes.subarray(50_000));
  const [answer] = (await once(put, "response")) as [IncomingMessage];
  answer.resume();
  assert.equal(answer.statusCode, 201);
  assert.deepEqual(await closed, [0, null]);
  assert.deepEqual(lines.at(-1)?.["cut"], 0);
  const urls = lines.filter(({ msg }) => msg === "request").map((line) => String(line["url"]));
  assert.ok(urls.length >= 2);
  assert.deepEqual(
    (await runCli(["log", "verify", folder.in("d", "audit", "audit.jsonl")])).exitCode,
    0,
  );
});

test("a second signal ends the process at once", async () => {
  await using folder = await tempFolder();
  const { child, url, closed } = await startProcess([], folder.path);
  const begun = await fetch(`${url}/v2/team/x/blobs/uploads/`, { method: "POST" });
  const place = new URL(begun.headers.get("location") ?? "", url);
  const headers = { "Content-Length": 10, Expect: "100-continue" };
  const patch = request(place, { method: "PATCH", headers }).on("error", () => {});
  patch.flushHeaders();
  await once(patch, "continue");
  child.kill("SIGINT");
  await until(() =>
    fetch(`${url}/v2/`).then(
      () => false,
      () => true,
    ),
  );
  child.kill("SIGINT");
  assert.deepEqual(await closed, [130, null]);
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo()));
}

test("--check-config says what is wrong, or that it is good, and starts nothing", async () => {
  await using folder = await tempFolder();
  const file = folder.in("serve.yaml");
  await writeFile(file, "data: d\n");
  const good = await runCli(["serve", "--check-config", "--config", file]);
  assert.deepEqual([good.exitCode, good.stdout], [0, `${file}: good\n`]);
  await writeFile(file, "dat: d\n");
  const bad = await runCli(["serve", "--check-config", "--config", file]);
  assert.equal(bad.exitCode, 1);
  assert.match(
    bad.stderr,
    /serve\.yaml:1: dat: unknown member, expected one of name, listen, data/,
  );
  const env = { AMPHORA_SERVE_LOG_LEVEL: "loud" };
  const variable = await runCli(["serve", "--check-config"], { env });
  assert.match(variable.stderr, /AMPHORA_SERVE_LOG_LEVEL: log\.level: expected debug/);
});

test("what cannot be meant is refused", async () => {
  const only = await runCli(["serve", "--only", "everything"]);
  assert.deepEqual([only.exitCode, only.stdout], [1, ""]);
  assert.match(only.stderr, /is no face: choose one of registry, signatures, jobs, page/);
  assert.equal((await runCli(["serve", "x"])).exitCode, 1);
  assert.match((await runCli(["serve"], { as: "skopeo" })).stderr, /Unrecognized command/);
});

test("one face alone is served where that is asked for", async () => {
  const paths = ["/v2/", "/api/v1/jobs", "/", "/api/v1/decisions", "/healthz"];
  for (const [face, expected] of [
    ["page", [404, 200, 200, 200, 200]],
    ["jobs", [404, 200, 404, 404, 200]],
    ["registry", [200, 404, 404, 200, 200]],
  ] as const) {
    await using folder = await tempFolder();
    const { child, url, closed } = await startProcess(["--only", face, "--data", "d"], folder.path);
    const statuses = await Promise.all(
      paths.map(async (path) => {
        const answer = await fetch(`${url}${path}`);
        await answer.arrayBuffer();
        return answer.status;
      }),
    );
    child.kill("SIGTERM");
    await closed;
    assert.deepEqual(statuses, expected, face);
  }
});

test("log show and log verify read an audit log; a changed one is told of, with exit code 1", async () => {
  await using folder = await tempFolder();
  const { child, url, closed } = await startProcess(["--data", "d"], folder.path);
  await (await fetch(`${url}/v2/team/x/manifests/latest`)).text();
  child.kill("SIGTERM");
  await closed;
  const file = folder.in("d", "audit", "audit.jsonl");
  const verified = await runCli(["log", "verify", file]);
  const [, head = ""] = /^2 lines\nhead (2:[0-9a-f]{64})\n$/.exec(verified.stdout) ?? [];
  assert.notEqual(head, "", verified.stdout);
  assert.equal((await runCli(["log", "verify", "--head", head, file])).exitCode, 0);
  const shown = await runCli(["log", "show", "--type", "started", file]);
  assert.match(shown.stdout, /^\d{4}-\S+Z {2}started {2}version \S+\n$/);
  const last = await runCli(["log", "show", "--json", "-n", "1", file]);
  assert.equal(JSON.parse(last.stdout).type, "stopped");
  await writeFile(file, (await readFile(file, "utf8")).replace("version", "Version"));
  const spoilt = await runCli(["log", "verify", "--json", file]);
  assert.equal(spoilt.exitCode, 1);
  assert.equal(JSON.parse(spoilt.stdout).problems.length, 1);
  const absent = await runCli(["log", "verify", "--head", `9:${"0".repeat(64)}`, file]);
  assert.match(absent.stdout, /line 9 is not there as it was/);
});
