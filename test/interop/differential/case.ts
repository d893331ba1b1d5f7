import type { World } from "./world.ts";

/** One invocation that two programs have to answer alike. */
export interface Case {
  /** Unique; rows of the differences refer to it. */
  readonly name: string;
  readonly args: (world: World) => readonly string[];
  readonly input?: string;
  /** What `before` needs to be there. */
  readonly furnish?: (world: World) => Promise<void>;
  /** Beside the world's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Invocations of the same program that come first. */
  readonly before?: (world: World) => readonly (readonly string[])[];
  readonly prepare?: (world: World) => Promise<void>;
  /** Paths in the working folder whose content has to be the same afterwards. */
  readonly files?: readonly string[];
  /** Skopeo goes through maps, whose order is chance: lines are compared sorted. */
  readonly anyOrder?: true;
}

/** A case without surroundings; `R` in an argument stands for the open registry, `G` for the guarded one. */
export function plainCase(line: string, more: Partial<Case> = {}): Case {
  return { name: line, args: (world) => words(line, world), ...more };
}

/** Splits a line at blanks outside of '…'; R and G become host:port. */
export function words(line: string, world: World): string[] {
  const found = line.match(/'[^']*'|\S+/g) ?? [];
  return found.map((word) =>
    word
      .replaceAll("'", "")
      .replaceAll(/\bR(?=\/|$|:)/g, world.registry.host)
      .replaceAll(/\bG(?=\/|$|:)/g, world.guarded.host),
  );
}
