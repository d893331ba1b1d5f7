import type { CommandContext, RunCommand } from "../context.ts";

const BELOW: Readonly<Record<string, () => Promise<RunCommand>>> = {
  compile: async () => (await import("../trust/compile.ts")).compile,
  explain: async () => (await import("../trust/explain.ts")).explain,
  init: async () => (await import("../trust/init.ts")).init,
  lint: async () => (await import("../trust/lint.ts")).lint,
  rotate: async () => (await import("../trust/rotate.ts")).rotate,
  set: async () => (await import("../trust/set.ts")).set,
  show: async () => (await import("../trust/show.ts")).show,
};

/** `trust` and the commands below it. */
export async function run(context: CommandContext): Promise<void> {
  const load = BELOW[context.path.at(-1)?.name ?? ""];
  if (!load) return await (await import("./not-yet.ts")).run(context);
  const below = await load();
  await below(context);
}
