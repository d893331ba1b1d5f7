/** Tells the time, in milliseconds since 1970; passed in, since only the edge knows it. */
export type Clock = () => number;
