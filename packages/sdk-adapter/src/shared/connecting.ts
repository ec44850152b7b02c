import { CredenceError, credenceErrorIn } from '@credence/core';

/** What both SDKs' clients have in common as far as connecting goes. */
interface Closable {
  close(): Promise<void>;
}

/**
 * Runs `connect`. If it fails, or `signal` ends it, everything that was opened is closed and the CredenceError itself is
 * thrown, however deeply the SDK has wrapped it; an error that has none inside is thrown as it is.
 */
export async function connecting(
  connect: () => Promise<void>,
  opened: { client: Closable; transport: Closable },
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
    // a client that failed before it took the transport over does not close it
    await closeQuietly(opened.transport);
    // SDK v2 wraps what ends its negotiation in an error of code `ERA_NEGOTIATION_FAILED`
    throw signal?.aborted ? signal.reason : (credenceErrorIn(error) ?? error);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

async function closeQuietly(what: Closable): Promise<void> {
  await what.close().catch(() => undefined);
}

/** Thrown before anything is touched: closing on failure must not take down a connection that works. */
export function alreadyConnected(server: string): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `The client given for server "${server}" is connected already.`,
    remedy: 'Give connectMcp a client that has not been connected yet, one for each server.',
    contact: 'you',
    server,
  });
}
