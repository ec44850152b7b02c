import { lruCache } from '@credence/protocol';
import type { AuditRecord } from './audit-record.ts';

const PAUSE_MS = 60_000;
const MAX_KEYS = 1_000;
/** Above this number of reasons a minute for one server, leg, code and status, the further ones share a record. */
const MAX_REASONS = 10;

/** The failed calls since the last record. */
interface Waiting {
  record: AuditRecord;
  readonly since: string;
  failedCalls: number;
}

interface Kind {
  waiting: Waiting | undefined;
}

/**
 * The records of failed calls. The first failure of a kind is written at once. Further ones are counted, and each minute one record is
 * written for them, so that a bot that calls a server which is away does not fill the audit trail. A kind is a principal, its label, a
 * server, leg, code, status and reason. The record that waits is written by `flush` and at the end of the process.
 */
export class RepeatedFailures {
  readonly #write: (record: AuditRecord) => void;
  /** By kind of failure. `waiting` is undefined if there was no further failure since the last record. */
  readonly #kinds = lruCache<Kind>(MAX_KEYS);
  /** Those of the kinds that have something to write. */
  readonly #unwritten = new Set<Kind>();
  /** By principal, label, server, leg, code and status: the reasons of the last minute. */
  readonly #reasons = lruCache<Set<string>>(MAX_KEYS);
  readonly #flush = () => this.flush();

  constructor(write: (record: AuditRecord) => void) {
    this.#write = write;
  }

  add(record: AuditRecord): void {
    const { principal, user, label, server, leg, code, status, time } = record;
    const subject = JSON.stringify([principal, user, label, server, leg, code, status]);
    const reason = this.#reasonFor(subject, record);
    const key = JSON.stringify([subject, reason]);
    const kind = this.#kinds.get(key);
    if (!kind) {
      this.#pause(subject, reason, key);
      return this.#write(record);
    }
    if (this.#unwritten.size === 0) process.once('beforeExit', this.#flush);
    this.#unwritten.add(kind);
    kind.waiting ??= { record, since: time, failedCalls: 0 };
    kind.waiting.record = record;
    kind.waiting.failedCalls += 1;
  }

  /** Writes the records that wait. */
  flush(): void {
    process.removeListener('beforeExit', this.#flush);
    for (const kind of this.#unwritten) this.#writeWaiting(kind);
  }

  /** The reason as a part of the key: what the peer said, without numbers and ids, which can differ for each call. */
  #reasonFor(subject: string, { error, causeCode, peerText }: AuditRecord): string {
    const words = peerText?.replace(/[\da-f]{4,}(?:-[\da-f]+)*|\d+/giu, '#');
    const reason = JSON.stringify([error, causeCode, words]);
    const reasons = this.#reasons.get(subject) ?? new Set<string>();
    if (!reasons.has(reason) && reasons.size >= MAX_REASONS) return 'other';
    this.#reasons.set(subject, reasons.add(reason));
    return reason;
  }

  /** After a minute, writes the record of the failures in this minute. If there were none, the next one is written at once again. */
  #pause(subject: string, reason: string, key: string): void {
    const kind: Kind = { waiting: undefined };
    this.#kinds.set(key, kind);
    setTimeout(() => {
      this.#kinds.delete(key);
      if (!kind.waiting) return void this.#reasons.get(subject)?.delete(reason);
      this.#pause(subject, reason, key);
      this.#writeWaiting(kind);
      if (this.#unwritten.size === 0) process.removeListener('beforeExit', this.#flush);
    }, PAUSE_MS).unref();
  }

  #writeWaiting(kind: Kind): void {
    this.#unwritten.delete(kind);
    if (!kind.waiting) return;
    const { record, since, failedCalls } = kind.waiting;
    kind.waiting = undefined;
    // A `write` that throws or rejects must not end the process.
    try {
      const written: unknown = this.#write({ ...record, since, failedCalls });
      if (written instanceof Promise) written.catch(() => undefined);
    } catch {}
  }
}
