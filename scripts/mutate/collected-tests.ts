/** Stands for `node:test` while mutants are tried: tests are kept, to be run as often as needed in one process. */
export interface CollectedTest {
  readonly file: string;
  readonly name: string;
  readonly run: () => unknown;
}

/** What the files loaded so far hold. */
export const collected: CollectedTest[] = [];
/** What has to run before the tests of the file that is being loaded. */
export const setUps: (() => unknown)[] = [];

/** Whether tests that need programs which are not ours are kept as well, where they are there. */
export const place = { file: "", withPeers: false };

/** Says which file the next tests are of. */
export function setFile(file: string): void {
  place.file = file;
}

type Body = (context: object) => unknown;

/** A test; one that may be skipped needs a program that is not ours, and is left out unless that was asked for. */
export function test(name: string, options: { readonly skip?: unknown } | Body, body?: Body): void {
  if (typeof options === "object" && "skip" in options && (options.skip || !place.withPeers))
    return;
  const run = typeof options === "function" ? (options as Body) : body;
  if (run) collected.push({ file: place.file, name, run: () => run({ name }) });
}

export function before(run: () => unknown): void {
  setUps.push(run);
}

/** Servers die with the process. */
export function after(): void {}
