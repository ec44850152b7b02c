import type { CredenceErrorJson } from '@credence/core';

/** Codes of refusals for one call or one tool, not for the whole server. */
const TOOL_REFUSALS = new Set([
  'insufficient_scope',
  'forbidden',
  'scope_not_granted',
  'scope_outside_ceiling',
  'tool_removed',
  'unknown_tool',
]);
/** Codes of failures that are not refusals: they are temporary, or they concern only this call or run. */
const NOT_REFUSALS = new Set([
  'cancelled',
  'timeout',
  'closed',
  'unreachable',
  'rate_limited',
  'peer_unavailable',
  'wrong_principal',
  'no_principal',
  'unknown_principal',
]);

/** Whether the same call would be refused again, so that the model should not try it again. */
export function isLasting({ code, retryable }: CredenceErrorJson): boolean {
  return !retryable && !NOT_REFUSALS.has(code);
}

/** Whether the refusal concerns one tool, and not all tools of the server. */
export function isOfOneTool({ code }: CredenceErrorJson): boolean {
  return TOOL_REFUSALS.has(code);
}

/** Equal for refusals of the same kind: of the same server, or of the same scopes or tool, for the same reason. */
export function kindOf(error: CredenceErrorJson, toolName: string): string {
  const { server, code, missingScopes = [] } = error;
  if (!isOfOneTool(error)) return JSON.stringify([server, code]);
  return JSON.stringify([server, code, missingScopes.length > 0 ? missingScopes.toSorted() : toolName]);
}
