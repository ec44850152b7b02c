import type { CredenceError } from '../errors/credence-error.ts';
import { failureMembers } from '../runtime/events.ts';
import type { Call, FetchContext } from './call.ts';
import { methodOf } from './evidence.ts';
import type { FetchForOptions } from './fetch-for-options.ts';
import { hasMethod } from './json-rpc.ts';
import type { ServerAccess } from './server-access.ts';

/**
 * Counts a failed call for `status()` and emits its event, once for each call, unless the failure is a normal part of the protocol, or of
 * the caller's making.
 */
export function reportFailedCall(
  { runtime, access, options, unanswered, whenClosed }: FetchContext,
  failure: CredenceError,
  call: Call,
): void {
  const { init, startedMs } = call;
  unanswered.delete(call);
  if (call.isReported || failure.code === 'cancelled' || failure.code === 'closed') return;
  if (failure.status !== undefined && isExpected(failure.status, init, access)) return;
  call.isReported = true;
  const atMs = runtime.clock.wallMs();
  const durationMs = runtime.clock.monotonicMs() - startedMs;
  const count = () => {
    access.failures.add(failure, atMs);
    runtime.emit({ type: 'call-failed', ...failureMembers(failure), server: access.settings.name, durationMs });
  };
  const mayFollow = mayBeRepeated(failure, init, options);
  if (mayFollow) return access.lostSessions.failed(init, count, whenClosed);
  if (hasMethod(init, 'initialize')) access.lostSessions.notOpened();
  count();
}

/**
 * Whether a client may open a new session and repeat the call. MCP has 404 for a session that the server has ended. Some servers answer
 * 410, 401 or 400. Some answer 500, 502 or 503, which few clients take for a lost session.
 */
function mayBeRepeated(
  { status, code, peerText }: CredenceError,
  init: RequestInit,
  { repeatsAfterServerError = false }: FetchForOptions,
): boolean {
  if (status === undefined || !new Headers(init.headers).has('mcp-session-id')) return false;
  if (status === 400) return /session|not initialized/iu.test(peerText ?? '');
  if ([500, 502, 503].includes(status)) return repeatsAfterServerError;
  return status === 404 || status === 410 || code === 'token_refused';
}

/** Whether a client continues after this error status, as MCP describes. */
function isExpected(status: number, init: RequestInit, { evidence }: ServerAccess): boolean {
  const method = methodOf(init);
  const headers = new Headers(init.headers);
  const isGone = headers.has('mcp-session-id') && (status === 404 || status === 410);
  // A server need not let a client end a session, and need not offer an event stream by GET.
  if (method === 'DELETE') return isGone || status === 404 || status === 405;
  if (method === 'GET') return isGone || status === 405 || (evidence.acceptsPost && (status === 401 || status === 404));
  // With server/discover, a client of revision 2026-07-28 finds out whether the server supports that revision.
  return (
    headers.get('mcp-method') === 'server/discover' && status >= 400 && status < 500 && status !== 401 && status !== 403
  );
}
