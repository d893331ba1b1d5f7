import { after, before, test } from "node:test";

/** A registry under test. */
export interface Subject extends AsyncDisposable {
  readonly origin: string;
}

/** What each test gets: the registry, and a repository nobody else uses. */
export interface Bench {
  readonly origin: string;
  readonly repository: string;
}

/** Declares a test of the registry that is being described. */
export type Declare = (name: string, run: (bench: Bench) => Promise<void>) => void;

/** Starts a registry for all tests that `describe` declares; each has a repository of its own. */
export function onSubject(
  name: string,
  start: () => Promise<Subject>,
  describe: (declare: Declare) => void,
): void {
  let subject: Subject | undefined;
  let count = 0;
  before(async () => {
    subject = await start();
  });
  after(async () => {
    await subject?.[Symbol.asyncDispose]();
  });
  describe((what, run) => {
    test(`${name}: ${what}`, async () => {
      if (subject === undefined) throw new Error("there is no registry to test");
      count += 1;
      await run({ origin: subject.origin, repository: `conformance/test-${count}` });
    });
  });
}
