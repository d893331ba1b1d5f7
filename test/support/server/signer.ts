import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { fingerprints, type GpgHome, gpgHome } from "../openpgp/gpg.ts";
import { type TempFolder, tempFolder } from "../temp.ts";

const main = fileURLToPath(import.meta.resolve("../../../src/main.ts"));

/** Keys in files, as the section `signing.keys` names them, and their public halves. */
export interface SignerKeys extends AsyncDisposable {
  readonly gpg: GpgHome;
  readonly folder: TempFolder;
  /** By name: the file of the secret key, its public half, the fingerprint. */
  readonly keys: Readonly<
    Record<"release" | "vendor", { file: string; public: Uint8Array; id: string }>
  >;
}

/** Made once a test file: keys take their time. */
export async function signerKeys(): Promise<SignerKeys> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  const gpg = stack.use(gpgHome());
  const make = async (name: string) => {
    const unlocked = ["--pinentry-mode", "loopback", "--passphrase", ""];
    gpg.output([...unlocked, "--quick-generate-key", `${name}@a.test`, "ed25519", "sign", "never"]);
    const id = fingerprints(gpg, `${name}@a.test`)[0] ?? "";
    const file = folder.in(`${name}.secret`);
    await writeFile(file, gpg.output([...unlocked, "--export-secret-keys", id]), { mode: 0o600 });
    const exported = gpg.output(["--export", id]);
    await writeFile(folder.in(`${name}.pub`), exported);
    return { file, public: exported, id };
  };
  const keys = { release: await make("release"), vendor: await make("vendor") };
  return { gpg, folder, keys, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** `amphora signer`, running. */
export interface TestSigner extends AsyncDisposable {
  readonly socket: string;
  readonly log: string;
  readonly pid: number;
}

/** Starts it with a configuration, from source; it listens when this returns. */
export async function startTestSigner(configuration: object): Promise<TestSigner> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  await mkdir(folder.in("home"));
  await writeFile(folder.in("serve.yaml"), JSON.stringify(configuration));
  const socket = folder.in("socket");
  const log = folder.in("signed.jsonl");
  const args = [main, "signer", "--config", folder.in("serve.yaml"), "--data", folder.in("data")];
  const child = spawn(
    process.execPath,
    [...args, "--socket", socket, "--log", log, "--until-stdin-ends"],
    {
      stdio: ["pipe", "ignore", "pipe"],
      env: { PATH: process.env["PATH"], HOME: folder.in("home") },
    },
  );
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += String(chunk);
  });
  stack.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  });
  while (!(await listens(socket))) {
    if (child.exitCode !== null) throw new Error(`the signer has ended: ${said}`);
    await sleep(50);
  }
  return { socket, log, pid: child.pid ?? 0, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

function listens(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket, () => {
      probe.destroy();
      resolve(true);
    });
    probe.on("error", () => resolve(false));
  });
}
