import type { AskHelper } from "./credential-helper.ts";

const KEEP_MS = 60_000;

/**
 * Remembers a helper's `get` answers for a minute, and asks once for many who wait: asking may unlock a keychain or call
 * a cloud. Storing and erasing forget them all.
 *
 * @param clock milliseconds
 */
export function rememberAnswers(ask: AskHelper, clock: () => number): AskHelper {
  const held = new Map<
    string,
    { readonly until: number; readonly answer: ReturnType<AskHelper> }
  >();
  return async (helper, action, input, options) => {
    if (action !== "get") {
      if (action !== "list") held.clear();
      return ask(helper, action, input, options);
    }
    const key = `${helper}\n${input}`;
    const known = held.get(key);
    if (known && clock() < known.until) {
      try {
        return await known.answer;
      } catch {
        options.signal.throwIfAborted(); // the one who asked was called off: we were not
      }
    }
    const answer = ask(helper, action, input, options);
    held.set(key, { until: clock() + KEEP_MS, answer });
    answer.catch(() => held.delete(key));
    return answer;
  };
}
