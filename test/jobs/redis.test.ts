import { failRedis } from "../support/jobs/failing-store.ts";
import { skipWithout } from "../support/peers.ts";
import { startRedis } from "../support/redis.ts";
import { crashContract } from "./contract/crash.ts";
import { faultContract } from "./contract/faults.ts";
import { ledgerContract } from "./contract/ledger.ts";
import { openAddress } from "./contract/open-address.ts";
import { queueContract } from "./contract/queue.ts";
import type { JobsPlace, JobsWorld } from "./contract/world.ts";

const world: JobsWorld = {
  name: "Redis",
  skip: skipWithout("redis-server"),
  async place(): Promise<JobsPlace> {
    const server = await startRedis();
    const address = JSON.stringify({ url: server.url });
    return {
      address,
      open: (options) => openAddress(address, options),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
};

queueContract(world);
ledgerContract(world);
crashContract(world);
faultContract({ ...world, hows: ["fails", "unanswered"], fail: failRedis, stride: 3 });
