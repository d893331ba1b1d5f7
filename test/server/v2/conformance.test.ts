import { openRegistryStore } from "../../../src/server/store/open-store.ts";
import { startV2Server } from "../../support/server/v2-server.ts";
import { tempFolder } from "../../support/temp.ts";
import { describeContent } from "./conformance/content.ts";
import { describeDiscovery } from "./conformance/discovery.ts";
import { describePull } from "./conformance/pull.ts";
import { describePush } from "./conformance/push.ts";
import { type Declare, onSubject, type Subject } from "./conformance/subject.ts";

// The official conformance suites of the OCI, 1.1.1 and the one that follows it, as `specs` registry.md 5.2 lists them.
onSubject("in a folder", startWithStore, describeAll);
// The backend that other tests rely upon keeps to the same.
onSubject("in memory", () => startV2Server(), describeAll);

function describeAll(declare: Declare): void {
  describePull(declare);
  describePush(declare);
  describeDiscovery(declare);
  describeContent(declare);
}

async function startWithStore(): Promise<Subject> {
  const folder = await tempFolder();
  const now = () => Date.now();
  const store = await openRegistryStore(folder.in("data"), { domain: "registry.test", now });
  const server = await startV2Server({ backendOf: () => store, catalog: store });
  return {
    origin: server.origin,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await store.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}
