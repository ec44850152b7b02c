import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { CredenceError, credenceErrorIn, isCredenceError } from './credence-error.ts';

const base = {
  code: 'invalid_client',
  leg: 'redeem',
  message: 'The authorization server does not know this client.',
  remedy: 'Ask for the client to be registered.',
  contact: 'server-owner',
} as const;

describe('CredenceError', () => {
  it('has a summary of one line with the leg, the message, the remedy and the contact', () => {
    expect(new CredenceError(base).summary).toBe(
      '[redeem] The authorization server does not know this client. Ask for the client to be registered. (contact: server-owner)',
    );
  });

  it('removes line breaks, control characters and tokens from the error description of a peer', () => {
    const error = new CredenceError({
      ...base,
      errorDescription: 'bad\r\n2026-11-20 INFO admin logged in\u202e eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln',
    });
    expect(error.errorDescription).toBe('bad 2026-11-20 INFO admin logged in  [redacted]');
  });

  it('cuts a long error description', () => {
    expect(new CredenceError({ ...base, errorDescription: 'x'.repeat(100_000) }).errorDescription).toHaveLength(300);
  });

  it("takes the peer's text from the error description if there is no other, and cleans and cuts it", () => {
    expect(new CredenceError({ ...base, errorDescription: 'wrong\u0000audience' }).peerText).toBe('wrong audience');
    const problem = new CredenceError({ ...base, errorDescription: 'short', peerText: `${'x'.repeat(400)}\n` });
    expect(problem.peerText).toHaveLength(300);
    expect(new CredenceError({ ...base, peerText: ' \u200b ' }).peerText).toBeUndefined();
  });

  it("shows the peer's text, the status, the cause code and the wait to an operator and not in its own words", () => {
    const error = new CredenceError({
      ...base,
      status: 503,
      peerText: 'disk quota',
      retryAfterSeconds: 7,
      cause: new TypeError('fetch failed', { cause: { code: 'ECONNRESET' } }),
    });
    const shown = { status: 503, peerText: 'disk quota', causeCode: 'ECONNRESET', retryAfterSeconds: 7 };
    expect(error.toJSON()).toMatchObject(shown);
    expect(inspect(error)).toContain("peerText: 'disk quota'");
    for (const words of [error.message, error.remedy, error.summary, String(error)])
      expect(words).not.toContain('disk');
  });

  it('takes the cause code of an error that it wraps', () => {
    const inner = new CredenceError({ ...base, cause: { code: 'CERT_HAS_EXPIRED' } });
    expect(new CredenceError({ ...base, cause: inner }).causeCode).toBe('CERT_HAS_EXPIRED');
  });

  it('keeps only the name and the code of the error of a library, not its message or body', () => {
    const library = Object.assign(new TypeError('response was {"access_token":"s3cr3t-value"}'), {
      cause: { body: { access_token: 's3cr3t-value' }, code: 'ECONNREFUSED' },
    });
    const error = new CredenceError({ ...base, cause: library });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('s3cr3t');
    expect(JSON.stringify(error)).not.toContain('s3cr3t');
    expect(error.cause).toMatchObject({ name: 'TypeError', code: 'ECONNREFUSED' });
  });

  it('is recognised by isCredenceError if another copy of the package created it', () => {
    const foreign = Object.assign(new Error('x'), { name: 'CredenceError', leg: 'redeem', remedy: '', contact: 'you' });
    expect(isCredenceError(foreign)).toBe(true);
    expect(isCredenceError(new Error('x'))).toBe(false);
  });
});

describe('credenceErrorIn', () => {
  const refusal = new CredenceError(base);

  it('returns the error itself, or the CredenceError that caused it', () => {
    expect(credenceErrorIn(refusal)).toBe(refusal);
    const wrapped = new Error('the negotiation failed', { cause: new TypeError('fetch failed', { cause: refusal }) });
    expect(credenceErrorIn(wrapped)).toBe(refusal);
  });

  it('returns the CredenceError in the data of a JSON-RPC error, and no object of a server that looks like one', () => {
    expect(credenceErrorIn(Object.assign(new Error('MCP error'), { code: -32000, data: refusal }))).toBe(refusal);
    const sent: unknown = JSON.parse(JSON.stringify(refusal));
    expect(credenceErrorIn(Object.assign(new Error('MCP error'), { code: -32000, data: sent }))).toBeUndefined();
  });

  it('returns undefined for other errors and values, and for an error that is its own cause', () => {
    const circular = new Error('its own cause');
    circular.cause = circular;
    expect(credenceErrorIn(circular)).toBeUndefined();
    expect(credenceErrorIn(new Error('x', { cause: 'a string' }))).toBeUndefined();
    expect(credenceErrorIn('a string')).toBeUndefined();
  });
});
