import { lruCache } from '@credence/protocol';
import type { AuditRecord } from './audit-record.ts';

const PAUSE_MS = 60_000;
const MAX_KEYS = 1_000;

/** The failed calls since the last record. */
interface Waiting {
  record: AuditRecord;
  readonly since: string;
  failedCalls: number;
}

/**
 * The records of failed calls. The first failure of a kind (server, leg, code, status) is written at once. Further ones are counted, and
 * each minute one record is written for them, so that a bot that calls a server which is away does not fill the audit trail.
 */
export class RepeatedFailures {
  readonly #write: (record: AuditRecord) => void;
  /** By kind of failure: undefined if there was no further failure since the last record. */
  readonly #kinds = lruCache<{ waiting: Waiting | undefined }>(MAX_KEYS);

  constructor(write: (record: AuditRecord) => void) {
    this.#write = write;
  }

  add(record: AuditRecord): void {
    const { principal, server, leg, code, status, time } = record;
    const key = JSON.stringify([principal, server, leg, code, status]);
    const kind = this.#kinds.get(key);
    if (!kind) {
      this.#pause(key);
      return this.#write(record);
    }
    kind.waiting ??= { record, since: time, failedCalls: 0 };
    kind.waiting.record = record;
    kind.waiting.failedCalls += 1;
  }

  /** After a minute, writes the record of the failures in this minute. If there were none, the next one is written at once again. */
  #pause(key: string): void {
    const kind: { waiting: Waiting | undefined } = { waiting: undefined };
    this.#kinds.set(key, kind);
    setTimeout(() => {
      this.#kinds.delete(key);
      if (!kind.waiting) return;
      const { record, since, failedCalls } = kind.waiting;
      this.#pause(key);
      // A `write` that throws or rejects must not end the process.
      try {
        const written: unknown = this.#write({ ...record, since, failedCalls });
        if (written instanceof Promise) written.catch(() => undefined);
      } catch {}
    }, PAUSE_MS).unref();
  }
}
