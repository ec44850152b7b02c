import { isDefaultFetch, NotAResponseError } from '@credence/protocol';
import { CredenceError, errorCode } from '../errors/credence-error.ts';
import type { Runtime } from '../runtime/runtime.ts';

/** How HTTP clients name the error that they throw for an error status. */
const STATUS_ERRORS =
  /^(?:ERR_BAD_REQUEST|ERR_BAD_RESPONSE|ERR_NON_2XX_3XX_RESPONSE|UND_ERR_RESPONSE|UND_ERR_RESPONSE_STATUS_CODE)$/u;

/**
 * The error for a `fetch` of the caller that does not do what the Fetch standard says: it returned no Response, threw something that is no
 * Error, threw before it returned a promise, or threw for an error status as HTTP clients such as axios do. Undefined if `error` is none
 * of these.
 */
export function brokenFetch(
  error: unknown,
  { fetch }: Pick<Runtime, 'fetch'>,
  { server, issuer }: { readonly server?: string | undefined; readonly issuer?: string | undefined },
): CredenceError | undefined {
  const fault = faultOf(error, isDefaultFetch(fetch));
  if (fault === undefined) return undefined;
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `The function that is configured as "fetch" does not do what the Fetch standard says: ${fault.what}.`,
    remedy: fault.remedy,
    contact: 'you',
    server,
    issuer,
    cause: error instanceof NotAResponseError ? error.cause : undefined,
  });
}

const LIKE_THE_GLOBAL_FETCH =
  'Give a function that returns a promise of a Response and rejects with an Error, as the global fetch does.';

function faultOf(error: unknown, isDefault: boolean): { what: string; remedy: string } | undefined {
  if (error instanceof NotAResponseError) return { what: error.message, remedy: LIKE_THE_GLOBAL_FETCH };
  if (isDefault) return undefined;
  const status = thrownForStatus(error);
  if (status !== undefined) {
    return {
      what: `it throws for ${status === 'unknown' ? 'an error status' : `the status ${status}`}`,
      remedy: 'Give a function that returns the response for every status; HTTP clients have an option for this.',
    };
  }
  return isError(error) ? undefined : { what: `it threw ${nameOf(error)}`, remedy: LIKE_THE_GLOBAL_FETCH };
}

/** The status of the response for which an HTTP client threw the error: a number, or `unknown` if it does not say which. */
function thrownForStatus(error: unknown): number | 'unknown' | undefined {
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 3; depth += 1) {
    const thrown = at as {
      response?: unknown;
      status?: unknown;
      statusCode?: unknown;
      name?: unknown;
      cause?: unknown;
    };
    const status = statusOf(thrown.response) ?? statusOf(thrown);
    if (status !== undefined) return status;
    if (thrown.name === 'HTTPError') return 'unknown';
    at = thrown.cause;
  }
  return STATUS_ERRORS.test(errorCode(error) ?? '') ? 'unknown' : undefined;
}

function statusOf(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { status, statusCode } = value as { status?: unknown; statusCode?: unknown };
  return [status, statusCode].find(
    (code): code is number => typeof code === 'number' && Number.isInteger(code) && code >= 300 && code <= 599,
  );
}

/** Whether the value is an Error, also one of another realm, or the DOMException of a signal. */
function isError(value: unknown): boolean {
  return value instanceof Error || (typeof value === 'object' && value !== null && 'stack' in value);
}

function nameOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  return typeof value === 'object' ? 'an object that is not an Error' : `a ${typeof value}`;
}
