import assert from "node:assert/strict";
import { realpathSync } from "node:fs";
import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { test } from "node:test";
import { readDockerfile } from "../../deployment/dockerfile.ts";
import { builtProgram } from "../../support/built.ts";
import { writeImageFolder } from "../../support/image-folder.ts";
import { makeImage } from "../../support/images.ts";
import { generateKey, gpgHome } from "../../support/openpgp/gpg.ts";
import { programPath, skipWithout } from "../../support/peers.ts";
import { cliHome } from "../../support/run-cli.ts";
import { startServe } from "../../support/serve-process.ts";
import type { TempFolder } from "../../support/temp.ts";

const skip =
  skipWithout("gpg") ||
  (process.getuid?.() !== 0 && "mounts of its own need root") ||
  (!(programPath("unshare") && programPath("setpriv")) && "not on PATH: unshare, setpriv");

/** Node and our main file, at places that everybody can reach: seen only by what {@link confined} starts. */
interface Program {
  readonly binds: readonly (readonly [from: string, to: string])[];
  readonly words: readonly [node: string, main: string];
}

async function reachable({ in: at }: TempFolder): Promise<Program> {
  const modules = realpathSync(join(import.meta.dirname, "../../../node_modules"));
  await writeFile(at("node"), "");
  await mkdir(at("node_modules"));
  const main = at("node_modules", relative(modules, realpathSync(await builtProgram())));
  const binds = [
    [process.execPath, at("node")],
    [modules, at("node_modules")],
  ] as const;
  return { binds, words: [at("node"), main] };
}

/** As the image runs it: the root read-only but for the data folder, the image's user, no capability. */
function confined(data: string, { binds }: Program): readonly string[] {
  const [uid = "", gid = ""] = readDockerfile().user.split(":");
  const mounts = [...binds, [data, data]].map(([from, to]) => `mount --bind '${from}' '${to}'`);
  const script = [...mounts, "mount -o remount,bind,ro /", 'exec "$@"'].join(" && ");
  return [
    ...["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"],
    ...["setpriv", "--reuid", uid, "--regid", gid, "--clear-groups", "--no-new-privs"],
    ...["--inh-caps=-all", "--bounding-set=-all"],
  ];
}

test("as nobody, and able to write to its data alone, it serves and signs", { skip }, async () => {
  await using home = await cliHome();
  using gpg = gpgHome();
  const at = home.folder.in;
  const key = generateKey(gpg, "server@a.test", "ed25519");
  await writeFile(at("key"), gpg.output(["--export-secret-keys", key]), { mode: 0o644 });
  await writeImageFolder(at("image"), makeImage());
  const data = at("data");
  await chmod(home.folder.path, 0o755);
  await mkdir(data);
  const [uid = 0, gid = 0] = readDockerfile().user.split(":").map(Number);
  await chown(data, uid, gid);
  const signing = {
    keys: { own: { type: "key-file", file: at("key") } },
    rules: [{ repositories: ["registry.test/**"], keys: ["own"] }],
  };
  const program = await reachable(home.folder);
  await using server = await startServe({
    settings: { name: "registry.test", data, signing },
    env: { HOME: data },
    under: confined(data, program),
    program: program.words,
  });
  const name = `docker://${server.host}/team/app:1`;
  const push = await home.run(["copy", "--dest-tls-verify=false", `dir:${at("image")}`, name]);
  assert.equal(push.exitCode, 0, push.stderr);
  const pull = await home.run(["copy", "--src-tls-verify=false", name, `dir:${at("back")}`]);
  assert.equal(pull.exitCode, 0, pull.stderr);
  const { digest } = makeImage();
  const kept = await fetch(`${server.url}/extensions/v2/team/app/signatures/${digest}`);
  const { signatures } = JSON.parse(await kept.text());
  assert.equal(signatures.length, 1);
});
