import { isCredenceError } from '@credence/core';
import { drip, endless, hangUp, type PeerAnswer, silence } from '../../../test/support/peer.ts';
import { jwt } from './jwt.ts';

export const AUDIENCE = 'https://as.example/tenant?x=1&y=2';
/** A text that must be in no error. */
export const BODY_SECRET = 'canary-in-the-answer';
/** A token for the audience. */
export const good = () => jwt({ aud: AUDIENCE, iss: 'https://token.actions.githubusercontent.com' });

/** The CredenceError with which the promise rejects. */
export async function failureOf(action: Promise<unknown>) {
  const error: unknown = await action.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isCredenceError(error)) throw new Error('expected a CredenceError', { cause: error });
  return error;
}

/** An answer without a token in the field `value`, what the error says, and how many requests are sent. */
export const wrongAnswers: [string, PeerAnswer, string, number?][] = [
  ['401', { status: 401, body: { message: BODY_SECRET } }, 'answered 401'],
  ['403', { status: 403, body: { message: BODY_SECRET } }, 'answered 403'],
  ['404', { status: 404, body: BODY_SECRET }, 'answered 404'],
  ['400', { status: 400, body: BODY_SECRET }, 'answered 400'],
  ['204 without a body', { status: 204 }, 'answered 204'],
  ['500 each time', { status: 500, body: BODY_SECRET }, 'answered 500', 3],
  ['429 each time', { status: 429, body: BODY_SECRET }, 'answered 429', 3],
  ['HTML', { body: `<html>${BODY_SECRET}</html>` }, 'JSON field "value"'],
  ['nothing', { body: '' }, 'JSON field "value"'],
  ['a list', { body: [BODY_SECRET] }, 'JSON field "value"'],
  ['JSON without the field', { body: { token: BODY_SECRET } }, 'JSON field "value"'],
  ['a number in the field', { body: { value: 42 } }, 'JSON field "value"'],
  ['null in the field', { body: { value: null } }, 'JSON field "value"'],
  ['an object in the field', { body: { value: { x: BODY_SECRET } } }, 'JSON field "value"'],
  ['half a JSON document', { body: `{"value":"${BODY_SECRET}` }, 'JSON field "value"'],
  ['an empty text in the field', { body: { value: ' ' } }, 'is empty'],
  ['a text that is not a JWT', { body: { value: BODY_SECRET } }, 'does not contain a JWT'],
  ['a JWT whose claims are not JSON', { body: { value: 'aGVsbG8.aGVsbG8.aGVsbG8' } }, 'does not contain a JWT'],
  ['an encrypted JWT', { body: { value: 'a.b.c.d.e' } }, 'does not contain a JWT'],
  ['a JWT without a signature', { body: { value: good().replace(/[^.]*$/u, '') } }, 'does not contain a JWT'],
  ['a token that is too long', { body: { value: jwt({ aud: AUDIENCE, x: 'y'.repeat(70_000) }) } }, 'not contain a JWT'],
  ['a token for another audience', { body: { value: jwt({ aud: 'https://other.example' }) } }, 'requested audience'],
  ['a token without an audience', { body: { value: jwt() } }, 'requested audience'],
  ['a number as the audience', { body: { value: jwt({ aud: 7 }) } }, 'requested audience'],
  ['a redirect', { status: 302, headers: { location: 'https://elsewhere.example/' } }, 'redirect'],
  ['a redirect to itself', { status: 307, headers: { location: '/again' } }, 'redirect'],
  ['an endless body', endless(), 'too large'],
  ['nothing, and keeps the connection open', silence(), 'no answer in time'],
  ['one byte now and then', drip({ body: JSON.stringify({ value: good() }), everyMs: 50 }), 'no answer in time'],
  ['half of an answer and hangs up', hangUp('{"value":"'), 'did not answer', 3],
];
