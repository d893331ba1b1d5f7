import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { after, before, suite, test } from "node:test";
import { formatEnvelope } from "../../sigstore/envelope.ts";
import { fakeBytes } from "../sigstore/lookaside/support.ts";
import { makeMultiArch } from "../support/images.ts";
import { kept, type SignaturesApi } from "../support/registry/signatures.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { type CliHome, cliHome } from "../support/run-cli.ts";
import { WebFolder } from "../support/web-folder.ts";

const image = makeMultiArch({ seed: 70, layerBytes: 1500 });

suite("amphora signatures", () => {
  let home: CliHome;
  let registry: Registry;
  let digest: string;
  let look: string;
  const lists = new Map<string, unknown[]>();
  const api: SignaturesApi = { announced: "1", lists };
  const at = (...names: readonly string[]) => home.folder.in(...names);
  const name = () => `docker://${registry.host}/ns/one:v1`;

  before(async () => {
    home = await cliHome();
    registry = await startRegistry({ features: { signatures: api } });
    digest = registry.seed("ns/one", "v1", image);
    look = `ns/one@${digest.replace(":", "=")}`;
    await mkdir(at("look", look), { recursive: true });
    await writeFile(at("look", look, "signature-1"), fakeBytes("one"));
    await writeFile(at("look", look, "signature-2"), fakeBytes("two"));
    const lookaside = `lookaside: file://${at("look")}`;
    await home.write(
      ".config/containers/registries.d/a.yaml",
      `default-docker: {${lookaside}, use-sigstore-attachments: true}`,
    );
  });

  after(async () => {
    await registry[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });

  const signatures = async (...args: readonly string[]) => {
    const result = await home.run(["signatures", ...args]);
    assert.equal(result.exitCode, 0, result.stderr);
    return result.stdout;
  };
  const rows = async (...args: readonly string[]) => {
    const text = await signatures("list", "--tls-verify=false", "--json", ...args, name());
    return (JSON.parse(text) as { place: string; number: number; manifest: string }[]).map(
      ({ place, number }) => `${place} ${number}`,
    );
  };

  test("list tells places and numbers", async () => {
    lists.set(digest, [kept(fakeBytes("two"))]);
    assert.deepEqual(await rows(), ["api 1", "lookaside 1", "lookaside 2"]);
    const text = await signatures("list", "--tls-verify=false", "--from", "api", name());
    assert.match(text, /^sha256:[0-9a-f]{64}\n {2}1 {2}simple-signing, says no name {2}\(api /);
  });

  test("migrate brings them from one place to another, each once", async () => {
    const lax = "--tls-verify=false";
    const told = await signatures("migrate", lax, "--from", "lookaside", "--to", "api", name());
    assert.equal(told, `${digest}: 2 to ${registry.host}/ns/one\n`);
    assert.equal(lists.get(digest)?.length, 2);
    await using web = await WebFolder.start({ writing: "dav" });
    const url = `http://ann:secret@${new URL(web.origin).host}/sigs`;
    const migrated = await signatures("migrate", lax, "--from", "api", "--to", url, name());
    assert.match(migrated, /2 to http:\/\/ann:xxxxx@/);
    assert.deepEqual([...web.files.keys()].sort(), [
      `/sigs/${look}/signature-1`,
      `/sigs/${look}/signature-2`,
    ]);
    await signatures("remove", lax, "--from", url, name(), "1");
    assert.equal(web.files.size, 1);
  });

  test("migrate brings what a look-aside has of sigstore to another, or to attachments", async () => {
    registry.seed("ns/two", "v1", image);
    const two = `docker://${registry.host}/ns/two:v1`;
    const folder = look.replace("one", "two");
    const mediaType = "application/vnd.dev.cosign.simplesigning.v1+json";
    const payload = Buffer.from("{}");
    const bytes = formatEnvelope({ format: "sigstore", mediaType, payload, annotations: {} });
    await mkdir(at("look", folder), { recursive: true });
    await writeFile(at("look", folder, "signature-1"), bytes);
    const migrate = (to: string) =>
      signatures("migrate", "--tls-verify=false", "--from", "lookaside", "--to", to, two);
    await migrate(`file://${at("other")}`);
    assert.deepEqual(await readFile(at("other", folder, "signature-1")), Buffer.from(bytes));
    assert.match(await migrate("attachments"), /1 to .*\.sig/);
  });

  test("copy brings them to a folder, and to an image of another registry", async () => {
    const copied = await home.run([
      "copy",
      "--all",
      "--remove-signatures",
      "--src-tls-verify=false",
      name(),
      `dir:${at("d")}`,
    ]);
    assert.equal(copied.exitCode, 0, copied.stderr);
    await signatures("copy", "--all", "--src-tls-verify=false", name(), `dir:${at("d")}`);
    const files = (await readdir(at("d"))).filter((file) => file.includes("signature"));
    assert.deepEqual(files.sort(), ["signature-1", "signature-2"]);
    await using other = await startRegistry();
    await signatures(
      "copy",
      "--src-tls-verify=false",
      "--dest-tls-verify=false",
      name(),
      `docker://${other.host}/x:v1`,
    );
    assert.equal((await readdir(at("look", `x@${digest.replace(":", "=")}`))).length, 2);
  });

  test("what cannot be is refused", async () => {
    const refuses = async (pattern: RegExp, ...args: readonly string[]) => {
      const { exitCode, stderr } = await home.run(["signatures", ...args]);
      assert.equal(exitCode, 1);
      assert.match(stderr, pattern);
    };
    await refuses(/nowhere.* is no place of signatures/, "list", "--from", "nowhere", name());
    await refuses(/--from is required/, "migrate", name());
    await refuses(/images have no signatures/, "list", `oci:${at("none")}`);
  });
});
