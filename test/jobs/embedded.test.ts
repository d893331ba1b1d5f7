import { openEmbeddedJobs } from "../../src/jobs/embedded/open.ts";
import { tempFolder } from "../support/temp.ts";
import { ledgerContract } from "./contract/ledger.ts";
import { queueContract } from "./contract/queue.ts";
import type { JobsPlace, JobsWorld, TestJob } from "./contract/world.ts";

const world: JobsWorld = {
  name: "embedded",
  skip: false,
  async place(): Promise<JobsPlace> {
    const folder = await tempFolder();
    const file = folder.in("jobs.db");
    return {
      address: JSON.stringify({ file }),
      open: ({ now = Date.now, ...options } = {}) =>
        openEmbeddedJobs<TestJob>(file, { now, pollMs: 50, ...options }),
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    };
  },
};

queueContract(world);
ledgerContract(world);
