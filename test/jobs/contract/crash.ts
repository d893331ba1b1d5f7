import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { undisturbed } from "../../support/undisturbed.ts";
import { assertExact, Processes } from "./processes.ts";
import type { JobsWorld } from "./world.ts";

const soak = process.env["AMPHORA_SOAK"] === "1";
const options = { timeout: 600_000 };

function keysOf(count: number, prefix = "key"): readonly string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}${n}`);
}

/** What every queue does for processes that are killed, frozen, and many. */
export function crashContract(world: JobsWorld): void {
  const { name, skip } = world;

  test(`${name} queue loses and doubles nothing when workers are killed`, {
    ...options,
    skip,
  }, async () => {
    await using place = await world.place();
    await using jobs = await place.open();
    await using processes = await Processes.on(place, 5000);
    const keys = keysOf(soak ? 400 : 60);
    for (const [n, key] of keys.entries()) await jobs.queue.add(key, { n });
    const kills = soak ? 20 : 2;
    const workers = [processes.start("work"), processes.start("work")];
    for (let kill = 1; kill <= kills; kill++) {
      const most = Math.floor((keys.length * kill) / (kills + 1));
      const count = most - randomInt(0, 5);
      await processes.until(
        (lines) => lines.filter(({ what }) => what === "began").length >= count,
        `${count} are to begin`,
      );
      const [first] = workers.splice(0, 1);
      if (first) await processes.kill(first);
      workers.push(processes.start("work"));
    }
    await processes.until((lines) => {
      const ended = lines.filter(({ what }) => what === "ended");
      return ended.length >= keys.length - kills; // some may have been killed before they could say so
    }, "nearly all are to end");
    for (let left = keys.length; left > 0; await pause(20)) {
      const { waiting, running } = await jobs.queue.size();
      left = waiting + running;
    }
    await processes.stop(...workers);
    const lines = processes.lines();
    assert.deepEqual(
      keys.filter((key) => !lines.some((line) => line.what === "began" && line.key === key)),
      [],
    );
    const most = kills + processes.lines("lost").length;
    assert.ok(assertExact(lines) <= most, `${assertExact(lines)} attempts lost`);
    assert.deepEqual(await jobs.queue.size(), { waiting: 0, delayed: 0, running: 0 });
  });

  test(`${name} queue takes a job from a worker that is frozen, for good`, {
    ...options,
    skip,
  }, async () => {
    await undisturbed(1000, async () => {
      await using place = await world.place();
      await using jobs = await place.open();
      await using processes = await Processes.on(place, 5000);
      await jobs.queue.add("a", { n: 1 });
      const first = processes.start("hold");
      const began = (pid: number | undefined, rest: string) =>
        processes.until(
          (lines) =>
            lines.some((line) => line.what === "began" && line.pid === pid && line.rest === rest),
          `attempt ${rest}`,
        );
      await began(first.pid, "1");
      first.kill("SIGSTOP");
      const second = processes.start("hold");
      await began(second.pid, "2");
      first.kill("SIGCONT");
      first.stdin?.write("done\n");
      const settled = (pid: number | undefined) =>
        processes.until(
          (lines) => lines.some((line) => line.what === "settled" && line.pid === pid),
          "settled",
        );
      await settled(first.pid);
      second.stdin?.write("done\n");
      await settled(second.pid);
      assert.deepEqual(
        processes.lines("settled", "lost").map(({ pid, what, rest }) => [pid, what, rest]),
        [
          [first.pid, "lost", ""],
          [first.pid, "settled", "job.lease-lost"],
          [second.pid, "settled", "done"],
        ],
      );
      assert.deepEqual(await jobs.queue.size(), { waiting: 0, delayed: 0, running: 0 });
    });
  });

  test(`${name} queue adds once and gives once, whatever many processes add and do at once`, {
    ...options,
    skip,
  }, async () => {
    await using place = await world.place();
    await using jobs = await place.open();
    await using processes = await Processes.on(place, 60_000);
    const keys = keysOf(soak ? 300 : 40);
    const all = Array.from({ length: soak ? 8 : 4 }, () => processes.start("both", keys));
    await processes.until(
      (lines) => lines.filter(({ what }) => what === "filled").length === all.length,
      "all are added",
    );
    const added = processes.lines("added").map(({ key }) => key);
    assert.equal(new Set(added).size, added.length);
    // On a machine that is busy with something else, an answer may have been waited for in vain.
    const told = new Set(processes.lines("added", "doubt").map(({ key }) => key));
    assert.deepEqual([...told].toSorted(), keys.toSorted());
    assert.equal((await jobs.queue.size()).waiting, keys.length);
    for (const { stdin } of all) stdin?.end("go\n");
    await processes.untilEnded(keys);
    await processes.stop(...all);
    assert.equal(assertExact(processes.lines()), 0);
  });
}
