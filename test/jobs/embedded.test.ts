import { failSqlite } from "../support/jobs/failing-store.ts";
import { tempFolder } from "../support/temp.ts";
import { crashContract } from "./contract/crash.ts";
import { faultContract } from "./contract/faults.ts";
import { ledgerContract } from "./contract/ledger.ts";
import { openAddress } from "./contract/open-address.ts";
import { queueContract } from "./contract/queue.ts";
import type { JobsPlace, JobsWorld } from "./contract/world.ts";

const world: JobsWorld = {
  name: "embedded",
  skip: false,
  async place(): Promise<JobsPlace> {
    const folder = await tempFolder();
    const file = folder.in("jobs.db");
    const address = JSON.stringify({ file });
    return {
      address,
      open: (options) => openAddress(address, options),
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    };
  },
};

queueContract(world);
ledgerContract(world);
crashContract(world);
faultContract({ ...world, hows: ["fails"], fail: failSqlite, stride: 7 });
