import type { IssueAuditRecord, PolicyTable } from '@credence/identity-provider';
import type { SandboxAuditRecord } from '../audit/audit-trail.ts';

/** Converts the audit record of a token exchange to a record of the sandbox, with the names that the policy table uses. */
export function exchangeRecord(
  issuer: string,
  table: PolicyTable,
  entry: IssueAuditRecord,
): Omit<SandboxAuditRecord, 'time'> {
  const { clientId, granted, error, requestedScopes = [], grantedScopes = [] } = entry;
  const principal = clientId === undefined ? undefined : table.subject(clientId);
  const server = table.serverOf(entry);
  const { subject, actor } = entry;
  const user = subject !== undefined && subject !== principal ? subject : undefined;
  const who = { principal, ...(user !== undefined && { user }), ...(actor !== undefined && { actor }) };
  const known = { where: 'idp', leg: 'exchange', issuer, ...who, server, requestedScopes, grantedScopes } as const;
  if (!granted) return { ...known, granted, error, reason: entry.reason ?? 'The IdP gave no reason.' };
  const how = requestedScopes.length === 0 ? 'by default' : 'as requested';
  const rest = entry.reason === undefined ? '.' : `; ${entry.reason}.`;
  const reason = `${user ?? principal} holds ${grantedScopes.join(' ')} at ${server} (${how})${rest}`;
  return { ...known, granted, error: undefined, reason };
}
