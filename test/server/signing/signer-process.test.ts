import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startSignerProcess } from "../../../src/server/signing/signer-process.ts";
import { socketAnswers } from "../../../src/server/signing/socket-answers.ts";
import { tempFolder } from "../../support/temp.ts";

/** Listens, and ends by itself once it was asked to. */
const program = `
  const { createServer } = require("node:net");
  const { rmSync } = require("node:fs");
  const [socket] = process.argv.slice(1);
  rmSync(socket, { force: true });
  createServer((asked) => asked.on("data", () => process.kill(process.pid, "SIGKILL"))).listen(socket);
`;

test("a signer that ends now and then is started again at once each time", async () => {
  await using folder = await tempFolder();
  const socket = folder.in("socket");
  await using _signer = await startSignerProcess({
    command: [process.execPath, "-e", program, socket],
    env: process.env,
    socket,
    uid: undefined,
    gid: undefined,
    report: () => {},
    calmAfterMs: 300,
  });
  // By then the pause before the next start would be half a minute.
  for (let end = 0; end < 9; end++) {
    await sleep(400);
    await kill(socket);
    await sleep(50); // it closes what it listens on last
    const signal = AbortSignal.timeout(25_000);
    while (!(await socketAnswers(socket))) {
      assert.ok(!signal.aborted, `it is away after its end number ${end + 1}`);
      await sleep(20);
    }
  }
});

async function kill(socket: string): Promise<void> {
  const asked = connect(socket, () => asked.write("end"));
  asked.on("error", () => {});
  await once(asked, "close");
}
