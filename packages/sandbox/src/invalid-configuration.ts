import { CredenceError } from '@credence/core';
import { cleanText } from '@credence/protocol';

/** The error for options that the sandbox cannot use. Both texts can contain names of the user, so they are cleaned. */
export function invalidConfiguration(message: string, remedy: string): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: cleanText(message),
    remedy: cleanText(remedy),
    contact: 'you',
  });
}
