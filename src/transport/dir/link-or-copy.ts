import { copyFile, link } from "node:fs/promises";
import { errnoOf } from "../../layout/errors.ts";

/** Gives a file another name. Some file systems have no links: there it becomes another file. */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!["EPERM", "EXDEV", "EMLINK", "ENOTSUP", "ENOSYS"].includes(errnoOf(error) ?? ""))
      throw error;
    await copyFile(from, to);
  }
}
