import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { after, before, suite, test } from "node:test";
import { makeImage } from "../support/images.ts";
import { skipUnprivileged } from "../support/podman.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import type { RunResult } from "../support/run.ts";
import { type CliHome, type CliOptions, cliHome } from "../support/run-cli.ts";

const one = makeImage({ seed: 400, type: "oci", labels: { app: "one" } });
const two = makeImage({ seed: 401, layers: 1 });
const idOf = ({ config }: typeof one) => config?.digest.slice(7) ?? "";

suite("local images, by the verbs that podman has for them", { skip: skipUnprivileged() }, () => {
  let registry: Registry;
  let home: CliHome;

  before(async () => {
    registry = await startRegistry();
    registry.seed("team/one", "1", one);
    registry.seed("team/two", "latest", two);
    home = await cliHome();
    const { host } = registry;
    await home.write(
      ".config/containers/registries.conf",
      `unqualified-search-registries = ["${host}"]\nshort-name-mode = "disabled"\n[[registry]]\nlocation = "${host}"\ninsecure = true\n`,
    );
  });

  after(async () => {
    await home[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
  });

  async function amphora(args: readonly string[], options: CliOptions = {}): Promise<RunResult> {
    const [verb = "", ...rest] = args;
    const { folder } = home;
    const store = ["--root", folder.in("store"), "--runroot", folder.in("run", "store")];
    const line = verb === "unpack" ? [verb] : [verb, ...store, "--storage-driver", "vfs"];
    return await home.run([...line, ...rest], options);
  }

  async function done(args: readonly string[], options: CliOptions = {}): Promise<string> {
    const { exitCode, stdout, stderr } = await amphora(args, options);
    assert.equal(exitCode, 0, stderr);
    return stdout;
  }

  async function names(): Promise<readonly string[]> {
    const text = await done(["images", "--format", "{{.Repository}}:{{.Tag}}"]);
    return text.split("\n").slice(0, -1).toSorted();
  }

  test("pull brings images by short name and by transport, and prints their IDs", async () => {
    assert.equal(await done(["pull", "-q", "team/one:1"]), `${idOf(one)}\n`);
    const { stdout, stderr } = await amphora(["pull", `docker://${registry.host}/team/two`]);
    assert.equal(stdout, `${idOf(two)}\n`, stderr);
    assert.match(stderr, /Writing manifest to image destination/);
    const { host } = registry;
    assert.deepEqual(await names(), [`${host}/team/one:1`, `${host}/team/two:latest`]);
    const missing = await amphora(["pull", "-q", "team/one:nothing"]);
    assert.equal(missing.exitCode, 2, missing.stderr);
  });

  test("pull asks the trust policy", async () => {
    const policy = home.folder.in("reject.json");
    await writeFile(policy, '{"default":[{"type":"reject"}]}');
    const { exitCode, stdout, stderr } = await amphora(["pull", "--policy", policy, "team/one:1"]);
    assert.deepEqual([exitCode, stdout], [1, ""]);
    assert.match(stderr, /rejected by policy/);
  });

  test("images lists them as a table, as JSON, and the one that is meant", async () => {
    const table = (await done(["images"])).split("\n");
    assert.match(table[0] ?? "", /^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE$/);
    assert.equal(table.length, 4);
    const json = JSON.parse(await done(["images", "--format", "json", "team/one:1"]));
    assert.equal(json.length, 1);
    assert.deepEqual(
      [json[0].Id, json[0].Digest, json[0].Labels],
      [idOf(one), one.digest, { app: "one" }],
    );
    assert.equal(await done(["images", "-q", "nothing"]), "");
    const quiet = await done(["images", "-q", "--no-trunc", "--filter", "label=app"]);
    assert.equal(quiet, `sha256:${idOf(one)}\n`);
  });

  test("history tells the steps, the last at the front", async () => {
    const lines = (await done(["history", "team/one:1"])).split("\n");
    assert.match(lines[0] ?? "", /^ID +CREATED +CREATED BY +SIZE +COMMENT$/);
    assert.ok(lines[1]?.startsWith(idOf(one).slice(0, 12)) && lines[1].includes("ADD file-2"));
    assert.ok(lines[3]?.startsWith("<missing>"));
    const json = JSON.parse(await done(["history", "--format", "json", idOf(one).slice(0, 5)]));
    assert.deepEqual(
      json.map(({ CreatedBy }: { CreatedBy: string }) => CreatedBy.slice(-6)),
      ["file-2", "file-1", "file-0"],
    );
  });

  test("tag, untag and rmi give and take names, and the last of them takes the image", async () => {
    await done(["tag", "team/two", "mine", "h.example/x:2"]);
    const all = [
      `${registry.host}/team/one:1`,
      `${registry.host}/team/two:latest`,
      "h.example/x:2",
      "localhost/mine:latest",
    ];
    assert.deepEqual(await names(), all.toSorted());
    await done(["untag", "mine", "h.example/x:2"]);
    assert.equal(await done(["rmi", "mine"]), "Untagged: localhost/mine:latest\n");
    await done(["tag", "team/two", "mine"]);
    const byId = await amphora(["rmi", idOf(two)]);
    assert.equal(byId.exitCode, 1);
    assert.match(byId.stderr, /by ID with more than one tag .*please force removal/);
    const removed = await done(["rmi", "--force", idOf(two)]);
    assert.equal(removed.split("\n").at(-2), `Deleted: ${idOf(two)}`);
    assert.deepEqual(await names(), [`${registry.host}/team/one:1`]);
    const missing = await amphora(["rmi", "mine"]);
    assert.deepEqual(
      [missing.exitCode, missing.stderr.includes("mine: image not known")],
      [2, true],
    );
    const noName = await amphora(["rmi", "--ignore", "MINE"]);
    assert.equal(noName.exitCode, 1);
    assert.match(noName.stderr, /parsing reference \\"MINE\\": .*name must be lowercase/);
    assert.equal(await done(["rmi", "--ignore", "mine"]), "");
  });

  test("save and load carry images and their names, through files and through a pipe", async () => {
    const { folder } = home;
    await done(["tag", "team/one:1", "kept:1"]);
    await done(["save", "-q", "-o", folder.in("one.tar"), "kept:1", "h.example/more:2"]);
    await done(["save", "-q", "--format", "oci-archive", "-o", folder.in("oci.tar"), "kept:1"]);
    await done(["save", "-q", "--format", "oci-dir", "-o", folder.in("dir"), "kept:1"]);
    await done(["rmi", "--all"]);
    const loaded = await done(["load", "-q", "-i", folder.in("one.tar")]);
    assert.equal(loaded, "Loaded image: localhost/kept:1\nLoaded image: h.example/more:2\n");
    await done(["rmi", "--all"]);
    const input = await readFile(folder.in("one.tar"));
    assert.equal(await done(["load", "-q"], { input }), loaded);
    assert.deepEqual(await names(), ["h.example/more:2", "localhost/kept:1"]);
    await done(["rmi", "--all"]);
    const fromOci = await done(["load", "-q", "-i", folder.in("oci.tar")]);
    assert.equal(fromOci, "Loaded image: localhost/kept:1\n");
    const piped = { input: await readFile(folder.in("oci.tar")) };
    assert.equal(await done(["load", "-q", "--format", "oci-archive"], piped), fromOci);
    const { manifests } = JSON.parse(await readFile(folder.in("dir", "index.json"), "utf8"));
    assert.deepEqual(
      manifests.map((each: { annotations: object }) => Object.values(each.annotations)),
      [["localhost/kept:1"]],
    );
    assert.equal(await done(["load", "-q", "-i", folder.in("dir")]), fromOci);
    for (const broken of [
      await amphora(["load", "-i", "/etc/hostname"]),
      await amphora(["load"], { input: "no tar" }),
    ]) {
      assert.equal(broken.exitCode, 1);
      assert.match(broken.stderr, /payload does not match any of the supported image formats/);
    }
  });

  test("save keeps several images in one archive", async () => {
    const archive = home.folder.in("several.tar");
    await done(["pull", "-q", "team/two"]);
    await done(["save", "-q", "-m", "-o", archive, "kept:1", "team/two"]);
    await done(["rmi", "--all"]);
    const loaded = await done(["load", "-q", "-i", archive]);
    assert.equal(
      loaded,
      `Loaded image: localhost/kept:1\nLoaded image: ${registry.host}/team/two:latest\n`,
    );
  });

  test("push brings an image to where its name says, without a byte that is there already", async () => {
    await done(["rmi", "--all"]);
    await done(["pull", "-q", "team/one:1"]);
    const file = home.folder.in("digest");
    await done(["push", "-q", "--digestfile", file, "team/one:1"]);
    assert.equal(await readFile(file, "utf8"), one.digest);
    await done(["push", "-q", "team/one:1", `${registry.host}/other/one:2`]);
    assert.ok(registry.store.open("other/one").tags.has("2"));
    const nameless = await amphora(["push", idOf(one)]);
    assert.equal(nameless.exitCode, 1);
    const missing = await amphora(["push", "nothing"]);
    assert.equal(missing.exitCode, 2);
  });

  test("an image pulled by digest is known by it", async () => {
    const name = `${registry.host}/team/two@${two.digest}`;
    assert.equal(await done(["pull", "-q", name]), `${idOf(two)}\n`);
    assert.equal(await done(["images", "-q", name]), `${idOf(two).slice(0, 12)}\n`);
    assert.ok((await names()).includes(`${registry.host}/team/two:<none>`));
    assert.match(await done(["rmi", name]), /^Untagged: .*@sha256:/m);
  });

  test("inspect and info tell of an image and of the store", async () => {
    const { folder } = home;
    const store = `[vfs@${folder.in("store")}+${folder.in("run", "store")}]`;
    const name = `containers-storage:${store}${registry.host}/team/one:1`;
    const inspected = await home.run(["inspect", name]);
    assert.equal(inspected.exitCode, 0, inspected.stderr);
    assert.deepEqual(JSON.parse(inspected.stdout).Labels, { app: "one" });
    const told = await home.run(["info"]);
    assert.match(told.stdout, /^Local images:\n {2}driver: /m);
  });

  test("unpack leaves a root filesystem, and of what is refused nothing", async () => {
    const { folder } = home;
    const source = `docker://${registry.host}/team/one:1`;
    await done(["unpack", "-q", source, folder.in("rootfs")]);
    const files = one.layers.map((_, index) => `file-${400 * 1000 + index}`);
    assert.deepEqual((await readdir(folder.in("rootfs"))).toSorted(), files);
    const again = await amphora(["unpack", "-q", source, folder.in("rootfs")]);
    assert.match(again.stderr, /is there already, and not empty/);
    const policy = folder.in("reject.json");
    await writeFile(policy, '{"default":[{"type":"reject"}]}');
    await mkdir(folder.in("empty"));
    const refused = await amphora(
      ["--policy", policy, "-q", source, folder.in("empty", "new")].toSpliced(0, 0, "unpack"),
    );
    assert.equal(refused.exitCode, 1, refused.stderr);
    assert.deepEqual(await readdir(folder.in("empty")), []);
  });

  test("unpack makes a bundle and its unit", async () => {
    const bundle = home.folder.in("bundle");
    const source = `docker://${registry.host}/team/one:1`;
    await done(["unpack", "-q", "--bundle", "--unit", "app", source, bundle]);
    assert.deepEqual((await readdir(bundle)).toSorted(), ["app.service", "config.json", "rootfs"]);
    const config = JSON.parse(await readFile(`${bundle}/config.json`, "utf8"));
    assert.deepEqual([config.process.args, config.root.readonly], [["/bin/true"], true]);
    assert.match(await readFile(`${bundle}/app.service`, "utf8"), /run --bundle \S+\/bundle app$/m);
    assert.ok(!existsSync(`${bundle}/rootfs/config.json`));
  });

  test("unpack refuses layers that are not what the config says, and leaves nothing", async () => {
    const config = one.blobs.get(one.config?.digest ?? "") ?? new Uint8Array();
    const wrong = makeImage({ seed: 402, type: "oci", labels: { app: "one" } });
    const lying = { ...wrong, blobs: new Map(wrong.blobs) };
    const folder = home.folder.in("lying");
    await mkdir(folder);
    await writeFile(`${folder}/version`, "Directory Transport Version: 1.1\n");
    const text = Buffer.from(lying.bytes)
      .toString()
      .replace(`${wrong.config?.digest}`, `${one.config?.digest}`)
      .replace(/("size": ?)\d+/, `$1${config.length}`);
    await writeFile(`${folder}/manifest.json`, text);
    await writeFile(`${folder}/${idOf(one)}`, config);
    for (const { digest } of wrong.layers)
      await writeFile(`${folder}/${digest.slice(7)}`, wrong.blobs.get(digest) ?? "");
    const target = home.folder.in("of-lies");
    const { exitCode, stderr } = await amphora(["unpack", "-q", `dir:${folder}`, target]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /a layer unpacks to sha256:.*, and the image's config says sha256:/);
    assert.ok(!existsSync(target));
    const left = (await readdir(home.folder.path)).filter((name) => name.startsWith(".amphora-"));
    assert.deepEqual(left, []);
  });

  test("rmi and untag leave what an additional store gives, and the same image of the user's own", async () => {
    const { folder } = home;
    await done(["pull", "-q", "team/one:1"]);
    const name = `${registry.host}/team/one:1`;
    const places = ["--root", folder.in("own"), "--runroot", folder.in("run", "own")];
    const options = [
      "--storage-driver",
      "vfs",
      "--storage-opt",
      `vfs.imagestore=${folder.in("store")}`,
    ];
    const own = ([verb = "", ...rest]: readonly string[]) =>
      home.run([verb, ...places, ...options, ...rest]);
    const tagged = await own(["tag", name, "mine"]);
    assert.equal(tagged.exitCode, 0, tagged.stderr);
    const removed = await own(["rmi", name]);
    assert.equal(removed.exitCode, 1);
    assert.match(removed.stderr, /cannot remove read-only image/);
    const untagged = await own(["untag", name]);
    assert.equal(untagged.exitCode, 2);
    assert.match(untagged.stderr, /team\/one:1: image not known/);
    const byName = await own(["images", "--format", "{{.Repository}}", "mine"]);
    assert.match(byName.stdout, /^localhost\/mine$/m);
    assert.match(
      (await own(["rmi", "--all"])).stdout,
      /^Untagged: localhost\/mine:latest\nDeleted: /,
    );
    assert.deepEqual((await own(["rmi", "--all"])).exitCode, 0);
  });
});
