// The main job on embedded means, in a folder of its own: makes a small image, copies it between an OCI layout and a
// directory, recompresses it and compares digests; then signs it, has a policy refuse it without the key and admit it with
// it, and tells why.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const amphora = join(import.meta.dirname, "../bin/amphora");
const name = "vendor.example/app:v1";
const folder = mkdtempSync(join(tmpdir(), "amphora-demo-"));

try {
  makeLayout("image");
  console.log("Copying, with everything admitted:");
  run("--insecure-policy", "copy", "oci:image:latest", "dir:unpacked");
  run(
    "inspect",
    "--format",
    "{{.Digest}} {{.Os}}/{{.Architecture}} {{len .Layers}} layers",
    "dir:unpacked",
  );
  run(
    "--insecure-policy",
    "copy",
    "--all",
    "--preserve-digests",
    "dir:unpacked",
    "oci:back:latest",
  );
  run(
    "--insecure-policy",
    "copy",
    "--dest-compress-format",
    "zstd",
    "dir:unpacked",
    "oci:smaller:latest",
  );

  console.log("\nSigning, and a policy that trusts one key:");
  writeFileSync(join(folder, "passphrase"), "only for this demo\n");
  for (const name of ["vendor", "stranger"])
    run("generate-sigstore-key", "--output-prefix", name, "--passphrase-file", "passphrase");
  sign("stranger", "by-stranger");
  sign("vendor", "by-vendor");
  run("--policy", "policy.json", "trust", "init", "vendor.example=vendor.pub");
  const as = ["--as", `docker://${name}`];
  const results = ["unpacked", "by-stranger", "by-vendor"].map((image) =>
    run("--policy", "policy.json", "verify", ...as, `dir:${image}`),
  );

  console.log("\nWhy, step by step:");
  run("--policy", "policy.json", "trust", "explain", ...as, "dir:by-stranger");

  const before = digestIn("image");
  const after = digestIn("back");
  console.log(`\nsame image after the round trip: ${before === after} (${after})`);
  const held = results.join() === "1,1,0";
  console.log(`unsigned and wrongly signed refused, rightly signed admitted: ${held}`);
  process.exitCode = before === after && held ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Copies the image and signs the copy. */
function sign(key: string, to: string): void {
  run(
    ...["--insecure-policy", "copy", "--sign-by-sigstore-private-key", `${key}.private`],
    ...["--sign-passphrase-file", "passphrase", "--sign-identity", name],
    ...["oci:image:latest", `dir:${to}`],
  );
}

/** Shows a command line, runs it, and gives its exit code. */
function run(...words: readonly string[]): number | null {
  console.log(
    `\n$ amphora ${words.map((word) => (/[ {]/.test(word) ? `'${word}'` : word)).join(" ")}`,
  );
  const { status } = spawnSync(amphora, words, { cwd: folder, stdio: "inherit" });
  if (status !== 0) console.log(`(exit code ${status})`);
  return status;
}

function digestIn(layout: string): string {
  return JSON.parse(readFileSync(join(folder, layout, "index.json"), "utf8")).manifests[0].digest;
}

/** Writes an OCI layout with one image of two layers, tagged latest. */
function makeLayout(name: string): void {
  const root = join(folder, name);
  mkdirSync(join(root, "blobs/sha256"), { recursive: true });
  const blob = (bytes: Uint8Array, mediaType: string) => {
    const hex = createHash("sha256").update(bytes).digest("hex");
    writeFileSync(join(root, "blobs/sha256", hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.byteLength };
  };
  const tars = [
    tarOf("etc/motd", "Carried in an amphora.\n".repeat(2_000)),
    tarOf("data/numbers", Array.from({ length: 50_000 }, (_, i) => i * i).join("\n")),
  ];
  const layers = tars.map((tar) =>
    blob(gzipSync(tar), "application/vnd.oci.image.layer.v1.tar+gzip"),
  );
  const diffIds = tars.map((tar) => `sha256:${createHash("sha256").update(tar).digest("hex")}`);
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  const config = blob(
    json({
      architecture: "amd64",
      os: "linux",
      config: { Cmd: ["/bin/sh"] },
      rootfs: { type: "layers", diff_ids: diffIds },
    }),
    "application/vnd.oci.image.config.v1+json",
  );
  const manifestType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = blob(
    json({ schemaVersion: 2, mediaType: manifestType, config, layers }),
    manifestType,
  );
  const annotations = { "org.opencontainers.image.ref.name": "latest" };
  writeFileSync(join(root, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(
    join(root, "index.json"),
    json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  );
}

/** A tar archive with one file — POSIX.1-1988 ustar. */
function tarOf(name: string, text: string): Uint8Array {
  const content = Buffer.from(text);
  const header = Buffer.alloc(512);
  const field = (value: string, at: number) => header.write(value, at, "latin1");
  field(name, 0);
  field("0000644\0", 100);
  field("0000000\0", 108);
  field("0000000\0", 116);
  field(`${content.byteLength.toString(8).padStart(11, "0")}\0`, 124);
  field("00000000000\0", 136);
  field("        ", 148);
  field("0", 156);
  field("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  field(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const padding = Buffer.alloc((512 - (content.byteLength % 512)) % 512);
  return Buffer.concat([header, content, padding, Buffer.alloc(1024)]);
}
