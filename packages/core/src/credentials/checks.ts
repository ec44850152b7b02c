import { CredenceError } from '../errors/credence-error.ts';

/** A required string option. Throws `invalid_configuration` that names it. */
export function nonEmpty(value: unknown, option: string): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `${option} is ${value === undefined ? 'missing' : 'empty or not a string'}.`,
    remedy: `Give ${option}; if it comes from an environment variable or a file, check that it is set.`,
    contact: 'you',
  });
}

/** What a callback of the user's threw, as an error that names the option and nothing of what was thrown but its kind. */
export function unavailable(option: string, cause: unknown): CredenceError {
  return new CredenceError({
    code: 'credential_unavailable',
    leg: 'configure',
    message: `${option} could not be obtained${systemCode(cause)}.`,
    remedy: `Check the callback or file behind ${option.replace(/^The /u, 'the ')}, which failed or gave nothing.`,
    contact: 'you',
    cause,
  });
}

/** What the system said of a file, such as ENOENT or EACCES: names no path and no content. */
function systemCode(cause: unknown): string {
  const code = cause instanceof Error && 'syscall' in cause && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' && /^E[A-Z0-9]{2,20}$/u.test(code) ? ` (${code})` : '';
}
