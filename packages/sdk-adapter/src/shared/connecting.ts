import { isError } from '@credence/protocol';
import { CredenceError, credenceErrorIn } from '@credence/core';

/** The part of a client or transport of either SDK that `connecting` uses. */
interface Closable {
  close(): Promise<void>;
}

/**
 * Runs `connect`. If it fails or `signal` aborts, the client and the transport are closed. Throws the CredenceError that
 * the SDK has wrapped, `invalid_response` for a result that the SDK cannot read, the reason of `signal`, or else the error of `connect`
 * itself.
 */
export async function connecting(
  connect: () => Promise<void>,
  opened: { client: Closable; transport: Closable; server: string },
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  const stop = () => void opened.transport.close().catch(() => undefined);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await connect();
    signal?.throwIfAborted();
  } catch (error) {
    await closeQuietly(opened.client);
    // A client that failed before it got the transport does not close it.
    await closeQuietly(opened.transport);
    // SDK v2 wraps an error during its version negotiation in an error with the code `ERA_NEGOTIATION_FAILED`.
    if (signal?.aborted) throw signal.reason;
    throw (
      credenceErrorIn(error) ??
      (isInvalidResult(error) ? invalidResult(opened.server, error) : (withoutSse(opened.server, error) ?? error))
    );
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** Whether the SDK reports that the result of a request has not the members of MCP. Its text lists each of them. */
function isInvalidResult(error: unknown): boolean {
  if (!isError(error)) return false;
  return /^\$?ZodError$/u.test(error.name) || ('code' in error && error.code === 'INVALID_RESULT');
}

function invalidResult(server: string, cause: unknown): CredenceError {
  return new CredenceError({
    code: 'invalid_response',
    leg: 'call',
    message: `Server "${server}" answered a request with a result that is not valid in MCP.`,
    remedy: `Check that servers.${server}.url is an MCP endpoint. If it is, ask the owner of server "${server}" about its response to initialize.`,
    contact: 'server-owner',
    server,
    cause,
  });
}

/** For a server that refuses the GET of the HTTP+SSE transport: the SDK tells only its status. */
function withoutSse(server: string, error: unknown): CredenceError | undefined {
  const status = isError(error) ? /^SSE error: Non-200 status code \((4\d\d)\)/u.exec(error.message)?.[1] : undefined;
  if (status === undefined) return undefined;
  return new CredenceError({
    code: 'invalid_response',
    leg: 'call',
    message: `Server "${server}" answered ${status} to the request for an event stream, with which the transport "sse" begins.`,
    remedy: `Leave out transport: 'sse' if the server has Streamable HTTP. Otherwise check that servers.${server}.url is its SSE endpoint.`,
    contact: 'you',
    server,
    status: Number(status),
    cause: error,
  });
}

async function closeQuietly(opened: Closable): Promise<void> {
  await opened.close().catch(() => undefined);
}

/**
 * The error for a client that is already connected. This error is thrown first, because a later failure would close
 * that connection.
 */
export function alreadyConnected(server: string): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `The client for server "${server}" is connected already.`,
    remedy: 'Pass to connectMcp a client that has not been connected yet, one for each server.',
    contact: 'you',
    server,
  });
}
