import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { builtProgram } from "../support/built.ts";

const main = await builtProgram();
const source = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "amphora-main-"));
after(() => rmSync(folder, { recursive: true }));

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: readonly string[], calledAs = "amphora", program = [main]): Run {
  const env = { ...process.env, AMPHORA_CALLED_AS: calledAs };
  const { status, stdout, stderr } = spawnSync(process.execPath, [...program, ...args], {
    env,
    encoding: "utf8",
  });
  return { code: status, stdout, stderr };
}

function message(stderr: string): string {
  return /level=fatal msg="?(.*?)"?\n$/.exec(stderr)?.[1] ?? stderr;
}

const { version } = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
);

test("main answers --version in the name it was called by", () => {
  for (const flag of ["--version", "-v"]) {
    assert.equal(run([flag]).stdout, `amphora version ${version}\n`);
    assert.equal(run([flag], "/usr/bin/skopeo").stdout, "skopeo version 1.22.0\n");
  }
  assert.equal(run(["--debug", "-v"], "skopeo").stdout, "skopeo version 1.22.0\n");
});

test("main that cannot say its version says why, or ends by SIGPIPE", () => {
  const env = { ...process.env, AMPHORA_CALLED_AS: "skopeo" };
  for (const flag of ["--version", "-v"]) {
    const call = ["sh", process.execPath, main, flag];
    const options = { env, encoding: "utf8" } as const;
    const full = spawnSync("sh", ["-c", 'exec "$@" > /dev/full', ...call], options);
    assert.equal(message(full.stderr), "write /dev/stdout: no space left on device");
    assert.equal(full.status, 1);
    const pipe = join(folder, `pipe${flag}`);
    const unread = `mkfifo ${pipe} && exec 3<>${pipe} 4>${pipe} 3>&- && exec "$@" >&4`;
    const gone = spawnSync("sh", ["-c", unread, ...call], options);
    assert.deepEqual([gone.signal, gone.stderr], ["SIGPIPE", ""]);
  }
});

test("main loads nothing to answer --version", () => {
  const hook = join(folder, "hook.mjs");
  writeFileSync(
    hook,
    `import { registerHooks } from "node:module";
registerHooks({ load(url, context, next) { if (url.startsWith("file:")) console.error(url); return next(url, context); } });`,
  );
  const { stderr } = run(["--version"], "amphora", ["--import", hook, source]);
  assert.deepEqual(
    stderr.split("\n").filter((line) => line.includes("/src/")),
    [pathToFileURL(source).href],
  );
});

/** Exit code and the last message on standard error: skopeo 1.22's. */
const failing: readonly (readonly [args: readonly string[], text: string])[] = [
  [[], "Missing command 'skopeo COMMAND'\\nTry 'skopeo --help' for more information"],
  [["copy"], "Exactly two arguments expected"],
  [["inspect", "a", "b"], "Exactly one argument expected"],
  [["inspect", "--raw", "--format=x", "a"], "raw output does not support format option"],
  [["list-tags"], "Exactly one non-option argument expected"],
  [["list-tags", "x"], 'Invalid \\"x\\": does not specify a transport'],
  [["list-tags", "docker://x:1"], "No tag or digest allowed in reference"],
  [["list-tags", "docker:x"], "docker: image reference docker:x does not start with docker://"],
  [
    ["list-tags", "oci:x"],
    "Unsupported transport 'oci' for tag listing. Only supported: docker, docker-archive",
  ],
  [["delete"], "Usage: delete imageReference"],
  [["delete", "dir:x"], "Deleting images not implemented for dir: images"],
  [["manifest-digest"], "Usage: skopeo manifest-digest manifest"],
  [
    ["manifest-digest", "/nope"],
    "Error reading manifest from /nope: open /nope: no such file or directory",
  ],
  [["login"], "please provide a registry to log in to"],
  [["login", "a", "b"], "login accepts only one registry to log in to"],
  [["logout", "a", "b"], "logout accepts only one registry to log out from"],
  [["logout", "--all", "x"], "--all takes no arguments"],
  [["layers"], "Usage: layers imageReference [layer...]"],
  [["completion", "bash", "extra"], 'unknown command \\"extra\\" for \\"skopeo completion bash\\"'],
  [["sync"], "Exactly two arguments expected"],
];

test("main fails with exit code 1 and skopeo's message", async (t) => {
  for (const [args, text] of failing) {
    await t.test(args.join(" "), () => {
      const { code, stdout, stderr } = run(args, "skopeo");
      assert.deepEqual({ code, stdout, text: message(stderr) }, { code: 1, stdout: "", text });
    });
  }
});

test("main prints all of the help before the message where skopeo does", () => {
  const golden = readFileSync(new URL("golden/help/copy.txt", import.meta.url), "utf8");
  assert.ok(run(["copy", "a"], "skopeo").stderr.startsWith(golden));
});

test("main exits 0 for an unknown help topic, as cobra does", () => {
  const { code, stdout, stderr } = run(["help", "nope"], "skopeo");
  assert.deepEqual([code, stdout], [0, ""]);
  assert.match(stderr, /^Unknown help topic \[`nope`\]\nUsage:\n/);
});

test("main ends silently when nobody reads its output", () => {
  const command = `"${process.execPath}" "${main}" compat | head -c 1`;
  const { stdout, stderr, status } = spawnSync("sh", ["-c", command], { encoding: "utf8" });
  assert.deepEqual([status, stdout.length, stderr], [0, 1, ""]);
});

test("main touches no file for a word that is not UTF-8", () => {
  const script = `exec "$0" "$1" copy -q dir:${folder}/none "dir:${folder}/$(printf 'o\\377')"`;
  const { status, stderr } = spawnSync("sh", ["-c", script, process.execPath, main], {
    encoding: "utf8",
  });
  assert.equal(status, 1);
  assert.match(stderr, /is not UTF-8 as it was given/);
  assert.doesNotMatch(run(["inspect", "dir:/none\ufffd"]).stderr, /UTF-8/); // that is what was given
});

test("main needs the folder that it is called in only for what is relative to it", () => {
  const layout = mkdtempSync(join(folder, "layout-"));
  writeFileSync(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(layout, "index.json"), '{"schemaVersion":2,"manifests":[]}');
  const gone = (words: string): Run => {
    const place = mkdtempSync(join(folder, "gone-"));
    const text = `cd ${place} && rmdir ${place} && exec "$@" ${words}`;
    const { status, stdout, stderr } = spawnSync("sh", ["-c", text, "sh", process.execPath, main], {
      env: { ...process.env, AMPHORA_CALLED_AS: "skopeo" },
      encoding: "utf8",
    });
    return { code: status, stdout, stderr };
  };
  assert.match(message(gone(`inspect oci:${layout}`).stderr), /more than one image in oci/);
  assert.match(message(gone("inspect oci:x").stderr), /getwd: no such file or directory/);
  assert.match(
    message(gone("copy --insecure-policy oci:x dir:y").stderr),
    /^Invalid source name oci:x: getwd: no such file or directory$/,
  );
});
