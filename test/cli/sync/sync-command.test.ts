import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { suite, test } from "node:test";
import { builtProgram } from "../../support/built.ts";
import { makeImage, makeMultiArch } from "../../support/images.ts";
import { refuse, stallResponse } from "../../support/registry/faults.ts";
import { type Registry, startRegistry } from "../../support/registry.ts";
import { type CliHome, cliHome } from "../../support/run-cli.ts";

const images = [1, 2, 3].map((seed) => makeImage({ seed: 700 + seed, layers: 1 }));
const multi = makeMultiArch({ seed: 710 });

interface World extends AsyncDisposable {
  readonly home: CliHome;
  readonly source: Registry;
  readonly mirror: Registry;
  /** Runs `sync` with a file that says these mirrors; `S` and `M` in it are the registries. */
  sync(mirrors: string, ...flags: readonly string[]): ReturnType<CliHome["run"]>;
  run(...args: readonly string[]): ReturnType<CliHome["run"]>;
}

async function world(): Promise<World> {
  const stack = new AsyncDisposableStack();
  const home = stack.use(await cliHome());
  const source = stack.use(await startRegistry());
  const mirror = stack.use(await startRegistry());
  for (const [index, image] of images.entries()) source.seed("team/app", `1.${index}`, image);
  source.seed("team/multi", "latest", multi);
  const cwd = home.folder.in("home");
  const kept = stack.move();
  const settled = (text: string) =>
    text.replaceAll("S/", `${source.host}/`).replaceAll("M/", `${mirror.host}/`);
  return {
    home,
    source,
    mirror,
    async sync(mirrors, ...flags) {
      const hosts = [source, mirror].map(({ host }) => `"${host}": { tls-verify: false }`);
      const text = `hosts: { ${hosts.join(", ")} }\n${settled(mirrors)}`;
      await writeFile(`${cwd}/mirror.yaml`, text);
      return await home.run(["sync", "mirror.yaml", ...flags], { cwd });
    },
    run: (...args) => home.run(args.map(settled), { cwd }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const all = "mirrors: [{ from: [S/team/app, S/team/multi], to: M/hub/ }]\n";
const lax = ["--src-tls-verify=false", "--dest-tls-verify=false"];

suite("amphora sync FILE", () => {
  test("--state has two heads tell that what is changed on the way is there", async () => {
    await using at = await world();
    const one = "mirrors: [{ from: S/team/multi, to: M/hub/, platforms: [linux/amd64] }]\n";
    const requests = ({ stdout }: { readonly stdout: string }) =>
      Number(/ (\d+) requests, /.exec(stdout)?.[1]);
    const resumed = ["--state", "state", "--report", "report"];
    const first = await at.sync(one, ...resumed);
    assert.match(first.stdout, /\n1 image: 1 copied; /);
    const report = at.home.folder.in("home/report");
    const [summary = "", ...told] = (await readFile(report, "utf8"))
      .trimEnd()
      .split("\n")
      .reverse();
    assert.equal(JSON.parse(summary).type, "summary");
    await writeFile(report, `${told.reverse().join("\n")}\n`); // as if it had been killed
    const without = await at.sync(one);
    const again = await at.sync(one, ...resumed);
    const types = (await readFile(report, "utf8")).match(/^\{"type":"\w+"/gm);
    assert.equal(types?.filter((type) => type.endsWith('"run"')).length, 2);
    assert.match(again.stdout, /\n1 image: 1 unchanged; /);
    assert.ok(requests(again) < requests(without), `${requests(again)}, ${requests(without)}`);
    const odd = await at.sync(one, "--state", "mirror.yaml/state");
    assert.equal(odd.exitCode, 1);
    assert.match(odd.stderr, /mirror\.yaml\/state/);
  });

  test("leaves out and tells of platforms that an index lacks, and fails where it lacks all", async () => {
    await using at = await world();
    const of = (platforms: string) =>
      `mirrors: [{ from: S/team/multi, to: M/hub/, platforms: [${platforms}] }]\n`;
    const some = await at.sync(of("linux/mips64le, linux/amd64"), "--report", "report.jsonl");
    assert.equal(some.exitCode, 0, some.stderr);
    assert.match(some.stderr, /team\/multi:latest is not there for linux\/mips64le"/);
    assert.match(some.stdout, /\n1 image: 1 copied; /);
    const report = await readFile(at.home.folder.in("home", "report.jsonl"), "utf8");
    assert.match(report, /"type":"platforms-lacked",.*"platforms":\["linux\/mips64le"\]/);
    const none = await at.sync(of("linux/mips64le, plan9/amd64"));
    assert.equal(none.exitCode, 1);
    assert.match(none.stderr, /Cannot copy .*architecture \\"mips64le\\"/);
  });

  test("what is changed on the way, and is there, is called unchanged without a state, too", async () => {
    await using at = await world();
    const cut =
      "mirrors: [{ from: [S/team/multi, S/team/app], to: M/cut/, platforms: [linux/amd64, linux/arm64] }]\n";
    const packed =
      "mirrors: [{ from: S/team/multi, to: M/packed/, compression: { format: zstd, force: true } }]\n";
    for (const mirrors of [cut, packed]) await at.sync(mirrors);
    const before = at.mirror.log.entries.length;
    const second = await at.sync(cut);
    assert.match(second.stdout, /\n4 images: 4 unchanged; 0 B moved; /, second.stderr);
    const asked = at.mirror.log.entries.slice(before).map(({ method }) => method);
    assert.deepEqual(
      asked.filter((method) => method !== "GET"),
      ["HEAD", "HEAD", "HEAD", "HEAD"],
    );
    assert.match((await at.sync(packed)).stdout, /\n1 image: 1 unchanged; /);
    at.source.seed("team/multi", "latest", makeMultiArch({ seed: 720 }));
    const third = await at.sync(cut);
    assert.match(third.stdout, /\nUpdated docker:.*\n/);
    assert.match(third.stdout, /\n4 images: 1 copied, 3 unchanged; /);
    assert.match((await at.sync(packed)).stdout, /\nUpdated docker:.*\n1 image: 1 copied; /);
  });

  test("calls what has a tag and a digest by its tag, and knows it again", async () => {
    await using at = await world();
    const { digest = "" } = images[1] ?? {};
    at.source.seed("team/app", "1.1", multi); // its tag has moved on
    const pinned = `[1.1@${digest}]`;
    const mirrors = `mirrors: [{ from: S/team/app, tags: { list: ${pinned} }, to: M/hub/ }, { from: "S/team/app:1.0@${images[0]?.digest}", to: M/one/ }]\n`;
    const first = await at.sync(mirrors);
    assert.match(first.stdout, /\n2 images: 2 copied; /, first.stderr);
    const tags = (repository: string) => [...at.mirror.store.open(repository).tags];
    assert.deepEqual(tags("hub/team/app"), [["1.1", digest]]);
    assert.deepEqual(tags("one/team/app"), [["1.0", images[0]?.digest]]);
    assert.match((await at.sync(mirrors)).stdout, /\n2 images: 2 unchanged; /);
  });

  test("brings what is missing, line by line, and the second time nothing", async () => {
    await using at = await world();
    const first = await at.sync(all, "--report", "report.jsonl", "--digestfile", "digests");
    assert.equal(first.exitCode, 0, first.stderr);
    assert.equal(first.stdout.match(/^Copied /gm)?.length, 4);
    assert.match(
      first.stdout,
      /\n4 images: 4 copied; .* moved.*; \d+ requests, 0 retries in .*s\n$/,
    );
    assert.equal(at.mirror.store.open("hub/team/app").tags.size, 3);
    const report = await readFile(at.home.folder.in("home", "report.jsonl"), "utf8");
    const lines = report
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.equal(lines.filter(({ outcome }) => outcome === "copied").length, 4);
    assert.equal(lines.at(-1).copied, 4);
    const digests = await readFile(at.home.folder.in("home", "digests"), "utf8");
    assert.ok(
      digests.includes(`${multi.digest} docker://${at.mirror.host}/hub/team/multi:latest\n`),
    );

    const second = await at.sync(all);
    assert.equal(second.exitCode, 0, second.stderr);
    assert.match(second.stdout, /\n4 images: 4 unchanged; 0 B moved; /);
    assert.deepEqual(await at.home.leftInTemp(), []);
  });

  test("tells of what fails with its reason, and brings the rest", async () => {
    await using at = await world();
    at.source.behave({
      on: /GET manifest.*1\.1/,
      times: 100,
      fault: refuse(403, { code: "DENIED" }),
    });
    const mirrors = `${all.replace(" }]", " }, { from: S/team/nope, to: M/hub/ }]")}`;
    const { exitCode, stdout, stderr } = await at.sync(mirrors);
    assert.equal(exitCode, 1);
    assert.match(stderr, /level=error msg="Cannot copy docker:\/\/\S+\/team\/app:1\.1: .*denied/);
    assert.match(stderr, /level=error msg="Cannot list \S+\/team\/nope: .*name unknown/);
    assert.match(
      stderr,
      /level=fatal msg="Not all was brought: 1 image failed, 1 listing or removal failed"\n$/,
    );
    assert.match(stdout, /\n4 images: 3 copied, 1 failed, 1 listing or removal failed; /);
    assert.equal(at.mirror.store.open("hub/team/app").tags.size, 2);
  });

  test("stops at the first failure where it is told to", async () => {
    await using at = await world();
    at.source.behave({ on: "GET manifest", times: 100, fault: refuse(403, { code: "DENIED" }) });
    const flags = ["--keep-going=false", "--parallel", "1"];
    const { exitCode, stdout } = await at.sync(all, ...flags);
    assert.equal(exitCode, 1);
    assert.match(stdout, /1 failed/);
    assert.doesNotMatch(stdout, /[234] failed/);
  });

  test("asks for nothing where the file cannot be meant, and names every line", async () => {
    await using at = await world();
    const { exitCode, stderr } = await at.sync(
      'mirrors:\n  - from: S/a\n    too: x\n    tags: { include: ["["] }\n',
    );
    assert.equal(exitCode, 1);
    assert.match(stderr, /mirror\.yaml:4: mirrors\[0\]\.too: unknown member/);
    assert.match(
      stderr,
      /mirror\.yaml:5: mirrors\[0\]\.tags\.include\[0\]: expected a regular expr/,
    );
    assert.equal(at.source.log.entries.length, 0);
  });

  test("writes nothing in a dry run", async () => {
    await using at = await world();
    const { exitCode, stdout } = await at.sync(all, "--dry-run");
    assert.equal(exitCode, 0);
    assert.equal(stdout.match(/^Would copy /gm)?.length, 4);
    assert.match(stdout, /\n4 images: 4 would be copied; /);
    assert.deepEqual(
      [...new Set(at.mirror.log.entries.map(({ method }) => method))].filter(
        (method) => method !== "GET" && method !== "HEAD",
      ),
      [],
    );
  });

  test("leaves what is there, and removes what is gone, as the flags say", async () => {
    await using at = await world();
    const app = "mirrors: [{ from: S/team/app, to: M/app }]\n";
    at.mirror.seed("app", "1.0", images[2] ?? multi);
    at.mirror.seed("app", "0.9", images[2] ?? multi);
    const first = await at.sync(app, "--if-absent");
    assert.match(first.stdout, /\nLeft docker:\/\/\S+\/app:1\.0 as it is: it is there\n/);
    const second = await at.sync(app, "--prune");
    assert.equal(second.exitCode, 0, second.stderr);
    assert.match(second.stdout, /\nUpdated docker:\/\/\S+\/app:1\.0 from /);
    assert.match(second.stdout, /\nRemoved docker:\/\/\S+\/app:0\.9\n/);
    assert.deepEqual([...at.mirror.store.open("app").tags.keys()].sort(), ["1.0", "1.1", "1.2"]);
  });

  test("brings along what belongs to an image", async () => {
    await using at = await world();
    const [image = multi, other = multi] = images;
    const tag = `${image.digest.replace(":", "-")}.sbom`;
    at.source.seed("team/app", tag, other);
    const mirrors = 'mirrors: [{ from: S/team/app, to: M/app, tags: { list: ["1.0"] } }]\n';
    const { exitCode, stdout, stderr } = await at.sync(
      mirrors,
      "--digest-tags",
      "--referrers",
      "all",
    );
    assert.equal(exitCode, 0, stderr);
    assert.match(stdout, /^Copied \S+\/team\/app:1\.0 to .*, with 1 companion\)$/m);
    assert.deepEqual([...at.mirror.store.open("app").tags.keys()].sort(), ["1.0", tag]);
  });

  test("makes the folders that images lie in, and leaves none of those that failed", async () => {
    await using at = await world();
    at.source.behave({
      on: /GET manifest.*1\.1/,
      times: 100,
      fault: refuse(403, { code: "DENIED" }),
    });
    const to = "{{.Repository}}/{{.Tag}}";
    const { exitCode } = await at.sync(`mirrors: [{ from: S/team/app, to: 'dir:out/${to}' }]\n`);
    assert.equal(exitCode, 1);
    const out = at.home.folder.in("home", "out", "team", "app");
    assert.deepEqual((await readdir(out)).sort(), ["1.0", "1.2"]);
  });

  test("takes skopeo's files with a destination", async () => {
    await using at = await world();
    const registry = `"${at.source.host}"`;
    const cwd = at.home.folder.in("home");
    const text = `${registry}:\n  tls-verify: false\n  images-by-tag-regex: { team/app: "[12]$" }\n`;
    await writeFile(`${cwd}/sync.yaml`, text);
    const done = await at.run("sync", "sync.yaml", "docker://M/hub", "--dest-tls-verify=false");
    assert.equal(done.exitCode, 0, done.stderr);
    assert.deepEqual([...at.mirror.store.open("hub/app").tags.keys()].sort(), ["1.1", "1.2"]);
    const alone = await at.run("sync", "sync.yaml");
    assert.match(alone.stderr, /sync\.yaml is skopeo's, and does not say where images go/);
  });
});

suite("amphora sync with skopeo's words", () => {
  test("is a mirror too", async () => {
    await using at = await world();
    const words = ["--src", "docker", "--dest", "docker", "S/team/app", "M/hub"];
    const { exitCode, stdout } = await at.run("sync", ...lax, "--report", "r", ...words);
    assert.equal(exitCode, 0);
    assert.match(stdout, /^Found 3 tags of /);
    assert.match(stdout, /\n3 images: 3 copied; /);
  });

  test("leaves a report and digests as they are where it does not come to a run", async () => {
    await using at = await world();
    const files = ["--report", "r", "--digestfile", "d"];
    for (const file of ["r", "d"]) await at.home.write(file, "of the last run");
    const words = ["--src", "docker", "--dest", "docker", "S/team/none", "M/hub"];
    const outcomes = [await at.run("sync", ...lax, ...files, ...words)];
    for (const text of ["not: [a", "mirrors: 1\n"]) outcomes.push(await at.sync(text, ...files));
    for (const { exitCode, stderr } of outcomes) assert.equal(exitCode, 1, stderr);
    for (const file of ["r", "d"])
      assert.equal(await readFile(at.home.folder.in("home", file), "utf8"), "of the last run");
  });

  test("makes no folder in a dry run", async () => {
    await using at = await world();
    const words = ["--src", "docker", "--dest", "dir", "S/team/app", "out"];
    const { exitCode, stdout } = await at.run("sync", ...lax, "--dry-run", ...words);
    assert.equal(exitCode, 0);
    assert.match(stdout, /\nWould copy \S+\/team\/app:1\.2 to dir:out\/app:1\.2 \(at most /);
    assert.deepEqual(await readdir(at.home.folder.in("home")), [".config"]);
  });

  test("names two images that would become one, and copies neither", async () => {
    await using at = await world();
    const cwd = at.home.folder.in("home");
    at.source.seed("other/app", "1.0", images[1] ?? multi);
    const text = `"${at.source.host}":\n  images: { team/app: ["1.0"], other/app: ["1.0"] }\n`;
    await writeFile(`${cwd}/sync.yaml`, text);
    const words = ["--src", "yaml", "--dest", "docker", "sync.yaml", "M/hub"];
    const { exitCode, stderr } = await at.run("sync", ...lax, ...words);
    assert.equal(exitCode, 1);
    assert.match(stderr, /\/team\/app:1\.0 and docker:\/\/\S+\/other\/app:1\.0 would both become /);
    assert.equal(at.mirror.log.entries.length, 0);
  });
});

test("sync ends soon when it is interrupted, says how far it came, and leaves no half an image", {
  timeout: 300_000,
}, async () => {
  await using at = await world();
  const { source, home } = at;
  source.behave({ on: "GET blob", times: 1000, fault: stallResponse(10) });
  const out = home.folder.in("home", "out");
  await mkdir(out);
  const words = ["--src", "docker", "--dest", "dir", `${source.host}/team/app`, out];
  const child = spawn(process.execPath, [await builtProgram(), "sync", ...lax, ...words], {
    env: { ...home.env, AMPHORA_CALLED_AS: "amphora" },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (more) => (stdout += more));
  child.stderr.on("data", (more) => (stderr += more));
  while (source.log.of("GET blob").length < 3)
    await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill("SIGINT");
  const exitCode = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(exitCode, 130, stderr);
  assert.match(stdout, /3 images: 3 not finished; /);
  assert.match(stderr, /Stopped before the end; run it again to go on/);
  assert.deepEqual(await readdir(out), []);
});
