import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requirePeer } from "../peers.ts";

export interface GpgResult {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A GnuPG home of its own, gone with its agent when its scope ends. */
export interface GpgHome extends Disposable {
  readonly path: string;
  /** @param time what it takes for now: `20200101T000000` */
  run(args: readonly string[], options?: { input?: Uint8Array; time?: string }): GpgResult;
  /** As run(), for what must work. */
  output(args: readonly string[], options?: { input?: Uint8Array; time?: string }): Buffer;
}

export function gpgHome(): GpgHome {
  const path = mkdtempSync(join(tmpdir(), "amphora-gpg-"));
  const env = { GNUPGHOME: path, HOME: path, PATH: "/usr/bin:/bin", LC_ALL: "C" };
  const run: GpgHome["run"] = (args, { input = new Uint8Array(), time } = {}) => {
    const faked = time === undefined ? [] : ["--faked-system-time", `${time}!`];
    const own = ["--batch", "--no-tty", "--trust-model", "always", ...faked];
    const { status, stdout, stderr } = spawnSync(requirePeer("gpg"), [...own, ...args], {
      input,
      env,
      timeout: 300_000,
    });
    return { code: status, stdout, stderr: stderr.toString() };
  };
  return {
    path,
    run,
    output: (args, options) => {
      const { code, stdout, stderr } = run(args, options);
      if (code !== 0) throw new Error(`gpg ${args.join(" ")}: ${stderr}`);
      return stdout;
    },
    [Symbol.dispose]: () => {
      spawnSync("gpgconf", ["--kill", "all"], { env });
      rmSync(path, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** A new key without passphrase; its fingerprint. */
export function generateKey(home: GpgHome, name: string, algorithm: string, time?: string): string {
  const unlocked = ["--pinentry-mode", "loopback", "--passphrase", ""];
  home.output([...unlocked, "--quick-generate-key", name, algorithm, "default", "never"], {
    ...(time !== undefined && { time }),
  });
  return fingerprints(home, name)[0] ?? "";
}

/** Of the key and its subkeys. */
export function fingerprints(home: GpgHome, name: string): readonly string[] {
  const listed = home.output(["--with-colons", "--with-subkey-fingerprint", "-K", name]).toString();
  return [...listed.matchAll(/^fpr:.*?:([0-9A-F]{40}):$/gm)].map((match) => match[1] ?? "");
}

/** Whether the reference, which leaves it to GnuPG, would accept this message with only these keys in the world. */
export function gpgAccepts(keys: Uint8Array, message: Uint8Array): boolean {
  using home = gpgHome();
  home.run(["--no-autostart", "--import"], { input: keys });
  const file = join(home.path, "message");
  writeFileSync(file, message);
  const { stdout } = home.run([
    "--no-autostart",
    "--status-fd",
    "1",
    "--output",
    join(home.path, "content"),
    "--decrypt",
    file,
  ]);
  const statuses = [...stdout.toString().matchAll(/^\[GNUPG:\] (\w+)/gm)].map((match) => match[1]);
  const bad = /^(?:BADSIG|ERRSIG|EXPSIG|EXPKEYSIG|REVKEYSIG|NODATA|UNEXPECTED|FAILURE)$/;
  const good = statuses.filter((status) => status === "GOODSIG").length;
  return good === 1 && !statuses.some((status) => bad.test(status ?? ""));
}
