import assert from "node:assert/strict";

/** Four times the size is four times the work where it is linear, and sixteen times where it is quadratic. */
const step = 4;
const mostTimes = 9;

/**
 * Asserts that `work` does not grow faster than its size. Counts the processor time of this thread, which is the same on a
 * busy machine but for noise that only adds: hence the least of some tries. `size` should be worth a millisecond.
 */
export function assertLinear(size: number, work: (size: number) => void): void {
  work(size); // what is compiled or made at first is not of interest
  let times = Number.POSITIVE_INFINITY;
  for (let n = 0; n < 5 && times > mostTimes; n++) {
    times = Math.min(times, processorTime(work, step * size) / processorTime(work, size));
  }
  assert.ok(times <= mostTimes, `${step} times the size costs ${times.toFixed(1)} times as much`);
}

function processorTime(work: (size: number) => void, size: number): number {
  const before = process.threadCpuUsage();
  work(size);
  const { user, system } = process.threadCpuUsage(before);
  return Math.max(1, user + system);
}
