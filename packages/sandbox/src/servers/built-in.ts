import type { AuthorizationServerName, ServerName } from '../principals/seed.ts';

/** A server of the sandbox: its texts and its scopes. `open-built-in.ts` opens it. */
export interface BuiltInServer {
  title: string;
  /** Instructions for the model, in the result of `initialize`. */
  instructions: string;
  authorizationServer: AuthorizationServerName;
  scopes: readonly [string, ...string[]];
}

/** The three MCP servers of Halden & Moor, an invented company. */
export const BUILT_IN_SERVERS: Readonly<Record<ServerName, BuiltInServer>> = {
  issues: {
    title: 'Halden & Moor issues',
    instructions: 'What the product team of Halden & Moor is working on. Search before you open a new issue.',
    authorizationServer: 'main',
    scopes: ['issues:read', 'issues:write'],
  },
  documents: {
    title: 'Halden & Moor handbook',
    instructions: 'The company handbook: policies, checklists and how things are done.',
    authorizationServer: 'main',
    scopes: ['documents:read'],
  },
  database: {
    title: 'Halden & Moor sales database',
    instructions:
      'Products, customers and orders, in SQLite, read-only. Amounts are in cents. Look at the tables first.',
    authorizationServer: 'research',
    scopes: ['database:read'],
  },
};
