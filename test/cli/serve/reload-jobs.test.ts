import assert from "node:assert/strict";
import { test } from "node:test";
import { startServed } from "../../support/server/served.ts";

const base = "  base: { from: docker.io/library/alpine, to: localhost:5000/base/ }\n";

test("mirrors, schedules and what jobs may are read again while the server runs", async () => {
  await using served = await startServed({ yaml: `mirrors:\n${base}` });
  const at = (path: string) => `${served.url}/api/v1/${path}`;
  const mirrors = async () => {
    const answer = await fetch(at("mirrors"));
    const { mirrors } = (await answer.json()) as { mirrors: { name: string; schedule?: string }[] };
    return mirrors.map(({ name, schedule = "" }) => `${name} ${schedule}`);
  };
  const copy = async () => {
    const body = {
      kind: "copy",
      from: "docker://other.example/a",
      to: "docker://localhost:5000/a",
    };
    const headers = { "content-type": "application/json" };
    const answer = await fetch(at("jobs"), { method: "POST", headers, body: JSON.stringify(body) });
    return answer.status;
  };
  assert.deepEqual([await mirrors(), await copy()], [["base "], 403]);
  const more =
    '  nightly: { from: quay.io/team/app, to: localhost:5000/app/, schedule: "0 3 * * *" }\n';
  const jobs = "jobs: { allowed-hosts: [other.example], slots: 9, keep-for: 3d }\n";
  const later = await served.reload(`${jobs}mirrors:\n${base}${more}`);
  assert.deepEqual(later, ["jobs.keep-for"]);
  assert.deepEqual([await mirrors(), await copy()], [["base ", "nightly 0 3 * * *"], 202]);
  const bad = `mirrors:\n  base: { from: docker.io/library/alpine, tags: { semver: nonsense } }\n`;
  await assert.rejects(served.reload(bad), { code: "config.invalid" });
  assert.deepEqual(await mirrors(), ["base ", "nightly 0 3 * * *"]);
});
