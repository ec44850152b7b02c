import { isError } from '@credence/protocol';
import { CredenceError } from '@credence/core';
import { serverFailure } from './server-failure.ts';

/**
 * The error for any other failure of a request: a response that the SDK cannot use, or a fault of this process. The text of such an
 * error can contain parts of the response, such as its content type, its status text or names of its members, which the model must
 * not get. So no part of the text is used.
 */
export function unusableResponse(server: string, error: unknown): CredenceError {
  // The words that fetch uses for a connection that broke.
  if (isError(error) && error.name === 'TypeError' && /^(?:terminated|fetch failed)$/u.test(error.message)) {
    return serverFailure(server, { kind: 'closed' }, error);
  }
  if (isError(error) && /^(?:TypeError|RangeError|ReferenceError)$/u.test(error.name)) {
    return new CredenceError({
      code: 'invalid_response',
      leg: 'call',
      message: `The request to server "${server}" failed with an unexpected error (${error.name}).`,
      remedy: `Call diagnose("${server}"). If its report is without a failure, check the arguments of the call.`,
      contact: 'you',
      server,
      cause: error,
    });
  }
  // Both SDKs use these words for a result that does not match. They only choose between sentences of Credence.
  if (isError(error) && /\boutput schema\b|\bstructured content\b/iu.test(error.message.slice(0, 1_000))) {
    return new CredenceError({
      code: 'invalid_response',
      leg: 'call',
      message: `Server "${server}" answered with a result that does not match the tool's output schema. The call has run.`,
      remedy: "Ask the server's owner to correct the result or the output schema of the tool.",
      contact: 'server-owner',
      server,
      cause: error,
    });
  }
  return serverFailure(server, undefined, error);
}
