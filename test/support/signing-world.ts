import { mkdir, writeFile } from "node:fs/promises";
import { type GpgHome, generateKey, gpgHome } from "./openpgp/gpg.ts";
import { type Registry, startRegistry } from "./registry.ts";
import type { RunResult } from "./run.ts";
import { type CliHome, cliHome } from "./run-cli.ts";

/** A registry, two people with OpenPGP keys, and a user's home whose look-aside is a folder. */
export interface SigningWorld extends AsyncDisposable {
  readonly registry: Registry;
  readonly home: CliHome;
  readonly gpg: GpgHome;
  /** Fingerprints. */
  readonly keys: { readonly ann: string; readonly bob: string };
  /** A path in the folder that programs are started in: `ann.pub` and `bob.pub` are there. */
  in(...names: readonly string[]): string;
  /** `docker://HOST/text`. */
  at(text: string): string;
  /** Runs the program as built; `GNUPGHOME` is the two people's. */
  run(...args: readonly string[]): Promise<RunResult>;
  /** Like run(), for what must work; its standard output. */
  output(...args: readonly string[]): Promise<string>;
  /** Writes a policy that refuses all but these docker scopes, and gives its file. */
  policy(
    name: string,
    scopes: Readonly<Record<string, object | readonly object[]>>,
  ): Promise<string>;
}

/** A requirement of a signature by this world's `ann` or `bob`. */
export function signedBy(path: string, identity?: object): object {
  return {
    type: "signedBy",
    keyType: "GPGKeys",
    keyPath: path,
    ...(identity && { signedIdentity: identity }),
  };
}

/** `await using world = await signingWorld()`. */
export async function signingWorld(): Promise<SigningWorld> {
  const stack = new AsyncDisposableStack();
  const registry = stack.use(await startRegistry());
  const home = stack.use(await cliHome());
  const gpg = stack.use(gpgHome());
  const work = home.folder.in("work");
  await mkdir(work);
  const keys = {
    ann: generateKey(gpg, "ann@a.test", "ed25519"),
    bob: generateKey(gpg, "bob@b.test", "ed25519"),
  };
  for (const [name, key] of Object.entries(keys))
    await writeFile(home.folder.in("work", `${name}.pub`), gpg.output(["--export", key]));
  await home.write(
    ".config/containers/registries.d/default.yaml",
    `default-docker:\n  lookaside: file://${home.folder.in("sigs")}\n`,
  );
  const world: SigningWorld = {
    registry,
    home,
    gpg,
    keys,
    in: (...names) => home.folder.in("work", ...names),
    at: (text) => `docker://${registry.host}/${text}`,
    run: (...args) => home.run(args, { cwd: work, env: { GNUPGHOME: gpg.path } }),
    async output(...args) {
      const { exitCode, stdout, stderr } = await world.run(...args);
      if (exitCode !== 0) throw new Error(`${args.join(" ")}: ${stderr}`);
      return stdout;
    },
    async policy(name, scopes) {
      const docker = Object.fromEntries(
        Object.entries(scopes).map(([scope, asked]) => [
          scope,
          Array.isArray(asked) ? asked : [asked],
        ]),
      );
      const file = home.folder.in("work", name);
      await writeFile(
        file,
        JSON.stringify({ default: [{ type: "reject" }], transports: { docker } }),
      );
      return file;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
  return world;
}
