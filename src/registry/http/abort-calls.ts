interface Crowd {
  readonly calls: Set<() => void>;
  readonly listener: () => void;
}

/**
 * Who is called when a signal is aborted. However many wait for one signal, it has a single listener: of a run's signal
 * there would be dozens, and each that comes or goes is looked for among all.
 */
export class AbortCalls {
  readonly #crowds = new WeakMap<AbortSignal, Crowd>();

  /** `call` is made once the signal is aborted, unless it is deleted before. One that is aborted already calls nobody. */
  add(signal: AbortSignal, call: () => void): void {
    const known = this.#crowds.get(signal);
    if (known) {
      known.calls.add(call);
      return;
    }
    const calls = new Set([call]);
    const listener = () => {
      for (const each of calls) each();
    };
    signal.addEventListener("abort", listener, { once: true });
    this.#crowds.set(signal, { calls, listener });
  }

  delete(signal: AbortSignal, call: () => void): void {
    const known = this.#crowds.get(signal);
    if (!known?.calls.delete(call) || known.calls.size > 0) return;
    signal.removeEventListener("abort", known.listener);
    this.#crowds.delete(signal);
  }
}
