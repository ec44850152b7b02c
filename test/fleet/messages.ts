import type { CredenceEvent } from '@credence/core';

/** The commands that the test sends to a process of the bot, each with its input and its result. */
export interface Commands {
  /** Creates the principal from environment variables, with a Redis store. */
  open: { input: { env: Record<string, string>; redisUrl: string; encryptionKey: string }; answer: null };
  token: { input: { server: string }; answer: { hash: string } };
  /** Calls `token()` every 40 ms and the MCP server every 800 ms. */
  work: { input: { server: string; forMs: number }; answer: Work };
  events: { input: null; answer: CredenceEvent[] };
  close: { input: null; answer: null };
}

export interface Work {
  readonly tokens: number;
  readonly calls: number;
  readonly failures: readonly string[];
}

export type CommandName = keyof Commands;

export interface Request<Name extends CommandName = CommandName> {
  readonly id: number;
  readonly name: Name;
  readonly input: Commands[Name]['input'];
}

export interface Reply {
  readonly id: number;
  readonly answer?: unknown;
  /** The code of a CredenceError, or the text of another error. */
  readonly failure?: string;
}
