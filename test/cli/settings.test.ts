import assert from "node:assert/strict";
import { test } from "node:test";
import { readCommandLine } from "../../src/cli/find-command.ts";
import { endSettings, globalSettings } from "../../src/cli/settings.ts";
import type { Side } from "../../src/cli/specs/groups.ts";
import { UsageError } from "../../src/core/errors.ts";

function end(args: readonly string[], side: Side = "") {
  const { flags, globals } = readCommandLine("skopeo", args);
  return endSettings(flags, globals, side);
}

test("endSettings() refuses what contradicts itself, in skopeo's words", () => {
  for (const [args, message] of [
    [["--creds=u:p", "--no-creds"], "creds and no-creds cannot be specified at the same time"],
    [["--username=u", "--no-creds"], "username and no-creds cannot be specified at the same time"],
    [["--creds=u", "--username=u"], "creds and username cannot be specified at the same time"],
    [["--username=u"], "password must be specified when username is specified"],
    [["--password=p"], "username must be specified when password is specified"],
    [["--creds="], "credentials can't be empty"],
    [["--creds=:p"], "username can't be empty"],
  ] as const) {
    assert.throws(
      () => end(["inspect", ...args]),
      (error) => error instanceof UsageError && error.message === message,
      args.join(" "),
    );
  }
});

test("endSettings() reads one end's flags", () => {
  const none = { retryTimes: 0, retryDelayMs: 0 };
  assert.deepEqual(end(["inspect"]), none);
  assert.deepEqual(end(["list-tags", "--creds=u:p:q"]).credentials, {
    username: "u",
    password: "p:q",
  });
  assert.deepEqual(end(["inspect", "--username=", "--password="]).credentials, {
    username: "",
    password: "",
  });
  assert.equal(end(["delete", "--no-creds"]).credentials, "nobody");
  const copy = ["copy", "--screds=a:b", "--dcreds=c:d", "--authfile=x", "--dest-authfile=y"];
  assert.deepEqual(end(copy, "src-"), {
    ...none,
    authFile: "x",
    credentials: { username: "a", password: "b" },
  });
  assert.deepEqual(end(copy, "dest-"), {
    ...none,
    authFile: "y",
    credentials: { username: "c", password: "d" },
  });
});

test("endSettings() takes the last of two spellings, and an empty file for a choice", () => {
  const creds = (...args: string[]) => end(["copy", ...args], "src-").credentials;
  const second = { username: "b", password: "2" };
  assert.deepEqual(creds("--src-creds=a:1", "--screds=b:2"), second);
  assert.deepEqual(creds("--screds=a:1", "--src-creds=b:2"), second);
  assert.equal(end(["inspect", "--authfile="]).authFile, "");
  assert.equal(end(["copy", "--authfile=x", "--src-authfile="], "src-").authFile, "");
});

test("endSettings() prefers the end's --tls-verify, then the command's, then the program's", () => {
  const args = ["--tls-verify=false", "copy", "--tls-verify=true", "--src-tls-verify=false"];
  assert.equal(end(args, "src-").tlsVerify, false);
  assert.equal(end(args, "dest-").tlsVerify, true);
  assert.equal(end(["--tls-verify=false", "copy"], "dest-").tlsVerify, false);
  assert.equal(end(["--tls-verify=false", "inspect"]).tlsVerify, false);
  assert.equal(end(["copy"], "dest-").tlsVerify, undefined);
});

test("globalSettings() reads the program's flags, before and after the command", () => {
  const { globals } = readCommandLine("amphora", [
    "--override-arch=arm64",
    "copy",
    "--log-format=json",
    "--policy=p",
    "--registries-conf=r",
  ]);
  assert.deepEqual(globalSettings(globals, false), {
    commandTimeoutMs: 0,
    debug: false,
    insecurePolicy: false,
    requireSigned: false,
    logFormat: "json",
    overrideArchitecture: "arm64",
    policyPath: "p",
    registriesConf: "r",
  });
});

test("globalSettings() refuses unknown log formats and a policy both insecure and signed", () => {
  for (const args of [["--log-format=yaml"], ["--insecure-policy", "--require-signed"]]) {
    const { globals } = readCommandLine("amphora", [...args, "copy"]);
    assert.throws(() => globalSettings(globals, false), { code: "usage.bad-flag" });
  }
});
