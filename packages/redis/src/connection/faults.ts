import { CredenceError } from '@credence/core';
import { ErrorReply } from 'redis';

/** Redis could not be asked, did not answer or said no: names the fault, and nothing of the command or the URL. */
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
      return 'Check that Redis runs, and its address and TLS settings.';
    case 'NOAUTH':
    case 'WRONGPASS':
      return 'Check the user and the password of Redis.';
    case 'NOPERM':
      return 'Let the user of Redis run GET, SET and EVAL (with DEL and PEXPIRE) on keys that begin with the prefix.';
    case 'MOVED':
      return 'This Redis is a cluster: give a client made by createCluster.';
    default:
      return 'Look the word up in the documentation of Redis, and look at its log.';
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

/** The outcome of `work`, or a rejection after `ms` milliseconds. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error('too slow'), { code: 'ETIMEDOUT' })), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
