import { CredenceError } from '../errors/credence-error.ts';

/** Returns a required string option. Throws `invalid_configuration`; the message contains `option`. */
export function nonEmpty(value: unknown, option: string): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `${option} is ${value === undefined ? 'missing' : 'empty or not a string'}.`,
    remedy: `Set ${option}; if it comes from an environment variable or a file, check that it has a value.`,
    contact: 'you',
  });
}

/** The error for a callback that threw or a file that cannot be read. Of `cause` it contains only the name and the code. */
export function unavailable(option: string, cause: unknown): CredenceError {
  return new CredenceError({
    code: 'credential_unavailable',
    leg: 'configure',
    message: `${option} could not be obtained${systemCode(cause)}.`,
    remedy: `Check the callback or file of ${option.replace(/^The /u, 'the ')}; it failed or returned nothing.`,
    contact: 'you',
    cause,
  });
}

/** The code of a system error, such as ENOENT or EACCES. The message of the error is not used, because it contains the path. */
function systemCode(cause: unknown): string {
  const code = cause instanceof Error && 'syscall' in cause && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' && /^E[A-Z0-9]{2,20}$/u.test(code) ? ` (${code})` : '';
}
