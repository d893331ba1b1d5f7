import assert from "node:assert/strict";
import { test } from "node:test";
import { refuse } from "../support/registry/faults.ts";
import { startRegistry } from "../support/registry.ts";
import { cliHome } from "../support/run-cli.ts";
import { makeSchema1 } from "../support/schema1.ts";

test("copy makes no schema 2 image of schema 1 whose layers it did not measure", async () => {
  await using registry = await startRegistry();
  await using home = await cliHome();
  registry.seed("old/it", "v1", makeSchema1("old/it", "v1"));
  registry.behave({
    on: "PUT manifest",
    times: 9,
    fault: refuse(400, { code: "MANIFEST_INVALID", message: "not this one" }),
  });
  const { exitCode, stderr } = await home.run([
    ...["copy", "--src-tls-verify=false", "--dest-tls-verify=false"],
    ...[`docker://${registry.host}/old/it:v1`, `docker://${registry.host}/new/it:v1`],
  ]);
  assert.equal(exitCode, 1);
  assert.match(stderr, /preparing DiffIDs for this case is not supported/);
  const tried = registry.log.counts()["PUT manifest"];
  assert.equal(tried, 2); // both kinds of schema 1, and nothing that would be wrong
});
