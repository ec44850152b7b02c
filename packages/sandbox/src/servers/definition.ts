import type { ScopedTool } from './scoped-tool.ts';
import type { AuthorizationServerName, ServerName } from '../principals/seed.ts';
import { openReadOnlyDatabase } from './database/read-only-database.ts';
import { DATABASE_SEED } from './database/seed.ts';
import { DATABASE_READ, databaseTools } from './database/tools.ts';
import { openDocumentLibrary } from './documents/library.ts';
import { DOCUMENT_SEED } from './documents/seed.ts';
import { DOCUMENTS_READ, documentTools } from './documents/tools.ts';
import { ISSUE_SEED } from './issues/seed.ts';
import { ISSUES_READ, ISSUES_WRITE, issueTools } from './issues/tools.ts';
import { openIssueTracker } from './issues/tracker.ts';

/** One MCP server: its texts, its tools and the scopes that they need. */
export interface ServerDefinition {
  name: ServerName;
  title: string;
  /** Instructions for the model, in the result of `initialize`. */
  instructions: string;
  authorizationServer: AuthorizationServerName;
  scopes: readonly string[];
  /** The scope that a 401 challenge names. */
  challengeScope: string;
  tools: readonly ScopedTool[];
  close(): Promise<void>;
}

/** Creates the three MCP servers of Halden & Moor, an invented company, each with its initial data. */
export async function defineServers(): Promise<Record<ServerName, ServerDefinition>> {
  const database = await openReadOnlyDatabase(DATABASE_SEED);
  const closeNothing = () => Promise.resolve();
  return {
    issues: {
      name: 'issues',
      title: 'Halden & Moor issues',
      instructions: 'What the product team of Halden & Moor is working on. Search before you open a new issue.',
      authorizationServer: 'main',
      scopes: [ISSUES_READ, ISSUES_WRITE],
      challengeScope: ISSUES_READ,
      tools: issueTools(openIssueTracker(ISSUE_SEED)),
      close: closeNothing,
    },
    documents: {
      name: 'documents',
      title: 'Halden & Moor handbook',
      instructions: 'The company handbook: policies, checklists and how things are done.',
      authorizationServer: 'main',
      scopes: [DOCUMENTS_READ],
      challengeScope: DOCUMENTS_READ,
      tools: documentTools(openDocumentLibrary(DOCUMENT_SEED)),
      close: closeNothing,
    },
    database: {
      name: 'database',
      title: 'Halden & Moor sales database',
      instructions:
        'Products, customers and orders, in SQLite, read-only. Amounts are in cents. Look at the tables first.',
      authorizationServer: 'research',
      scopes: [DATABASE_READ],
      challengeScope: DATABASE_READ,
      tools: databaseTools(database),
      close: () => database.close(),
    },
  };
}
