import type { CredenceEvent } from '@credence/core';

/** What a copy of the bot can be told to do. */
export interface Commands {
  /** Configured as by a deployment: from variables, with Redis in front of it. */
  open: { given: { env: Record<string, string>; redisUrl: string; encryptionKey: string }; answer: null };
  token: { given: { server: string }; answer: { hash: string } };
  /** Asks for a token every few milliseconds and calls the MCP server with it every now and then. */
  work: { given: { server: string; forMs: number }; answer: Work };
  events: { given: null; answer: CredenceEvent[] };
  close: { given: null; answer: null };
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
  readonly given: Commands[Name]['given'];
}

export interface Reply {
  readonly id: number;
  readonly answer?: unknown;
  /** The code of a CredenceError, or what else was thrown. */
  readonly failure?: string;
}
