import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeImage } from "../test/support/images.ts";
import { generateKey, gpgHome } from "../test/support/openpgp/gpg.ts";
import { startRegistry } from "../test/support/registry.ts";
import { WebFolder } from "../test/support/web-folder.ts";
import { type Arguments, parseArguments, usage } from "./arguments.ts";
import { startLag } from "./forwarders.ts";
import { measured, type Sample } from "./measure.ts";
import { caseTable } from "./report.ts";
import { findTools, type Tool } from "./tools.ts";

/** How far away the registry and the look-aside are. */
const lagMs = 20;

/** What a copy of a small image far away, with one signature in a look-aside as far away, is asked to do. */
const ways = {
  "accept, signatures left": ["accept.json", "--remove-signatures"],
  accept: ["accept.json"],
  signedBy: ["signed-by.json"],
} as const;

/** Names and policies of the run, in a folder of its own. */
interface Signed extends AsyncDisposable {
  readonly folder: string;
  readonly image: string;
}

/** `node bench/signed.ts [FLAGS]`, with those of main.ts: what it costs to copy under `signedBy`, for us and for skopeo. */
async function main(args: Arguments): Promise<void> {
  const found = await findTools(args);
  const tools = found.filter(({ name }) => name === "amphora" || name === "skopeo");
  await using signed = await makeSigned();
  const samples = new Map<string, Sample[]>();
  for (let run = 0; run < args.runs; run++) {
    for (const tool of tools) {
      for (const way of Object.keys(ways) as (keyof typeof ways)[]) {
        const key = `${way}\0${tool.name}`;
        samples.set(key, [...(samples.get(key) ?? []), await copy(tool, way, signed)]);
      }
    }
  }
  for (const way of Object.keys(ways)) {
    const results = tools.map(({ name }) => {
      return { case: way, tool: name, samples: samples.get(`${way}\0${name}`) ?? [] };
    });
    console.log(caseTable(`${way}, ${lagMs} ms away`, results, undefined));
  }
}

async function copy(tool: Tool, way: keyof typeof ways, signed: Signed): Promise<Sample> {
  const [policy, ...flags] = ways[way];
  const to = join(signed.folder, "fresh");
  await rm(to, { recursive: true, force: true });
  const files = [
    ...["--policy", join(signed.folder, policy)],
    ...["--registries.d", join(signed.folder, "registries.d")],
  ];
  const rest = ["copy", "-q", "--src-tls-verify=false", ...flags, signed.image, `dir:${to}`];
  return await measured({ words: [...tool.words, ...files, ...rest] });
}

async function makeSigned(): Promise<Signed> {
  const stack = new AsyncDisposableStack();
  const registry = stack.use(await startRegistry());
  const web = stack.use(await WebFolder.start());
  const farRegistry = stack.use(await startLag(registry.port, lagMs));
  const farWeb = stack.use(await startLag(Number(new URL(web.origin).port), lagMs));
  const folder = await mkdtemp(join(tmpdir(), "bench-signed-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const digest = registry.seed("ns/one", "v1", makeImage({ layerBytes: 100_000 }));
  const name = `127.0.0.1:${farRegistry.port}/ns/one:v1`;
  const { key, message } = sign(name, digest);
  web.files.set(`/ns/one@${digest.replace(":", "=")}/signature-1`, message);
  const write = (file: string, text: string | Uint8Array) => writeFile(join(folder, file), text);
  await write("key.gpg", key);
  const keyPath = join(folder, "key.gpg");
  const requirements = {
    "accept.json": { type: "insecureAcceptAnything" },
    "signed-by.json": { type: "signedBy", keyType: "GPGKeys", keyPath },
  };
  for (const [file, requirement] of Object.entries(requirements))
    await write(file, JSON.stringify({ default: [requirement] }));
  await mkdir(join(folder, "registries.d"));
  const lookaside = `http://127.0.0.1:${farWeb.port}`;
  await write("registries.d/default.yaml", `default-docker: {lookaside: "${lookaside}"}\n`);
  return {
    folder,
    image: `docker://${name}`,
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}

function sign(name: string, digest: string): { readonly key: Buffer; readonly message: Buffer } {
  using gpg = gpgHome();
  const payload = JSON.stringify({
    critical: {
      identity: { "docker-reference": name },
      image: { "docker-manifest-digest": digest },
      type: "atomic container signature",
    },
    optional: {},
  });
  const signer = generateKey(gpg, "bench@bench.test", "ed25519");
  const message = gpg.output(["-u", signer, "--sign"], { input: Buffer.from(payload) });
  return { key: gpg.output(["--export", signer]), message };
}

if (process.argv.includes("--help")) console.log(usage.replace("main.ts", "signed.ts"));
else await main(parseArguments(process.argv.slice(2), process.env));
