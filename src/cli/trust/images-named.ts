import { repositoryName } from "../../core/docker-reference.ts";
import type { CommandContext } from "../context.ts";
import { withPrefix } from "../errors.ts";
import type { End, ResolvedImage } from "../parts.ts";

/** The images that names stand for: of a repository without tag or digest every tag, otherwise the one. */
export async function imagesNamed(
  { signal }: Pick<CommandContext, "signal">,
  end: End,
  names: readonly string[],
): Promise<readonly ResolvedImage[]> {
  const images: ResolvedImage[] = [];
  const resolve = (name: string) =>
    withPrefix(`Invalid image name ${name}`, () => end.resolve(name, "source", { signal }));
  for (const name of names) {
    const image = await resolve(name);
    const { docker } = image.reference;
    if (!docker || !image.transport.listTags || !isBare(name)) {
      images.push(image);
      continue;
    }
    const tags = await image.transport.listTags(image.reference, { signal });
    for (const tag of tags) images.push(await resolve(`docker://${repositoryName(docker)}:${tag}`));
  }
  return images;
}

/** Whether `docker://…` ends with neither tag nor digest. */
function isBare(name: string): boolean {
  return !/[:@][^/]*$/.test(name.replace(/^docker:\/\//, ""));
}
