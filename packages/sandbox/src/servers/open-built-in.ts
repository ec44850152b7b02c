import type { ServerName } from '../principals/seed.ts';
import { openReadOnlyDatabase } from './database/read-only-database.ts';
import { DATABASE_SEED } from './database/seed.ts';
import { databaseTools } from './database/tools.ts';
import { openDocumentLibrary } from './documents/library.ts';
import { DOCUMENT_SEED } from './documents/seed.ts';
import { documentTools } from './documents/tools.ts';
import { ISSUE_SEED } from './issues/seed.ts';
import { issueTools } from './issues/tools.ts';
import { openIssueTracker } from './issues/tracker.ts';
import type { SandboxTool } from './sandbox-tool.ts';

export interface OpenedTools {
  tools: readonly SandboxTool[];
  close(): Promise<void>;
}

/** Opens one of the three MCP servers with its initial data. */
export async function openBuiltIn(name: ServerName): Promise<OpenedTools> {
  if (name === 'issues') return withoutClose(issueTools(openIssueTracker(ISSUE_SEED)));
  if (name === 'documents') return withoutClose(documentTools(openDocumentLibrary(DOCUMENT_SEED)));
  const database = await openReadOnlyDatabase(DATABASE_SEED);
  return { tools: databaseTools(database), close: () => database.close() };
}

function withoutClose(tools: readonly SandboxTool[]): OpenedTools {
  return { tools, close: () => Promise.resolve() };
}
