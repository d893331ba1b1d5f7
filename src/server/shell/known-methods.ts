import type { FastifyInstance } from "fastify";

/** Which methods the path of a request takes; none where there is no such path. */
export type KnownMethods = (url: string) => readonly string[];

/** Keeps in mind what is registered from now on: a router tells a method that a path does not take from no path by nothing. */
export function noteMethods(app: FastifyInstance): KnownMethods {
  const routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook("onRoute", ({ url, method }) => {
    routes.push({ pattern: patternOf(url), methods: [method].flat() });
  });
  return (url) => {
    const path = url.split("?", 1)[0] ?? "";
    const fitting = routes.filter(({ pattern }) => pattern.test(path));
    return [...new Set(fitting.flatMap(({ methods }) => methods))].sort();
  };
}

/** As find-my-way has them: `:name` is one part of a path, `*` the rest of it. */
function patternOf(url: string): RegExp {
  const parts = url
    .split(/(:[A-Za-z]+|\*)/)
    .map((part) =>
      part.startsWith(":")
        ? "[^/]+"
        : part === "*"
          ? ".*"
          : part.replace(/[.+?^$()[\]{}|\\]/g, "\\$&"),
    );
  return new RegExp(`^${parts.join("")}$`);
}
