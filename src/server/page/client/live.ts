import type { Job } from "../../../jobs/job.ts";
import type { JobEvent } from "../../../jobs/ledger.ts";
import { api } from "./api.ts";
import { noteConnection } from "./connection.ts";

/** Ends a stream. */
export type Stop = () => void;

/** A job's story as it happens, each event once; `isOver` tells whether more may come where the stream has ended. */
export function followJob(
  id: string,
  told: (event: JobEvent & { at: number }) => void,
  isOver: () => boolean,
): Stop {
  const url = `/api/v1/jobs/${id}/events`;
  return follow({ url, types: ["state", "image", "blob", "message"], told, isOver });
}

/** Every job's changes; `back` is called where some may have been missed: the connection is there, or there again. */
export function followJobs(told: (job: Job) => void, back: () => Promise<void>): Stop {
  return follow({ url: "/api/v1/jobs/events", types: ["job"], told, back });
}

interface Followed<T> {
  readonly url: string;
  readonly types: readonly string[];
  told(data: T): void;
  back?(): Promise<void>;
  isOver?(): boolean;
}

const pauseMs = 5000;

/**
 * Browsers come again by themselves where a connection breaks, but not where they are refused: then we do, unless it is
 * that somebody's session is over. What nobody looks at follows nothing: of connections to one server a browser has six, for
 * all its pages.
 */
function follow<T>({ url, types, told, back, isOver = () => false }: Followed<T>): Stop {
  const stream = {};
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;
  let missed = true; // what changes before it is open is not told
  let last = 0;
  let meanwhile: T[] | undefined;
  const take = (event: MessageEvent<string>) => {
    const id = Number(event.lastEventId);
    if (id !== 0 && id <= last) return; // told again from the beginning
    last = Math.max(last, id);
    const data: T = JSON.parse(event.data);
    meanwhile?.push(data);
    told(data);
  };
  /** What is told while it is asked for may be newer than the answer. */
  const catchUp = async () => {
    const heard: T[] = [];
    meanwhile = heard;
    await back?.().catch(() => {});
    if (meanwhile === heard) meanwhile = undefined;
    if (!isStopped) for (const data of heard) told(data);
  };
  const open = () => {
    if (isStopped || source || document.hidden || isOver()) return;
    const own = new EventSource(url);
    source = own;
    for (const type of types) own.addEventListener(type, take);
    own.addEventListener("open", () => {
      noteConnection(stream, true);
      if (missed) void catchUp();
      missed = false;
    });
    own.addEventListener("error", () => {
      missed = true;
      if (own === source) noteConnection(stream, isOver());
      if (own.readyState !== EventSource.CLOSED || own !== source) return;
      source = undefined;
      timer = setTimeout(() => void stillThere().then(open), pauseMs);
    });
  };
  const close = () => {
    noteConnection(stream, true); // it is not missed
    source?.close();
    source = undefined;
    clearTimeout(timer);
  };
  const look = () => {
    missed ||= document.hidden;
    if (document.hidden) close();
    else open();
  };
  document.addEventListener("visibilitychange", look);
  open();
  return () => {
    isStopped = true;
    document.removeEventListener("visibilitychange", look);
    close();
  };
}

/** Has whoever's session is over log in again. */
async function stillThere(): Promise<void> {
  const session = await api.session().catch(() => undefined);
  if (session?.login && !session.rights.jobs) location.reload();
}
