/** What a deflating thread is asked. */
export interface DeflateTask {
  /** The dictionary and right after it the content: what comes out goes to its beginning. */
  readonly memory: ArrayBuffer;
  /** Where the content starts. */
  readonly start: number;
  /** Bytes of the dictionary. */
  readonly before: number;
  /** Bytes of the content. */
  readonly length: number;
}

/** What it answers. */
export interface Deflated {
  readonly memory: ArrayBuffer;
  readonly length: number;
}
