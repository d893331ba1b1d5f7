import assert from "node:assert/strict";
import { test } from "node:test";
import { openDatabase } from "../../../src/server/admission/database.ts";
import { tempFolder } from "../../support/temp.ts";

test("a full disk is told as that, and changes nothing", async () => {
  await using folder = await tempFolder();
  const form = { schema: "create table t (text text)", format: 1, durable: false };
  using database = openDatabase({ path: folder.in("full.sqlite"), ...form });
  database.all("pragma max_page_count = 8");
  const fill = () =>
    database.transaction(() => {
      for (let rows = 0; rows < 100; rows++)
        database.run("insert into t values (?)", "x".repeat(1000));
    });
  assert.throws(fill, /database or disk is full/);
  assert.throws(fill, /database or disk is full/);
  assert.deepEqual(database.all("select * from t"), []);
});
