import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { End, ResolvedImage } from "../../../src/cli/parts.ts";
import {
  type CopyPlan,
  type DestinationWish,
  type PlannedCopy,
  planCopies,
} from "../../../src/cli/sync/plan-copies.ts";
import { mostKept, type SyncSource } from "../../../src/cli/sync/sources.ts";
import { UsageError } from "../../../src/core/errors.ts";
import { parseDockerLocation } from "../../../src/transport/docker/location.ts";

const end = {
  resolve: async (text: string) => imageOf(text),
} as unknown as End;
const wish: DestinationWish = {
  transport: "docker",
  place: "mirror.example/all",
  isScoped: false,
  suffix: "",
};

function imageOf(text: string): ResolvedImage {
  const reference = parseDockerLocation(text.slice("docker:".length), { tagAndDigest: false });
  return { reference } as ResolvedImage;
}

interface Repository {
  readonly source: SyncSource;
  /** Tags of which an image was made, in order. */
  readonly made: string[];
}

function repository(name: string, keys: readonly string[]): Repository {
  const made: string[] = [];
  const image = async (key: string) => {
    made.push(key);
    return { image: imageOf(`docker://${name}:${key}`), path: `${name}:${key}` };
  };
  return { source: { name, keys, image }, made };
}

async function planned(repositories: readonly Repository[]): Promise<CopyPlan> {
  const sources = repositories.map(({ source }) => source);
  return await planCopies(sources, wish, { end, signal: new AbortController().signal });
}

async function turnsOf(copies: AsyncIterable<PlannedCopy>): Promise<readonly string[]> {
  const turns: string[] = [];
  for await (const { number, position, of, shown, twins } of copies) {
    const again = twins.map((twin) => ` and ${twin.number} ${twin.position}/${twin.of}`);
    turns.push(`${number} ${position}/${of} ${shown.to}${again.join("")}`);
  }
  return turns;
}

suite("planCopies()", () => {
  test("keeps the first images, and makes each of the others of its key when it is asked for", async () => {
    const one = repository(
      "docker.example/team/app",
      Array.from({ length: mostKept + 2 }, (_, n) => `v${n}`),
    );
    const plan = await planned([one]);
    one.made.length = 0;
    const copies = plan.copies("once");
    for (let n = 0; n < mostKept; n++) {
      const { value } = await copies.next();
      assert.equal(value?.to, `docker://mirror.example/all/app:v${n}`);
      assert.equal(value?.read?.reference.text, `//mirror.example/all/app:v${n}`);
    }
    assert.deepEqual(one.made, []);
    const { value } = await copies.next();
    assert.equal(value?.to, `docker://mirror.example/all/app:v${mostKept}`);
    assert.deepEqual(one.made, [`v${mostKept}`]);
  });

  test("has the same copy asked for again told of in its turn, and made once", async () => {
    const app = "docker.example/team/app";
    const plan = await planned([repository(app, ["a", "b", "a"]), repository(app, ["b"])]);
    assert.equal(plan.count, 4);
    const to = "docker://mirror.example/all/app";
    assert.deepEqual(await turnsOf(plan.copies("once")), [
      `0 1/3 ${to}:a and 2 3/3`,
      `1 2/3 ${to}:b and 3 1/1`,
    ]);
    const every = await turnsOf(plan.copies("every"));
    assert.deepEqual(every.slice(2), [`2 3/3 ${to}:a`, `3 1/1 ${to}:b`]);
  });

  test("refuses two images for one name", async () => {
    const two = [repository("a.example/app", ["a"]), repository("b.example/app", ["a"])];
    await assert.rejects(planned(two), (error) => error instanceof UsageError);
  });
});
