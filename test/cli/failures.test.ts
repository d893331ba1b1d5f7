import assert from "node:assert/strict";
import { test } from "node:test";
import { CliError, prefixed } from "../../src/cli/errors.ts";
import { exitCodeOf } from "../../src/cli/exit-codes.ts";
import { hintFor } from "../../src/cli/hints.ts";
import { reportFailure, startLog } from "../../src/cli/reporting.ts";
import { formatDelay, withRetries } from "../../src/cli/retry.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { CopyError, KnownError } from "../../src/core/errors.ts";
import { RegistryError } from "../../src/registry/errors.ts";
import { TransportError } from "../../src/transport/contract/errors.ts";

function registryError(spec: string, retryable = false): RegistryError {
  const entries = [{ code: spec, message: "m", detail: undefined }];
  return new RegistryError("registry.not-found", "m", { entries, retryable });
}

test("exitCodeOf() follows what an error came from", () => {
  const wrap = (cause: Error) => new CopyError("copy.source-failed", "reading", { cause });
  for (const [error, code] of [
    [new Error("bug"), 1],
    [new TransportError("transport.image-not-found", "no"), 2],
    [wrap(new TransportError("transport.image-not-found", "no")), 2],
    [wrap(registryError("MANIFEST_UNKNOWN")), 2],
    [registryError("NAME_UNKNOWN"), 1],
    [new RegistryError("registry.not-found", "StatusCode: 404"), 1],
    [wrap(new CliError("cli.interrupted", "interrupted")), 130],
    [new CliError("cli.deadline-exceeded", "late"), 1],
    [new CliError("cli.not-deleted", "no", { cause: registryError("MANIFEST_UNKNOWN") }), 1],
  ] as const)
    assert.equal(exitCodeOf(error), code, error.message);
});

test("prefixed() keeps code, hint and cause, and leaves an abort's reason alone", () => {
  const error = new KnownError("a.b", "text", { hint: "do", retryable: true });
  const wrapped = prefixed("Error", error) as KnownError;
  assert.equal(wrapped.message, "Error: text");
  assert.deepEqual(
    [wrapped.code, wrapped.hint, wrapped.retryable, wrapped.cause],
    ["a.b", "do", true, error],
  );
  const reason = new CliError("cli.interrupted", "interrupted");
  assert.equal(prefixed("Error", reason), reason);
  const bug = new TypeError("x");
  assert.equal(prefixed("Error", bug), bug);
});

test("hintFor() prefers the hint of the error, then of its causes, then one of our own", () => {
  const http = "pinging: http: server gave HTTP response to HTTPS client";
  assert.match(hintFor(new Error(http)) ?? "", /--tls-verify=false/);
  const cause = new KnownError("a.b", "", { hint: "inner" });
  assert.equal(hintFor(new KnownError("a.b", http, { cause })), "inner");
  assert.equal(hintFor(new Error("nothing")), undefined);
});

function terminalTo(lines: string[], stderrIsTty: boolean): Terminal {
  return {
    stdin: process.stdin,
    stdoutIsTty: false,
    stderrIsTty,
    out: async () => {},
    err: (text) => void lines.push(text),
    columns: () => 80,
    rows: () => 24,
  };
}

function reported(
  error: unknown,
  program: "amphora" | "skopeo",
  isTty: boolean,
  logFormat: "text" | "json" = "text",
): string {
  const lines: string[] = [];
  const terminal = terminalTo(lines, isTty);
  const log = startLog(program, terminal, { debug: false, logFormat });
  reportFailure(error, { program, terminal, log });
  return lines.join("");
}

test("reportFailure() hints on a terminal in our own name only", () => {
  const error = new KnownError("a.b", "no\x1b[2J", { hint: "Try x\x07" });
  assert.equal(
    reported(error, "amphora", true),
    "\x1b[1;31merror:\x1b[0m no\\x1b[2J\n\x1b[1mhint:\x1b[0m  Try x\\a\n",
  );
  for (const [program, isTty] of [
    ["skopeo", true],
    ["skopeo", false],
    ["amphora", false],
  ] as const)
    assert.doesNotMatch(reported(error, program, isTty), /Try x/);
});

test("reportFailure() gives the code in JSON, and where to report a bug", () => {
  const line = reported(new KnownError("a.b", "no"), "amphora", false, "json");
  assert.equal(JSON.parse(line).code, "a.b");
  assert.match(reported(new TypeError("oops"), "amphora", false), /oops[\s\S]*report it/);
  assert.equal(reported(new CliError("cli.interrupted", "x"), "amphora", true), "");
});

test("withRetries() starts over only after failures that may pass, as often as asked", async () => {
  const context = {
    log: startLog("skopeo", terminalTo([], false)),
    signal: new AbortController().signal,
  };
  for (const { retryable, retryTimes, calls } of [
    { retryable: true, retryTimes: 2, calls: 3 },
    { retryable: true, retryTimes: 0, calls: 1 },
    { retryable: false, retryTimes: 2, calls: 1 },
  ]) {
    let made = 0;
    const error = new CopyError("copy.source-failed", "x", {
      cause: registryError("X", retryable),
    });
    await assert.rejects(
      withRetries(context, { retryTimes, retryDelayMs: 1 }, async () => {
        made += 1;
        throw error;
      }),
      error,
    );
    assert.equal(made, calls);
  }
});

test("withRetries() stops waiting when the run is called off", async () => {
  const controller = new AbortController();
  const lines: string[] = [];
  const log = startLog("skopeo", terminalTo(lines, false));
  const failed = withRetries(
    { log, signal: controller.signal },
    { retryTimes: 3, retryDelayMs: 60_000 },
    async () => {
      throw registryError("X", true);
    },
  );
  setImmediate(() => controller.abort(new Error("off")));
  await assert.rejects(failed);
  assert.match(lines.join(""), /Failed, retrying in 1m0s \.\.\. \(1\/3\)\. Error: m/);
});

test("formatDelay() prints durations as Go does", () => {
  const texts = [0, 0.5, 500, 1000, 1500, 60_000, 90_500, 3_600_000].map(formatDelay);
  assert.deepEqual(texts, ["0s", "0.5ms", "500ms", "1s", "1.5s", "1m0s", "1m30.5s", "1h0m0s"]);
});
