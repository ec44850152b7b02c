import { isError } from '../text/is-error.ts';
import { BodyTooLargeError } from '../text/bounded-text.ts';
import { cleanText } from '../text/clean.ts';
import { forbiddenAddressIn } from './fetch-named.ts';

/** A peer's response is unusable. The message is the reason in a few words. Text of the peer is quoted in it. */
export class PeerFailure extends Error {
  override readonly name = 'PeerFailure';
}

/** The reason why a request to a peer failed, in a few words that are safe to log. */
export function failureOf(error: unknown): string {
  if (!isError(error)) return 'failed';
  if (error instanceof PeerFailure) return error.message;
  if (error instanceof BodyTooLargeError) return 'the answer is too large';
  if (error.name === 'TimeoutError') return 'no answer in time';
  const forbidden = forbiddenAddressIn(error);
  if (forbidden !== undefined) return forbidden.message;
  // fetch throws a TypeError, and the code of its cause names the network error.
  const { code } = (error.cause ?? error) as { code?: unknown };
  return cleanText(typeof code === 'string' ? code : error.name, { max: 60 });
}
