import { cleanText } from '../text/clean.ts';

/** A peer's answer is of no use. The message says why in a few words, those of the peer quoted. */
export class PeerFailure extends Error {
  override readonly name = 'PeerFailure';
}

/** Why nothing came of asking a peer, in a few words that are safe to log. */
export function failureOf(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  if (error instanceof PeerFailure) return error.message;
  if (error.name === 'TimeoutError') return 'no answer in time';
  // What happened to the connection is one level down in fetch's TypeError.
  const { code } = (error.cause ?? error) as { code?: unknown };
  return cleanText(typeof code === 'string' ? code : error.name, { max: 60 });
}
