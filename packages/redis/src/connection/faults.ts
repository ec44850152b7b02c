import { CredenceError } from '@credence/core';
import { ErrorReply } from 'redis';

/**
 * The error for a Redis that cannot be reached, does not answer or refuses a command. The error contains neither the
 * command nor the URL.
 */
export function unreachable(cause: unknown): CredenceError {
  const refusal = cause instanceof ErrorReply ? refusalCode(cause.message) : undefined;
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

/** The error code of Redis. Before Redis 7, the code of a command in a script is inside the message of the script. */
function refusalCode(message: string): string | undefined {
  return /^ERR .*-(?<code>[A-Z]{2,20}) /u.exec(message)?.groups?.['code'] ?? /^[A-Z]{2,20}\b/u.exec(message)?.[0];
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
    case 'READONLY':
      return 'This Redis is a replica: give the URL of the primary, or a client made by createSentinel.';
    case 'OOM':
      return 'Redis has no memory left: raise maxmemory, or set maxmemory-policy to volatile-lru.';
    case 'LOADING':
      return 'Redis is loading its data and answers when it has finished.';
    case 'CLUSTERDOWN':
    case 'MASTERDOWN':
      return 'Check the nodes of this Redis: the primary for these keys is down.';
    case 'MISCONF':
      return 'Redis cannot write to its disk and refuses writes; read the Redis log.';
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
