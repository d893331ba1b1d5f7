import { readFileSync } from "node:fs";

/**
 * How much a command needs the user namespace of an ordinary user's store: `must`, where it reads or writes files of other owners
 * in there; `should`, where without it they become the user's; `may`, where there seldom are any.
 */
export type NamespaceNeed = "must" | "should" | "may" | undefined;

const references: ReadonlySet<string> = new Set(["copy", "delete", "layers"]);
const needs: Readonly<Record<string, NamespaceNeed>> = {
  load: "must",
  pull: "must",
  push: "must",
  rmi: "must",
  save: "must",
  // They remove layers that others have left unfinished, where there are any.
  tag: "may",
  untag: "may",
  unpack: "should",
};

/** What a command line needs. Only what is in containers-storage has layers of other owners — spec 17. */
export function namespaceNeed(command: string, args: readonly string[]): NamespaceNeed {
  if (references.has(command))
    return args.some((arg) => arg.startsWith("containers-storage:")) ? "must" : undefined;
  return args.length > 0 || command === "load" || command === "rmi" ? needs[command] : undefined;
}

/** CHOWN, DAC_OVERRIDE, FOWNER, FSETID, MKNOD, SETFCAP: with these, skopeo makes no namespace either. */
const wanted = [0n, 1n, 3n, 4n, 27n, 31n].reduce((mask, bit) => mask | (1n << bit), 0n);

/** Whether this process is an ordinary user's, outside of any namespace made for the purpose. */
export function isOrdinaryUser(): boolean {
  if (process.platform !== "linux" || process.getuid?.() === 0) return false;
  if (process.env["_CONTAINERS_USERNS_CONFIGURED"]) return false;
  return (effectiveCapabilities() & wanted) !== wanted;
}

function effectiveCapabilities(): bigint {
  try {
    const status = readFileSync("/proc/self/status", "latin1");
    return BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  } catch {
    return 0n;
  }
}
