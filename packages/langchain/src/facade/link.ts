import { mayHaveLostSession } from '../failures/fault.ts';
import type { Connection } from './connection.ts';

/** How long to wait for the response to a ping that checks a session, in milliseconds. */
const PING_MS = 5_000;

/** A connection that counts its pending calls, so that it can be closed after the last one. */
export class Link {
  readonly connection: Connection;
  #calls = 0;
  #retired = false;
  #endsSession = true;
  #check: Promise<boolean> | undefined;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Sends a call on the connection, and counts it as pending until it is settled. */
  async during<T>(send: (connection: Connection) => Promise<T>): Promise<T> {
    this.#calls += 1;
    try {
      return await send(this.connection);
    } finally {
      this.#calls -= 1;
      this.#closeWhenIdle();
    }
  }

  /** Whether the server has lost the session, by a ping that all concurrent callers share. False if no answer shows it. */
  async hasLostSession(): Promise<boolean> {
    if (this.#retired) return true;
    this.#check ??= this.during(async (connection) => connection.ping({ timeout: PING_MS }))
      .then(
        () => false,
        (error: unknown) => {
          const fault = this.connection.faultOf(error);
          return fault !== undefined && (fault.kind === 'session-lost' || mayHaveLostSession(fault));
        },
      )
      .finally(() => (this.#check = undefined));
    return this.#check;
  }

  /**
   * Marks the connection as no longer used, and closes it after its pending calls. Returns false if it was already marked. The server
   * has lost the session, unless `endSession` says that it is to be ended there.
   */
  retire({ endSession = false } = {}): boolean {
    if (this.#retired) return false;
    this.#retired = true;
    this.#endsSession = endSession;
    this.#closeWhenIdle();
    return true;
  }

  get isRetired(): boolean {
    return this.#retired;
  }

  async close(): Promise<void> {
    await this.connection.close({ endSession: this.#endsSession });
  }

  #closeWhenIdle(): void {
    if (this.#retired && this.#calls === 0) this.close().catch(() => undefined);
  }
}
