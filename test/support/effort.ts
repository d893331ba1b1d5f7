import assert from "node:assert/strict";

/** Four times the size is four times the work where it is linear, and sixteen times where it is quadratic. */
const step = 4;
const mostTimes = 9;
/** The system may count processor time in steps of 4 ms. */
const leastMicroseconds = 16_000;

/**
 * Asserts that `work` does not grow faster than its size. Counts the processor time of this thread, which is the same on a
 * busy machine but for noise, hence the least of some tries; and repeats the work until it is enough to be counted.
 */
export function assertLinear(size: number, work: (size: number) => void): void {
  let repeats = 1; // what is compiled or made at first is not of interest
  while (processorTime(work, size, repeats) < leastMicroseconds) repeats *= 2;
  let times = Number.POSITIVE_INFINITY;
  for (let n = 0; n < 5 && times > mostTimes; n++) {
    const once = Math.max(1, processorTime(work, size, repeats));
    times = Math.min(times, processorTime(work, step * size, repeats) / once);
  }
  assert.ok(times <= mostTimes, `${step} times the size costs ${times.toFixed(1)} times as much`);
}

/** In microseconds. */
function processorTime(work: (size: number) => void, size: number, repeats: number): number {
  const before = process.threadCpuUsage();
  for (let n = 0; n < repeats; n++) work(size);
  const { user, system } = process.threadCpuUsage(before);
  return user + system;
}
