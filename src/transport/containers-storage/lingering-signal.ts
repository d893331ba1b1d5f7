/** How long what came before a copy was called off may still wait to be put away. */
const lingerMs = 10_000;

/**
 * A signal that follows another with a delay: a copy that was called off stops at once, but layers that came before are
 * still recorded, so that the next copy goes on from there. As a rule that takes milliseconds.
 */
export function lingeringSignal(signal: AbortSignal): AbortSignal {
  const late = new AbortController();
  const follow = () => {
    setTimeout(() => late.abort(signal.reason), lingerMs).unref();
  };
  if (signal.aborted) follow();
  else signal.addEventListener("abort", follow, { once: true });
  return late.signal;
}
