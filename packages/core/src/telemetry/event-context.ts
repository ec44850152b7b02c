import { AsyncLocalStorage } from 'node:async_hooks';

/** The members that every event has which is emitted during the work of one call or acquisition. */
export interface EventContext {
  /** The id of the acquisition. */
  readonly acquisition?: string | undefined;
  /** The `identity` of the user for whom the bot acts. */
  readonly user?: string | undefined;
  /** The id of the run that the caller stated. */
  readonly run?: string | undefined;
}

const current = new AsyncLocalStorage<EventContext>();
const NONE: EventContext = {};
let count = 0;

/** Runs one acquisition with a new id. The events of the acquisition also have the user and the run of the caller that started it. */
export function runAsAcquisition<T>(work: () => T): T {
  count += 1;
  return runWith({ acquisition: `${process.pid.toString(36)}-${count.toString(36)}` }, work);
}

/** Runs the work with these members in addition to those of the caller. */
export function runWith<T>(context: EventContext, work: () => T): T {
  return current.run({ ...current.getStore(), ...context }, work);
}

/** Runs the work without the members of a caller. A timer has the members of the caller that set it, whose run may be over. */
export function runWithout<T>(work: () => T): T {
  return current.run(NONE, work);
}

/** The members for an event that is emitted now. */
export function currentContext(): EventContext {
  return current.getStore() ?? NONE;
}
