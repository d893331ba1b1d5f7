/** Every call that may wait can be called off. */
export interface CallOptions {
  readonly signal: AbortSignal;
}
