import { styleText } from 'node:util';
import type { SandboxAuditRecord } from '../audit/audit-trail.ts';

/** One decision as one line: when, who decided, what, and why. */
export function auditLine(record: SandboxAuditRecord, colours: boolean): string {
  const { time, where, leg, principal = 'an unknown client', server, granted, error, reason } = record;
  const verdict = granted ? 'granted' : 'denied ';
  const painted = colours ? styleText(granted ? 'green' : 'red', verdict, { validateStream: false }) : verdict;
  const target = server === undefined ? '' : ` -> ${server}`;
  const code = error === undefined ? '' : ` [${error}]`;
  return `${time.slice(11, 19)}  ${where.padEnd(3)} ${leg.padEnd(12)} ${painted}  ${principal}${target}${code}  ${reason}`;
}
