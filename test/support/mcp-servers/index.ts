export { type ChangingFixture, changingTool, startChanging2025, startChanging2026 } from './changing-tools.ts';
export type { Behaviour, FixtureOptions, McpFixture, RecordedRequest, StatusCounts } from './fixture.ts';
export type { JournalEntry } from './journal.ts';
export { type TokenInfo, TokenTable, type VerifyToken } from './tokens.ts';
export { TOOL_SCOPES, type ToolName, Workbench } from './tools.ts';
export { startV1Sse } from './v1-sse.ts';
export { type SessionFixture, startV1Streamable } from './v1-streamable.ts';
export { startV2BothRevisions, startV2Only2026, type V2Fixture } from './v2.ts';
