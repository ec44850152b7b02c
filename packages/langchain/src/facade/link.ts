import type { Connection } from './connection.ts';

/** A connection, and the number of pending calls on it. */
export class Link {
  readonly connection: Connection;
  #calls = 0;
  #retired = false;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  async during<T>(ask: (connection: Connection) => Promise<T>): Promise<T> {
    this.#calls += 1;
    try {
      return await ask(this.connection);
    } finally {
      this.#calls -= 1;
      this.#closeWhenIdle();
    }
  }

  /** Marks the connection as no longer used, and closes it after its pending calls. Returns false if it was already marked. */
  retire(): boolean {
    if (this.#retired) return false;
    this.#retired = true;
    this.#closeWhenIdle();
    return true;
  }

  async close(): Promise<void> {
    await this.connection.close({ endSession: !this.#retired });
  }

  #closeWhenIdle(): void {
    if (this.#retired && this.#calls === 0) this.close().catch(() => undefined);
  }
}
