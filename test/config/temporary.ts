import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import type { Environment } from "../../src/config/environment.ts";

/** A machine of its own in a temporary folder: a home, a system folder, and files in them. */
export interface Machine {
  readonly root: string;
  readonly environment: Environment;
  /** An absolute path from one like `home/.config/x`. */
  path(relative: string): string;
  /** Writes a file and the folders above it. */
  write(relative: string, text: string, mode?: number): string;
}

export function createMachine(
  t: TestContext,
  variables: Readonly<Record<string, string>> = {},
): Machine {
  const root = mkdtempSync(join(tmpdir(), "amphora-config-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const path = (relative: string) => join(root, relative);
  for (const folder of ["home", "etc", "share", "run"]) mkdirSync(path(folder));
  return {
    root,
    environment: {
      variables: { XDG_RUNTIME_DIR: path("run"), ...variables },
      uid: 1000,
      home: path("home"),
      cwd: root,
      platform: "linux",
      architecture: "x64",
      systemDirectory: path("etc"),
      vendorDirectory: path("share"),
    },
    path,
    write(relative, text, mode = 0o644) {
      const file = path(relative);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      chmodSync(file, mode);
      return file;
    },
  };
}
