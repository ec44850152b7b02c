import { cleanText, isError } from '@credence/protocol';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import { UnsuitableFileError } from '@credence/protocol/files';

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

/**
 * The error for a callback that threw or a file that cannot be read. The message contains the path. Of `cause` it contains only the
 * name and the code.
 */
export function unavailable(option: string, cause: unknown, file?: string): CredenceError {
  const isEmpty = isCredenceError(cause) && cause.code === 'invalid_configuration';
  const path = file === undefined ? '' : quotedPath(file);
  const how =
    file === undefined
      ? `could not be obtained${systemCode(cause)}`
      : isEmpty
        ? `could not be read from ${path}: the file is empty`
        : cause instanceof UnsuitableFileError
          ? `could not be read from ${path}: ${cause.message}`
          : `could not be read from ${path}${systemCode(cause)}`;
  return new CredenceError({
    code: 'credential_unavailable',
    leg: 'configure',
    message: `${option} ${how}.`,
    remedy:
      file === undefined
        ? `Check the callback of ${option.replace(/^The /u, 'the ')}; it failed or returned nothing.`
        : cause instanceof UnsuitableFileError
          ? cause.remedy
          : `Check that the file exists, that the bot's user may read it and that it has a value: ls -lL ${path}`,
    contact: 'you',
    cause,
  });
}

/** A path for a message. */
export function quotedPath(file: string): string {
  return JSON.stringify(cleanText(file, { max: 300 }));
}

/** The code of a system error, such as ENOENT or EACCES. The message of the error is not used. */
function systemCode(cause: unknown): string {
  const code = isError(cause) && 'syscall' in cause && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' && /^E[A-Z0-9]{2,20}$/u.test(code) ? ` (${code})` : '';
}
