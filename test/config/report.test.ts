import assert from "node:assert/strict";
import { test } from "node:test";
import { createCredentialFinder } from "../../src/config/load-credentials.ts";
import { loadRegistriesConf } from "../../src/config/load-registries-conf.ts";
import { type ConfigurationReport, reportConfiguration } from "../../src/config/load-report.ts";
import { createProxySelector } from "../../src/config/proxy.ts";
import { parseDockerReference } from "../../src/core/docker-reference.ts";
import { createMachine, type Machine } from "./temporary.ts";

const signal = AbortSignal.timeout(600_000);

async function report(machine: Machine, reference?: string): Promise<ConfigurationReport> {
  const { environment } = machine;
  const registries = await loadRegistriesConf(environment);
  return reportConfiguration(
    {
      environment,
      registries,
      choice: {},
      findCredentials: createCredentialFinder({
        environment,
        registries: registries.conf,
        choice: {},
        askHelper: () => Promise.reject(new Error("a helper was asked")),
        credsStore: true,
        onWarning: () => {},
      }),
      proxyFor: createProxySelector(environment),
      ...(reference && { reference: parseDockerReference(reference) }),
    },
    { signal },
  );
}

function furnish(machine: Machine): void {
  machine.write(
    "etc/containers/registries.conf",
    `[[registry]]
prefix = "up.example"
location = "real.example/ns"
insecure = true
[[registry.mirror]]
location = "m.example"
[[registry]]
location = "m.example"
blocked = true`,
  );
  machine.write("etc/containers/policy.json", "{}");
  machine.write(
    "run/containers/auth.json",
    JSON.stringify({ auths: { "real.example": { auth: "dTpodXNoaHVzaA==" } } }),
  );
  machine.write("etc/containers/certs.d/real.example/ca.crt", "x");
}

test("reportConfiguration() tells of every file whether it was read", async (t) => {
  const machine = createMachine(t);
  furnish(machine);
  machine.write("home/.config/containers/policy.json", "{}");
  const told = await report(machine);
  const outcomes = (files: ConfigurationReport["policy"]) =>
    files.map(({ path, outcome }) => `${path.slice(machine.root.length + 1)} ${outcome}`);
  assert.deepEqual(outcomes(told.registries), [
    "home/.config/containers/registries.conf absent",
    "etc/containers/registries.conf.d absent",
    "home/.config/containers/registries.conf.d absent",
    "etc/containers/registries.conf read",
  ]);
  assert.deepEqual(outcomes(told.credentials), [
    "run/containers/auth.json read",
    "home/.config/containers/auth.json absent",
    "home/.docker/config.json absent",
    "home/.dockercfg absent",
  ]);
  assert.deepEqual(outcomes(told.policy), [
    "home/.config/containers/policy.json read",
    "etc/containers/policy.json skipped",
  ]);
  assert.deepEqual(told.credentialHelpers, ["containers-auth.json"]);
  assert.equal(told.reference, undefined);
});

test("reportConfiguration() tells of a reference's endpoints what each would be contacted with, and no secret", async (t) => {
  const machine = createMachine(t, { HTTPS_PROXY: "http://user:hushhush@p.example:3128" });
  furnish(machine);
  const told = await report(machine, "up.example/x:1");
  assert.equal(told.reference?.prefix, "up.example");
  const [mirror, primary] = told.reference?.endpoints ?? [];
  assert.equal(mirror?.reference, "m.example/x:1");
  assert.match(mirror?.refusal ?? "", /^registry m\.example is blocked in /);
  assert.equal(mirror?.credentials, undefined);
  assert.deepEqual(
    { ...primary, certificates: primary?.certificates.map(({ outcome }) => outcome) },
    {
      reference: "real.example/ns/x:1",
      isMirror: false,
      insecure: true,
      credentials: `${machine.path("run/containers/auth.json")}, entry "real.example"`,
      certificates: ["absent", "read", "read"],
      proxy: "http://p.example:3128",
      problems: [],
    },
  );
  assert.doesNotMatch(JSON.stringify(told), /hush/);
});

test("reportConfiguration() tells of what is broken instead of failing", async (t) => {
  const machine = createMachine(t);
  machine.write("run/containers/auth.json", "{");
  machine.write("etc/containers/certs.d/up.example/a.key", "x");
  machine.write(
    "etc/containers/registries.conf",
    `[[registry]]\nprefix = "bad.example"\nlocation = "UPPER/Case"`,
  );
  const told = await report(machine, "up.example/x:1");
  assert.equal(told.policy[0]?.outcome, "absent");
  assert.equal(told.reference?.endpoints[0]?.problems.length, 2);
  const broken = await report(machine, "bad.example/x:1");
  assert.match(broken.reference?.problem ?? "", /^rewriting reference: /);
});
