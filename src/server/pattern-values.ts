import * as z from "zod";
import { parseRepositoryPattern, RepositoryPatternError } from "../core/repository-pattern.ts";

/** `docker.io/**`, of repositories as `domain/path`. */
export const repositoryPattern = () =>
  z
    .string({ error: "expected a pattern of repositories such as docker.io/**" })
    .transform((text, context) => {
      try {
        return parseRepositoryPattern(text);
      } catch (error) {
        if (!(error instanceof RepositoryPatternError)) throw error;
        context.issues.push({ code: "custom", input: text, message: error.message });
        return z.NEVER;
      }
    });

/** At least one {@link repositoryPattern}. */
export const repositoryPatterns = () =>
  z.array(repositoryPattern()).min(1, { error: "expected at least one pattern" });
