import type { CredenceError } from '../errors/credence-error.ts';
import { failureMembers } from '../runtime/events.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { methodOf } from './evidence.ts';
import type { ServerAccess } from './server-access.ts';

/**
 * Emits the event of a failed call, unless the failure is a normal part of the protocol, or of the caller's making. `startedMs`: when
 * the call started, in milliseconds of the monotonic clock.
 */
export function reportFailedCall(
  { runtime, access }: { readonly runtime: Runtime; readonly access: ServerAccess },
  failure: CredenceError,
  init: RequestInit,
  startedMs: number,
): void {
  if (!runtime.observed || failure.code === 'cancelled' || failure.code === 'closed') return;
  if (failure.status !== undefined && isExpected(failure.status, init, access)) return;
  const durationMs = runtime.clock.monotonicMs() - startedMs;
  runtime.emit({ type: 'call-failed', ...failureMembers(failure), server: access.settings.name, durationMs });
}

/** Whether a client continues after this error status, as MCP describes. */
function isExpected(status: number, init: RequestInit, { evidence }: ServerAccess): boolean {
  const method = methodOf(init);
  const headers = new Headers(init.headers);
  // The server has ended the session: the client opens another one.
  if (headers.has('mcp-session-id') && (status === 404 || status === 410)) return true;
  // A server need not let a client end a session, and need not offer an event stream by GET.
  if (method === 'DELETE') return status === 404 || status === 405;
  if (method === 'GET') return status === 405 || (evidence.acceptsPost && (status === 401 || status === 404));
  // A client of revision 2026-07-28 asks so whether the server has this revision.
  return (
    headers.get('mcp-method') === 'server/discover' && status >= 400 && status < 500 && status !== 401 && status !== 403
  );
}

/** Whether a response with this error status is a usable answer: a server without an event stream or without DELETE says 405. */
export function isUsable(status: number, init: RequestInit): boolean {
  return status < 400 || (status === 405 && ['GET', 'DELETE'].includes(methodOf(init)));
}
