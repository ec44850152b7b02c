import { styleText } from 'node:util';
import type { SandboxAuditRecord } from '../audit/audit-trail.ts';

/** Formats an audit record as one line: time, server, leg, outcome, principal, MCP server, error and reason. */
export function auditLine(record: SandboxAuditRecord, colours: boolean): string {
  const { time, where, leg, principal = 'an unknown client', server, granted, error, reason } = record;
  const outcome = granted ? 'granted' : 'denied ';
  const coloured = colours ? styleText(granted ? 'green' : 'red', outcome, { validateStream: false }) : outcome;
  const target = server === undefined ? '' : ` -> ${server}`;
  const code = error === undefined ? '' : ` [${error}]`;
  return `${time.slice(11, 19)}  ${where.padEnd(3)} ${leg.padEnd(12)} ${coloured}  ${principal}${target}${code}  ${reason}`;
}
