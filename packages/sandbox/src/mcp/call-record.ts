import type { ToolCallRecord } from '@credence/resource-server';
import type { SandboxCallRecord } from '../audit/audit-trail.ts';

/** Converts the record of a tool call to a record of the sandbox. `principal`: the owner of the client that sent the request. */
export function callRecord(
  { time, tool, granted, subject, actor, statedRun }: ToolCallRecord,
  server: string,
  principal: string | undefined,
): SandboxCallRecord {
  return {
    time: time.toISOString(),
    server,
    tool,
    principal: principal ?? subject,
    user: principal !== undefined && subject !== principal ? subject : undefined,
    actor,
    run: statedRun,
    granted,
  };
}
