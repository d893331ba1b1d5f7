import { startV2Server } from "../../support/server/v2-server.ts";
import { describeContent } from "./conformance/content.ts";
import { describeDiscovery } from "./conformance/discovery.ts";
import { describePull } from "./conformance/pull.ts";
import { describePush } from "./conformance/push.ts";
import { onSubject } from "./conformance/subject.ts";

// The official conformance suites of the OCI, 1.1.1 and the one that follows it, as `specs` registry.md 5.2 lists them.
onSubject(
  "in memory",
  () => startV2Server(),
  (declare) => {
    describePull(declare);
    describePush(declare);
    describeDiscovery(declare);
    describeContent(declare);
  },
);
