import { CredenceError } from '@credence/core';
import { ErrorReply } from 'redis';

/**
 * The error for a Redis that cannot be reached, does not answer or refuses a command. The error contains neither the
 * command nor the URL.
 */
export function unreachable(cause: unknown): CredenceError {
  const refusal = cause instanceof ErrorReply ? /^[A-Z]{2,20}\b/u.exec(cause.message)?.[0] : undefined;
  return new CredenceError({
    code: refusal === undefined ? 'unreachable' : 'peer_unavailable',
    leg: 'configure',
    message: refusal === undefined ? 'Redis does not answer.' : `Redis refuses commands: ${refusal}.`,
    remedy: remedyFor(refusal),
    contact: 'you',
    retryable: true,
    cause,
  });
}

function remedyFor(refusal: string | undefined): string {
  switch (refusal) {
    case undefined:
      return 'Check that Redis runs, and check the address and the TLS settings.';
    case 'NOAUTH':
    case 'WRONGPASS':
      return 'Check the user name and the password for Redis.';
    case 'NOPERM':
      return 'Allow the Redis user to run GET, SET and EVAL (with DEL and PEXPIRE) on keys that begin with the prefix.';
    case 'MOVED':
      return 'This Redis is a cluster: pass a client made by createCluster.';
    default:
      return 'Look this error code up in the Redis documentation, and read the Redis log.';
  }
}

export function storeClosed(): CredenceError {
  return new CredenceError({
    code: 'closed',
    leg: 'configure',
    message: 'The Redis store was closed.',
    remedy: 'Close it after the principals that use it.',
    contact: 'you',
  });
}

/** Settles as `work` does, or rejects after `ms` milliseconds. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' })), ms);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
